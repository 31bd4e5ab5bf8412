/*
 * ASOF joins with a table of few rows, as lookups.
 *
 * The engine's ASOF join sorts both sides. Where the right one has few rows, which of them was in
 * force is found for each row of the left as it comes (engine/step_function.c), and the engine joins
 * by that number. "FROM p ASOF JOIN r ON p.t >= r.u" becomes
 *
 *     FROM (SELECT *, varve_step(t, (SELECT list(u ORDER BY u) FROM r ...)) AS "varve step" FROM p)
 *     AS p JOIN (SELECT *, row_number() OVER (ORDER BY u) AS "varve step" FROM r ...) AS r
 *     ON p."varve step" = r."varve step"
 *
 * and answers the same. Of several rows of r with one time it takes one, and which is open, as it is
 * with the engine's join, whose sort is not stable.
 *
 * It is written so only where nothing of the statement can tell the difference: p is a table of the
 * lake, r is one or a SELECT of columns of that one, whose rows are the same each time, t and u are
 * timestamps, and nothing asks for all columns, for one by its place, for a table as a value or for
 * the text. A statement that the engine refuses in this form is run as it was written, so that errors
 * are told of the user's words; of one that fails later the line is not shown.
 */
#include <stdlib.h>

#include "delta/stats.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "lake/query_script.h"

#define STEP "varve step"
#define ROWS_MAX 250000 /* of the right side: they are a list in memory */

struct side {
    const struct vv_json *node;         /* in FROM */
    const struct vv_query_place *place; /* of its table */
    struct vv_str alias, time;          /* by which the condition knows it */
    struct vv_str text;                 /* as FROM has it, with its alias */
};

struct join {
    struct side left, right;
    bool is_left; /* rows of the left stay that meet nothing */
    bool is_swapped;
    size_t begin, end; /* in the text */
};

struct finder {
    struct vv_op *op;
    const struct vv_sql_statement *statement;
    const struct vv_query_place *places;
    struct join *joins;
    size_t len, capacity;
};

/* ---- The tree ----------------------------------------------------------------------------------- */

static bool is_absent(const struct vv_json *object, const char *member)
{
    const struct vv_json *value = vv_json_get(object, member);
    return value == NULL || vv_json_is(value, VV_JSON_NULL) ||
           (vv_json_is(value, VV_JSON_ARRAY) && vv_json_len(value) == 0);
}

static const struct vv_json *element(const struct vv_json *array, size_t index)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    for (size_t i = 0; vv_json_each(array, &iterator, &name, &value); i++)
        if (i == index)
            return value;
    return NULL;
}

/* Whether something of a SELECT could see that the tables of its FROM, `from`, have one column more. */
static bool sees_all(const struct join *join, const struct vv_json *value,
    const struct vv_json *from)
{
    const struct vv_json *names = vv_json_get(value, "column_names");
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "class", "STAR") ||
        vv_json_is_text(value, "class", "POSITIONAL_REFERENCE") ||
        vv_str_eq_nocase(vv_json_text(vv_json_get(value, "function_name")),
            VV_STR("current_query")))
        return true;
    if (vv_json_is_text(value, "class", "COLUMN_REF") && vv_json_len(names) == 1) {
        struct vv_str only = vv_json_text(element(names, 0));
        return vv_str_eq_nocase(only, join->left.alias) ||
               vv_str_eq_nocase(only, join->right.alias);
    }
    while (vv_json_each(value, &iterator, &name, &member))
        if (member != from && sees_all(join, member, from))
            return true;
    return false;
}

