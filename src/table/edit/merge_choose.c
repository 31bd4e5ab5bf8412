/*
 * Which files a merge reads: those that can hold a row for which ON is true. Its comparisons with
 * constants say so by themselves; "t.x = s.y" does by the values that s.y has.
 */
#include "engine/sql.h"
#include "engine/sql_tree.h"
#include "table/edit/merge_run.h"
#include "table/read/predicate.h"
#include "table/upsert/upsert_plan.h"

#define VALUES_MAX 100 /* told one by one; more are told by their bounds */

/* One side of a comparison. */
struct side {
    int32_t column;
    bool is_source;
};

struct chooser {
    struct vv_op *op;
    struct vv_edit *edit;
    const struct vv_merge *merge;
    struct vv_buf *sql; /* conditions over t, each with AND before it */
};

static int32_t find_source(const struct vv_merge *merge, struct vv_str name)
{
    int32_t column = vv_schema_find(&merge->source.schema, name);
    return column >= 0 && vv_merge_knows(&merge->source, (size_t)column) ? column : -1;
}

/* A column of the one or the other; false: something else, or nobody can tell. */
static bool read_side(const struct chooser *chooser, const struct vv_json *json,
    struct side *out)
{
    const struct vv_json *names = vv_json_get(json, "column_names");
    const struct vv_json *iterator = NULL, *first = NULL, *second = NULL;
    const struct vv_schema *schema = &chooser->edit->snapshot->schema;
    struct vv_str unused;
    if (!vv_json_is_text(json, "class", "COLUMN_REF") || vv_json_len(names) == 0 ||
        vv_json_len(names) > 2)
        return false;
    (void)vv_json_each(names, &iterator, &unused, &first);
    struct vv_str name = vv_json_text(first);
    int32_t in_table = vv_schema_find(schema, name);
    int32_t in_source = find_source(chooser->merge, name);
    if (vv_json_len(names) == 1) {
        *out = (struct side){in_table >= 0 ? in_table : in_source, in_source >= 0};
        return (in_table >= 0) != (in_source >= 0);
    }
    if (in_table >= 0 || in_source >= 0) /* a field of a struct, maybe */
        return false;
    (void)vv_json_each(names, &iterator, &unused, &second);
    out->is_source = vv_str_eq_nocase(name, VV_STR("s"));
    out->column = out->is_source ? find_source(chooser->merge, vv_json_text(second))
                                 : vv_schema_find(schema, vv_json_text(second));
    return out->column >= 0 && (out->is_source || vv_str_eq_nocase(name, VV_STR("t")));
}

static void add_column(const struct chooser *chooser, const char *before, int32_t column,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, before);
    vv_sql_name(sql, chooser->edit->snapshot->schema.fields[column].name);
}

/* The values of a query of one column, parted; *out_len at most VALUES_MAX + 1. */
static varve_status add_values(const struct chooser *chooser, int32_t column,
    const char *before, const char *after, const char *separator, struct vv_buf *out,
    size_t *out_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_op *op = chooser->op;
    const struct vv_type *type = &chooser->merge->source.schema.fields[column].type;
    const struct vv_str batch = chooser->merge->source.batch.sql;
    vv_buf_adds(&sql, "SELECT ");
    vv_upsert_add_value_sql(&sql, before, column, after, type);
    vv_buf_addf(&sql, " FROM %.*s WHERE c%d IS NOT NULL", VV_ARG(batch), column);
    if (vv_str_of(before).len == 0)
        vv_buf_addf(&sql, " GROUP BY 1 LIMIT %d", VALUES_MAX + 1);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, chooser->edit->session, vv_buf_str(&sql), &rows));
    for (*out_len = 0;; (*out_len)++) {
        struct vv_value value;
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        VV_TRY(vv_upsert_value(op, &op->arena, rows, 0, type, &value));
        vv_buf_adds(out, *out_len > 0 ? separator : "");
        vv_value_sql(&value, type, out);
    }
}

