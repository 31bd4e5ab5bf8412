/*
 * From DuckDB's parse tree to the nodes of a predicate.
 */
#include "engine/sql_tree.h"
#include "table/read/predicate_tree.h"

struct reader {
    struct vv_op *op;
    struct vv_predicate *predicate;
    struct vv_predicate_names names;
    struct vv_predicate_constant *constants;
    struct vv_predicate_group *group; /* of what is read */
};

static varve_status read_node(struct reader *reader, const struct vv_json *json,
    struct vv_predicate_node **out);

static varve_status new_node(struct reader *reader, enum vv_predicate_kind kind,
    struct vv_predicate_node **out)
{
    VV_NEW(reader->op, out, struct vv_predicate_node, 1);
    (*out)->kind = kind;
    return VARVE_OK;
}

static bool others_have(const struct vv_predicate_names *names, struct vv_str name)
{
    for (size_t i = 0; i < names->scope->others_len; i++)
        if (vv_schema_find(names->scope->others[i], name) >= 0)
            return true;
    return false;
}

bool vv_predicate_has(const struct vv_predicate_names *names, struct vv_str name)
{
    return others_have(names, name) || vv_schema_find(names->schema, name) >= 0;
}

/* The column that an expression is: "a" or "alias.a"; -1: it is none. */
static int32_t column_of(const struct reader *reader, const struct vv_json *json)
{
    const struct vv_json *names = vv_json_get(json, "column_names");
    const struct vv_json *iterator = NULL;
    const struct vv_json *name = NULL;
    struct vv_str unused;
    if (!vv_json_is_text(json, "class", "COLUMN_REF") || vv_json_len(names) == 0)
        return -1;
    (void)vv_json_each(names, &iterator, &unused, &name);
    struct vv_str first = vv_json_text(name);
    if (vv_json_len(names) == 1)
        return reader->names.scope->is_bare && !others_have(&reader->names, first)
                   ? vv_schema_find(reader->names.schema, first)
                   : -1;
    /* A field of a struct looks the same as a column behind its table's name. */
    if (vv_json_len(names) > 2 || vv_predicate_has(&reader->names, first) ||
        !vv_str_eq_nocase(first, reader->names.scope->alias))
        return -1;
    (void)vv_json_each(names, &iterator, &unused, &name);
    return vv_schema_find(reader->names.schema, vv_json_text(name));
}

static void ask_for(struct vv_predicate *predicate, struct vv_predicate_node *node,
    int32_t column)
{
    size_t at = 0;
    while (at < predicate->columns_len && predicate->columns[at] != column)
        at++;
    if (at == predicate->columns_len)
        predicate->columns[predicate->columns_len++] = column;
    node->column = column;
    node->asked = at;
}

static varve_status need_constant(struct reader *reader, const struct vv_json *json,
    const struct vv_type *type, struct vv_value *out)
{
    struct vv_predicate_constant *constant = NULL;
    VV_NEW(reader->op, &constant, struct vv_predicate_constant, 1);
    *constant = (struct vv_predicate_constant){.node = json,
        .type = type,
        .group = type != NULL ? reader->group : NULL,
        .out = out,
        .next = reader->constants};
    reader->constants = constant;
    return VARVE_OK;
}

/* `kind` is COMPARE or SAME; not understood where one side is no column or the other no constant. */
static varve_status compare(struct reader *reader, const struct vv_json *left,
    const struct vv_json *right, enum vv_predicate_kind kind,
    enum vv_predicate_compare comparison, struct vv_predicate_node **out)
{
    static const enum vv_predicate_compare mirrored[] = {[VV_COMPARE_EQ] = VV_COMPARE_EQ,
        [VV_COMPARE_LT] = VV_COMPARE_GT,
        [VV_COMPARE_LE] = VV_COMPARE_GE,
        [VV_COMPARE_GT] = VV_COMPARE_LT,
        [VV_COMPARE_GE] = VV_COMPARE_LE};
    int32_t column = column_of(reader, left);
    if (column < 0) {
        const struct vv_json *swapped = left;
        left = right;
        right = swapped;
        comparison = mirrored[comparison];
        column = column_of(reader, left);
    }
    bool is_known = column >= 0 && vv_predicate_is_constant(right, &reader->names);
    VV_TRY(new_node(reader, is_known ? kind : VV_PREDICATE_ANY, out));
    if (!is_known)
        return VARVE_OK;
    (*out)->compare = comparison;
    ask_for(reader->predicate, *out, column);
    return need_constant(reader, right, &reader->names.schema->fields[column].type,
        &(*out)->value);
}