/* Nothing that gives another value when it is asked again. */
static bool is_steady(const struct vv_json *value)
{
    static const char *const classes[] = {"COLUMN_REF", "STAR", "CONSTANT", "COMPARISON",
        "CONJUNCTION", "CAST", "OPERATOR", "BETWEEN", "PARAMETER"};
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    struct vv_str kind = vv_json_text(vv_json_get(value, "class"));
    bool is_known =
        kind.len == 0 || (vv_str_eq(kind, VV_STR("FUNCTION")) &&
                             vv_json_bool(vv_json_get(value, "is_operator"), false));
    for (size_t i = 0; i < VV_COUNT(classes); i++)
        is_known = is_known || vv_str_eq(kind, vv_str_of(classes[i]));
    while (is_known && vv_json_each(value, &iterator, &name, &member))
        is_known = is_steady(member);
    return is_known;
}

static bool take_table(const struct finder *finder, const struct vv_json *node,
    struct side *side)
{
    if (!vv_json_is_text(node, "type", "BASE_TABLE") || !is_absent(node, "sample") ||
        !is_absent(node, "column_name_alias"))
        return false;
    for (size_t i = 0; i < finder->statement->tables_len; i++) {
        if (finder->statement->tables[i].node != node)
            continue;
        const struct vv_sql_table *table = &finder->statement->tables[i];
        side->place = &finder->places[i];
        side->alias = table->alias.len > 0 ? table->alias : table->name;
        return side->place->source != NULL;
    }
    return false;
}

static bool is_time(const struct side *side, struct vv_str column)
{
    const struct vv_schema *schema = &side->place->source->snapshot->schema;
    int32_t index = vv_schema_find(schema, column);
    return index >= 0 && schema->fields[index].type.kind == VV_TYPE_TIMESTAMP &&
           vv_schema_find(schema, VV_STR(STEP)) < 0;
}

/* Columns of the table alone: of a SELECT that looks at what stands beside it there are many answers. */
static bool has_own_columns(const struct side *side, const struct vv_json *value)
{
    const struct vv_json *names = vv_json_get(value, "column_names");
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "class", "COLUMN_REF")) {
        size_t len = vv_json_len(names);
        bool is_named =
            len == 2 && vv_str_eq_nocase(vv_json_text(element(names, 0)), side->alias);
        struct vv_str column = vv_json_text(element(names, len - 1));
        return (len == 1 || is_named) &&
               vv_schema_find(&side->place->source->snapshot->schema, column) >= 0;
    }
    while (vv_json_each(value, &iterator, &name, &member))
        if (!has_own_columns(side, member))
            return false;
    return true;
}

static bool is_plain_star(const struct vv_json *item)
{
    static const char *const lists[] = {
        "exclude_list", "qualified_exclude_list", "replace_list", "rename_list", "expr"};
    bool is_plain = vv_json_is_text(item, "class", "STAR") &&
                    !vv_json_bool(vv_json_get(item, "columns"), true);
    for (size_t i = 0; i < VV_COUNT(lists); i++)
        is_plain = is_plain && is_absent(item, lists[i]);
    return is_plain;
}

/* How often a SELECT gives out the time column, and that it is a time each time. */
static bool gives_time(const struct side *side, const struct vv_json *list)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    struct vv_str name;
    size_t found = 0;
    while (vv_json_each(list, &iterator, &name, &item)) {
        struct vv_str alias = vv_json_text(vv_json_get(item, "alias"));
        const struct vv_json *names = vv_json_get(item, "column_names");
        struct vv_str column = side->time;
        if (vv_json_is_text(item, "class", "COLUMN_REF"))
            column = vv_json_text(element(names, vv_json_len(names) - 1));
        else if (!is_plain_star(item))
            return false;
        if (!vv_str_eq_nocase(alias.len > 0 ? alias : column, side->time))
            continue;
        if (!is_time(side, column))
            return false;
        found++;
    }
    return found == 1;
}

