/*
 * The keys that the news of an edit would have, and who has them already.
 */
#include "engine/sql.h"
#include "table/upsert/key_groups.h"
#include "table/edit/new_rows.h"
#include "table/file_set.h"
#include "table/read/scan_sql.h"

static void add_keys(const struct vv_edit *edit, const char *from, struct vv_buf *sql)
{
    for (size_t i = 0; i < edit->rules->key_len; i++)
        vv_buf_addf(sql, "%s%s.c%d", i == 0 ? "" : ", ", from, edit->rules->key[i]);
}

/* The first text that a statement yields; ptr NULL: none. */
static varve_status first_text(struct vv_op *op, struct vv_edit *edit, const struct vv_buf *sql,
    struct vv_str *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    *out = VV_STR_NONE;
    if (!vv_buf_ok(sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row)
        return VARVE_OK;
    *out = vv_arena_str(&op->arena, vv_rows_text(rows, 0));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status check_doubles(struct vv_op *op, struct vv_edit *edit, const char *name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str found;
    vv_buf_adds(&sql, "SELECT ");
    vv_new_rows_name_sql(edit, &sql);
    vv_buf_addf(&sql, " FROM (SELECT * FROM %.*s AS n QUALIFY count(*) OVER (PARTITION BY ",
        VV_ARG(edit->news));
    add_keys(edit, "n", &sql);
    vv_buf_adds(&sql, ") > 1) ORDER BY 1 LIMIT 1");
    VV_TRY(first_text(op, edit, &sql, &found));
    if (found.ptr == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "%s: several rows would get the key %.*s; nothing written", name, VV_ARG(found));
}

/* The rows that go, by the index of their file among the candidates. */
static varve_status add_gone(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_candidates *candidates, struct vv_buf *sql)
{
    struct vv_file_set read;
    VV_TRY(vv_file_set_init(op, &op->arena, edit->files, edit->files_len, &read));
    vv_buf_adds(sql,
        "SELECT 1 FROM temp." VV_EDIT_GONE " AS g WHERE g._pos = s._pos AND g._file = ([");
    for (size_t i = 0; i < candidates->files_len; i++) {
        const struct vv_file *file = candidates->files[i];
        size_t index = 0;
        if (vv_file_set_find(&read, file->key, file->dv_id, &index))
            vv_buf_addf(sql, "%s%zu", i == 0 ? "" : ", ", index);
        else
            vv_buf_addf(sql, "%s-1", i == 0 ? "" : ", ");
    }
    vv_buf_adds(sql, "])[s._file + 1]");
    return VARVE_OK;
}

static varve_status check_stored(struct vv_op *op, struct vv_edit *edit,
    const struct vv_candidates *candidates, const char *name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str found;
    const struct vv_scan_source source = {.store = edit->table->store,
        .engine = edit->table->engine,
        .snapshot = edit->snapshot,
        .files = candidates->files,
        .files_len = candidates->files_len,
        .columns = edit->rules->key,
        .columns_len = edit->rules->key_len,
        .names = VV_SCAN_INDEXED};
    vv_buf_adds(&sql, "SELECT ");
    vv_new_rows_name_sql(edit, &sql);
    vv_buf_adds(&sql, " FROM (SELECT s.* FROM (");
    VV_TRY(vv_scan_sql(op, &source, &sql));
    vv_buf_addf(&sql, ") AS s JOIN %.*s AS n ON ", VV_ARG(edit->news));
    for (size_t i = 0; i < edit->rules->key_len; i++)
        vv_buf_addf(&sql, "%ss.c%d = n.c%d", i == 0 ? "" : " AND ", edit->rules->key[i],
            edit->rules->key[i]);
    vv_buf_adds(&sql, " WHERE NOT EXISTS (");
    VV_TRY(add_gone(op, edit, candidates, &sql));
    vv_buf_adds(&sql, ")) ORDER BY 1 LIMIT 1");
    vv_engine_expect(edit->table->engine,
        vv_files_bytes(candidates->files, candidates->files_len));
    VV_TRY(first_text(op, edit, &sql, &found));
    if (found.ptr == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "%s: a row with the key %.*s is there already; nothing written", name, VV_ARG(found));
}

/* Files that go with all their rows hold nobody's key. */
static varve_status drop_whole(struct vv_op *op, const struct vv_edit *edit,
    struct vv_candidates *candidates)
{
    struct vv_file_set whole;
    size_t kept = 0;
    VV_TRY(vv_file_set_init(op, &op->arena, edit->whole, edit->whole_len, &whole));
    for (size_t i = 0; i < candidates->files_len; i++)
        if (!vv_file_set_has(&whole, candidates->files[i]))
            candidates->files[kept++] = candidates->files[i];
    candidates->files_len = kept;
    return VARVE_OK;
}

varve_status vv_new_rows_check_keys(struct vv_op *op, struct vv_edit *edit, const char *name)
{
    struct vv_candidates candidates = {0};
    if (edit->rules->key_len == 0 || edit->news_len == 0)
        return VARVE_OK;
    const struct vv_keyed_rows keyed = {.sql = edit->news};
    VV_TRY(check_doubles(op, edit, name));
    VV_TRY(vv_key_groups_read(op, edit->session, &edit->arena, &edit->snapshot->schema,
        edit->rules, &keyed, &edit->key_groups));
    VV_TRY(vv_candidates_find(op, &edit->arena, edit->snapshot, edit->rules,
        edit->key_groups.items, edit->key_groups.len, &candidates));
    VV_TRY(drop_whole(op, edit, &candidates));
    return candidates.files_len > 0 ? check_stored(op, edit, &candidates, name) : VARVE_OK;
}

varve_status vv_new_rows_can_meet(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_file *added, bool *out)
{
    *out = false;
    if (edit->key_groups.len == 0)
        return VARVE_OK;
    return vv_candidates_can_hold(op, added, edit->snapshot, edit->rules,
        edit->key_groups.items, edit->key_groups.len, out);
}
