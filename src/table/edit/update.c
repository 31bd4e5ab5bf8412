/*
 * The update: rows leave their files, and come again changed.
 *
 * One statement reads the rows that the condition is true for and works out what they become, so
 * that an expression which answers differently each time is asked once. The new rows then go the
 * way of all rows into the table: convert, fill, validate.
 */
#include "engine/sql_tree.h"
#include "table/input/batch_input.h"
#include "table/edit/dml.h"
#include "table/edit/new_rows.h"
#include "table/read/predicate_tree.h"
#include "table/record.h"
#include "table/read/scan_sql.h"

#define CHANGED "edit_changed"
#define CONSTANTS "edit_constants"

struct update {
    const struct vv_update_request *request;
    struct vv_predicate *predicate; /* of the attempt's snapshot */
    bool sets_key;
};

/* What one attempt makes of the assignments: an expression or none for each column. */
struct plan {
    struct vv_edit *edit;
    const struct vv_assignment **by_column;
    bool *is_constant; /* by column: it is set to what no row has a part in */
    struct vv_str prefix;
};

/* Of "SELECT 1 WHERE expression". */
static bool is_constant(const struct vv_sql_statement *statement)
{
    static const struct vv_predicate_scope no_columns = {.has_words = false};
    static const struct vv_predicate_names names = {.scope = &no_columns};
    const struct vv_json *iterator = NULL;
    const struct vv_json *first = NULL;
    struct vv_str unused;
    (void)vv_json_each(statement->root, &iterator, &unused, &first);
    return vv_predicate_is_constant(vv_json_get(vv_json_get(first, "node"), "where_clause"),
        &names);
}

static varve_status check_expression(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_assignment *assignment, bool *out_is_constant)
{
    struct vv_sql_statement statement;
    *out_is_constant = true;
    if (vv_edit_is_default(assignment->expression))
        return VARVE_OK;
    struct vv_str what =
        vv_arena_format(&op->arena, "the value of %.*s", VV_ARG(assignment->column));
    if (what.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_sql_read_condition(op, edit->session, what.ptr, assignment->expression,
        &statement));
    *out_is_constant = is_constant(&statement);
    return vv_edit_check_sql(op, edit, what.ptr, assignment->expression);
}

static varve_status read_assignments(struct vv_op *op, struct update *update, struct plan *plan)
{
    const struct vv_schema *schema = &plan->edit->snapshot->schema;
    VV_NEW(op, &plan->by_column, const struct vv_assignment *, schema->fields_len + 1);
    VV_NEW(op, &plan->is_constant, bool, schema->fields_len + 1);
    update->sets_key = false;
    for (size_t i = 0; i < update->request->assignments_len; i++) {
        const struct vv_assignment *assignment = &update->request->assignments[i];
        int32_t column = vv_schema_find(schema, assignment->column);
        if (column < 0)
            return vv_rules_fail_column(op, plan->edit->table->name, schema,
                assignment->column);
        if (plan->by_column[column] != NULL)
            return vv_fail(op, VARVE_EUSAGE, "column %.*s is set twice",
                VV_ARG(assignment->column));
        VV_TRY(check_expression(op, plan->edit, assignment, &plan->is_constant[column]));
        plan->by_column[column] = assignment;
        update->sets_key = update->sets_key || vv_edit_sets_key(plan->edit->rules, column);
    }
    return VARVE_OK;
}

static varve_status add_value(struct vv_op *op, const struct plan *plan, int32_t column,
    struct vv_buf *sql)
{
    const struct vv_assignment *assignment = plan->by_column[column];
    if (assignment != NULL)
        return vv_edit_value_sql(op, plan->edit, column, assignment->expression, sql);
    vv_edit_kept_sql(plan->edit, column, sql);
    return VARVE_OK;
}

/* Columns that derive from another are left to be filled in, unless they are named. */
static varve_status list_columns(struct vv_op *op, const struct plan *plan,
    struct vv_new_column **out, size_t *out_len)
{
    const struct vv_schema *schema = &plan->edit->snapshot->schema;
    VV_NEW(op, out, struct vv_new_column, schema->fields_len + 1);
    *out_len = 0;
    for (size_t i = 0; i < schema->fields_len; i++) {
        if (plan->by_column[i] == NULL && vv_edit_is_derived(plan->edit->rules, (int32_t)i))
            continue;
        struct vv_str name = vv_arena_format(&op->arena, "n%zu", i);
        if (name.ptr == NULL)
            return vv_fail_memory(op);
        (*out)[(*out_len)++] = (struct vv_new_column){.column = (int32_t)i,
            .sql = name,
            .is_later = plan->by_column[i] == NULL && (int32_t)i == plan->edit->rules->order};
    }
    return VARVE_OK;
}

