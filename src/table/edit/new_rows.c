#include "table/edit/new_rows.h"

#include "base/number.h"
#include "base/time.h"
#include "engine/sql.h"
#include "table/batch/rejects.h"
#include "table/batch/validate.h"

#define NEWS_TABLE "edit_news"
#define NAME_COLUMNS_MAX 3 /* of a row of a table without a key */
#define NAME_CHARACTERS_MAX 60

void vv_new_rows_name_sql(const struct vv_edit *edit, struct vv_buf *sql)
{
    const struct vv_schema *schema = &edit->snapshot->schema;
    const struct vv_rules *rules = edit->rules;
    size_t len = rules->key_len;
    if (len == 0)
        len = schema->fields_len < NAME_COLUMNS_MAX ? schema->fields_len : NAME_COLUMNS_MAX;
    vv_buf_adds(sql, "concat(''");
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
        int32_t column = rules->key_len > 0 ? rules->key[i] : (int32_t)i;
        vv_buf_addf(&name, "%s%.*s = ", i == 0 ? "" : ", ",
            VV_ARG(schema->fields[column].name));
        vv_buf_adds(sql, ", ");
        vv_sql_literal(sql, vv_buf_str(&name));
        vv_buf_addf(sql, ", coalesce(left(CAST(c%d AS VARCHAR), %d), 'NULL')", column,
            NAME_CHARACTERS_MAX);
        sql->failed = sql->failed || !vv_buf_ok(&name);
    }
    vv_buf_addc(sql, ')');
}

/* The rows as validate.h takes them. Types are the engine's own words for them. */
static varve_status describe(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from, struct vv_batch_input *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str sql = vv_arena_format(&op->arena, "DESCRIBE FROM %.*s", VV_ARG(from->table));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    *out = (struct vv_batch_input){.format = VV_INPUT_ARROW,
        .name = vv_str_of(from->name),
        .source = VV_SOURCE_NONE,
        .sql = from->table,
        .row_sql = VV_STR("\"" VV_INPUT_ROW_COLUMN "\""),
        .columns_len = from->columns_len};
    VV_NEW(op, &out->columns, struct vv_str, from->columns_len + 1);
    VV_NEW(op, &out->column_sql, struct vv_str, from->columns_len + 1);
    VV_NEW(op, &out->types, struct vv_str, from->columns_len + 1);
    for (size_t i = 0; i < from->columns_len; i++) {
        out->columns[i] = edit->snapshot->schema.fields[from->columns[i].column].name;
        out->column_sql[i] = from->columns[i].sql;
    }
    VV_TRY(vv_session_query(op, edit->session, sql, &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        for (size_t i = 0; i < from->columns_len; i++) {
            if (!vv_str_eq(vv_rows_text(rows, 0), from->columns[i].sql))
                continue;
            out->types[i] = vv_arena_str(&op->arena, vv_rows_text(rows, 1));
            if (out->types[i].ptr == NULL)
                return vv_fail_memory(op);
        }
    }
}

/* The value is none that anybody has set. */
static bool is_later(const struct vv_new_rows *from, const struct vv_breach *breach)
{
    for (size_t i = 0; i < from->columns_len; i++)
        if (from->columns[i].column == breach->column)
            return from->columns[i].is_later;
    return false;
}

/* "row id = 5: qty = -1 breaks positive (qty > 0)"; of several columns the value names each. */
static varve_status reject_line(struct vv_op *op, const struct vv_rows *rows,
    const struct vv_plan *plan, const struct vv_new_rows *from, struct vv_str *out)
{
    const struct vv_breach *breach = &plan->breaches[vv_rows_int64(rows, 4)];
    struct vv_str column = vv_rows_text(rows, 1);
    bool is_one = column.len > 0 && vv_str_find(column, ',') == column.len;
    bool is_shown = breach->kind != VV_BREACH_NULL;
    struct vv_str value = vv_rows_is_null(rows, 2) ? VV_STR("NULL") : vv_rows_text(rows, 2);
    *out = vv_arena_format(&op->arena, "row %.*s: %.*s%s%.*s %.*s%s",
        VV_ARG(vv_rows_text(rows, 0)), VV_ARG(is_one ? column : VV_STR("")),
        is_one && is_shown ? " = " : "", VV_ARG(is_shown ? value : VV_STR("")),
        VV_ARG(vv_rows_text(rows, 3)),
        is_later(from, breach) ? ", and a changed row has to be later than it was" : "");
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status read_rejects(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_plan *plan, const struct vv_new_rows *from,
    struct vv_str lines[VV_BATCH_REJECTS_MAX], size_t *out_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    vv_buf_adds(&sql, "SELECT ");
    vv_new_rows_name_sql(edit, &sql);
    vv_buf_adds(&sql, ", \"column\", \"value\", rule, _breach FROM temp." VV_REJECTS_TABLE
                      " AS r JOIN temp." NEWS_TABLE " AS b ON r._row = b._row ORDER BY ");
    for (size_t i = 0; i < edit->rules->key_len; i++)
        vv_buf_addf(&sql, "b.c%d, ", edit->rules->key[i]);
    vv_buf_addf(&sql, "r._row, r._breach LIMIT %d", VV_BATCH_REJECTS_MAX);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    for (*out_len = 0;; (*out_len)++) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row || *out_len == VV_BATCH_REJECTS_MAX)
            return VARVE_OK;
        VV_TRY(reject_line(op, rows, plan, from, &lines[*out_len]));
    }
}

