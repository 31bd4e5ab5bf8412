/*
 * Who matches whom, and which clause takes it: the target is joined with the source once, and each
 * pair judged once, so that an expression which answers differently each time is asked once.
 */
#include "base/number.h"
#include "engine/sql.h"
#include "engine/sql_tree.h"
#include "table/edit/merge_run.h"
#include "table/edit/new_rows.h"
#include "table/read/scan_sql.h"

#define NAMED_MAX 20 /* rows that an error tells */

bool vv_merge_has(const struct vv_merge *merge, enum vv_merge_when when)
{
    for (size_t i = 0; i < merge->request->clauses_len; i++)
        if (merge->steps[i].when == when)
            return true;
    return false;
}

int64_t vv_merge_count(const struct vv_merge *merge, enum vv_merge_when when,
    enum vv_merge_action action)
{
    int64_t count = 0;
    for (size_t i = 0; i < merge->request->clauses_len; i++)
        if (merge->steps[i].when == when && merge->steps[i].action == action)
            count += merge->counts[i];
    return count;
}

static bool has_update(const struct vv_merge *merge, enum vv_merge_when when)
{
    for (size_t i = 0; i < merge->request->clauses_len; i++)
        if (merge->steps[i].when == when && merge->steps[i].action == VV_MERGE_UPDATE)
            return true;
    return false;
}

/* The step that a row comes to; -1: none. */
static void add_step(const struct vv_merge *merge, enum vv_merge_when when, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CAST(CASE WHEN false THEN -1");
    for (size_t i = 0; i < merge->request->clauses_len; i++) {
        const struct vv_merge_step *step = &merge->steps[i];
        if (step->when != when)
            continue;
        if (step->condition.len > 0)
            vv_buf_addf(sql, " WHEN (%.*s\n) THEN %zu", VV_ARG(step->condition), i);
        else
            vv_buf_addf(sql, " WHEN true THEN %zu", i);
    }
    vv_buf_adds(sql, " ELSE -1 END AS INTEGER)");
}

/* The columns of t by their indexes, for a step that makes new rows of them. */
static void add_columns(const struct vv_schema *schema, struct vv_buf *sql)
{
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_adds(sql, ", t.");
        vv_sql_name(sql, schema->fields[i].name);
        vv_buf_addf(sql, " AS c%zu", i);
    }
}

static varve_status run_users(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_buf *sql)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    if (!vv_buf_ok(sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, "a condition", VV_STR(""));
    return VARVE_OK;
}

static varve_status make_pairs(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_merge_source *source = &merge->source;
    const struct vv_str prefix = source->prefix;
    struct vv_str on;
    VV_TRY(vv_sql_keep_nulls_of(op, edit->session, merge->request->on, &on));
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " VV_MERGE_PAIRS
        " AS SELECT t.%.*sfile AS _file, t.%.*spos AS _pos, s.%.*srow AS _row, ",
        VV_ARG(prefix), VV_ARG(prefix), VV_ARG(prefix));
    add_step(merge, VV_MERGE_MATCHED, &sql);
    vv_buf_adds(&sql, " AS _step");
    if (has_update(merge, VV_MERGE_MATCHED)) {
        add_columns(&edit->snapshot->schema, &sql);
        for (size_t i = 0; i < source->schema.fields_len; i++) {
            if (!vv_merge_knows(source, i))
                continue;
            vv_buf_adds(&sql, ", s.");
            vv_sql_name(&sql, source->schema.fields[i].name);
            vv_buf_addf(&sql, " AS s%zu", i);
        }
    }
    vv_buf_adds(&sql, " FROM ");
    VV_TRY(vv_edit_rows_sql(op, edit, edit->files, edit->files_len, prefix, &sql));
    vv_buf_addf(&sql, " JOIN %.*s AS s ON (%.*s\n)", VV_ARG(source->sql), VV_ARG(on));
    vv_engine_expect(edit->table->engine, vv_files_bytes(edit->files, edit->files_len));
    return run_users(op, edit, &sql);
}

static varve_status make_alone(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_str prefix = merge->source.prefix;
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " VV_MERGE_ALONE
        " AS SELECT * FROM (SELECT t.%.*sfile AS _file, t.%.*spos AS _pos, ",
        VV_ARG(prefix), VV_ARG(prefix));
    add_step(merge, VV_MERGE_NOT_MATCHED_BY_SOURCE, &sql);
    vv_buf_adds(&sql, " AS _step");
    add_columns(&edit->snapshot->schema, &sql);
    vv_buf_adds(&sql, " FROM ");
    VV_TRY(vv_edit_rows_sql(op, edit, edit->files, edit->files_len, prefix, &sql));
    vv_buf_addf(&sql,
        " WHERE NOT EXISTS (SELECT 1 FROM temp." VV_MERGE_PAIRS
        " AS %.*sp WHERE %.*sp._file = t.%.*sfile AND %.*sp._pos = t.%.*spos)) WHERE _step >= "
        "0",
        VV_ARG(prefix), VV_ARG(prefix), VV_ARG(prefix), VV_ARG(prefix), VV_ARG(prefix));
    return run_users(op, edit, &sql);
}