static varve_status read_changed(struct vv_op *op, const struct plan *plan, struct vv_str where,
    const struct vv_new_column *columns, size_t columns_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_edit *edit = plan->edit;
    struct vv_str kept;
    VV_TRY(vv_sql_keep_nulls_of(op, edit->session, where, &kept));
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " CHANGED
        " AS SELECT row_number() OVER () AS \"" VV_INPUT_ROW_COLUMN
        "\", %.*sfile AS _file, %.*spos AS _pos",
        VV_ARG(plan->prefix), VV_ARG(plan->prefix));
    for (size_t i = 0; i < columns_len; i++) {
        vv_buf_adds(&sql, ", ");
        VV_TRY(add_value(op, plan, columns[i].column, &sql));
        vv_buf_addf(&sql, " AS %.*s", VV_ARG(columns[i].sql));
    }
    vv_buf_adds(&sql, " FROM ");
    VV_TRY(vv_edit_rows_sql(op, edit, edit->files, edit->files_len, plan->prefix, &sql));
    vv_buf_addf(&sql, " WHERE (%.*s\n)", VV_ARG(kept));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_engine_expect(edit->table->engine, vv_files_bytes(edit->files, edit->files_len));
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, "a value or the condition", VV_STR(""));
    return vv_session_exec(op, edit->session,
        VV_STR("CREATE OR REPLACE TEMP TABLE " VV_EDIT_GONE
               " AS SELECT _file, _pos FROM temp." CHANGED));
}

/* No row was changed, so none has shown yet whether the columns take what they are set to. */
static varve_status check_constants(struct vv_op *op, const struct plan *plan,
    const struct vv_new_column *columns, size_t columns_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_edit *edit = plan->edit;
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE " CONSTANTS
                      " AS SELECT CAST(1 AS BIGINT) AS \"" VV_INPUT_ROW_COLUMN "\"");
    for (size_t i = 0; i < columns_len; i++) {
        int32_t column = columns[i].column;
        vv_buf_adds(&sql, ", ");
        if (plan->is_constant[column]) {
            VV_TRY(add_value(op, plan, column, &sql));
        } else {
            vv_buf_adds(&sql, "CAST(NULL AS ");
            vv_type_sql(&edit->snapshot->schema.fields[column].type, &sql);
            vv_buf_addc(&sql, ')');
        }
        vv_buf_addf(&sql, " AS %.*s", VV_ARG(columns[i].sql));
    }
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, "a value or the condition", VV_STR(""));
    const struct vv_new_rows constants = {.name = "update",
        .table = VV_STR("temp." CONSTANTS),
        .columns = columns,
        .columns_len = columns_len};
    return vv_new_rows_check_values(op, edit, &constants, plan->is_constant);
}

static varve_status find(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct update *update = data;
    struct plan plan = {.edit = edit};
    struct vv_new_column *columns = NULL;
    size_t columns_len = 0;
    VV_TRY(vv_schema_prefix(op, &edit->snapshot->schema, &plan.prefix));
    VV_TRY(vv_edit_read_condition(op, edit, update->request->where, &update->predicate));
    VV_TRY(read_assignments(op, update, &plan));
    VV_TRY(vv_edit_choose(op, edit, update->predicate, false));
    VV_TRY(list_columns(op, &plan, &columns, &columns_len));
    if (edit->files_len == 0)
        return check_constants(op, &plan, columns, columns_len);
    VV_TRY(read_changed(op, &plan, update->request->where, columns, columns_len));
    const struct vv_new_rows rows = {.name = "update",
        .table = VV_STR("temp." CHANGED),
        .columns = columns,
        .columns_len = columns_len};
    VV_TRY(vv_new_rows_take(op, edit, &rows));
    if (edit->news_len == 0)
        return check_constants(op, &plan, columns, columns_len);
    return update->sets_key ? vv_new_rows_check_keys(op, edit, "update") : VARVE_OK;
}

static varve_status matters(struct vv_op *op, const struct vv_edit *edit, const void *data,
    const struct vv_file *added, bool *out)
{
    const struct update *update = data;
    enum vv_match match = VV_MATCH_SOME;
    VV_TRY(vv_predicate_match(op, update->predicate, added, &match));
    *out = match != VV_MATCH_NONE;
    return *out ? VARVE_OK : vv_new_rows_can_meet(op, edit, added, out);
}

static varve_status record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out)
{
    const struct update *update = data;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    VV_TRY(vv_edit_predicate(op, edit, update->request->where, &out->parameters_json));
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numUpdatedRows", edit->news_len);
    vv_edit_metrics(op, edit, &writer);
    VV_TRY(vv_warned_record(op, &edit->warned, &writer));
    vv_jw_end(&writer);
    return vv_record_keep(op, &edit->arena, &json, &out->metrics_json);
}

varve_status vv_table_update(struct vv_op *op, struct vv_table *table,
    const struct vv_update_request *request, const struct vv_edit_options *options,
    struct vv_edit_result *out)
{
    static const struct vv_edit_kind kind = {.name = "update",
        .operation = {"UPDATE", 6},
        .gone_type = "'update_preimage'",
        .news_type = "'update_postimage'",
        .find = find,
        .matters = matters,
        .record = record};
    struct update update = {.request = request};
    if (request->assignments_len == 0)
        return vv_fail(op, VARVE_EUSAGE, "nothing to set");
    VV_TRY(vv_edit_run(op, table, &kind, &update, options, out));
    out->updated = out->rows_come;
    return VARVE_OK;
}