/* What "t.x = s.y" comes to for t. Of another type it would be another comparison. */
static varve_status add_equal(const struct chooser *chooser, int32_t column, int32_t source)
{
    const struct vv_type *type = &chooser->edit->snapshot->schema.fields[column].type;
    VV_CLEANUP(vv_buf_done) struct vv_buf values = VV_BUF_INIT(VV_BUF_MAX);
    size_t len = 0;
    if (!vv_type_is_ordered(type) || vv_type_is_float(type) ||
        !vv_type_eq(type, &chooser->merge->source.schema.fields[source].type))
        return VARVE_OK;
    VV_TRY(add_values(chooser, source, "", "", ", ", &values, &len));
    if (len == 0) {
        vv_buf_adds(chooser->sql, " AND false");
    } else if (len <= VALUES_MAX) {
        add_column(chooser, " AND t.", column, chooser->sql);
        vv_buf_addf(chooser->sql, " IN (%.*s)", VV_ARG(vv_buf_str(&values)));
    } else {
        add_column(chooser, " AND t.", column, chooser->sql);
        vv_buf_adds(chooser->sql, " >= ");
        VV_TRY(add_values(chooser, source, "min(", ")", "", chooser->sql, &len));
        add_column(chooser, " AND t.", column, chooser->sql);
        vv_buf_adds(chooser->sql, " <= ");
        VV_TRY(add_values(chooser, source, "max(", ")", "", chooser->sql, &len));
    }
    return vv_buf_ok(&values) ? VARVE_OK : vv_fail_memory(chooser->op);
}

static varve_status add_node(const struct chooser *chooser, const struct vv_json *json)
{
    const struct vv_json *iterator = NULL, *child = NULL;
    struct vv_str unused;
    struct side left, right;
    if (vv_json_is_text(json, "type", "CONJUNCTION_AND")) {
        while (vv_json_each(vv_json_get(json, "children"), &iterator, &unused, &child))
            VV_TRY(add_node(chooser, child));
        return VARVE_OK;
    }
    if (!vv_json_is_text(json, "type", "COMPARE_EQUAL") ||
        !read_side(chooser, vv_json_get(json, "left"), &left) ||
        !read_side(chooser, vv_json_get(json, "right"), &right) ||
        left.is_source == right.is_source)
        return VARVE_OK;
    return left.is_source ? add_equal(chooser, right.column, left.column)
                          : add_equal(chooser, left.column, right.column);
}

static varve_status read_tree(struct vv_op *op, struct vv_edit *edit, struct vv_str condition,
    const struct vv_json **out)
{
    const struct vv_json *iterator = NULL, *first = NULL;
    struct vv_sql_statement statement;
    struct vv_str unused;
    VV_TRY(vv_sql_read_condition(op, edit->session, "the condition ON", condition, &statement));
    (void)vv_json_each(statement.root, &iterator, &unused, &first);
    *out = vv_json_get(vv_json_get(first, "node"), "where_clause");
    return VARVE_OK;
}

varve_status vv_merge_choose(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct chooser chooser = {op, edit, merge, &sql};
    const struct vv_schema *others[] = {&merge->source.schema};
    const struct vv_predicate_scope scope = {
        .alias = VV_STR("t"), .is_bare = true, .others = others, .others_len = 1};
    struct vv_predicate_part derived = {.node = NULL};
    struct vv_predicate_part part = {.next = &derived};
    if (vv_merge_has(merge, VV_MERGE_NOT_MATCHED_BY_SOURCE)) {
        /* Every row is either matched or not. */
        VV_TRY(read_tree(op, edit, VV_STR("true"), &part.node));
        part.next = NULL;
    } else {
        VV_TRY(read_tree(op, edit, merge->request->on, &part.node));
        vv_buf_adds(&sql, "true");
        VV_TRY(add_node(&chooser, part.node));
        struct vv_str condition = vv_arena_str(&op->arena, vv_buf_str(&sql));
        if (condition.ptr == NULL || !vv_buf_ok(&sql))
            return vv_fail_memory(op);
        VV_TRY(read_tree(op, edit, condition, &derived.node));
    }
    VV_TRY(vv_predicate_of_parts(op, edit->session, edit->snapshot, edit->rules, &scope, &part,
        &merge->predicate));
    return vv_edit_choose(op, edit, merge->predicate, false);
}
