/*
 * IS [NOT] DISTINCT FROM beside OR, where values may be NULL.
 *
 * Of an OR whose parts all compare one column with constants DuckDB 1.5.6 makes a filter for whole row
 * groups, which it holds against their least and greatest value. NULL is neither: "x IS DISTINCT FROM
 * 5 OR x = 7" passes over a row group that has but 5 and NULL, or NULL alone, and its rows are lost. So
 * a column that is compared in this way stands in the text as
 *
 *     (CASE WHEN x IS NULL THEN NULL ELSE x END)
 *
 * which is the same value and no column to the engine. Left as they are in a WHERE and an ON: those
 * that hold together with all else of it, of which no filter is made and joins are.
 *
 * In what a SELECT gives out, groups by, sorts by, and holds against its groups all are changed, at the
 * top of a HAVING or QUALIFY too: filters from outside come down to it, and what was one expression in
 * two of these places has to stay one. So of "GROUP BY x % 2" the x is changed as well, where x % 2 is
 * compared. A column that was called by its text keeps that name: "(x IS DISTINCT FROM 5)": (CASE ...
 * The outermost SELECT keeps the text itself where it may (is_plain): no filter comes down to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"

#define CONDITION "SELECT 1 WHERE " /* as vv_sql_read_condition has it */

struct place {
    size_t offset, len; /* of a column in the text, or of an item of a SELECT: len 0 */
    struct vv_str name; /* that the item would have */
};

/* What one SELECT compares, and what that is made of, unless it is a column or a constant. */
struct part {
    const struct vv_json *value;
    size_t size; /* nodes of its tree: most that are not the same differ in it */
};

struct compared {
    struct part *items;
    size_t len, capacity;
};

struct finder {
    struct vv_op *op;
    struct vv_session *session;
    const struct vv_sql_statement *statement;
    struct place *places;
    size_t len, capacity;
    const struct compared *compared; /* of the SELECT that the walk is in */
    size_t depth;   /* how many SELECTs it is in, those of a WITH deeper by one */
    bool is_in_set; /* UNION and the like */
    bool is_plain;  /* the outermost SELECT gives out, and has no other clause of expressions */
};

/* What a part of the tree is within. */
enum within {
    WITHIN_NONE,  /* of these: what is no condition, and no other one's part */
    WITHIN_AND,   /* of a condition, however deep in it */
    WITHIN_OTHER, /* OR, NOT, CASE: what may be, or come to be, part of an OR */
    WITHIN_OUTPUT /* of a SELECT, which may come to be part of one too, and is the same in its clauses */
};

static bool is_distinct(const struct vv_json *value)
{
    return vv_json_is_text(value, "class", "COMPARISON") &&
           (vv_json_is_text(value, "type", "COMPARE_DISTINCT_FROM") ||
               vv_json_is_text(value, "type", "COMPARE_NOT_DISTINCT_FROM"));
}

/* A column that the tree has no name for, outside of subqueries. */
static bool has_nameless(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    bool has = vv_json_is_text(value, "class", "STAR") ||
               vv_json_is_text(value, "class", "POSITIONAL_REFERENCE");
    while (!has && vv_json_each(value, &iterator, &name, &member))
        has = !vv_str_eq(name, VV_STR("subquery")) && has_nameless(member);
    return has;
}

/*
 * Wherever it stands and whatever it is called. "t.x" is an "X" here, and 'a' an 'A': what is the same
 * to the engine is so here, and it does no harm that more is.
 */
static bool is_same(const struct vv_json *a, const struct vv_json *b)
{
    const struct vv_json *a_iterator = NULL;
    const struct vv_json *b_iterator = NULL;
    const struct vv_json *a_member = NULL;
    const struct vv_json *b_member = NULL;
    struct vv_str a_name, b_name;
    bool is_column = vv_json_is_text(a, "class", "COLUMN_REF");
    if (vv_json_kind(a) != vv_json_kind(b) ||
        !vv_str_eq_nocase(vv_json_text(a), vv_json_text(b)))
        return false;
    if (is_column && vv_json_is_text(b, "class", "COLUMN_REF")) {
        struct vv_str a_last = VV_STR_NONE;
        struct vv_str b_last = VV_STR_NONE;
        while (vv_json_each(vv_json_get(a, "column_names"), &a_iterator, &a_name, &a_member))
            a_last = vv_json_text(a_member);
        while (vv_json_each(vv_json_get(b, "column_names"), &b_iterator, &b_name, &b_member))
            b_last = vv_json_text(b_member);
        return vv_str_eq_nocase(a_last, b_last);
    }
    while (vv_json_each(a, &a_iterator, &a_name, &a_member)) {
        if (!vv_json_each(b, &b_iterator, &b_name, &b_member) || !vv_str_eq(a_name, b_name))
            return false;
        if (!vv_str_eq(a_name, VV_STR("query_location")) &&
            !vv_str_eq(a_name, VV_STR("alias")) && !is_same(a_member, b_member))
            return false;
    }
    return !vv_json_each(b, &b_iterator, &b_name, &b_member);
}

