/*
 * What has to be true of the rows of a table that a statement reads.
 *
 * A condition of WHERE is passed on to the tables that FROM joins, as far as a row that fails it
 * can't show in the answer:
 *
 *   inner join            to both sides; the condition of ON too
 *   a LEFT JOIN b         WHERE to a alone, since a row of b that is left out makes a row of NULLs,
 *                         which WHERE may let pass; ON to b alone, since a row of b that fails it
 *                         meets no row of a. RIGHT the other way round
 *   a SEMI, ANTI JOIN b   likewise
 *   a ASOF JOIN b         to a alone: which row of b is the latest depends on all of them
 *   anything else         to nobody
 *
 * A sample is taken before WHERE, of rows that depend on how many there are: no condition there.
 * Names are understood where they can mean one thing only (struct vv_predicate_scope).
 */
#include "lake/query_script.h"

struct finder {
    struct vv_op *op;
    struct vv_query_script *script;
    const struct vv_sql_statement *statement;
    struct vv_query_place *places;
    bool has_words; /* nothing of the statement goes by the name current_date and the like */
};

/* The FROM of one SELECT. */
struct from {
    const struct vv_schema **schemas; /* of the tables in it */
    size_t *places;                   /* which they are */
    const struct vv_predicate_part **parts;
    size_t len;
    bool has_unknown; /* something whose columns are not known */
};

static bool is_null(const struct vv_json *object, const char *member)
{
    const struct vv_json *value = vv_json_get(object, member);
    return value == NULL || vv_json_is(value, VV_JSON_NULL);
}

/* The conjuncts of a condition, in front of `rest`. */
static varve_status add_parts(struct vv_op *op, const struct vv_json *condition,
    const struct vv_predicate_part *rest, const struct vv_predicate_part **out)
{
    struct vv_predicate_part *part = NULL;
    *out = rest;
    if (!vv_json_is(condition, VV_JSON_OBJECT))
        return VARVE_OK;
    VV_NEW(op, &part, struct vv_predicate_part, 1);
    *part = (struct vv_predicate_part){condition, rest};
    *out = part;
    return VARVE_OK;
}

static varve_status take_table(struct finder *finder, const struct vv_json *node,
    const struct vv_predicate_part *parts, struct from *from)
{
    size_t at = 0;
    while (at < finder->statement->tables_len && finder->statement->tables[at].node != node)
        at++;
    /* A name of WITH, or columns that go by other names here. */
    if (at == finder->statement->tables_len || finder->places[at].source == NULL ||
        vv_json_len(vv_json_get(node, "column_name_alias")) > 0) {
        from->has_unknown = true;
        return VARVE_OK;
    }
    from->schemas[from->len] = &finder->places[at].source->snapshot->schema;
    from->places[from->len] = at;
    from->parts[from->len++] = is_null(node, "sample") ? parts : NULL;
    return VARVE_OK;
}

static varve_status take_from(struct finder *finder, const struct vv_json *node,
    const struct vv_predicate_part *parts, struct from *from);

static varve_status take_join(struct finder *finder, const struct vv_json *node,
    const struct vv_predicate_part *parts, struct from *from)
{
    const struct vv_predicate_part *left = NULL;
    const struct vv_predicate_part *right = NULL;
    const struct vv_json *on = vv_json_get(node, "condition");
    bool is_inner = vv_json_is_text(node, "join_type", "INNER");
    bool is_regular = vv_json_is_text(node, "ref_type", "REGULAR") ||
                      vv_json_is_text(node, "ref_type", "NATURAL") ||
                      vv_json_is_text(node, "ref_type", "CROSS");
    if (vv_json_is_text(node, "ref_type", "ASOF") &&
        (is_inner || vv_json_is_text(node, "join_type", "LEFT"))) {
        left = parts;
    } else if (is_regular && is_inner) {
        VV_TRY(add_parts(finder->op, on, parts, &left));
        right = left;
    } else if (is_regular && (vv_json_is_text(node, "join_type", "LEFT") ||
                                 vv_json_is_text(node, "join_type", "SEMI") ||
                                 vv_json_is_text(node, "join_type", "ANTI"))) {
        left = parts;
        VV_TRY(add_parts(finder->op, on, NULL, &right));
    } else if (is_regular && vv_json_is_text(node, "join_type", "RIGHT")) {
        VV_TRY(add_parts(finder->op, on, NULL, &left));
        right = parts;
    }
    VV_TRY(take_from(finder, vv_json_get(node, "left"), left, from));
    return take_from(finder, vv_json_get(node, "right"), right, from);
}

