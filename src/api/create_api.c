/*
 * varve_lake_create_table: what a person says of a new table, as a specification.
 */
#include "api/api.h"
#include "base/str.h"
#include "lake/market.h"

static varve_status split(struct vv_op *op, const char *names, const struct vv_str **out,
    size_t *out_len)
{
    struct vv_str *list = NULL;
    if (names == NULL || names[0] == '\0')
        return VARVE_OK;
    VV_TRY(vv_rules_split_names(op, &op->arena, vv_str_of(names), &list, out_len));
    *out = list;
    return VARVE_OK;
}

/* "name: expression", or an expression alone, which is named after its place. */
static varve_status split_checks(struct vv_op *op, const varve_create_options *options,
    struct vv_table_spec *spec)
{
    struct vv_named_expression *checks = NULL;
    VV_NEW(op, &checks, struct vv_named_expression, options->checks_len + 1);
    for (size_t i = 0; i < options->checks_len; i++) {
        struct vv_str text = vv_str_of(options->checks[i]);
        size_t colon = vv_str_find(text, ':');
        struct vv_str name = vv_str_trim(vv_str_first(text, colon));
        bool is_name = colon < text.len && name.len > 0;
        for (size_t c = 0; c < name.len && is_name; c++)
            is_name = name.ptr[c] == '_' || name.ptr[c] == '-' ||
                      (name.ptr[c] >= '0' && name.ptr[c] <= '9') ||
                      (name.ptr[c] >= 'a' && name.ptr[c] <= 'z') ||
                      (name.ptr[c] >= 'A' && name.ptr[c] <= 'Z');
        if (!is_name)
            return vv_fail(op, VARVE_EUSAGE,
                "check \"%.*s\": say it as name: expression, such as \"positive: price > 0\"",
                VV_ARG(text));
        checks[i].name = name;
        checks[i].expression = vv_str_trim(vv_str_skip(text, colon + 1));
    }
    spec->checks = checks;
    spec->checks_len = options->checks_len;
    return VARVE_OK;
}

static bool is_same(const struct vv_str *a, size_t a_len, const struct vv_str *b, size_t b_len)
{
    bool same = a_len == b_len;
    for (size_t i = 0; i < a_len && same; i++)
        same = vv_str_eq_nocase(a[i], b[i]);
    return same;
}

/* --property varve.key=A is --key A: columns said in both ways have to be the same ones. */
static varve_status take_columns(struct vv_op *op, const struct vv_pair *pair,
    const struct vv_str **columns, size_t *len)
{
    struct vv_str *names = NULL;
    size_t names_len = 0;
    VV_TRY(vv_rules_split_names(op, &op->arena, pair->value, &names, &names_len));
    if (*len > 0 && !is_same(*columns, *len, names, names_len))
        return vv_fail(op, VARVE_EUSAGE,
            "property %.*s = %.*s: other columns were given for it as well; say it once",
            VV_ARG(pair->name), VV_ARG(pair->value));
    *columns = names;
    *len = names_len;
    return VARVE_OK;
}

/* *out_taken: the pair is in the specification, and is no property beside it. */
static varve_status take_rule(struct vv_op *op, const struct vv_pair *pair,
    struct vv_table_spec *spec, bool *out_taken)
{
    *out_taken = true;
    if (vv_str_eq_nocase(pair->name, VV_STR(VV_PROPERTY_KEY)))
        return take_columns(op, pair, &spec->key, &spec->key_len);
    if (vv_str_eq_nocase(pair->name, VV_STR(VV_PROPERTY_ZORDER)))
        return take_columns(op, pair, &spec->zorder, &spec->zorder_len);
    *out_taken = vv_str_eq_nocase(pair->name, VV_STR(VV_PROPERTY_ORDER_BY));
    if (!*out_taken)
        return VARVE_OK;
    const struct vv_str *order = &spec->order_by;
    size_t len = spec->order_by.len > 0 ? 1 : 0;
    VV_TRY(take_columns(op, pair, &order, &len));
    if (len > 1)
        return vv_fail(op, VARVE_EUSAGE,
            VV_PROPERTY_ORDER_BY " has to name one column, not \"%.*s\"", VV_ARG(pair->value));
    spec->order_by = len == 1 ? order[0] : VV_STR_NONE;
    return VARVE_OK;
}

