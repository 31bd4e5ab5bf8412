/*
 * What the clauses of a merge say: whether the engine can compute it, and the rows that come of it.
 */
#include "engine/sql.h"
#include "engine/sql_tree.h"
#include "table/input/batch_input.h"
#include "table/edit/merge_run.h"
#include "table/edit/new_rows.h"

#define MADE "merge_made"

/* What t and s are to the expressions of a clause, without a row. */
static varve_status add_scope(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge, const enum vv_merge_when *when, struct vv_buf *sql)
{
    const struct vv_merge_source *source = &merge->source;
    bool has_table = when == NULL || *when != VV_MERGE_NOT_MATCHED;
    bool has_source = when == NULL || *when != VV_MERGE_NOT_MATCHED_BY_SOURCE;
    if (has_table)
        VV_TRY(vv_edit_rows_sql(op, edit, NULL, 0, source->prefix, sql));
    if (has_source)
        vv_buf_addf(sql, "%s%.*s AS s", has_table ? ", " : "", VV_ARG(source->sql));
    return VARVE_OK;
}

/* Within WHERE, as vv_edit_check_sql. */
static varve_status check(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge, const enum vv_merge_when *when, const char *what,
    struct vv_str expression)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_sql_statement statement;
    VV_TRY(vv_sql_read_condition(op, edit->session, what, expression, &statement));
    vv_buf_adds(&sql, "SELECT 1 FROM ");
    VV_TRY(add_scope(op, edit, merge, when, &sql));
    vv_buf_addf(&sql, " WHERE ((%.*s\n)) IS NULL LIMIT 0", VV_ARG(expression));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_sql_blame(op, what, expression);
    return VARVE_OK;
}

static varve_status check_condition(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge, const struct vv_merge_step *step)
{
    struct vv_str what =
        vv_arena_format(&op->arena, "the condition \"%.*s\"", VV_ARG(step->condition));
    if (what.ptr == NULL)
        return vv_fail_memory(op);
    return check(op, edit, merge, &step->when, what.ptr, step->condition);
}