static varve_status fail_bad_rows(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from, const struct vv_plan *plan, int64_t bad)
{
    struct vv_str lines[VV_BATCH_REJECTS_MAX];
    size_t len = 0;
    const struct vv_work work = {
        .session = edit->session, .batch = {.sql = VV_STR("temp." NEWS_TABLE)}};
    VV_TRY(vv_rejects_make(op, &work, plan, 1, false));
    VV_TRY(read_rejects(op, edit, plan, from, lines, &len));
    if (len == 0)
        return vv_fail(op, VARVE_EFAILED, "rows were found to be bad, but not why");
    (void)vv_fail(op, VARVE_EINVALID,
        "%s: %" PRId64 " of %" PRId64
        " new row%s break%s a rule of the table, nothing written: "
        "%.*s",
        from->name, bad, edit->news_len, vv_plural(edit->news_len), bad == 1 ? "s" : "",
        VV_ARG(lines[0]));
    for (size_t i = 0; i < len; i++)
        vv_detail(op, "%s%.*s", i > 0 ? "\n" : "", VV_ARG(lines[i]));
    return op->error.code;
}

static varve_status make_plan(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from, struct vv_batch_input *input, struct vv_plan *out)
{
    static const struct vv_batch_options options = {.dedupe = false};
    VV_TRY(describe(op, edit, from, input));
    *out = (struct vv_plan){.input = input,
        .schema = &edit->snapshot->schema,
        .rules = edit->rules,
        .options = &options,
        .keeps_order = from->keeps_order,
        .is_made = true,
        .now_us = edit->started_us};
    return vv_plan_make(op, out);
}

/* A rule of one column alone; what derives of others is filled in, and never NULL for itself. */
static bool is_of_value(const struct vv_edit *edit, const struct vv_breach *breach)
{
    switch (breach->kind) {
    case VV_BREACH_TYPE:
    case VV_BREACH_GAP:
    case VV_BREACH_FINER:
    case VV_BREACH_RANGE:
    case VV_BREACH_NULL_PART:
        return true;
    case VV_BREACH_NULL:
        return !vv_edit_is_derived(edit->rules, breach->column);
    case VV_BREACH_LATER: /* of an upsert alone */
    case VV_BREACH_FAULT:
    case VV_BREACH_PARTITION:
    case VV_BREACH_GENERATED:
    case VV_BREACH_CHECK:
        break;
    }
    return false;
}

varve_status vv_new_rows_check_values(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from, const bool *is_judged)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_batch_input input;
    struct vv_plan plan;
    bool has_row = false;
    size_t len = 0;
    VV_TRY(make_plan(op, edit, from, &input, &plan));
    for (size_t i = 0; i < plan.breaches_len; i++)
        if (is_of_value(edit, &plan.breaches[i]) && is_judged[plan.breaches[i].column])
            plan.breaches[len++] = plan.breaches[i];
    plan.breaches_len = len;
    if (len == 0)
        return VARVE_OK;
    vv_plan_breaches_sql(&plan, VV_STR("IS NOT NULL"), &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row)
        return VARVE_OK;
    bool is_shown = !vv_rows_is_null(rows, 3);
    return vv_fail(op, VARVE_EINVALID,
        "%s: no row is meant by the condition, and one would break a rule of the table: "
        "%.*s%s%.*s %.*s",
        from->name, VV_ARG(vv_rows_text(rows, 2)), is_shown ? " = " : "",
        VV_ARG(is_shown ? vv_rows_text(rows, 3) : VV_STR("")), VV_ARG(vv_rows_text(rows, 4)));
}

/* Bad ones, and rows by the warn-level rules that they break. */
static varve_status count_rows(struct vv_op *op, struct vv_edit *edit, int64_t *out_bad)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT count(*) FILTER (_bad)");
    vv_warned_count_sql(edit->rules, &sql);
    vv_buf_adds(&sql, " FROM temp." NEWS_TABLE);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out_bad = vv_rows_int64(rows, 0);
    return vv_warned_read(op, rows, 1, edit->rules, &edit->warned);
}

varve_status vv_new_rows_take(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_batch_input input;
    struct vv_plan plan;
    int64_t bad = 0;
    int64_t rows = 0;
    VV_TRY(make_plan(op, edit, from, &input, &plan));
    vv_buf_adds(&sql, from->adds ? "INSERT INTO temp." NEWS_TABLE " "
                                 : "CREATE OR REPLACE TEMP TABLE " NEWS_TABLE " AS ");
    vv_plan_rows_sql(&plan, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, edit->session, vv_buf_str(&sql), &rows));
    edit->news_len = rows + (from->adds ? edit->news_len : 0);
    VV_TRY(count_rows(op, edit, &bad));
    if (bad > 0)
        return fail_bad_rows(op, edit, from, &plan, bad);
    edit->news = VV_STR("temp." NEWS_TABLE);
    return VARVE_OK;
}
