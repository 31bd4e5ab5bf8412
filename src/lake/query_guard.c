/*
 * ASOF joins that compare more than a time, where values may be NULL.
 *
 * DuckDB 1.5.6 (its issue 23933) leaves out rows with a NULL in the first pair of compared values
 * alone. In the others, the time among them, a NULL meets a NULL, and a row of the left without a
 * time the last row of the right. So each pair gets an equality beside it that is never NULL itself,
 * and false where either value is:
 *
 *     CASE WHEN (a) IS NULL THEN 1 ELSE 0 END = CASE WHEN (b) IS NULL THEN 2 ELSE 0 END
 *
 * It does not matter to it which of both is the left table's, nor what kind of join it is. A plain
 * "a IS NOT NULL" would not do: of the left side of a LEFT JOIN the engine makes a loop over all
 * pairs of rows. Pairs of NOT NULL columns of two tables of the lake need none.
 *
 * USING has no room for it, and IS NOT DISTINCT FROM loses matches: both are refused.
 */
#include <stdlib.h>

#include "engine/sql_lex.h"
#include "lake/query_script.h"

struct guard {
    size_t offset; /* in the text: behind ON */
    struct vv_str text;
};

struct finder {
    struct vv_op *op;
    struct vv_query_script *script;
    const struct vv_sql_statement *statement;
    const struct vv_query_place *places;
    struct guard *guards;
    size_t len, capacity;
};

/* ---- The tree ----------------------------------------------------------------------------------- */

static varve_status refuse(const struct finder *finder, const struct vv_json *node,
    const char *message)
{
    vv_fail(finder->op, VARVE_EUSAGE, "%s", message);
    vv_sql_point(finder->op, finder->statement, node);
    return VARVE_EUSAGE;
}

static bool reads_column(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "class", "COLUMN_REF"))
        return true;
    while (vv_json_each(value, &iterator, &name, &member))
        if (reads_column(member))
            return true;
    return false;
}

/* The table of the lake that stands on one side of the join by itself; NULL: something else does. */
static const struct vv_query_place *table_of(const struct finder *finder,
    const struct vv_json *side, struct vv_str *out_alias)
{
    for (size_t i = 0; i < finder->statement->tables_len; i++) {
        const struct vv_sql_table *table = &finder->statement->tables[i];
        if (table->node != side || finder->places[i].source == NULL ||
            vv_json_len(vv_json_get(side, "column_name_alias")) > 0)
            continue;
        *out_alias = table->alias.len > 0 ? table->alias : table->name;
        return &finder->places[i];
    }
    return NULL;
}

static bool has_not_null(const struct finder *finder, const struct vv_json *side,
    struct vv_str alias, struct vv_str column)
{
    struct vv_str known_as;
    const struct vv_query_place *place = table_of(finder, side, &known_as);
    if (place == NULL || (alias.ptr != NULL && !vv_str_eq_nocase(alias, known_as)))
        return false;
    const struct vv_schema *schema = &place->source->snapshot->schema;
    int32_t index = vv_schema_find(schema, column);
    return index >= 0 && !schema->fields[index].nullable;
}

/* "p.t", of one side of the join and never NULL. */
static bool is_never_null(const struct finder *finder, const struct vv_json *join,
    const struct vv_json *operand)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *names[2] = {NULL, NULL};
    const struct vv_json *list = vv_json_get(operand, "column_names");
    struct vv_str unused;
    if (!vv_json_is_text(operand, "class", "COLUMN_REF") ||
        vv_json_len(list) != VV_COUNT(names))
        return false;
    for (size_t i = 0; i < VV_COUNT(names); i++)
        (void)vv_json_each(list, &iterator, &unused, &names[i]);
    struct vv_str alias = vv_json_text(names[0]);
    struct vv_str column = vv_json_text(names[1]);
    return has_not_null(finder, vv_json_get(join, "left"), alias, column) ||
           has_not_null(finder, vv_json_get(join, "right"), alias, column);
}

/* ---- The text ----------------------------------------------------------------------------------- */