static size_t size_of(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    size_t size = 1;
    if (vv_json_is_text(value, "class", "COLUMN_REF"))
        return size;
    while (vv_json_each(value, &iterator, &name, &member))
        size += size_of(member);
    return size;
}

static bool is_compared(const struct finder *finder, const struct vv_json *value)
{
    const struct compared *compared = finder->compared;
    size_t size = compared != NULL && compared->len > 0 ? size_of(value) : 0;
    for (size_t i = 0; compared != NULL && i < compared->len; i++)
        if (compared->items[i].size == size && is_same(compared->items[i].value, value))
            return true;
    return false;
}

static bool is_more_than_column(const struct vv_json *value)
{
    return vv_json_text(vv_json_get(value, "class")).len > 0 &&
           !vv_json_is_text(value, "class", "COLUMN_REF") &&
           !vv_json_is_text(value, "class", "CONSTANT") &&
           !vv_json_is_text(value, "class", "PARAMETER");
}

static varve_status collect(struct finder *finder, const struct vv_json *value,
    bool is_in_distinct, struct compared *out)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (is_in_distinct && is_more_than_column(value) && !has_nameless(value)) {
        void *items = out->items;
        if (!vv_arena_grow(&finder->op->arena, &items, out->len, &out->capacity,
                sizeof(struct part), _Alignof(struct part)))
            return vv_fail_memory(finder->op);
        out->items = items;
        out->items[out->len++] = (struct part){value, size_of(value)};
    }
    if (vv_json_is_text(value, "class", "LAMBDA")) /* what is named there is no column */
        return VARVE_OK;
    is_in_distinct = is_in_distinct || is_distinct(value);
    while (vv_json_each(value, &iterator, &name, &member))
        if (!vv_str_eq(name, VV_STR("subquery")))
            VV_TRY(collect(finder, member, is_in_distinct, out));
    return VARVE_OK;
}

/* "t.x" at the front, as the tree has it; 0: something else is there. */
static size_t column_len(struct vv_str text, const struct vv_json *names)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *name = NULL;
    struct vv_str rest = text;
    struct vv_str unused;
    while (vv_json_each(names, &iterator, &unused, &name)) {
        if (rest.ptr != text.ptr && !vv_sql_is_sign(vv_sql_token_next(&rest), '.'))
            return 0;
        struct vv_sql_token token = vv_sql_token_next(&rest);
        bool is_it = token.kind == VV_SQL_WORD
                         ? vv_str_eq_nocase(token.text, vv_json_text(name))
                         : token.kind == VV_SQL_NAME && token.is_closed;
        if (!is_it)
            return 0;
    }
    return text.len - rest.len;
}

static varve_status refuse(const struct finder *finder, const struct vv_json *node)
{
    vv_fail(finder->op, VARVE_EUSAGE,
        "IS [NOT] DISTINCT FROM beside OR loses rows with NULL in the engine that Varve has, "
        "unless it compares columns by their names: name the column");
    vv_sql_point(finder->op, finder->statement, node);
    return VARVE_EUSAGE;
}

static varve_status add_place(struct finder *finder, struct place place)
{
    void *places = finder->places;
    if (!vv_arena_grow(&finder->op->arena, &places, finder->len, &finder->capacity,
            sizeof(place), _Alignof(struct place)))
        return vv_fail_memory(finder->op);
    finder->places = places;
    finder->places[finder->len++] = place;
    return VARVE_OK;
}

static varve_status add_column(struct finder *finder, const struct vv_json *column)
{
    const struct vv_sql_statement *statement = finder->statement;
    struct vv_str text = vv_str_skip(statement->text, statement->select_offset);
    int64_t offset = -1;
    if (!vv_json_int64(vv_json_get(column, "query_location"), &offset) || offset < 0 ||
        (uint64_t)offset >= text.len)
        return refuse(finder, column);
    struct place place = {.offset = statement->select_offset + (size_t)offset,
        .len =
            column_len(vv_str_skip(text, (size_t)offset), vv_json_get(column, "column_names"))};
    if (place.len == 0)
        return refuse(finder, column);
    return add_place(finder, place);
}