static bool take_right(const struct finder *finder, struct side *side)
{
    static const char *const none[] = {
        "modifiers", "group_expressions", "group_sets", "having", "sample", "qualify"};
    const struct vv_json *select = vv_json_get(vv_json_get(side->node, "subquery"), "node");
    if (take_table(finder, side->node, side))
        return is_time(side, side->time);
    bool is_plain =
        vv_json_is_text(side->node, "type", "SUBQUERY") && is_absent(side->node, "sample") &&
        is_absent(side->node, "column_name_alias") &&
        vv_json_is_text(select, "type", "SELECT_NODE") &&
        is_absent(vv_json_get(select, "cte_map"), "map") &&
        vv_json_is_text(select, "aggregate_handling", "STANDARD_HANDLING") && is_steady(select);
    for (size_t i = 0; i < VV_COUNT(none); i++)
        is_plain = is_plain && is_absent(select, none[i]);
    if (!is_plain || !take_table(finder, vv_json_get(select, "from_table"), side) ||
        !has_own_columns(side, select))
        return false;
    side->alias = vv_json_text(vv_json_get(side->node, "alias"));
    return side->alias.len > 0 && gives_time(side, vv_json_get(select, "select_list"));
}

/* "p.t >= r.u", or the other way round. */
static bool take_condition(const struct vv_json *condition, struct join *join)
{
    bool is_ge = vv_json_is_text(condition, "type", "COMPARE_GREATERTHANOREQUALTO");
    if (!is_ge && !vv_json_is_text(condition, "type", "COMPARE_LESSTHANOREQUALTO"))
        return false;
    join->is_swapped = !is_ge;
    const struct vv_json *left =
        vv_json_get(vv_json_get(condition, is_ge ? "left" : "right"), "column_names");
    const struct vv_json *right =
        vv_json_get(vv_json_get(condition, is_ge ? "right" : "left"), "column_names");
    if (vv_json_len(left) != 2 || vv_json_len(right) != 2)
        return false;
    join->left = (struct side){
        .alias = vv_json_text(element(left, 0)), .time = vv_json_text(element(left, 1))};
    join->right = (struct side){
        .alias = vv_json_text(element(right, 0)), .time = vv_json_text(element(right, 1))};
    return true;
}

/* ---- The text ----------------------------------------------------------------------------------- */

/* `?` and `$1`: said twice they would be other parameters. */
static bool is_numbered(struct vv_sql_token token, struct vv_str behind)
{
    bool has_number = behind.len > 0 && behind.ptr[0] >= '0' && behind.ptr[0] <= '9';
    return vv_sql_is_sign(token, '?') || (has_number && vv_sql_is_sign(token, '$'));
}

/* Up to a word outside of brackets, which is cut off as well. */
static bool cut_until(struct vv_str *rest, const char *word, struct vv_str *out)
{
    const char *begin = rest->ptr;
    size_t depth = 0;
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(rest);
        if (token.kind == VV_SQL_END || is_numbered(token, *rest) ||
            (depth == 0 && vv_sql_is_sign(token, ')')))
            return false;
        depth += vv_sql_is_sign(token, '(') ? 1 : 0;
        depth -= vv_sql_is_sign(token, ')') ? 1 : 0;
        if (depth > 0 || !vv_sql_is_word(token, word))
            continue;
        *out = (struct vv_str){begin, (size_t)(token.text.ptr - begin)};
        return out->len > 0;
    }
}

static bool cut_join_words(struct vv_str *rest)
{
    static const char *const words[] = {"LEFT", "OUTER", "INNER"};
    struct vv_sql_token token = vv_sql_token_next(rest);
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (vv_sql_is_word(token, words[i]))
            token = vv_sql_token_next(rest);
    return vv_sql_is_word(token, "JOIN");
}

/* "p . t > = r . u": the tree says which names they are. */
static bool cut_condition(struct vv_str *rest, bool is_swapped)
{
    const char signs[] = {0, '.', 0, is_swapped ? '<' : '>', '=', 0, '.', 0};
    for (size_t i = 0; i < VV_COUNT(signs); i++) {
        struct vv_sql_token token = vv_sql_token_next(rest);
        bool is_name = token.kind == VV_SQL_WORD || token.kind == VV_SQL_NAME;
        if (signs[i] == 0 ? !is_name : !vv_sql_is_sign(token, signs[i]))
            return false;
    }
    return true;
}

