#include "table/edit/edit.h"
#include "table/edit/feed_write.h"

/*
 * Whole files that go are deletes, new ones inserts, without a word. Not so where a file stays, or
 * comes back in part, and where rows that go and come are the same ones.
 */
static bool is_needed(const struct vv_edit *edit)
{
    bool is_some_read = false;
    for (size_t i = 0; i < edit->files_len; i++)
        is_some_read = is_some_read || edit->gone[i] > 0;
    return is_some_read && (edit->news_len > 0 || edit->files_added > 0 ||
                               edit->marks.added + edit->marks.updated > 0);
}

varve_status vv_edit_feed(struct vv_op *op, struct vv_edit *edit,
    const struct vv_edit_kind *kind)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_feed feed = {.table = edit->table,
        .session = edit->session,
        .snapshot = edit->snapshot,
        .rules = edit->rules,
        .arena = &edit->arena,
        .written = &edit->written,
        .actions = &edit->actions};
    const struct vv_feed_gone gone = {.files = edit->files,
        .files_len = edit->files_len,
        .rows = edit->gone,
        .relation = VV_STR("temp." VV_EDIT_GONE),
        .type = kind->gone_type};
    if (!vv_feed_wanted(edit->snapshot) || !is_needed(edit))
        return VARVE_OK;
    VV_TRY(vv_feed_gone_sql(op, &feed, &gone, &sql));
    if (edit->whole_len > 0) {
        vv_buf_adds(&sql, " UNION ALL ");
        VV_TRY(vv_feed_whole_sql(op, &feed, edit->whole, edit->whole_len, &sql));
    }
    if (edit->news_len > 0) {
        vv_buf_adds(&sql, " UNION ALL ");
        vv_feed_news_sql(&feed, edit->news, kind->news_type, &sql);
    }
    return vv_buf_ok(&sql) ? vv_feed_write(op, &feed, vv_buf_str(&sql)) : vv_fail_memory(op);
}
