#include "table/rules.h"

#include "base/nearest.h"
#include "base/number.h"
#include "engine/spark_sql.h"
#include "table/values.h"
#include "table/warnings.h"

#define INVARIANTS "delta.invariants"

/* One name of a list: back-quoted, or bare with the blanks around it left out. */
static varve_status name_take(struct vv_op *op, struct vv_str *rest, struct vv_buf *name)
{
    vv_buf_clear(name);
    *rest = vv_str_trim(*rest);
    if (rest->len == 0 || rest->ptr[0] != '`') {
        struct vv_str bare = vv_str_first(*rest, vv_str_find(*rest, ','));
        *rest = vv_str_skip(*rest, bare.len);
        vv_buf_add(name, vv_str_trim(bare));
        return VARVE_OK;
    }
    size_t at = 1;
    for (; at < rest->len; at++) {
        if (rest->ptr[at] == '`') {
            if (at + 1 >= rest->len || rest->ptr[at + 1] != '`')
                break;
            at++;
        }
        vv_buf_addc(name, rest->ptr[at]);
    }
    if (at >= rest->len)
        return vv_fail(op, VARVE_EUSAGE, "a back-quote is not closed in: %.*s", VV_ARG(*rest));
    *rest = vv_str_trim(vv_str_skip(*rest, at + 1));
    if (rest->len > 0 && rest->ptr[0] != ',')
        return vv_fail(op, VARVE_EUSAGE, "a comma is missing between names, before: %.*s",
            VV_ARG(*rest));
    return VARVE_OK;
}

varve_status vv_rules_split_names(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_str **out, size_t *out_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str rest = vv_str_trim(text);
    void *names = NULL;
    size_t len = 0;
    size_t capacity = 0;
    while (rest.len > 0) {
        VV_TRY(name_take(op, &rest, &name));
        bool more = rest.len > 0;
        rest = vv_str_trim(vv_str_skip(rest, 1));
        if (vv_buf_ok(&name) && (name.len == 0 || (more && rest.len == 0)))
            return vv_fail(op, VARVE_EUSAGE, "a name is missing in: %.*s", VV_ARG(text));
        if (!vv_arena_grow(arena, &names, len, &capacity, sizeof(struct vv_str),
                _Alignof(struct vv_str)))
            return vv_fail_memory(op);
        struct vv_str copy = vv_arena_str(arena, vv_buf_str(&name));
        if (copy.ptr == NULL || !vv_buf_ok(&name))
            return vv_fail_memory(op);
        ((struct vv_str *)names)[len++] = copy;
    }
    *out = names;
    *out_len = len;
    return VARVE_OK;
}

static bool is_bare(struct vv_str name)
{
    if (name.len == 0)
        return false;
    for (size_t index = 0; index < name.len; index++) {
        char byte = name.ptr[index];
        if (byte == ',' || byte == '`' || byte == '=' || (byte >= 0 && byte <= ' '))
            return false;
    }
    return true;
}

void vv_rules_write_names(const struct vv_str *names, size_t len, struct vv_buf *out)
{
    for (size_t index = 0; index < len; index++) {
        if (index > 0)
            vv_buf_addc(out, ',');
        if (is_bare(names[index])) {
            vv_buf_add(out, names[index]);
            continue;
        }
        vv_buf_addc(out, '`');
        for (size_t at = 0; at < names[index].len; at++) {
            if (names[index].ptr[at] == '`')
                vv_buf_addc(out, '`');
            vv_buf_addc(out, names[index].ptr[at]);
        }
        vv_buf_addc(out, '`');
    }
}

static varve_status column_find(struct vv_op *op, const struct vv_schema *schema,
    const char *property, struct vv_str name, int32_t *out)
{
    int32_t column = vv_schema_find(schema, name);
    if (column < 0)
        return vv_fail(op, VARVE_ECORRUPT,
            "%s names column \"%.*s\", which the table does not have", property, VV_ARG(name));
    *out = column;
    return VARVE_OK;
}