static bool find_text(const struct finder *finder, struct join *join)
{
    const struct vv_sql_statement *statement = finder->statement;
    struct vv_str rest = vv_str_skip(statement->text, statement->select_offset);
    int64_t offset = -1;
    if (!vv_json_int64(vv_json_get(join->left.node, "query_location"), &offset) || offset < 0 ||
        (uint64_t)offset >= rest.len)
        return false;
    rest = vv_str_skip(rest, (size_t)offset);
    join->begin = (size_t)(rest.ptr - statement->text.ptr);
    bool is_found = cut_until(&rest, "ASOF", &join->left.text) && cut_join_words(&rest) &&
                    cut_until(&rest, "ON", &join->right.text) &&
                    cut_condition(&rest, join->is_swapped);
    join->end = (size_t)(rest.ptr - statement->text.ptr);
    return is_found;
}

/* ---- Which joins -------------------------------------------------------------------------------- */

varve_status vv_query_has_few_rows(struct vv_op *op, const struct vv_file *const *files,
    size_t files_len, bool *out)
{
    int64_t rows = 0;
    *out = true;
    for (size_t i = 0; *out && i < files_len; i++) {
        int64_t of_file = -1;
        VV_TRY(vv_stats_rows(op, files[i], &of_file));
        *out = of_file >= 0 && of_file <= ROWS_MAX - rows;
        rows += *out ? of_file : 0;
    }
    return VARVE_OK;
}

static bool is_lookup(const struct finder *finder, const struct vv_json *select,
    struct join *join)
{
    const struct vv_json *from = vv_json_get(select, "from_table");
    bool is_asof = vv_json_is_text(from, "type", "JOIN") &&
                   vv_json_is_text(from, "ref_type", "ASOF") && is_absent(from, "sample") &&
                   is_absent(from, "using_columns") && is_absent(select, "sample");
    join->is_left = vv_json_is_text(from, "join_type", "LEFT");
    if (!is_asof || !(join->is_left || vv_json_is_text(from, "join_type", "INNER")) ||
        !take_condition(vv_json_get(from, "condition"), join))
        return false;
    struct vv_str left = join->left.alias;
    struct vv_str right = join->right.alias;
    join->left.node = vv_json_get(from, "left");
    join->right.node = vv_json_get(from, "right");
    return take_table(finder, join->left.node, &join->left) &&
           is_time(&join->left, join->left.time) && take_right(finder, &join->right) &&
           vv_str_eq_nocase(left, join->left.alias) &&
           vv_str_eq_nocase(right, join->right.alias) && !sees_all(join, select, from) &&
           find_text(finder, join);
}

/* Not in an expression: where it has no name, its text is that of its column. */
static varve_status find(struct finder *finder, const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    struct join join = {.begin = 0};
    void *joins = finder->joins;
    if (vv_json_is_text(value, "class", "SUBQUERY"))
        return VARVE_OK;
    if (vv_json_is_text(value, "type", "SELECT_NODE") && is_lookup(finder, value, &join)) {
        bool is_few = false;
        VV_TRY(vv_query_has_few_rows(finder->op, join.right.place->pruned.files,
            join.right.place->pruned.files_len, &is_few));
        if (is_few && !vv_arena_grow(&finder->op->arena, &joins, finder->len, &finder->capacity,
                          sizeof(join), _Alignof(struct join)))
            return vv_fail_memory(finder->op);
        finder->joins = joins;
        if (is_few)
            finder->joins[finder->len++] = join;
    }
    while (vv_json_each(value, &iterator, &name, &member))
        VV_TRY(find(finder, member));
    return VARVE_OK;
}

static int join_cmp(const void *a, const void *b)
{
    const struct join *left = a;
    const struct join *right = b;
    return (left->begin > right->begin) - (left->begin < right->begin);
}

/* ---- The lookup --------------------------------------------------------------------------------- */