/* Puts NOT around. */
static varve_status negate(struct reader *reader, struct vv_predicate_node **node)
{
    struct vv_predicate_node *child = *node;
    VV_TRY(new_node(reader, VV_PREDICATE_NOT, node));
    (*node)->first = child;
    return VARVE_OK;
}

static varve_status read_comparison(struct reader *reader, const struct vv_json *json,
    struct vv_predicate_node **out)
{
    static const struct {
        const char *type;
        enum vv_predicate_kind kind;
        enum vv_predicate_compare compare;
        bool negated;
    } kinds[] = {{"COMPARE_EQUAL", VV_PREDICATE_COMPARE, VV_COMPARE_EQ, false},
        {"COMPARE_NOTEQUAL", VV_PREDICATE_COMPARE, VV_COMPARE_EQ, true},
        {"COMPARE_LESSTHAN", VV_PREDICATE_COMPARE, VV_COMPARE_LT, false},
        {"COMPARE_LESSTHANOREQUALTO", VV_PREDICATE_COMPARE, VV_COMPARE_LE, false},
        {"COMPARE_GREATERTHAN", VV_PREDICATE_COMPARE, VV_COMPARE_GT, false},
        {"COMPARE_GREATERTHANOREQUALTO", VV_PREDICATE_COMPARE, VV_COMPARE_GE, false},
        {"COMPARE_NOT_DISTINCT_FROM", VV_PREDICATE_SAME, VV_COMPARE_EQ, false},
        {"COMPARE_DISTINCT_FROM", VV_PREDICATE_SAME, VV_COMPARE_EQ, true}};
    for (size_t i = 0; i < VV_COUNT(kinds); i++) {
        if (!vv_json_is_text(json, "type", kinds[i].type))
            continue;
        VV_TRY(compare(reader, vv_json_get(json, "left"), vv_json_get(json, "right"),
            kinds[i].kind, kinds[i].compare, out));
        return kinds[i].negated ? negate(reader, out) : VARVE_OK;
    }
    return new_node(reader, VV_PREDICATE_ANY, out);
}

static void append(struct vv_predicate_node *parent, struct vv_predicate_node *child)
{
    child->next = parent->first;
    parent->first = child;
}

/*
 * An operand of the group: a column of the table, all of which are of one type, or a constant. Only
 * constants that are compared with a column are looked at afterwards.
 */
static void join_group(struct reader *reader, const struct vv_json *operand, bool is_first)
{
    struct vv_predicate_group *group = reader->group;
    int32_t column = column_of(reader, operand);
    if (column < 0) {
        group->is_mixed |=
            group->is_turned || !vv_predicate_is_constant(operand, &reader->names);
        group->is_turned |= is_first;
        return;
    }
    const struct vv_type *type = &reader->names.schema->fields[column].type;
    group->is_mixed |= group->type != NULL && !vv_type_eq(group->type, type);
    group->type = type;
}

static varve_status read_between(struct reader *reader, const struct vv_json *json,
    struct vv_predicate_node **out)
{
    static const struct {
        const char *member;
        enum vv_predicate_compare compare;
    } sides[] = {{"lower", VV_COMPARE_GE}, {"upper", VV_COMPARE_LE}};
    VV_TRY(new_node(reader, VV_PREDICATE_AND, out));
    VV_NEW(reader->op, &reader->group, struct vv_predicate_group, 1);
    join_group(reader, vv_json_get(json, "input"), true);
    for (size_t i = 0; i < VV_COUNT(sides); i++) {
        struct vv_predicate_node *child = NULL;
        join_group(reader, vv_json_get(json, sides[i].member), false);
        VV_TRY(compare(reader, vv_json_get(json, "input"), vv_json_get(json, sides[i].member),
            VV_PREDICATE_COMPARE, sides[i].compare, &child));
        append(*out, child);
    }
    reader->group = NULL;
    return VARVE_OK;
}

/* x IN (1, 2): the first child is x. */
static varve_status read_in(struct reader *reader, const struct vv_json *children,
    struct vv_predicate_node **out)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *child;
    const struct vv_json *input = NULL;
    struct vv_str unused;
    VV_TRY(new_node(reader, VV_PREDICATE_OR, out));
    VV_NEW(reader->op, &reader->group, struct vv_predicate_group, 1);
    while (vv_json_each(children, &iterator, &unused, &child)) {
        struct vv_predicate_node *node = NULL;
        join_group(reader, child, input == NULL);
        if (input == NULL) {
            input = child;
            continue;
        }
        VV_TRY(compare(reader, input, child, VV_PREDICATE_COMPARE, VV_COMPARE_EQ, &node));
        append(*out, node);
    }
    reader->group = NULL;
    return VARVE_OK;
}