/* The columns that a property lists; none where it is absent. */
static varve_status columns_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const char *property, const int32_t **out,
    size_t *out_len)
{
    struct vv_str text = vv_pairs_get(&snapshot->metadata->configuration, vv_str_of(property));
    struct vv_str *names = NULL;
    size_t len = 0;
    if (vv_rules_split_names(op, arena, text, &names, &len) != VARVE_OK) {
        if (op->error.code == VARVE_EUSAGE)
            vv_recode(op, VARVE_ECORRUPT);
        return vv_note(op, "table property %s", property);
    }
    int32_t *columns = vv_new(arena, int32_t, len + 1);
    if (columns == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < len; index++) {
        VV_TRY(column_find(op, &snapshot->schema, property, names[index], &columns[index]));
        const struct vv_field *field = &snapshot->schema.fields[columns[index]];
        if (!vv_type_is_ordered(&field->type))
            return vv_fail(op, VARVE_ECORRUPT,
                "%s names column \"%.*s\", whose type has no order", property,
                VV_ARG(field->name));
        for (size_t before = 0; before < index; before++)
            if (columns[before] == columns[index])
                return vv_fail(op, VARVE_ECORRUPT, "%s names column \"%.*s\" twice", property,
                    VV_ARG(field->name));
    }
    *out = columns;
    *out_len = len;
    return VARVE_OK;
}

static bool is_integer(const struct vv_type *type)
{
    return type->kind == VV_TYPE_LONG || type->kind == VV_TYPE_INTEGER ||
           type->kind == VV_TYPE_SHORT || type->kind == VV_TYPE_BYTE;
}

static varve_status order_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    const int32_t *columns = NULL;
    size_t len = 0;
    VV_TRY(columns_read(op, arena, snapshot, VV_PROPERTY_ORDER_BY, &columns, &len));
    out->order = len > 0 ? columns[0] : -1;
    if (len == 0)
        return VARVE_OK;
    const struct vv_field *field = &snapshot->schema.fields[out->order];
    if (len > 1 || !(vv_type_is_time(&field->type) || is_integer(&field->type)))
        return vv_fail(op, VARVE_ECORRUPT,
            VV_PROPERTY_ORDER_BY " has to name one column that is a timestamp or an integer");
    return VARVE_OK;
}

static varve_status partitions_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    const struct vv_metadata *metadata = snapshot->metadata;
    int32_t *columns = vv_new(arena, int32_t, metadata->partition_columns_len + 1);
    if (columns == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < metadata->partition_columns_len; index++)
        VV_TRY(column_find(op, &snapshot->schema, "partitionColumns",
            metadata->partition_columns[index], &columns[index]));
    out->partitions = columns;
    out->partitions_len = metadata->partition_columns_len;
    return VARVE_OK;
}

/* "date=timestamp"; back-quotes go around both, not around each. */
static varve_status partition_from_parse(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, struct vv_str name, struct vv_partition_from *out)
{
    const struct vv_schema *schema = &snapshot->schema;
    size_t equals = vv_str_find(name, '=');
    if (equals == name.len)
        return vv_fail(op, VARVE_ECORRUPT,
            VV_PROPERTY_PARTITION_FROM " has to read \"date=timestamp\", not \"%.*s\"",
            VV_ARG(name));
    VV_TRY(column_find(op, schema, VV_PROPERTY_PARTITION_FROM,
        vv_str_trim(vv_str_first(name, equals)), &out->partition));
    VV_TRY(column_find(op, schema, VV_PROPERTY_PARTITION_FROM,
        vv_str_trim(vv_str_skip(name, equals + 1)), &out->source));
    bool is_partition = false;
    for (size_t index = 0; index < rules->partitions_len; index++)
        is_partition = is_partition || rules->partitions[index] == out->partition;
    if (!is_partition || schema->fields[out->partition].type.kind != VV_TYPE_DATE ||
        !vv_type_is_time(&schema->fields[out->source].type))
        return vv_fail(op, VARVE_ECORRUPT,
            VV_PROPERTY_PARTITION_FROM
            " \"%.*s\" has to name a partition column of type date and a timestamp",
            VV_ARG(name));
    return VARVE_OK;
}

