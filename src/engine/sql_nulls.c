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
 * which is the same value and no column to the engine. Left as they are: those that hold together with
 * all else of a WHERE, ON, HAVING or QUALIFY, of which no filter is made and joins are; and whatever
 * has to be the same in two places, or gives a column of the answer its name.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"

#define CONDITION "SELECT 1 WHERE " /* as vv_sql_read_condition has it */

struct place {
    size_t offset, len; /* of a column in the text */
};

struct finder {
    struct vv_op *op;
    const struct vv_sql_statement *statement;
    struct place *places;
    size_t len, capacity;
};

/* What a part of the tree is within. */
enum within {
    WITHIN_LIST, /* of a SELECT, an ORDER BY and the like */
    WITHIN_AND,  /* of a condition, however deep in it */
    WITHIN_OTHER /* OR, NOT, CASE: what may be, or come to be, part of an OR */
};

static bool is_distinct(const struct vv_json *value)
{
    return vv_json_is_text(value, "class", "COMPARISON") &&
           (vv_json_is_text(value, "type", "COMPARE_DISTINCT_FROM") ||
               vv_json_is_text(value, "type", "COMPARE_NOT_DISTINCT_FROM"));
}

static bool has_distinct(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    bool has = is_distinct(value);
    while (!has && vv_json_each(value, &iterator, &name, &member))
        has = has_distinct(member);
    return has;
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

static varve_status add_column(struct finder *finder, const struct vv_json *column)
{
    const struct vv_sql_statement *statement = finder->statement;
    struct vv_str text = vv_str_skip(statement->text, statement->select_offset);
    void *places = finder->places;
    int64_t offset = -1;
    if (!vv_json_int64(vv_json_get(column, "query_location"), &offset) || offset < 0 ||
        (uint64_t)offset >= text.len)
        return refuse(finder, column);
    struct place place = {statement->select_offset + (size_t)offset,
        column_len(vv_str_skip(text, (size_t)offset), vv_json_get(column, "column_names"))};
    if (place.len == 0)
        return refuse(finder, column);
    if (!vv_arena_grow(&finder->op->arena, &places, finder->len, &finder->capacity,
            sizeof(place), _Alignof(struct place)))
        return vv_fail_memory(finder->op);
    finder->places = places;
    finder->places[finder->len++] = place;
    return VARVE_OK;
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

/* Only what has a name of its own may have another text. */
static varve_status walk_list(struct finder *finder, const struct vv_json *list)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    struct vv_str name;
    while (vv_json_each(list, &iterator, &name, &item)) {
        bool is_named = vv_json_text(vv_json_get(item, "alias")).len > 0;
        VV_TRY(walk(finder, item, is_named ? WITHIN_OTHER : WITHIN_LIST));
    }
    return VARVE_OK;
}

static varve_status walk_select(struct finder *finder, const struct vv_json *select)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    bool groups_by_it = has_distinct(vv_json_get(select, "group_expressions"));
    while (vv_json_each(select, &iterator, &name, &member)) {
        bool is_list = vv_str_eq(name, VV_STR("select_list"));
        bool is_grouped =
            vv_str_eq(name, VV_STR("having")) || vv_str_eq(name, VV_STR("qualify"));
        bool is_condition = vv_str_eq(name, VV_STR("where_clause")) || is_grouped;
        if ((is_list || is_grouped) && groups_by_it)
            VV_TRY(walk(finder, member, WITHIN_LIST));
        else if (is_list)
            VV_TRY(walk_list(finder, member));
        else
            VV_TRY(walk(finder, member, is_condition ? WITHIN_AND : WITHIN_LIST));
    }
    return VARVE_OK;
}

/* What is in it, of which all but joins and their conditions is within the same. */
static varve_status walk(struct finder *finder, const struct vv_json *value, enum within within)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    bool is_join = vv_json_is_text(value, "type", "JOIN");
    if (vv_json_is_text(value, "type", "SELECT_NODE"))
        return walk_select(finder, value);
    if (is_distinct(value) && within == WITHIN_OTHER) {
        VV_TRY(add_columns(finder, vv_json_get(value, "left")));
        VV_TRY(add_columns(finder, vv_json_get(value, "right")));
    }
    if (within == WITHIN_AND && vv_json_is(value, VV_JSON_OBJECT) &&
        !vv_json_is_text(value, "type", "CONJUNCTION_AND"))
        within = WITHIN_OTHER;
    while (vv_json_each(value, &iterator, &name, &member))
        VV_TRY(walk(finder, member,
            is_join && vv_str_eq(name, VV_STR("condition")) ? WITHIN_AND : within));
    return VARVE_OK;
}

static int place_cmp(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    return (left->offset > right->offset) - (left->offset < right->offset);
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
        if (place->offset < copied)
            continue;
        vv_buf_add(&changed, (struct vv_str){sql.ptr + copied, place->offset - copied});
        vv_buf_addf(&changed, "(CASE WHEN %.*s IS NULL THEN NULL ELSE %.*s END)",
            VV_ARG(column), VV_ARG(column));
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

static varve_status keep_nulls(struct vv_op *op, const struct vv_sql_statement *statement,
    struct vv_str *out_sql)
{
    struct finder finder = {.op = op, .statement = statement};
    VV_TRY(walk(&finder, statement->root, WITHIN_LIST));
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
    return keep_nulls(op, &statement, out_sql);
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
    if (keep_nulls(op, &statement, &changed) != VARVE_OK)
        return vv_sql_blame(op, "the condition", condition);
    if (changed.ptr == NULL)
        return VARVE_OK;
    VV_PRE(vv_str_starts(changed, before));
    *out = vv_str_skip(changed, before.len);
    return VARVE_OK;
}