static varve_status take_from(struct finder *finder, const struct vv_json *node,
    const struct vv_predicate_part *parts, struct from *from)
{
    if (vv_json_is_text(node, "type", "BASE_TABLE"))
        return take_table(finder, node, parts, from);
    if (vv_json_is_text(node, "type", "JOIN") && is_null(node, "sample"))
        return take_join(finder, node, parts, from);
    from->has_unknown = from->has_unknown || !vv_json_is_text(node, "type", "EMPTY");
    return VARVE_OK;
}

static varve_status judge(struct finder *finder, const struct from *from, size_t index)
{
    struct vv_query_place *place = &finder->places[from->places[index]];
    const struct vv_schema **others = NULL;
    size_t others_len = 0;
    if (from->parts[index] == NULL)
        return VARVE_OK;
    VV_NEW(finder->op, &others, const struct vv_schema *, from->len + 1);
    for (size_t i = 0; i < from->len; i++)
        if (i != index)
            others[others_len++] = from->schemas[i];
    const struct vv_predicate_scope scope = {
        .alias = place->table->alias.len > 0 ? place->table->alias : place->table->name,
        .is_bare = !from->has_unknown,
        .others = others,
        .others_len = others_len,
        .has_words = finder->has_words,
        .params = &finder->script->request->params};
    return vv_predicate_of_parts(finder->op, finder->script->session, place->source->snapshot,
        &place->source->rules, &scope, from->parts[index], &place->predicate);
}

static varve_status take_select(struct finder *finder, const struct vv_json *node)
{
    size_t most = finder->statement->tables_len + 1;
    struct from from = {0};
    const struct vv_predicate_part *parts = NULL;
    VV_NEW(finder->op, &from.schemas, const struct vv_schema *, most);
    VV_NEW(finder->op, &from.places, size_t, most);
    VV_NEW(finder->op, &from.parts, const struct vv_predicate_part *, most);
    if (is_null(node, "sample"))
        VV_TRY(add_parts(finder->op, vv_json_get(node, "where_clause"), NULL, &parts));
    VV_TRY(take_from(finder, vv_json_get(node, "from_table"), parts, &from));
    for (size_t i = 0; i < from.len; i++)
        VV_TRY(judge(finder, &from, i));
    return VARVE_OK;
}

static varve_status walk(struct finder *finder, const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is_text(value, "type", "SELECT_NODE"))
        VV_TRY(take_select(finder, value));
    while (vv_json_each(value, &iterator, &name, &member))
        VV_TRY(walk(finder, member));
    return VARVE_OK;
}

/* Whether the statement calls something by a name that is a word elsewhere: AS current_date. */
static bool names_word(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    if (vv_json_is(value, VV_JSON_STRING))
        return vv_predicate_is_word(vv_json_text(value));
    while (vv_json_each(value, &iterator, &name, &member))
        if (!vv_str_eq(name, VV_STR("column_names")) && names_word(member))
            return true;
    return false;
}

static bool has_word_column(const struct vv_schema *schema)
{
    for (size_t i = 0; i < schema->fields_len; i++)
        if (vv_predicate_is_word(schema->fields[i].name))
            return true;
    return false;
}

varve_status vv_query_where(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place *places)
{
    struct finder finder = {op, script, statement, places, !names_word(statement->root)};
    for (size_t i = 0; i < statement->tables_len && finder.has_words; i++)
        finder.has_words =
            places[i].view.ptr == NULL && /* what columns a function has is not looked at */
            (places[i].source == NULL || !has_word_column(&places[i].source->snapshot->schema));
    return walk(&finder, statement->root);
}
