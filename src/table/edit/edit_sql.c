/*
 * A user's expressions over the rows of a table: with the table's names around them and ours out
 * of their way.
 */
#include "delta/stats.h"
#include "engine/sql.h"
#include "engine/sql_tree.h"
#include "table/edit/edit.h"
#include "table/read/predicate.h"
#include "table/read/scan_sql.h"
#include "table/values.h"

varve_status vv_edit_rows_sql(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_file *const *files, size_t files_len, struct vv_str prefix,
    struct vv_buf *sql)
{
    const struct vv_scan_source source = {.store = edit->table->store,
        .engine = edit->table->engine,
        .snapshot = edit->snapshot,
        .files = files,
        .files_len = files_len,
        .names = VV_SCAN_INDEXED};
    vv_buf_addf(sql, "(SELECT _file AS %.*sfile, _pos AS %.*spos", VV_ARG(prefix),
        VV_ARG(prefix));
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        vv_buf_addf(sql, ", c%zu AS ", i);
        vv_sql_name(sql, edit->snapshot->schema.fields[i].name);
    }
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_adds(sql, ")) AS t");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* Within WHERE, where the engine takes neither aggregates nor windows. */
varve_status vv_edit_check_sql(struct vv_op *op, const struct vv_edit *edit, const char *what,
    struct vv_str expression)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str prefix;
    VV_TRY(vv_schema_prefix(op, &edit->snapshot->schema, &prefix));
    vv_buf_adds(&sql, "SELECT 1 FROM ");
    VV_TRY(vv_edit_rows_sql(op, edit, NULL, 0, prefix, &sql));
    vv_buf_addf(&sql, " WHERE ((%.*s\n)) IS NULL", VV_ARG(expression));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, what, expression);
    return VARVE_OK;
}

bool vv_edit_is_default(struct vv_str expression)
{
    return vv_str_eq_nocase(vv_str_trim(expression), VV_STR("DEFAULT"));
}

/* An untyped NULL would become an integer. */
varve_status vv_edit_value_sql(struct vv_op *op, const struct vv_edit *edit, int32_t column,
    struct vv_str expression, struct vv_buf *sql)
{
    const struct vv_field *field = &edit->snapshot->schema.fields[column];
    const struct vv_column_value *values = edit->rules->values;
    bool is_default = vv_edit_is_default(expression);
    if (is_default && values != NULL && values[column].default_text.ptr != NULL) {
        struct vv_str now = vv_arena_format(&op->arena, "%" PRId64, edit->started_us);
        struct vv_str value = VV_STR_NONE;
        if (now.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_values_default_sql(op, field, now, &value));
        vv_buf_add(sql, value);
    } else if (is_default || vv_str_eq_nocase(vv_str_trim(expression), VV_STR("NULL"))) {
        vv_buf_adds(sql, "CAST(NULL AS ");
        vv_type_sql(&field->type, sql);
        vv_buf_addc(sql, ')');
    } else {
        vv_buf_addf(sql, "(%.*s\n)", VV_ARG(expression));
    }
    return VARVE_OK;
}

void vv_edit_kept_sql(const struct vv_edit *edit, int32_t column, struct vv_buf *sql)
{
    const struct vv_field *field = &edit->snapshot->schema.fields[column];
    bool is_instant = field->type.kind == VV_TYPE_TIMESTAMP;
    bool is_order = column == edit->rules->order;
    bool is_time = is_order && (is_instant || field->type.kind == VV_TYPE_TIMESTAMP_NTZ);
    if (is_time) {
        vv_buf_adds(sql, "greatest(");
        if (is_instant)
            vv_sql_timestamptz(sql, edit->started_us);
        else
            vv_sql_timestamp(sql, edit->started_us);
        vv_buf_adds(sql, ", t.");
    } else {
        vv_buf_adds(sql, is_order ? "CAST(t." : "t."); /* what follows may fit no BIGINT */
    }
    vv_sql_name(sql, field->name);
    if (is_order)
        vv_buf_adds(sql, is_time ? " + INTERVAL 1 MICROSECOND)" : " AS HUGEINT) + 1");
}

