/*
 * The files that an edit leaves behind.
 *
 * Copy-on-write: a file that loses rows is written again without them, with the rows that come to
 * its partition (write_plan.h). Merge-on-read: the file stays and its rows are
 * marked; the rows that come make files of their own. A file that loses all rows goes either way,
 * and is not read again.
 */
#include "base/time.h"
#include "delta/stats.h"
#include "table/edit/edit.h"
#include "table/edit/feed_write.h"
#include "table/maintain/policy.h"
#include "table/row_count.h"
#include "table/write_plan.h"

static varve_status remove_file(struct vv_op *op, struct vv_edit *edit,
    const struct vv_file *file, int64_t now_ms)
{
    struct vv_remove *remove = vv_actions_new_remove(&edit->actions, &edit->arena);
    if (remove == NULL)
        return vv_fail_memory(op);
    *remove = vv_remove_of(file, now_ms, true);
    edit->files_removed++;
    edit->bytes_removed += file->bytes;
    edit->vectors_removed += file->dv != NULL;
    return VARVE_OK;
}

static varve_status count_gone(struct vv_op *op, struct vv_edit *edit)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    edit->gone = vv_new(&edit->arena, int64_t, edit->files_len + 1);
    if (edit->gone == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < edit->whole_len; i++) {
        int64_t live = 0;
        VV_TRY(vv_file_live_rows(op, edit->whole[i], &live));
        edit->rows_gone += live;
    }
    if (edit->files_len == 0)
        return VARVE_OK;
    VV_TRY(vv_session_query(op, edit->session,
        VV_STR("SELECT _file, count(*) FROM temp." VV_EDIT_GONE " GROUP BY 1"), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        int64_t file = vv_rows_int64(rows, 0);
        VV_PRE(file >= 0 && (size_t)file < edit->files_len);
        edit->gone[file] = vv_rows_int64(rows, 1);
        edit->rows_gone += edit->gone[file];
    }
}

/*
 * All files that were read, by their sizes; those that rows are copied from, changed or as they are,
 * by their hashes. Of one in which rows are only marked, and nobody is told how they were, no hash is
 * computed: for a large one that would take longer than all else, and it keeps what is on record.
 */
static varve_status begin_check(struct vv_op *op, struct vv_edit *edit)
{
    const struct vv_file **copied = NULL;
    size_t len = 0;
    bool has_feed = vv_feed_wanted(edit->snapshot);
    bool is_copied = has_feed || edit->news_len > 0 || !vv_marks_wanted(edit->snapshot);
    VV_TRY(vv_on_record_sizes(op, edit->table->store, edit->files, edit->files_len));
    VV_NEW(op, &copied, const struct vv_file *, edit->files_len + edit->whole_len + 1);
    for (size_t i = 0; i < edit->files_len && is_copied; i++)
        if (edit->gone[i] > 0)
            copied[len++] = edit->files[i];
    for (size_t i = 0; i < edit->whole_len && has_feed && len > 0; i++) /* as edit_feed.c */
        copied[len++] = edit->whole[i];
    return vv_on_record_begin(op, edit->table->store, copied, len, &edit->on_record);
}

static varve_status mark(struct vv_op *op, struct vv_edit *edit, int64_t now_ms)
{
    VV_TRY(vv_marks_read(op, &edit->marks, VV_STR("SELECT _file, _pos FROM temp." VV_EDIT_GONE),
        edit->files, edit->files_len));
    return vv_marks_apply(op, &edit->marks, now_ms, &edit->actions);
}

/* The files that lose rows are to be rewritten, but for those that nothing is left of. */
static varve_status rewrite(struct vv_op *op, struct vv_edit *edit, struct vv_write_plan *plan,
    int64_t now_ms)
{
    for (size_t i = 0; i < edit->files_len; i++) {
        if (edit->gone[i] == 0)
            continue;
        bool is_emptied = false;
        VV_TRY(remove_file(op, edit, edit->files[i], now_ms));
        VV_TRY(vv_row_count_is_emptied(op, edit->session, edit->table->store, edit->files[i],
            edit->gone[i], &is_emptied));
        if (!is_emptied)
            VV_TRY(vv_write_plan_add_file(op, plan, edit->files[i], (int64_t)i));
    }
    return VARVE_OK;
}

varve_status vv_edit_write(struct vv_op *op, struct vv_edit *edit)
{
    struct vv_write_plan plan = {.table = edit->table,
        .session = edit->session,
        .arena = &edit->arena,
        .snapshot = edit->snapshot,
        .rules = edit->rules,
        .gone = VV_STR("temp." VV_EDIT_GONE " AS g WHERE true"),
        .news = edit->news,
        .news_tie = "",
        .is_news_shared = edit->news_len == 0,
        .target_bytes = vv_policy_target(op, edit->table->name, edit->snapshot->metadata),
        .by_partition = VV_MAP_INIT(&edit->arena)};
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    VV_TRY(count_gone(op, edit));
    VV_TRY(begin_check(op, edit));
    if (edit->news_len > 0)
        VV_TRY(vv_write_plan_count_news(op, &plan));
    if (!vv_marks_wanted(edit->snapshot))
        VV_TRY(rewrite(op, edit, &plan, now_ms));
    else if (edit->files_len > 0)
        VV_TRY(mark(op, edit, now_ms));
    for (size_t i = 0; i < edit->whole_len; i++)
        VV_TRY(remove_file(op, edit, edit->whole[i], now_ms));
    VV_TRY(vv_write_plan_run(op, &plan, &edit->written, &edit->actions));
    edit->rows_copied += plan.rows_copied;
    edit->files_added += plan.files_added;
    edit->bytes_added += plan.bytes_added;
    return VARVE_OK;
}