/* Where the ON of the join at `offset` ends. Those of joins that are its right side stand before it. */
static bool find_on(const struct vv_sql_statement *statement, const struct vv_json *join,
    size_t *out)
{
    struct vv_str rest = vv_str_skip(statement->text, statement->select_offset);
    int64_t offset = -1;
    int64_t depth = 0;
    int64_t joins = -1; /* without their ON, but for this one */
    bool has_on = true;
    if (!vv_json_int64(vv_json_get(join, "query_location"), &offset) || offset < 0 ||
        (uint64_t)offset >= rest.len)
        return false;
    rest = vv_str_skip(rest, (size_t)offset);
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(&rest);
        if (token.kind == VV_SQL_END)
            return false;
        depth += vv_sql_is_sign(token, '(') ? 1 : 0;
        depth -= vv_sql_is_sign(token, ')') ? 1 : 0;
        if (depth > 0)
            continue;
        if (vv_sql_is_word(token, "CROSS") || vv_sql_is_word(token, "NATURAL") ||
            vv_sql_is_word(token, "POSITIONAL"))
            has_on = false;
        if (vv_sql_is_word(token, "JOIN")) {
            joins += has_on ? 1 : 0;
            has_on = true;
        }
        if (!vv_sql_is_word(token, "ON") && !vv_sql_is_word(token, "USING"))
            continue;
        if (joins == 0) {
            *out = (size_t)(rest.ptr - statement->text.ptr);
            return true;
        }
        joins--;
    }
}

static varve_status add_operand(const struct finder *finder, const struct vv_json *operand,
    const char *is_null, struct vv_buf *sql)
{
    struct vv_str text;
    VV_TRY(vv_sql_expression(finder->op, finder->script->session, operand,
        &finder->script->request->params, &text));
    vv_buf_adds(sql, "CASE WHEN (");
    vv_buf_add(sql, text);
    vv_buf_addf(sql, ") IS NULL THEN %s ELSE 0 END", is_null);
    return VARVE_OK;
}

/* Does it compare both sides in a way that the engine joins by? One way of these is refused. */
static bool is_pair(const struct vv_json *condition)
{
    static const char *const types[] = {"COMPARE_EQUAL", "COMPARE_GREATERTHAN",
        "COMPARE_GREATERTHANOREQUALTO", "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_NOT_DISTINCT_FROM"};
    bool is_type = false;
    for (size_t i = 0; i < VV_COUNT(types) && !is_type; i++)
        is_type = vv_json_is_text(condition, "type", types[i]);
    return is_type && vv_json_is_text(condition, "class", "COMPARISON") &&
           reads_column(vv_json_get(condition, "left")) &&
           reads_column(vv_json_get(condition, "right"));
}

/* How many of them, however they are nested in ANDs: of one alone the engine leaves NULL out. */
static size_t count_pairs(const struct vv_json *condition)
{
    const struct vv_json *children = vv_json_get(condition, "children");
    const struct vv_json *iterator = NULL;
    const struct vv_json *child = NULL;
    struct vv_str unused;
    size_t pairs = is_pair(condition) ? 1 : 0;
    while (vv_json_is_text(condition, "type", "CONJUNCTION_AND") &&
           vv_json_each(children, &iterator, &unused, &child))
        pairs += count_pairs(child);
    return pairs;
}

/* For all that a condition compares, however it is nested in ANDs. */
static varve_status add_guards(const struct finder *finder, const struct vv_json *join,
    const struct vv_json *condition, struct vv_buf *sql)
{
    const struct vv_json *children = vv_json_get(condition, "children");
    const struct vv_json *left = vv_json_get(condition, "left");
    const struct vv_json *right = vv_json_get(condition, "right");
    const struct vv_json *iterator = NULL;
    const struct vv_json *child = NULL;
    struct vv_str unused;
    while (vv_json_is_text(condition, "type", "CONJUNCTION_AND") &&
           vv_json_each(children, &iterator, &unused, &child))
        VV_TRY(add_guards(finder, join, child, sql));
    if (!is_pair(condition))
        return VARVE_OK;
    if (vv_json_is_text(condition, "type", "COMPARE_NOT_DISTINCT_FROM"))
        return refuse(finder, condition,
            "IS NOT DISTINCT FROM in an ASOF JOIN loses matches in the engine that Varve has "
            "(DuckDB issue 23933): compare with =, or give NULL a value of its own, as in "
            "coalesce(p.k, '') = coalesce(r.k, '')");
    if (is_never_null(finder, join, left) && is_never_null(finder, join, right))
        return VARVE_OK;
    vv_buf_addc(sql, ' ');
    VV_TRY(add_operand(finder, left, "1", sql));
    vv_buf_adds(sql, " = ");
    VV_TRY(add_operand(finder, right, "2", sql));
    vv_buf_adds(sql, " AND");
    return VARVE_OK;
}