static varve_status split_properties(struct vv_op *op, const varve_create_options *options,
    struct vv_table_spec *spec)
{
    struct vv_pair *pairs = NULL;
    size_t len = 2;
    VV_NEW(op, &pairs, struct vv_pair, options->properties_len + 2);
    VV_TRY(vv_history_properties(op, vv_api_text(options->history), pairs));
    for (size_t i = 0; i < options->properties_len; i++) {
        struct vv_str text = vv_str_of(options->properties[i]);
        size_t equals = vv_str_find(text, '=');
        if (equals == 0 || equals == text.len)
            return vv_fail(op, VARVE_EUSAGE, "property \"%.*s\": say it as name=value",
                VV_ARG(text));
        bool is_taken = false;
        pairs[len] = (struct vv_pair){vv_str_trim(vv_str_first(text, equals)),
            vv_str_trim(vv_str_skip(text, equals + 1))};
        VV_TRY(vv_api_check_property(op, &pairs[len]));
        VV_TRY(take_rule(op, &pairs[len], spec, &is_taken));
        len += is_taken ? 0 : 1;
    }
    spec->properties = (struct vv_pairs){pairs, len};
    spec->properties_unasked = options->history == NULL ? 2 : 0;
    return VARVE_OK;
}

/*
 * A date column that partitions the table, beside a timestamp in its key, is the UTC date of that
 * timestamp: then it is filled, checked, and used to find files.
 */
static varve_status derive_partition(struct vv_op *op, struct vv_table_spec *spec)
{
    const struct vv_schema *schema = &spec->schema;
    if (spec->partition_columns_len != 1)
        return VARVE_OK;
    int32_t date = vv_schema_find(schema, spec->partition_columns[0]);
    if (date < 0 || schema->fields[date].type.kind != VV_TYPE_DATE)
        return VARVE_OK;
    for (size_t i = 0; i < spec->key_len; i++) {
        int32_t column = vv_schema_find(schema, spec->key[i]);
        if (column == date)
            return VARVE_OK; /* a key of its own */
        if (column < 0 || (schema->fields[column].type.kind != VV_TYPE_TIMESTAMP &&
                              schema->fields[column].type.kind != VV_TYPE_TIMESTAMP_NTZ))
            continue;
        struct vv_pair *pair = NULL;
        VV_NEW(op, &pair, struct vv_pair, 1);
        *pair = (struct vv_pair){schema->fields[date].name, schema->fields[column].name};
        spec->partition_from = (struct vv_pairs){pair, 1};
        return VARVE_OK;
    }
    return VARVE_OK;
}

static varve_status create_table(struct vv_op *op, varve_lake *lake, const char *name,
    const varve_create_options *given, bool *out_created)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    struct vv_table_spec spec = {0};
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    if (name == NULL || options.schema == NULL)
        return vv_fail(op, VARVE_EUSAGE, "a table needs a name and a schema");
    VV_TRY(vv_schema_parse_ddl(op, &op->arena, vv_str_of(options.schema), &spec.schema));
    VV_TRY(split(op, options.partition_by, &spec.partition_columns,
        &spec.partition_columns_len));
    VV_TRY(split(op, options.key, &spec.key, &spec.key_len));
    VV_TRY(split(op, options.zorder, &spec.zorder, &spec.zorder_len));
    VV_TRY(split(op, options.cluster_by, &spec.cluster, &spec.cluster_len));
    spec.order_by = vv_api_text(options.order_by);
    VV_TRY(vv_api_check_text(op, "the description", options.description));
    spec.description = vv_api_text(options.description);
    VV_TRY(split_checks(op, &options, &spec));
    VV_TRY(split_properties(op, &options, &spec));
    VV_TRY(derive_partition(op, &spec));
    return vv_lake_create_table(op, lake->lake, vv_str_of(name), &spec, out_created);
}

varve_status varve_lake_create_table(varve_lake *lake, const char *name,
    const varve_create_options *options, int32_t *out_created, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    bool created = false;
    vv_api_begin(&op, lake);
    varve_status status = create_table(&op, lake, name, options, &created);
    if (status == VARVE_OK && out_created != NULL)
        *out_created = created ? 1 : 0;
    return vv_op_report(&op, status, err);
}
