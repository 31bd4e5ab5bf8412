/*
 * The constants of a condition as values of the columns that they are compared with.
 *
 * A comparison happens in a type that holds both sides. A constant is of use where it is, as a
 * value of the column's type, still equal to itself: then the order among the column's values
 * answers the comparison. 5.5 is no integer, and the condition "n < 5.5" stays undecided. Of an IN or
 * BETWEEN the constants are looked at together (struct vv_predicate_group).
 */
#include "engine/sql_tree.h"
#include "table/read/predicate_tree.h"
#include "table/upsert/upsert_plan.h"

/* Constants that the engine works out; those of a longer list stay unknown. */
#define COMPUTED_MAX 64

/* Nothing random, nothing that looks outside. */
static const char *const functions[] = {"+", "-", "*", "/", "//", "%", "||", "now", "today",
    "get_current_timestamp", "current_localtimestamp", "trunc", "date_trunc", "to_days",
    "to_hours", "to_minutes", "to_seconds", "to_milliseconds", "to_microseconds", "to_weeks",
    "to_months", "to_years", "make_date", "make_timestamp", "make_timestamptz", "to_timestamp",
    "epoch_ms", "concat", "lower", "upper", "abs", "floor", "ceil", "round", "timezone",
    "strptime"};
/* Written without brackets; the parse tree takes them for columns. */
static const char *const words[] = {"current_date", "current_timestamp", "localtimestamp"};
static const char *const classes[] = {
    "CONSTANT", "CAST", "FUNCTION", "COMPARISON", "CONJUNCTION", "COLUMN_REF", "PARAMETER"};

static bool is_among(struct vv_str text, const char *const *list, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (vv_str_eq_nocase(text, vv_str_of(list[i])))
            return true;
    return false;
}

bool vv_predicate_is_word(struct vv_str name)
{
    return is_among(name, words, VV_COUNT(words));
}

static bool is_word(const struct vv_json *node, const struct vv_predicate_names *wanted)
{
    const struct vv_json *names = vv_json_get(node, "column_names");
    const struct vv_json *iterator = NULL;
    const struct vv_json *name = NULL;
    struct vv_str unused;
    (void)vv_json_each(names, &iterator, &unused, &name);
    return wanted->scope->has_words && vv_json_len(names) == 1 &&
           vv_predicate_is_word(vv_json_text(name)) &&
           !vv_predicate_has(wanted, vv_json_text(name));
}

static bool are_constant(const struct vv_json *list, const struct vv_predicate_names *names)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *child;
    struct vv_str unused;
    while (vv_json_each(list, &iterator, &unused, &child))
        if (!vv_predicate_is_constant(child, names))
            return false;
    return true;
}

bool vv_predicate_is_constant(const struct vv_json *node,
    const struct vv_predicate_names *names)
{
    struct vv_str class = vv_json_text(vv_json_get(node, "class"));
    if (!is_among(class, classes, VV_COUNT(classes)))
        return false;
    if (vv_str_eq(class, VV_STR("COLUMN_REF")))
        return is_word(node, names);
    if (vv_str_eq(class, VV_STR("PARAMETER")))
        return vv_sql_param_find(names->scope->params,
                   vv_json_text(vv_json_get(node, "identifier"))) != NULL;
    if (vv_str_eq(class, VV_STR("CAST")))
        return vv_predicate_is_constant(vv_json_get(node, "child"), names);
    if (vv_str_eq(class, VV_STR("COMPARISON")))
        return vv_predicate_is_constant(vv_json_get(node, "left"), names) &&
               vv_predicate_is_constant(vv_json_get(node, "right"), names);
    if (vv_str_eq(class, VV_STR("FUNCTION")) &&
        !is_among(vv_json_text(vv_json_get(node, "function_name")), functions,
            VV_COUNT(functions)))
        return false;
    return are_constant(vv_json_get(node, "children"), names);
}

static bool is_integer(const struct vv_type *type)
{
    return type->kind == VV_TYPE_LONG || type->kind == VV_TYPE_INTEGER ||
           type->kind == VV_TYPE_SHORT || type->kind == VV_TYPE_BYTE;
}