/* The columns of what is compared: "x + 0" is one to the engine in the end. */
static varve_status add_columns(struct finder *finder, const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "class", "COLUMN_REF"))
        return add_column(finder, value);
    if (vv_json_is_text(value, "class", "STAR") ||
        vv_json_is_text(value, "class", "POSITIONAL_REFERENCE"))
        return refuse(finder, value);
    if (vv_json_is_text(value, "class", "SUBQUERY") ||
        vv_json_is_text(value, "class", "LAMBDA") || vv_json_is_text(value, "class", "WINDOW"))
        return VARVE_OK;
    while (vv_json_each(value, &iterator, &name, &member))
        VV_TRY(add_columns(finder, member));
    return VARVE_OK;
}

static varve_status walk(struct finder *finder, const struct vv_json *value,
    enum within within);

/* Where something of an expression stands, outside of its subqueries; false: the tree doesn't say. */
static bool stands_at(const struct vv_json *value, size_t *out_offset)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    int64_t offset = -1;
    if (vv_json_int64(vv_json_get(value, "query_location"), &offset) && offset >= 0) {
        *out_offset = (size_t)offset;
        return true;
    }
    while (vv_json_each(value, &iterator, &name, &member))
        if (!vv_str_eq(name, VV_STR("subquery")) && stands_at(member, out_offset))
            return true;
    return false;
}

/* Behind "SELECT": ALL, DISTINCT, and what DISTINCT is ON. */
static void skip_distinct(struct vv_str *rest)
{
    struct vv_str ahead = *rest;
    struct vv_sql_token token = vv_sql_token_next(&ahead);
    if (!vv_sql_is_word(token, "ALL") && !vv_sql_is_word(token, "DISTINCT"))
        return;
    *rest = ahead;
    if (!vv_sql_is_word(token, "DISTINCT") || !vv_sql_is_word(vv_sql_token_next(&ahead), "ON"))
        return;
    size_t depth = 0;
    do {
        token = vv_sql_token_next(&ahead);
        depth += vv_sql_is_sign(token, '(') ? 1 : 0;
        depth -= vv_sql_is_sign(token, ')') && depth > 0 ? 1 : 0;
    } while (depth > 0 && token.kind != VV_SQL_END);
    *rest = ahead;
}

static bool is_one_of(struct vv_sql_token token, const char *signs)
{
    return token.kind == VV_SQL_SIGN && strchr(signs, token.text.ptr[0]) != NULL;
}

/*
 * Where the item of a SELECT begins that has something at `offset`: behind the SELECT, or behind a
 * comma, of the innermost brackets around it that have a SELECT. SIZE_MAX: there is none.
 */
static varve_status item_start(struct finder *finder, struct vv_str text, size_t offset,
    size_t *out)
{
    struct vv_str rest = text;
    void *starts = NULL;
    size_t depth = 0;
    size_t capacity = 0;
    bool opens = true;
    bool is_member = false;
    for (;;) {
        if (opens && !vv_arena_grow(&finder->op->arena, &starts, depth, &capacity,
                         sizeof(size_t), _Alignof(size_t)))
            return vv_fail_memory(finder->op);
        size_t *start = (size_t *)starts + depth;
        if (opens)
            *start = SIZE_MAX;
        rest = vv_sql_skip_blank(rest, NULL);
        if (rest.len == 0 || text.len - rest.len >= offset)
            break;
        struct vv_sql_token token = vv_sql_token_next(&rest);
        if (!is_member && vv_sql_is_word(token, "SELECT"))
            skip_distinct(&rest);
        if ((!is_member && vv_sql_is_word(token, "SELECT")) ||
            (*start != SIZE_MAX && vv_sql_is_sign(token, ',')))
            *start = text.len - vv_sql_skip_blank(rest, NULL).len;
        is_member = vv_sql_is_sign(token, '.');
        opens = is_one_of(token, "([{");
        if (opens)
            depth++;
        else if (is_one_of(token, ")]}") && depth > 0)
            depth--;
    }
    const size_t *start = starts;
    while (depth > 0 && start[depth] == SIZE_MAX)
        depth--;
    *out = start[depth];
    return VARVE_OK;
}