static varve_status partition_from_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    struct vv_str text =
        vv_pairs_get(&snapshot->metadata->configuration, VV_STR(VV_PROPERTY_PARTITION_FROM));
    struct vv_str *names = NULL;
    size_t len = 0;
    if (vv_rules_split_names(op, arena, text, &names, &len) != VARVE_OK) {
        if (op->error.code == VARVE_EUSAGE)
            vv_recode(op, VARVE_ECORRUPT);
        return vv_note(op, "table property " VV_PROPERTY_PARTITION_FROM);
    }
    struct vv_partition_from *list = vv_new(arena, struct vv_partition_from, len + 1);
    if (list == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < len; index++) {
        struct vv_partition_from pair = {0};
        VV_TRY(partition_from_parse(op, snapshot, out, names[index], &pair));
        if (pair.source == out->order)
            out->is_order_partition = true;
        else
            list[out->partition_from_len++] = pair;
    }
    out->partition_from = list;
    return VARVE_OK;
}

/*
 * The clock fills the order column: a batch that is repeated on another day would move its rows into
 * another partition, each a change, and a row that is the newest on arrival has an order value of
 * which its partition knows nothing.
 */
varve_status vv_rules_judge(struct vv_op *op, const struct vv_rules *rules)
{
    if (!rules->is_order_partition)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        VV_PROPERTY_PARTITION_FROM
        " names the order column, which the clock fills: a batch that is repeated on another "
        "day would not be a no-op. Derive the date of a timestamp that the rows bring");
}

/* What is to become of the checks while they are collected. */
struct check_list {
    struct vv_op *op;
    struct vv_arena *arena;
    struct vv_spark_columns columns;
    void *items;
    size_t len;
    size_t capacity;
};

static varve_status check_add(struct check_list *list, struct vv_str name,
    struct vv_str expression)
{
    struct vv_check check = {.name = name, .expression = expression};
    VV_TRY(vv_spark_sql_translate(list->op, expression, &list->columns, list->arena,
        &check.sql));
    if (!vv_arena_grow(list->arena, &list->items, list->len, &list->capacity, sizeof(check),
            _Alignof(struct vv_check)))
        return vv_fail_memory(list->op);
    ((struct vv_check *)list->items)[list->len++] = check;
    return VARVE_OK;
}

static varve_status constraints_read(const struct vv_snapshot *snapshot,
    struct check_list *list)
{
    const struct vv_pairs *configuration = &snapshot->metadata->configuration;
    const struct vv_str prefix = VV_STR(VV_PROPERTY_CONSTRAINT);
    for (size_t index = 0; index < configuration->len; index++) {
        struct vv_pair pair = configuration->items[index];
        if (!vv_str_eq_nocase(vv_str_first(pair.name, prefix.len), prefix) ||
            pair.value.ptr == NULL)
            continue;
        if (check_add(list, vv_str_skip(pair.name, prefix.len), pair.value) != VARVE_OK)
            return vv_note(list->op, "constraint %.*s of the table",
                VV_ARG(vv_str_skip(pair.name, prefix.len)));
    }
    return VARVE_OK;
}

static bool has_nested_invariant(const struct vv_type *type)
{
    for (size_t index = 0; index < type->fields_len; index++)
        if (vv_json_get(type->fields[index].metadata, INVARIANTS) != NULL ||
            has_nested_invariant(&type->fields[index].type))
            return true;
    return (type->element && has_nested_invariant(type->element)) ||
           (type->key && has_nested_invariant(type->key));
}