/* Literals that are values as they stand; most are. */
static bool read_literal(struct vv_predicate_constant *constant)
{
    const struct vv_json *value = vv_json_get(constant->node, "value");
    struct vv_str type = vv_json_text(vv_json_get(vv_json_get(value, "type"), "id"));
    int64_t number = 0;
    if (constant->type == NULL ||
        !vv_str_eq(vv_json_text(vv_json_get(constant->node, "class")), VV_STR("CONSTANT")))
        return false;
    if (vv_json_bool(vv_json_get(value, "is_null"), false)) {
        *constant->out = (struct vv_value){.kind = VV_VALUE_NULL};
        constant->class = VV_CONSTANT_UNTYPED;
        return true;
    }
    value = vv_json_get(value, "value");
    if (is_integer(constant->type) &&
        (vv_str_eq(type, VV_STR("INTEGER")) || vv_str_eq(type, VV_STR("BIGINT"))) &&
        vv_json_int64(value, &number)) {
        *constant->out = (struct vv_value){.kind = VV_VALUE_INT, .integer = number};
        constant->class = VV_CONSTANT_OTHER;
        return true;
    }
    if (constant->type->kind == VV_TYPE_STRING && vv_str_eq(type, VV_STR("VARCHAR")) &&
        vv_json_is(value, VV_JSON_STRING)) {
        *constant->out = (struct vv_value){.kind = VV_VALUE_TEXT, .text = vv_json_text(value)};
        constant->class = VV_CONSTANT_TEXT;
        return true;
    }
    return false;
}

/* Whether the order of the column's values answers a comparison with a value of this SQL type. */
static bool is_comparable(const struct vv_type *column, struct vv_str type)
{
    bool is_text = vv_str_eq(type, VV_STR("VARCHAR"));
    bool is_exact = vv_str_ends(type, VV_STR("INT")) || vv_str_eq(type, VV_STR("INTEGER")) ||
                    vv_str_starts(type, VV_STR("DECIMAL"));
    bool is_float = vv_str_eq(type, VV_STR("FLOAT")) || vv_str_eq(type, VV_STR("DOUBLE"));
    switch ((int)column->kind) {
    case VV_TYPE_STRING:
        return is_text;
    case VV_TYPE_BOOLEAN:
        return vv_str_eq(type, VV_STR("BOOLEAN"));
    case VV_TYPE_LONG:
    case VV_TYPE_INTEGER:
    case VV_TYPE_SHORT:
    case VV_TYPE_BYTE:
    case VV_TYPE_DECIMAL:
        return is_text || is_exact;
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        return is_text || is_exact || is_float;
    case VV_TYPE_DATE:
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        return is_text || vv_str_eq(type, VV_STR("DATE")) ||
               vv_str_eq(type, VV_STR("TIMESTAMP")) ||
               vv_str_eq(type, VV_STR("TIMESTAMP WITH TIME ZONE"));
    default:
        return false;
    }
}

/* A time of the column's own type, beside which a text becomes one, too. */
static bool is_time_of(const struct vv_type *column, struct vv_str type)
{
    return (column->kind == VV_TYPE_TIMESTAMP &&
               vv_str_eq(type, VV_STR("TIMESTAMP WITH TIME ZONE"))) ||
           (column->kind == VV_TYPE_TIMESTAMP_NTZ && vv_str_eq(type, VV_STR("TIMESTAMP"))) ||
           (column->kind == VV_TYPE_DATE && vv_str_eq(type, VV_STR("DATE")));
}

static enum vv_constant_class class_of(const struct vv_type *column, struct vv_str type)
{
    if (!is_comparable(column, type))
        return VV_CONSTANT_UNKNOWN;
    if (vv_str_eq(type, VV_STR("VARCHAR")))
        return VV_CONSTANT_TEXT;
    if (is_time_of(column, type))
        return VV_CONSTANT_SAME;
    return vv_str_eq(type, VV_STR("DOUBLE")) ? VV_CONSTANT_DOUBLE : VV_CONSTANT_OTHER;
}

/*
 * Whether constants of these classes leave the type as it was beside one: a text becomes what the
 * others are, and a float is a double beside one.
 */
static bool are_alike(unsigned found, const struct vv_type *type)
{
    unsigned typed = found & ~(1U << VV_CONSTANT_UNTYPED);
    unsigned text = 1U << VV_CONSTANT_TEXT;
    bool is_one = (typed & (typed - 1)) == 0;
    if ((typed & 1U << VV_CONSTANT_UNKNOWN) != 0)
        return false;
    if (is_one || typed == (text | 1U << VV_CONSTANT_SAME))
        return true;
    return (typed & text) == 0 && type->kind != VV_TYPE_FLOAT;
}