bool vv_edit_sets_key(const struct vv_rules *rules, int32_t column)
{
    /* What a generated column comes of is not looked into. */
    for (size_t i = 0; i < rules->key_len; i++)
        if (vv_rules_is_generated(rules, rules->key[i]))
            return true;
    for (size_t i = 0; i < rules->partition_from_len; i++)
        if (rules->partition_from[i].source == column &&
            vv_rules_is_key(rules, rules->partition_from[i].partition))
            return true;
    return vv_rules_is_key(rules, column);
}

bool vv_edit_is_derived(const struct vv_rules *rules, int32_t column)
{
    for (size_t i = 0; i < rules->partition_from_len; i++)
        if (rules->partition_from[i].partition == column)
            return true;
    return vv_rules_is_generated(rules, column);
}

varve_status vv_edit_choose(struct vv_op *op, struct vv_edit *edit,
    const struct vv_predicate *predicate, bool with_whole)
{
    size_t len = edit->snapshot->files_len;
    edit->files = vv_new(&edit->arena, const struct vv_file *, len + 1);
    edit->whole = vv_new(&edit->arena, const struct vv_file *, len + 1);
    if (edit->files == NULL || edit->whole == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        const struct vv_file *file = edit->snapshot->files[i];
        enum vv_match match = VV_MATCH_SOME;
        VV_TRY(vv_predicate_match(op, predicate, file, &match));
        /* What is removed unread has to be counted all the same; that a file of other software has no
           row is not believed. */
        int64_t rows = -1;
        VV_TRY(vv_file_live_rows(op, file, &rows));
        bool is_empty = rows == 0 && file->by_varve;
        if (with_whole && match == VV_MATCH_ALL && rows > 0)
            edit->whole[edit->whole_len++] = file;
        else if (match != VV_MATCH_NONE && !is_empty)
            edit->files[edit->files_len++] = file;
    }
    return VARVE_OK;
}

/*
 * A column's name alone is a condition for the engine: whatever is not zero is true. A change that
 * begins with a slip of the hand would be one of all rows.
 */
static varve_status check_is_boolean(struct vv_op *op, const struct vv_edit *edit,
    struct vv_str condition)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str prefix;
    bool has_row = false;
    VV_TRY(vv_schema_prefix(op, &edit->snapshot->schema, &prefix));
    vv_buf_addf(&sql, "SELECT typeof((%.*s\n)) FROM (SELECT 1 AS %.*sone) AS %.*sno LEFT JOIN ",
        VV_ARG(condition), VV_ARG(prefix), VV_ARG(prefix));
    VV_TRY(vv_edit_rows_sql(op, edit, NULL, 0, prefix, &sql));
    vv_buf_adds(&sql, " ON false");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, "the condition", condition);
    VV_TRY(vv_rows_next(op, rows, &has_row));
    struct vv_str type = has_row ? vv_rows_text(rows, 0) : VV_STR("BOOLEAN");
    if (vv_str_eq(type, VV_STR("BOOLEAN")) || vv_str_eq(type, VV_STR("\"NULL\"")))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "the condition \"%.*s\" is of type %.*s, not true or false: compare it with something",
        VV_ARG(condition), VV_ARG(type));
}

varve_status vv_edit_read_condition(struct vv_op *op, const struct vv_edit *edit,
    struct vv_str condition, struct vv_predicate **out)
{
    VV_TRY(vv_predicate_read(op, edit->session, edit->snapshot, edit->rules, "the condition",
        condition, out));
    VV_TRY(vv_edit_check_sql(op, edit, "the condition", condition));
    return check_is_boolean(op, edit, condition);
}

varve_status vv_edit_read_gone(struct vv_op *op, struct vv_edit *edit, struct vv_str where)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str prefix, kept;
    VV_TRY(vv_sql_keep_nulls_of(op, edit->session, where, &kept));
    VV_TRY(vv_schema_prefix(op, &edit->snapshot->schema, &prefix));
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " VV_EDIT_GONE
        " AS SELECT %.*sfile AS _file, %.*spos AS _pos FROM ",
        VV_ARG(prefix), VV_ARG(prefix));
    VV_TRY(vv_edit_rows_sql(op, edit, edit->files, edit->files_len, prefix, &sql));
    vv_buf_addf(&sql, " WHERE (%.*s\n)", VV_ARG(kept));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_engine_expect(edit->table->engine, vv_files_bytes(edit->files, edit->files_len));
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, "the condition", where);
    return VARVE_OK;
}