/* {"expression":{"expression":"x > 3"}}, as a text within the field's metadata. */
static varve_status invariant_parse(struct check_list *list, const struct vv_json *text,
    struct vv_str *out)
{
    const struct vv_json *json = NULL;
    VV_TRY(vv_json_parse(list->op, list->arena, vv_json_text(text), &json));
    const struct vv_json *expression =
        vv_json_get_kind(vv_json_get_kind(json, "expression", VV_JSON_OBJECT), "expression",
            VV_JSON_STRING);
    if (expression == NULL)
        return vv_fail(list->op, VARVE_ECORRUPT, "no expression in it");
    *out = vv_json_text(expression);
    return VARVE_OK;
}

static varve_status invariants_read(const struct vv_snapshot *snapshot, struct check_list *list)
{
    for (size_t index = 0; index < snapshot->schema.fields_len; index++) {
        const struct vv_field *field = &snapshot->schema.fields[index];
        if (has_nested_invariant(&field->type))
            return vv_fail(list->op, VARVE_EUNSUPPORTED,
                "column \"%.*s\" has an invariant (" INVARIANTS ") within a nested type",
                VV_ARG(field->name));
        const struct vv_json *text =
            vv_json_get_kind(field->metadata, INVARIANTS, VV_JSON_STRING);
        if (text == NULL)
            continue;
        struct vv_str expression = VV_STR_NONE;
        if (invariant_parse(list, text, &expression) != VARVE_OK ||
            check_add(list, field->name, expression) != VARVE_OK)
            return vv_note(list->op, "invariant of column \"%.*s\"", VV_ARG(field->name));
    }
    return VARVE_OK;
}

static varve_status checks_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    struct vv_str *names = vv_new(arena, struct vv_str, snapshot->schema.fields_len + 1);
    if (names == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < snapshot->schema.fields_len; index++)
        names[index] = snapshot->schema.fields[index].name;
    struct check_list list = {.op = op,
        .arena = arena,
        .columns = {.names = names, .len = snapshot->schema.fields_len}};
    VV_TRY(constraints_read(snapshot, &list));
    VV_TRY(invariants_read(snapshot, &list));
    out->checks = list.items;
    out->checks_len = list.len;
    return VARVE_OK;
}

varve_status vv_rules_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, bool for_write, struct vv_rules *out)
{
    struct vv_rules rules = {.order = -1};
    VV_TRY(columns_read(op, arena, snapshot, VV_PROPERTY_KEY, &rules.key, &rules.key_len));
    VV_TRY(order_read(op, arena, snapshot, &rules));
    VV_TRY(columns_read(op, arena, snapshot, VV_PROPERTY_ZORDER, &rules.zorder,
        &rules.zorder_len));
    VV_TRY(partitions_read(op, arena, snapshot, &rules));
    VV_TRY(partition_from_read(op, arena, snapshot, &rules));
    if (for_write) {
        VV_TRY(checks_read(op, arena, snapshot, &rules));
        VV_TRY(vv_warnings_read(op, arena, snapshot, &rules));
        VV_TRY(vv_values_read(op, arena, snapshot, &rules));
    }
    *out = rules;
    return VARVE_OK;
}

varve_status vv_rules_read_lenient(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    varve_status status = vv_rules_read(op, arena, snapshot, false, out);
    if (status != VARVE_ECORRUPT)
        return status;
    const struct vv_pairs all = snapshot->metadata->configuration;
    struct vv_metadata metadata = *snapshot->metadata;
    struct vv_snapshot others = *snapshot;
    size_t len = 0;
    vv_log(op, VV_LOG_WARN, "rules.misfit",
        "%s: read as if no property of Varve's were set, and not written to before varve alter "
        "mends it",
        op->error.message);
    vv_forgive(op);
    struct vv_pair *pairs = vv_new(arena, struct vv_pair, all.len + 1);
    if (pairs == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < all.len; i++)
        if (!vv_str_starts(all.items[i].name, VV_STR("varve.")))
            pairs[len++] = all.items[i];
    metadata.configuration = (struct vv_pairs){pairs, len};
    others.metadata = &metadata;
    return vv_rules_read(op, arena, &others, false, out);
}

bool vv_rules_is_key(const struct vv_rules *rules, int32_t column)
{
    for (size_t i = 0; i < rules->key_len; i++)
        if (rules->key[i] == column)
            return true;
    return false;
}