static varve_status guard_join(struct finder *finder, const struct vv_json *join)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct guard guard = {0};
    void *guards = finder->guards;
    if (count_pairs(vv_json_get(join, "condition")) < 2)
        return VARVE_OK;
    VV_TRY(add_guards(finder, join, vv_json_get(join, "condition"), &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(finder->op);
    if (vv_buf_str(&sql).len == 0)
        return VARVE_OK;
    if (!find_on(finder->statement, join, &guard.offset))
        return refuse(finder, join,
            "the condition of this ASOF JOIN can't be made out: put the joins "
            "beside it in brackets");
    guard.text = vv_arena_str(&finder->op->arena, vv_buf_str(&sql));
    if (guard.text.ptr == NULL || !vv_arena_grow(&finder->op->arena, &guards, finder->len,
                                      &finder->capacity, sizeof(guard), _Alignof(struct guard)))
        return vv_fail_memory(finder->op);
    finder->guards = guards;
    finder->guards[finder->len++] = guard;
    return VARVE_OK;
}

static varve_status check_using(const struct finder *finder, const struct vv_json *join)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *column = NULL;
    struct vv_str unused;
    while (vv_json_each(vv_json_get(join, "using_columns"), &iterator, &unused, &column))
        if (!has_not_null(finder, vv_json_get(join, "left"), VV_STR_NONE,
                vv_json_text(column)) ||
            !has_not_null(finder, vv_json_get(join, "right"), VV_STR_NONE,
                vv_json_text(column)))
            return refuse(finder, join,
                "ASOF JOIN ... USING several columns gives wrong rows for NULL in the engine "
                "that Varve has (DuckDB issue 23933): write ON p.k = r.k AND p.t >= r.t");
    return VARVE_OK;
}

static varve_status walk(struct finder *finder, const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "type", "JOIN") && vv_json_is_text(value, "ref_type", "ASOF")) {
        if (vv_json_len(vv_json_get(value, "using_columns")) > 1)
            VV_TRY(check_using(finder, value));
        if (vv_json_is_text(vv_json_get(value, "condition"), "type", "CONJUNCTION_AND"))
            VV_TRY(guard_join(finder, value));
    }
    while (vv_json_each(value, &iterator, &name, &member))
        VV_TRY(walk(finder, member));
    return VARVE_OK;
}

static int guard_cmp(const void *a, const void *b)
{
    const struct guard *left = a;
    const struct guard *right = b;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

static bool may_have_asof(struct vv_str sql)
{
    struct vv_sql_token token;
    do
        token = vv_sql_token_next(&sql);
    while (token.kind != VV_SQL_END && !vv_sql_is_word(token, "ASOF"));
    return token.kind != VV_SQL_END;
}

varve_status vv_query_guard(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, const struct vv_query_place *places,
    struct vv_str sql, struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf changed = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_sql_statement shown = *statement;
    struct finder finder = {op, script, &shown, places, NULL, 0, 0};
    size_t copied = 0;
    *out_sql = sql;
    if (!may_have_asof(sql))
        return VARVE_OK;
    if (!vv_str_eq(statement->text, sql)) /* it has other names of tables in it */
        VV_TRY(vv_sql_read(op, script->session, sql, &shown));
    VV_TRY(walk(&finder, shown.root));
    if (finder.len == 0)
        return VARVE_OK;
    qsort(finder.guards, finder.len, sizeof(*finder.guards), guard_cmp);
    for (size_t i = 0; i < finder.len; i++) {
        size_t offset = finder.guards[i].offset;
        vv_buf_add(&changed, (struct vv_str){sql.ptr + copied, offset - copied});
        vv_buf_add(&changed, finder.guards[i].text);
        copied = offset;
    }
    vv_buf_add(&changed, vv_str_skip(sql, copied));
    if (!vv_buf_ok(&changed))
        return vv_fail_memory(op);
    *out_sql = vv_arena_str(&op->arena, vv_buf_str(&changed));
    return out_sql->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}