static varve_status make_fresh(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_merge_source *source = &merge->source;
    const struct vv_str prefix = source->prefix;
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " VV_MERGE_FRESH
        " AS SELECT * FROM (SELECT s.%.*srow AS _row, ",
        VV_ARG(prefix));
    add_step(merge, VV_MERGE_NOT_MATCHED, &sql);
    vv_buf_addf(&sql,
        " AS _step FROM %.*s AS s WHERE NOT EXISTS (SELECT 1 FROM temp." VV_MERGE_PAIRS
        " AS %.*sp WHERE %.*sp._row = s.%.*srow)) WHERE _step >= 0",
        VV_ARG(source->sql), VV_ARG(prefix), VV_ARG(prefix), VV_ARG(prefix));
    return run_users(op, edit, &sql);
}

/* "(0, 2)": the steps that update; a row that several pairs give to other ones is deleted once. */
static void add_updates(const struct vv_merge *merge, struct vv_buf *sql)
{
    vv_buf_adds(sql, "(-2");
    for (size_t i = 0; i < merge->request->clauses_len; i++)
        if (merge->steps[i].action == VV_MERGE_UPDATE)
            vv_buf_addf(sql, ", %zu", i);
    vv_buf_addc(sql, ')');
}

/* Names the rows, for there is no telling which row of the source is right. */
static varve_status check_ambiguous(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql,
        "SELECT name, count(*), array_to_string(list_sort(list(_row))[1:5], ', '), "
        "count(*) OVER () FROM (SELECT ");
    vv_new_rows_name_sql(edit, &sql);
    vv_buf_adds(&sql, " AS name, _file, _pos, _row, _step FROM temp." VV_MERGE_PAIRS
                      " WHERE _step >= 0) GROUP BY _file, _pos, name HAVING count(*) > 1 AND "
                      "bool_or(_step IN ");
    add_updates(merge, &sql);
    vv_buf_addf(&sql, ") ORDER BY name, min(_row) LIMIT %d", NAMED_MAX);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row)
        return VARVE_OK;
    int64_t len = vv_rows_int64(rows, 3);
    (void)vv_fail(op, VARVE_EINVALID,
        "merge: several rows of the source would change one row of the table, so that the "
        "outcome "
        "is in doubt: this is so for %" PRId64
        " row%s, the first is %.*s (source rows %.*s%s); "
        "nothing written. Leave one row of the source for each, or say more in the conditions",
        len, vv_plural(len), VV_ARG(vv_rows_text(rows, 0)), VV_ARG(vv_rows_text(rows, 2)),
        vv_rows_int64(rows, 1) > 5 ? ", ..." : "");
    for (bool is_first = true; has_row; is_first = false) {
        vv_detail(op, "%srow %.*s: source rows %.*s%s", is_first ? "" : "\n",
            VV_ARG(vv_rows_text(rows, 0)), VV_ARG(vv_rows_text(rows, 2)),
            vv_rows_int64(rows, 1) > 5 ? ", ..." : "");
        if (vv_rows_next(op, rows, &has_row) != VARVE_OK)
            break;
    }
    return op->error.code;
}

static varve_status make_gone(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE " VV_EDIT_GONE
                      " AS SELECT _file, _pos, min(_step) AS _step, min(_step) IN ");
    add_updates(merge, &sql);
    vv_buf_adds(&sql, " AS _updated FROM (SELECT _file, _pos, _step FROM temp." VV_MERGE_PAIRS
                      " WHERE _step >= 0");
    if (vv_merge_has(merge, VV_MERGE_NOT_MATCHED_BY_SOURCE))
        vv_buf_adds(&sql, " UNION ALL SELECT _file, _pos, _step FROM temp." VV_MERGE_ALONE);
    vv_buf_adds(&sql, ") GROUP BY _file, _pos");
    return vv_buf_ok(&sql) ? vv_session_exec(op, edit->session, vv_buf_str(&sql))
                           : vv_fail_memory(op);
}

static varve_status count_steps(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = true;
    memset(merge->counts, 0, merge->request->clauses_len * sizeof(*merge->counts));
    vv_buf_adds(&sql, "SELECT _step, count(*) FROM (SELECT _step FROM temp." VV_EDIT_GONE);
    if (vv_merge_has(merge, VV_MERGE_NOT_MATCHED))
        vv_buf_adds(&sql, " UNION ALL SELECT _step FROM temp." VV_MERGE_FRESH);
    vv_buf_adds(&sql, ") GROUP BY 1");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        merge->counts[vv_rows_int64(rows, 0)] = vv_rows_int64(rows, 1);
    }
}

/*
 * A row that a source row matches, and that no step takes, stays where it is, and keeps the source
 * row from being inserted: so it matters to what we do whether it is still there.
 */
static varve_status note_asked(struct vv_op *op, struct vv_edit *edit)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = true;
    edit->asked = vv_new(&edit->arena, bool, edit->files_len + 1);
    if (edit->asked == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session,
        VV_STR("SELECT DISTINCT _file FROM temp." VV_MERGE_PAIRS " WHERE _step < 0"), &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        edit->asked[vv_rows_int64(rows, 0)] = true;
    }
}

varve_status vv_merge_match(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge)
{
    VV_TRY(make_pairs(op, edit, merge));
    if (has_update(merge, VV_MERGE_MATCHED))
        VV_TRY(check_ambiguous(op, edit, merge));
    if (vv_merge_has(merge, VV_MERGE_NOT_MATCHED_BY_SOURCE))
        VV_TRY(make_alone(op, edit, merge));
    if (vv_merge_has(merge, VV_MERGE_NOT_MATCHED)) {
        VV_TRY(make_fresh(op, edit, merge));
        VV_TRY(note_asked(op, edit));
    }
    VV_TRY(make_gone(op, edit, merge));
    return count_steps(op, edit, merge);
}