bool vv_rules_is_generated(const struct vv_rules *rules, int32_t column)
{
    return rules->values != NULL && rules->values[column].generated_sql.ptr != NULL;
}

bool vv_rules_same(const struct vv_snapshot *a, const struct vv_snapshot *b)
{
    if (a == b)
        return true;
    if (a->protocol->min_writer != b->protocol->min_writer ||
        a->protocol->writer_features_len != b->protocol->writer_features_len ||
        !vv_str_eq(a->metadata->schema_json, b->metadata->schema_json) ||
        a->metadata->configuration.len != b->metadata->configuration.len ||
        a->metadata->partition_columns_len != b->metadata->partition_columns_len)
        return false;
    for (size_t i = 0; i < a->metadata->configuration.len; i++)
        if (!vv_str_eq(a->metadata->configuration.items[i].name,
                b->metadata->configuration.items[i].name) ||
            !vv_str_eq(a->metadata->configuration.items[i].value,
                b->metadata->configuration.items[i].value))
            return false;
    for (size_t i = 0; i < a->metadata->partition_columns_len; i++)
        if (!vv_str_eq(a->metadata->partition_columns[i], b->metadata->partition_columns[i]))
            return false;
    return true;
}

static struct vv_str partition_name(const struct vv_snapshot *snapshot, size_t at)
{
    int32_t column =
        vv_schema_find(&snapshot->schema, snapshot->metadata->partition_columns[at]);
    return column < 0 ? VV_STR_NONE : snapshot->schema.fields[column].physical_name;
}

static bool has_partition(const struct vv_snapshot *snapshot, struct vv_str name)
{
    for (size_t i = 0; i < snapshot->metadata->partition_columns_len; i++)
        if (vv_str_eq(partition_name(snapshot, i), name))
            return true;
    return false;
}

bool vv_partitions_same(const struct vv_snapshot *a, const struct vv_snapshot *b)
{
    if (a->metadata->partition_columns_len != b->metadata->partition_columns_len)
        return false;
    for (size_t i = 0; i < a->metadata->partition_columns_len; i++)
        if (!has_partition(b, partition_name(a, i)))
            return false;
    return true;
}

bool vv_checks_name(const struct vv_check *checks, size_t len, struct vv_str quoted)
{
    for (size_t i = 0; i < len; i++)
        if (memmem(checks[i].sql.ptr, checks[i].sql.len, quoted.ptr, quoted.len) != NULL)
            return true;
    return false;
}

varve_status vv_rules_guess_column(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, struct vv_str name, struct vv_str *out)
{
    struct vv_str *names = vv_new(arena, struct vv_str, schema->fields_len + 1);
    if (names == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < schema->fields_len; i++)
        names[i] = schema->fields[i].name;
    struct vv_str nearest = vv_nearest_name(name, names, schema->fields_len);
    *out = VV_STR("");
    if (nearest.len > 0)
        *out = vv_arena_format(arena, "; did you mean %.*s?", VV_ARG(nearest));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_rules_fail_column(struct vv_op *op, struct vv_str table,
    const struct vv_schema *schema, struct vv_str name)
{
    struct vv_str guess = VV_STR_NONE;
    VV_TRY(vv_rules_guess_column(op, &op->arena, schema, name, &guess));
    return vv_fail(op, VARVE_EUSAGE, "table %.*s has no column %.*s%.*s", VV_ARG(table),
        VV_ARG(name), VV_ARG(guess));
}

varve_status vv_rules_fail_null_keys(struct vv_op *op, struct vv_str table, int64_t null_keys,
    int64_t rows)
{
    return vv_fail(op, VARVE_EINVALID,
        "%" PRId64 " of %" PRId64 " row%s of table %.*s %s NULL in the key: no row can be "
        "told by that; take other columns, or delete those rows first",
        null_keys, rows, vv_plural(rows), VV_ARG(table), null_keys == 1 ? "has" : "have");
}