/* What gives a column of the answer its name is not its text any more. */
static varve_status add_name(struct finder *finder, const struct vv_json *item)
{
    const struct vv_sql_statement *statement = finder->statement;
    struct place place = {0};
    size_t offset = 0;
    if (!stands_at(item, &offset))
        return VARVE_OK;
    VV_TRY(item_start(finder, vv_str_skip(statement->text, statement->select_offset), offset,
        &place.offset));
    if (place.offset == SIZE_MAX)
        return VARVE_OK;
    place.offset += statement->select_offset;
    VV_TRY(vv_sql_column_name(finder->op, finder->session, item, &place.name));
    return add_place(finder, place);
}

/*
 * No filter comes down to the outermost SELECT: there "COLUMNS(...)" need not be refused, nor any
 * unnamed item be changed, if there is no clause that it has to be the same in.
 */
static varve_status walk_list(struct finder *finder, const struct vv_json *list)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    struct vv_str name;
    while (vv_json_each(list, &iterator, &name, &item)) {
        bool is_named = vv_json_text(vv_json_get(item, "alias")).len > 0;
        bool is_nameless = has_nameless(item);
        bool stays = !is_named && finder->depth == 1 && (is_nameless || finder->is_plain);
        size_t before = finder->len;
        VV_TRY(walk(finder, item, stays ? WITHIN_NONE : WITHIN_OUTPUT));
        if (!is_named && !is_nameless && finder->len > before)
            VV_TRY(add_name(finder, item));
    }
    return VARVE_OK;
}

static bool is_output(struct vv_str name)
{
    return vv_str_eq(name, VV_STR("select_list")) ||
           vv_str_eq(name, VV_STR("group_expressions")) || vv_str_eq(name, VV_STR("having")) ||
           vv_str_eq(name, VV_STR("qualify")) || vv_str_eq(name, VV_STR("modifiers"));
}

static bool has_expression(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    bool has = is_more_than_column(value);
    while (!has && vv_json_each(value, &iterator, &name, &member))
        has = has_expression(member);
    return has;
}

static bool is_plain(const struct vv_json *select)
{
    return vv_json_len(vv_json_get(select, "group_expressions")) == 0 &&
           vv_json_is_text(select, "aggregate_handling", "STANDARD_HANDLING") &&
           !has_expression(vv_json_get(select, "having")) &&
           !has_expression(vv_json_get(select, "qualify")) &&
           !has_expression(vv_json_get(select, "modifiers"));
}

static varve_status walk_clauses(struct finder *finder, const struct vv_json *select)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    while (vv_json_each(select, &iterator, &name, &member)) {
        bool is_sorted = vv_str_eq(name, VV_STR("modifiers"));
        enum within within = WITHIN_NONE;
        if (vv_str_eq(name, VV_STR("where_clause")))
            within = WITHIN_AND;
        else if (is_output(name) && !(is_sorted && has_nameless(member)))
            within = WITHIN_OUTPUT;
        VV_TRY(vv_str_eq(name, VV_STR("select_list")) ? walk_list(finder, member)
                                                      : walk(finder, member, within));
    }
    return VARVE_OK;
}

static varve_status walk_select(struct finder *finder, const struct vv_json *select)
{
    const struct compared *outer = finder->compared;
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct compared compared = {0};
    struct vv_str name;
    while (vv_json_each(select, &iterator, &name, &member))
        if (is_output(name))
            VV_TRY(collect(finder, member, false, &compared));
    finder->compared = &compared;
    if (finder->depth++ == 0)
        finder->is_plain = !finder->is_in_set && is_plain(select);
    varve_status status = walk_clauses(finder, select);
    finder->depth--;
    finder->compared = outer;
    return status;
}

/* A condition of joins begins anew; what UNION and the like sort by is what their SELECTs give out. */
static enum within within_member(const struct vv_json *value, struct vv_str name,
    const struct vv_json *member, enum within within)
{
    if (vv_json_is_text(value, "type", "JOIN") && vv_str_eq(name, VV_STR("condition")))
        return WITHIN_AND;
    if (vv_json_is_text(value, "type", "SET_OPERATION_NODE") &&
        vv_str_eq(name, VV_STR("modifiers")) && !has_nameless(member))
        return WITHIN_OUTPUT;
    return within;
}