static varve_status check_assignments(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge, const struct vv_merge_step *step)
{
    const struct vv_schema *schema = &edit->snapshot->schema;
    for (size_t i = 0; i < step->assignments_len; i++) {
        const struct vv_assignment *assignment = &step->assignments[i];
        int32_t column = vv_schema_find(schema, assignment->column);
        if (column < 0)
            return vv_rules_fail_column(op, edit->table->name, schema, assignment->column);
        for (size_t before = 0; before < i; before++)
            if (vv_schema_find(schema, step->assignments[before].column) == column)
                return vv_fail(op, VARVE_EUSAGE, "column %.*s is set twice",
                    VV_ARG(assignment->column));
        if (vv_edit_is_default(assignment->expression))
            continue;
        struct vv_str what =
            vv_arena_format(&op->arena, "the value of %.*s", VV_ARG(assignment->column));
        if (what.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(check(op, edit, merge, &step->when, what.ptr, assignment->expression));
    }
    return VARVE_OK;
}

varve_status vv_merge_check(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge)
{
    VV_TRY(check(op, edit, merge, NULL, "the condition ON", merge->request->on));
    for (size_t i = 0; i < merge->request->clauses_len; i++) {
        const struct vv_merge_step *step = &merge->steps[i];
        if (step->condition.len > 0)
            VV_TRY(check_condition(op, edit, merge, step));
        VV_TRY(check_assignments(op, edit, merge, step));
    }
    return VARVE_OK;
}

/* Whether a step leaves the column as it is in rows that it changes. */
static bool keeps(const struct vv_edit *edit, const struct vv_merge *merge,
    const struct vv_merge_step *step, int32_t column)
{
    const struct vv_schema *schema = &edit->snapshot->schema;
    bool is_set = step->is_star && merge->source.is_brought[column];
    for (size_t i = 0; i < step->assignments_len && !is_set; i++)
        is_set = vv_schema_find(schema, step->assignments[i].column) == column;
    return step->action == VV_MERGE_UPDATE && !is_set &&
           !vv_edit_is_derived(edit->rules, column);
}

/* What a step makes of the column; none: it is left to be filled in. */
static varve_status add_value(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge, const struct vv_merge_step *step, int32_t column,
    struct vv_buf *sql)
{
    const struct vv_schema *schema = &edit->snapshot->schema;
    for (size_t i = 0; i < step->assignments_len; i++) {
        if (vv_schema_find(schema, step->assignments[i].column) != column)
            continue;
        return vv_edit_value_sql(op, edit, column, step->assignments[i].expression, sql);
    }
    if (step->is_star && merge->source.is_brought[column]) {
        vv_buf_adds(sql, "s.");
        vv_sql_name(sql, schema->fields[column].name);
    } else if (keeps(edit, merge, step, column)) {
        vv_edit_kept_sql(edit, column, sql);
    }
    return VARVE_OK;
}

/* Half of the pairs that a step takes, under the names that its expressions have for it. */
static void add_half(const struct vv_merge *merge, const struct vv_schema *schema, char letter,
    size_t step, struct vv_buf *sql)
{
    vv_buf_addf(sql, "(SELECT rowid AS %.*sid", VV_ARG(merge->source.prefix));
    for (size_t i = 0; i < schema->fields_len; i++) {
        if (letter == 's' && !vv_merge_knows(&merge->source, i))
            continue;
        vv_buf_addf(sql, ", %c%zu AS ", letter, i);
        vv_sql_name(sql, schema->fields[i].name);
    }
    vv_buf_addf(sql, " FROM temp.%s WHERE _step = %zu) AS %c",
        merge->steps[step].when == VV_MERGE_MATCHED ? VV_MERGE_PAIRS : VV_MERGE_ALONE, step,
        letter == 'c' ? 't' : 's');
}

/* The rows that a step takes. */
static void add_rows(const struct vv_edit *edit, const struct vv_merge *merge, size_t step,
    struct vv_buf *sql)
{
    const struct vv_str prefix = merge->source.prefix;
    switch (merge->steps[step].when) {
    case VV_MERGE_MATCHED:
        add_half(merge, &edit->snapshot->schema, 'c', step, sql);
        vv_buf_adds(sql, " JOIN ");
        add_half(merge, &merge->source.schema, 's', step, sql);
        vv_buf_addf(sql, " ON t.%.*sid = s.%.*sid", VV_ARG(prefix), VV_ARG(prefix));
        break;
    case VV_MERGE_NOT_MATCHED:
        vv_buf_addf(sql,
            "(SELECT * FROM %.*s WHERE %.*srow IN (SELECT _row FROM temp." VV_MERGE_FRESH
            " WHERE _step = %zu)) AS s",
            VV_ARG(merge->steps[step].is_star ? merge->source.filled_sql : merge->source.sql),
            VV_ARG(prefix), step);
        break;
    case VV_MERGE_NOT_MATCHED_BY_SOURCE:
        add_half(merge, &edit->snapshot->schema, 'c', step, sql);
        break;
    }
}

static varve_status add_new_column(struct vv_op *op, int32_t column, bool is_later,
    struct vv_new_column *columns, size_t *len)
{
    struct vv_str name = vv_arena_format(&op->arena, "n%d", column);
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    columns[(*len)++] = (struct vv_new_column){column, name, is_later};
    return VARVE_OK;
}

/* Each step on its own: a value keeps the type that it has, and is converted exactly or not at all. */
static varve_status make_step(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge, size_t index)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *made = NULL;
    const struct vv_merge_step *step = &merge->steps[index];
    struct vv_new_column *columns = NULL;
    size_t columns_len = 0;
    size_t fields_len = edit->snapshot->schema.fields_len;
    VV_NEW(op, &columns, struct vv_new_column, fields_len + 1);
    /* The number tells what the row is to the change feed, too. */
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " MADE " AS SELECT 2 * (%" PRId64
        " + row_number() OVER ()) + %d AS \"" VV_INPUT_ROW_COLUMN "\"",
        edit->news_len, step->action == VV_MERGE_INSERT);
    for (size_t i = 0; i < fields_len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(VV_BUF_MAX);
        VV_TRY(add_value(op, edit, merge, step, (int32_t)i, &value));
        if (!vv_buf_ok(&value))
            return vv_fail_memory(op);
        if (vv_buf_str(&value).len == 0)
            continue;
        bool is_later =
            (int32_t)i == edit->rules->order && keeps(edit, merge, step, (int32_t)i);
        VV_TRY(add_new_column(op, (int32_t)i, is_later, columns, &columns_len));
        vv_buf_addf(&sql, ", %.*s AS n%zu", VV_ARG(vv_buf_str(&value)), i);
    }
    vv_buf_adds(&sql, " FROM ");
    add_rows(edit, merge, index, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &made) != VARVE_OK)
        return vv_sql_blame(op, "a value", VV_STR(""));
    vv_rows_close(&made);
    const struct vv_new_rows rows = {.name = "merge",
        .table = VV_STR("temp." MADE),
        .columns = columns,
        .columns_len = columns_len,
        .adds = edit->news_len > 0};
    return vv_new_rows_take(op, edit, &rows);
}

static bool step_sets_key(const struct vv_edit *edit, const struct vv_merge *merge,
    const struct vv_merge_step *step)
{
    const struct vv_schema *schema = &edit->snapshot->schema;
    for (size_t i = 0; i < schema->fields_len; i++)
        if (step->is_star && merge->source.is_brought[i] &&
            vv_edit_sets_key(edit->rules, (int32_t)i))
            return true;
    for (size_t i = 0; i < step->assignments_len; i++)
        if (vv_edit_sets_key(edit->rules, vv_schema_find(schema, step->assignments[i].column)))
            return true;
    return step->action == VV_MERGE_INSERT;
}

varve_status vv_merge_make_news(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge)
{
    bool sets_key = false;
    for (size_t i = 0; i < merge->request->clauses_len; i++) {
        if (merge->counts[i] == 0 || merge->steps[i].action == VV_MERGE_DELETE)
            continue;
        VV_TRY(make_step(op, edit, merge, i));
        sets_key = sets_key || step_sets_key(edit, merge, &merge->steps[i]);
    }
    return sets_key ? vv_new_rows_check_keys(op, edit, "merge") : VARVE_OK;
}