/* Forgets the constants of a group whose type nobody knows. */
static void judge_groups(struct vv_predicate_constant *first)
{
    for (struct vv_predicate_constant *each = first; each != NULL; each = each->next) {
        if (each->group == NULL)
            continue;
        each->group->classes |= 1U << each->class;
        each->group->is_mixed |= !are_alike(each->group->classes, each->type);
    }
    for (struct vv_predicate_constant *each = first; each != NULL; each = each->next)
        if (each->group != NULL && each->group->is_mixed)
            *each->out = (struct vv_value){.kind = VV_VALUE_NONE};
}

/*
 * Three columns: the SQL type, whether the value is still itself in the column's, the value. One
 * that can't be computed is told by the second, and fails nothing: a transaction goes on.
 */
static varve_status add_constant(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_params *params, const struct vv_predicate_constant *constant,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str text;
    VV_TRY(vv_sql_expression(op, session, constant->node, params, &text));
    if (constant->type == NULL) {
        vv_buf_addf(sql,
            "'BOOLEAN', TRY(CAST((%.*s) AS BOOLEAN) IS NULL) IS NOT NULL, "
            "TRY(CAST((%.*s) AS BOOLEAN))",
            VV_ARG(text), VV_ARG(text));
        return VARVE_OK;
    }
    vv_type_sql(constant->type, &type);
    vv_buf_addf(&value, "TRY_CAST(TRY(%.*s) AS %.*s)", VV_ARG(text), VV_ARG(vv_buf_str(&type)));
    vv_buf_addf(sql,
        "typeof(TRY(%.*s)), coalesce(TRY(%.*s = (%.*s)), TRY((%.*s) IS NULL), false), ",
        VV_ARG(text), VV_ARG(vv_buf_str(&value)), VV_ARG(text), VV_ARG(text));
    bool as_text = constant->type->kind == VV_TYPE_DECIMAL;
    vv_buf_addf(sql, "%s%.*s%s", as_text ? "CAST(" : "", VV_ARG(vv_buf_str(&value)),
        as_text ? " AS VARCHAR)" : "");
    return vv_buf_ok(&type) && vv_buf_ok(&value) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status take_constant(struct vv_op *op, const struct vv_rows *rows, uint32_t column,
    struct vv_predicate_constant *constant)
{
    static const struct vv_type condition = {.kind = VV_TYPE_BOOLEAN};
    const struct vv_type *type = constant->type != NULL ? constant->type : &condition;
    bool is_null = vv_rows_is_null(rows, column + 2);
    constant->class = class_of(type, vv_rows_text(rows, column));
    if (!vv_rows_bool(rows, column + 1) ||
        (!is_null && !is_comparable(type, vv_rows_text(rows, column))))
        return VARVE_OK;
    return vv_upsert_value(op, &op->arena, rows, column + 2, type, constant->out);
}

/* A condition that can't be computed is refused when it is, in the place where it stands. */
static bool is_refusal(varve_status status)
{
    return status == VARVE_EFAILED || status == VARVE_EUSAGE || status == VARVE_EINVALID;
}

static varve_status read_constants(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_params *params, struct vv_predicate_constant *first)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_predicate_constant *computed[COMPUTED_MAX];
    size_t len = 0;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT ");
    for (struct vv_predicate_constant *each = first; each != NULL; each = each->next) {
        if (read_literal(each) || len == COMPUTED_MAX ||
            (each->type != NULL && !vv_type_is_ordered(each->type)))
            continue;
        vv_buf_adds(&sql, len > 0 ? ", " : "");
        VV_TRY(add_constant(op, session, params, each, &sql));
        computed[len++] = each;
    }
    if (len == 0)
        return VARVE_OK;
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    varve_status status = vv_session_query(op, session, vv_buf_str(&sql), &rows);
    if (is_refusal(status)) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    VV_TRY(vv_rows_next(op, rows, &has_row));
    for (size_t i = 0; i < len && has_row; i++)
        VV_TRY(take_constant(op, rows, (uint32_t)i * 3, computed[i]));
    return VARVE_OK;
}

varve_status vv_predicate_constants(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_params *params, struct vv_predicate_constant *first)
{
    VV_TRY(read_constants(op, session, params, first));
    judge_groups(first);
    return VARVE_OK;
}