static varve_status read_operator(struct reader *reader, const struct vv_json *json,
    struct vv_predicate_node **out)
{
    const struct vv_json *children = vv_json_get(json, "children");
    const struct vv_json *iterator = NULL;
    const struct vv_json *first = NULL;
    struct vv_str unused;
    (void)vv_json_each(children, &iterator, &unused, &first);
    bool is_not_in = vv_json_is_text(json, "type", "COMPARE_NOT_IN");
    if (is_not_in || vv_json_is_text(json, "type", "COMPARE_IN")) {
        VV_TRY(read_in(reader, children, out));
        return is_not_in ? negate(reader, out) : VARVE_OK;
    }
    if (vv_json_is_text(json, "type", "OPERATOR_NOT")) {
        VV_TRY(read_node(reader, first, out));
        return negate(reader, out);
    }
    bool is_not_null = vv_json_is_text(json, "type", "OPERATOR_IS_NOT_NULL");
    int32_t column = column_of(reader, first);
    if (column < 0 || (!is_not_null && !vv_json_is_text(json, "type", "OPERATOR_IS_NULL")))
        return new_node(reader, VV_PREDICATE_ANY, out);
    VV_TRY(new_node(reader, VV_PREDICATE_IS_NULL, out));
    ask_for(reader->predicate, *out, column);
    return is_not_null ? negate(reader, out) : VARVE_OK;
}

static varve_status read_conjunction(struct reader *reader, const struct vv_json *json,
    struct vv_predicate_node **out)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *child;
    struct vv_str unused;
    bool is_and = vv_json_is_text(json, "type", "CONJUNCTION_AND");
    VV_TRY(new_node(reader, is_and ? VV_PREDICATE_AND : VV_PREDICATE_OR, out));
    while (vv_json_each(vv_json_get(json, "children"), &iterator, &unused, &child)) {
        struct vv_predicate_node *node = NULL;
        VV_TRY(read_node(reader, child, &node));
        append(*out, node);
    }
    return VARVE_OK;
}

static varve_status read_node(struct reader *reader, const struct vv_json *json,
    struct vv_predicate_node **out)
{
    if (vv_predicate_is_constant(json, &reader->names)) {
        VV_TRY(new_node(reader, VV_PREDICATE_FIXED, out));
        return need_constant(reader, json, NULL, &(*out)->value);
    }
    if (vv_json_is_text(json, "class", "CONJUNCTION"))
        return read_conjunction(reader, json, out);
    if (vv_json_is_text(json, "class", "COMPARISON"))
        return read_comparison(reader, json, out);
    if (vv_json_is_text(json, "class", "BETWEEN"))
        return read_between(reader, json, out);
    if (vv_json_is_text(json, "class", "OPERATOR"))
        return read_operator(reader, json, out);
    return new_node(reader, VV_PREDICATE_ANY, out);
}

varve_status vv_predicate_of_parts(struct vv_op *op, struct vv_session *session,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_predicate_scope *scope, const struct vv_predicate_part *parts,
    struct vv_predicate **out)
{
    struct vv_predicate *predicate = NULL;
    VV_NEW(op, &predicate, struct vv_predicate, 1);
    *predicate = (struct vv_predicate){.snapshot = snapshot, .rules = rules};
    VV_NEW(op, &predicate->columns, int32_t, snapshot->schema.fields_len + 1);
    struct reader reader = {
        .op = op, .predicate = predicate, .names = {&snapshot->schema, scope}};
    VV_TRY(new_node(&reader, VV_PREDICATE_AND, &predicate->root));
    for (; parts != NULL; parts = parts->next) {
        struct vv_predicate_node *node = NULL;
        VV_TRY(read_node(&reader, parts->node, &node));
        append(predicate->root, node);
    }
    VV_TRY(vv_predicate_constants(op, session, scope->params, reader.constants));
    *out = predicate;
    return VARVE_OK;
}

varve_status vv_predicate_read(struct vv_op *op, struct vv_session *session,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, const char *what,
    struct vv_str condition, struct vv_predicate **out)
{
    const struct vv_predicate_scope scope = {
        .alias = VV_STR("t"), .is_bare = true, .has_words = true};
    struct vv_sql_statement statement;
    const struct vv_json *iterator = NULL;
    const struct vv_json *first = NULL;
    struct vv_str unused;
    VV_TRY(vv_sql_read_condition(op, session, what, condition, &statement));
    (void)vv_json_each(statement.root, &iterator, &unused, &first);
    const struct vv_predicate_part part = {
        .node = vv_json_get(vv_json_get(first, "node"), "where_clause")};
    return vv_predicate_of_parts(op, session, snapshot, rules, &scope, &part, out);
}