/* " FROM r WHERE u IS NOT NULL" */
static void add_right(const struct side *right, struct vv_buf *sql)
{
    vv_buf_adds(sql, " FROM ");
    vv_buf_add(sql, right->text);
    vv_buf_adds(sql, " WHERE ");
    vv_sql_name(sql, right->time);
    vv_buf_adds(sql, " IS NOT NULL");
}

static void add_step(const struct side *side, const char *before, struct vv_buf *sql)
{
    vv_buf_adds(sql, before);
    vv_sql_name(sql, side->alias);
    vv_buf_adds(sql, ".\"" STEP "\"");
}

static void add_join(const struct join *join, struct vv_buf *sql)
{
    vv_buf_adds(sql, "(SELECT *, varve_step(");
    vv_sql_name(sql, join->left.time);
    vv_buf_adds(sql, ", (SELECT list(");
    vv_sql_name(sql, join->right.time);
    vv_buf_adds(sql, " ORDER BY ");
    vv_sql_name(sql, join->right.time);
    vv_buf_addc(sql, ')');
    add_right(&join->right, sql);
    vv_buf_adds(sql, ")) AS \"" STEP "\" FROM ");
    vv_buf_add(sql, join->left.text);
    vv_buf_adds(sql, ") AS ");
    vv_sql_name(sql, join->left.alias);
    vv_buf_adds(sql, join->is_left ? " LEFT JOIN " : " JOIN ");
    vv_buf_adds(sql, "(SELECT *, row_number() OVER (ORDER BY ");
    vv_sql_name(sql, join->right.time);
    vv_buf_adds(sql, ") AS \"" STEP "\"");
    add_right(&join->right, sql);
    vv_buf_adds(sql, ") AS ");
    vv_sql_name(sql, join->right.alias);
    add_step(&join->left, " ON ", sql);
    add_step(&join->right, " = ", sql);
}

/* The text that is run has other names of tables in it than the user's; its tree goes with it. */
static varve_status read_again(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_str sql, struct vv_sql_statement *out)
{
    *out = *statement;
    return vv_str_eq(statement->text, sql) ? VARVE_OK
                                           : vv_sql_read(op, script->session, sql, out);
}

static bool may_have_lookup(struct vv_str sql)
{
    struct vv_sql_token token;
    for (size_t at = 0; at + sizeof(STEP) <= sql.len + 1; at++)
        if (vv_str_eq_nocase(vv_str_first(vv_str_skip(sql, at), sizeof(STEP) - 1),
                VV_STR(STEP)))
            return false;
    do
        token = vv_sql_token_next(&sql);
    while (token.kind != VV_SQL_END && !vv_sql_is_word(token, "ASOF"));
    return token.kind != VV_SQL_END;
}

varve_status vv_query_steps(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, const struct vv_query_place *places,
    struct vv_str sql, struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf changed = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_sql_statement shown;
    struct finder finder = {.op = op, .statement = &shown, .places = places};
    size_t copied = 0;
    *out_sql = VV_STR_NONE;
    if (!may_have_lookup(sql))
        return VARVE_OK;
    VV_TRY(read_again(op, script, statement, sql, &shown));
    if (shown.tables_len != statement->tables_len)
        return VARVE_OK;
    VV_TRY(find(&finder, shown.root));
    if (finder.len == 0)
        return VARVE_OK;
    qsort(finder.joins, finder.len, sizeof(*finder.joins), join_cmp);
    for (size_t i = 0; i < finder.len; i++) {
        if (finder.joins[i].begin < copied)
            return VARVE_OK;
        vv_buf_add(&changed, (struct vv_str){sql.ptr + copied, finder.joins[i].begin - copied});
        add_join(&finder.joins[i], &changed);
        copied = finder.joins[i].end;
    }
    vv_buf_add(&changed, vv_str_skip(sql, copied));
    if (!vv_buf_ok(&changed))
        return vv_fail_memory(op);
    *out_sql = vv_arena_str(&op->arena, vv_buf_str(&changed));
    return out_sql->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}