static varve_status walk(struct finder *finder, const struct vv_json *value, enum within within)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "class", "LAMBDA"))
        return VARVE_OK;
    if (vv_json_is_text(value, "type", "SELECT_NODE"))
        return walk_select(finder, value);
    if (vv_json_is_text(value, "type", "SET_OPERATION_NODE") && finder->depth == 0)
        finder->is_in_set = true;
    if (within == WITHIN_OUTPUT && is_more_than_column(value) && is_compared(finder, value))
        VV_TRY(add_columns(finder, value));
    if (is_distinct(value) && (within == WITHIN_OTHER || within == WITHIN_OUTPUT)) {
        VV_TRY(add_columns(finder, vv_json_get(value, "left")));
        VV_TRY(add_columns(finder, vv_json_get(value, "right")));
    }
    if (within == WITHIN_AND && vv_json_is(value, VV_JSON_OBJECT) &&
        !vv_json_is_text(value, "type", "CONJUNCTION_AND"))
        within = WITHIN_OTHER;
    while (vv_json_each(value, &iterator, &name, &member)) {
        size_t deeper = vv_str_eq(name, VV_STR("cte_map")) ? 1 : 0;
        finder->depth += deeper;
        VV_TRY(walk(finder, member, within_member(value, name, member, within)));
        finder->depth -= deeper;
    }
    return VARVE_OK;
}

static int place_cmp(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    if (left->offset != right->offset)
        return left->offset > right->offset ? 1 : -1;
    return (left->len > right->len) - (left->len < right->len); /* the name in front */
}

/* A tree may have one column of the text in two places. */
static varve_status put_columns(struct finder *finder, struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf changed = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str sql = finder->statement->text;
    size_t copied = 0;
    qsort(finder->places, finder->len, sizeof(*finder->places), place_cmp);
    for (size_t i = 0; i < finder->len; i++) {
        const struct place *place = &finder->places[i];
        struct vv_str column = {sql.ptr + place->offset, place->len};
        if (i > 0 && place_cmp(place - 1, place) == 0)
            continue;
        vv_buf_add(&changed, (struct vv_str){sql.ptr + copied, place->offset - copied});
        if (place->len == 0) {
            vv_sql_name(&changed, place->name);
            vv_buf_adds(&changed, ": ");
        } else {
            vv_buf_addf(&changed, "(CASE WHEN %.*s IS NULL THEN NULL ELSE %.*s END)",
                VV_ARG(column), VV_ARG(column));
        }
        copied = place->offset + place->len;
    }
    vv_buf_add(&changed, vv_str_skip(sql, copied));
    if (!vv_buf_ok(&changed))
        return vv_fail_memory(finder->op);
    *out_sql = vv_arena_str(&finder->op->arena, vv_buf_str(&changed));
    return out_sql->ptr != NULL ? VARVE_OK : vv_fail_memory(finder->op);
}

/* By its words alone, so that no other statement is read once more. */
static bool may_lose(struct vv_str sql)
{
    bool has_distinct_from = false;
    bool has_or = false;
    struct vv_sql_token token = vv_sql_token_next(&sql);
    while (token.kind != VV_SQL_END) {
        bool is_word = vv_sql_is_word(token, "DISTINCT");
        has_or = has_or || vv_sql_is_word(token, "OR");
        token = vv_sql_token_next(&sql);
        has_distinct_from = has_distinct_from || (is_word && vv_sql_is_word(token, "FROM"));
    }
    return has_distinct_from && has_or;
}

static varve_status keep_nulls(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_statement *statement, struct vv_str *out_sql)
{
    struct finder finder = {.op = op, .session = session, .statement = statement};
    VV_TRY(walk(&finder, statement->root, WITHIN_NONE));
    return finder.len > 0 ? put_columns(&finder, out_sql) : VARVE_OK;
}

varve_status vv_sql_keep_nulls(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_str *out_sql)
{
    struct vv_sql_statement statement;
    *out_sql = sql;
    if (!may_lose(sql))
        return VARVE_OK;
    VV_TRY(vv_sql_read(op, session, sql, &statement));
    return keep_nulls(op, session, &statement, out_sql);
}

varve_status vv_sql_keep_nulls_of(struct vv_op *op, struct vv_session *session,
    struct vv_str condition, struct vv_str *out)
{
    const struct vv_str before = VV_STR(CONDITION);
    struct vv_sql_statement statement;
    struct vv_str changed = VV_STR_NONE;
    *out = condition;
    if (!may_lose(condition))
        return VARVE_OK;
    VV_TRY(vv_sql_read_condition(op, session, "the condition", condition, &statement));
    if (keep_nulls(op, session, &statement, &changed) != VARVE_OK)
        return vv_sql_blame(op, "the condition", condition);
    if (changed.ptr == NULL)
        return VARVE_OK;
    VV_PRE(vv_str_starts(changed, before));
    *out = vv_str_skip(changed, before.len);
    return VARVE_OK;
}
