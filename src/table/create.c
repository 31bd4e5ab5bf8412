/*
 * Version 0 of a table: protocol, metaData, and nothing else.
 */
#include "base/json_write.h"
#include "base/number.h"
#include "base/time.h"
#include "base/uuid.h"
#include "delta/commit.h"
#include "delta/features.h"
#include "delta/list.h"
#include "table/alter/property.h"
#include "table/audit/changes.h"
#include "table/cluster.h"
#include "table/constraint.h"
#include "table/folder_walk.h"
#include "table/maintain/vacuum_plan.h"
#include "table/table.h"
#include "table/values.h"
#include "table/warnings.h"

struct creation {
    const struct vv_table_spec *spec;
    const struct vv_protocol *protocol; /* the least that has what was needed so far */
    struct vv_metadata metadata;
    VV_ACTION_LIST(struct vv_pair) properties;
    struct vv_domain clustering; /* without a name: none */
};

static varve_status check_columns(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_str *names, size_t len, const char *what, bool must_be_ordered)
{
    for (size_t i = 0; i < len; i++) {
        int32_t column = vv_schema_find(schema, names[i]);
        if (column < 0)
            return vv_fail(op, VARVE_EUSAGE, "%s column %.*s is not in the schema", what,
                VV_ARG(names[i]));
        if (must_be_ordered && !vv_type_is_ordered(&schema->fields[column].type))
            return vv_fail(op, VARVE_EUSAGE, "%s column %.*s has a type without an order", what,
                VV_ARG(names[i]));
        for (size_t j = 0; j < i; j++)
            if (vv_str_eq_nocase(names[i], names[j]))
                return vv_fail(op, VARVE_EUSAGE, "%s column %.*s is named twice", what,
                    VV_ARG(names[i]));
    }
    return VARVE_OK;
}

static bool can_order(enum vv_type_kind kind)
{
    return kind == VV_TYPE_BYTE || kind == VV_TYPE_SHORT || kind == VV_TYPE_INTEGER ||
           kind == VV_TYPE_LONG || kind == VV_TYPE_TIMESTAMP || kind == VV_TYPE_TIMESTAMP_NTZ;
}

static varve_status check_order(struct vv_op *op, const struct vv_table_spec *spec)
{
    if (spec->order_by.len == 0)
        return VARVE_OK;
    VV_TRY(check_columns(op, &spec->schema, &spec->order_by, 1, "order", true));
    int32_t column = vv_schema_find(&spec->schema, spec->order_by);
    if (!can_order(spec->schema.fields[column].type.kind))
        return vv_fail(op, VARVE_EUSAGE, "order column %.*s must be a timestamp or an integer",
            VV_ARG(spec->order_by));
    for (size_t i = 0; i < spec->key_len; i++)
        if (vv_str_eq_nocase(spec->key[i], spec->order_by))
            return vv_fail(op, VARVE_EUSAGE, "order column %.*s is part of the key",
                VV_ARG(spec->order_by));
    return VARVE_OK;
}

static varve_status check_partition_from(struct vv_op *op, const struct vv_table_spec *spec)
{
    for (size_t i = 0; i < spec->partition_from.len; i++) {
        const struct vv_pair *pair = &spec->partition_from.items[i];
        VV_TRY(check_columns(op, &spec->schema, &pair->name, 1, "derived", true));
        VV_TRY(check_columns(op, &spec->schema, &pair->value, 1, "source", true));
        int32_t date = vv_schema_find(&spec->schema, pair->name);
        int32_t source = vv_schema_find(&spec->schema, pair->value);
        enum vv_type_kind kind = spec->schema.fields[source].type.kind;
        if (spec->schema.fields[date].type.kind != VV_TYPE_DATE ||
            (kind != VV_TYPE_TIMESTAMP && kind != VV_TYPE_TIMESTAMP_NTZ))
            return vv_fail(op, VARVE_EUSAGE,
                "%.*s = %.*s: a date column derives from a timestamp column",
                VV_ARG(pair->name), VV_ARG(pair->value));
    }
    return VARVE_OK;
}

static varve_status check_checks(struct vv_op *op, const struct vv_table_spec *spec)
{
    for (size_t i = 0; i < spec->checks_len; i++) {
        if (spec->checks[i].name.len == 0)
            return vv_fail(op, VARVE_EUSAGE, "a constraint without a name: %.*s",
                VV_ARG(spec->checks[i].expression));
        for (size_t j = 0; j < i; j++)
            if (vv_str_eq_nocase(spec->checks[i].name, spec->checks[j].name))
                return vv_fail(op, VARVE_EUSAGE, "constraint %.*s is named twice",
                    VV_ARG(spec->checks[i].name));
    }
    return VARVE_OK;
}

static varve_status check(struct vv_op *op, const struct vv_table_spec *spec)
{
    if (spec->schema.fields_len == 0)
        return vv_fail(op, VARVE_EUSAGE, "a table needs a column");
    if (vv_schema_check_names(op, &spec->schema, VV_MAPPING_NONE) != VARVE_OK ||
        vv_changes_check_names(op, &spec->schema) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    VV_TRY(check_columns(op, &spec->schema, spec->partition_columns,
        spec->partition_columns_len, "partition", true));
    if (spec->partition_columns_len >= spec->schema.fields_len)
        return vv_fail(op, VARVE_EUSAGE, "every column is a partition column");
    VV_TRY(check_columns(op, &spec->schema, spec->key, spec->key_len, "key", true));
    VV_TRY(check_columns(op, &spec->schema, spec->zorder, spec->zorder_len, "z-order", true));
    VV_TRY(check_order(op, spec));
    VV_TRY(check_partition_from(op, spec));
    return check_checks(op, spec);
}

static varve_status add_property(struct vv_op *op, struct creation *creation,
    struct vv_str name, struct vv_str value)
{
    for (size_t i = 0; i < creation->properties.len; i++)
        if (vv_str_eq(creation->properties.items[i].name, name)) {
            creation->properties.items[i].value = value;
            return VARVE_OK;
        }
    struct vv_pair *pair = VV_LIST_NEW(&op->arena, &creation->properties);
    if (pair == NULL)
        return vv_fail_memory(op);
    *pair = (struct vv_pair){name, value};
    return VARVE_OK;
}

static varve_status add_names(struct vv_op *op, struct creation *creation, const char *property,
    const struct vv_str *names, size_t len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    if (len == 0)
        return VARVE_OK;
    vv_rules_write_names(names, len, &text);
    struct vv_str value = vv_arena_str(&op->arena, vv_buf_str(&text));
    if (!vv_buf_ok(&text) || value.ptr == NULL)
        return vv_fail_memory(op);
    return add_property(op, creation, vv_str_of(property), value);
}

static varve_status add_rules(struct vv_op *op, struct creation *creation)
{
    const struct vv_table_spec *spec = creation->spec;
    VV_TRY(add_names(op, creation, VV_PROPERTY_KEY, spec->key, spec->key_len));
    VV_TRY(add_names(op, creation, VV_PROPERTY_ORDER_BY, &spec->order_by,
        spec->order_by.len > 0 ? 1 : 0));
    VV_TRY(add_names(op, creation, VV_PROPERTY_ZORDER, spec->zorder, spec->zorder_len));
    for (size_t i = 0; i < spec->partition_from.len; i++) {
        struct vv_str text =
            vv_arena_format(&op->arena, "%.*s=%.*s", VV_ARG(spec->partition_from.items[i].name),
                VV_ARG(spec->partition_from.items[i].value));
        if (text.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(add_property(op, creation, VV_STR(VV_PROPERTY_PARTITION_FROM), text));
    }
    for (size_t i = 0; i < spec->checks_len; i++) {
        struct vv_str name;
        VV_TRY(vv_constraint_property(op, spec->checks[i].name, &name));
        VV_TRY(add_property(op, creation, name, spec->checks[i].expression));
    }
    return VARVE_OK;
}

static varve_status need(struct vv_op *op, struct creation *creation, struct vv_str feature)
{
    if (vv_str_eq(feature, VV_STR("clustering")))
        VV_TRY(vv_cluster_check_partitions(op, &creation->metadata));
    return vv_features_require(op, &op->arena, creation->protocol, feature,
        &creation->protocol);
}

/* `delta.feature.x` asks for a protocol feature and is not a property of its own. */
static varve_status add_given(struct vv_op *op, struct creation *creation)
{
    const struct vv_str feature = VV_STR("delta.feature.");
    const struct vv_str constraint = VV_STR(VV_PROPERTY_CONSTRAINT);
    for (size_t i = 0; i < creation->spec->properties.len; i++) {
        const struct vv_pair *pair = &creation->spec->properties.items[i];
        struct vv_property property;
        if (vv_str_starts(pair->name, feature)) {
            if (!vv_str_eq(pair->value, VV_STR("supported")))
                return vv_fail(op, VARVE_EUSAGE, "%.*s has to be supported, not \"%.*s\"",
                    VV_ARG(pair->name), VV_ARG(pair->value));
            VV_TRY(need(op, creation, vv_str_skip(pair->name, feature.len)));
            continue;
        }
        if (vv_str_starts(pair->name, constraint))
            return vv_fail(op, VARVE_EUSAGE,
                "a constraint is no property: give it as a check, \"%.*s: %.*s\"",
                VV_ARG(vv_str_skip(pair->name, constraint.len)), VV_ARG(pair->value));
        if (vv_str_starts(pair->name, VV_STR("delta.columnMapping.")))
            return vv_fail(op, VARVE_EUSAGE,
                "%.*s is not set by hand: alter rename-column and drop-column --upgrade set it",
                VV_ARG(pair->name));
        VV_TRY(vv_property_check(op, pair->name, pair->value, &property));
        if (property.feature != NULL)
            VV_TRY(need(op, creation, vv_str_of(property.feature)));
        VV_TRY(add_property(op, creation, property.name, property.value));
    }
    return VARVE_OK;
}

/* Readable by everyone where that is possible: reader 1, writer 2 (3 with CHECK constraints). */
static varve_status begin_protocol(struct vv_op *op, struct creation *creation)
{
    static const struct vv_protocol least = {.min_reader = 1, .min_writer = 2};
    creation->protocol = &least;
    if (creation->spec->checks_len > 0)
        VV_TRY(need(op, creation, VV_STR("checkConstraints")));
    for (size_t i = 0; i < creation->spec->schema.fields_len; i++) {
        const struct vv_field *field = &creation->spec->schema.fields[i];
        if (vv_type_holds(&field->type, VV_TYPE_TIMESTAMP_NTZ))
            VV_TRY(need(op, creation, VV_STR("timestampNtz")));
        if (vv_field_default(field).ptr != NULL)
            VV_TRY(need(op, creation, VV_STR("allowColumnDefaults")));
        if (vv_field_generated(field).ptr != NULL)
            VV_TRY(need(op, creation, VV_STR("generatedColumns")));
    }
    return VARVE_OK;
}

static varve_status make_metadata(struct vv_op *op, struct creation *creation)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf schema = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_table_spec *spec = creation->spec;
    char uuid[VV_UUID_BYTES];
    VV_TRY(vv_uuid(op, uuid));
    vv_schema_write(&spec->schema, &schema);
    creation->metadata = (struct vv_metadata){.id = vv_arena_str(&op->arena, vv_str_of(uuid)),
        .description = spec->description.len > 0 ? spec->description : VV_STR_NONE,
        .format_provider = VV_STR("parquet"),
        .schema_json = vv_arena_str(&op->arena, vv_buf_str(&schema)),
        .created_ms = vv_now_us(op) / VV_US_PER_MS};
    if (!vv_buf_ok(&schema) || creation->metadata.schema_json.ptr == NULL ||
        creation->metadata.id.ptr == NULL)
        return vv_fail_memory(op);
    struct vv_str *partitions = NULL;
    VV_NEW(op, &partitions, struct vv_str, spec->partition_columns_len + 1);
    for (size_t i = 0; i < spec->partition_columns_len; i++) {
        int32_t column = vv_schema_find(&spec->schema, spec->partition_columns[i]);
        partitions[i] = spec->schema.fields[column].name;
    }
    creation->metadata.partition_columns = partitions;
    creation->metadata.partition_columns_len = spec->partition_columns_len;
    VV_TRY(add_rules(op, creation));
    VV_TRY(add_given(op, creation));
    creation->metadata.configuration =
        (struct vv_pairs){creation->properties.items, creation->properties.len};
    return VARVE_OK;
}

/* What properties of the table's rules name has to be there, as for those that are set later. */
static varve_status check_rules(struct vv_op *op, const struct creation *creation)
{
    struct vv_rules rules;
    struct vv_snapshot snapshot = {.protocol = creation->protocol,
        .metadata = &creation->metadata,
        .schema = creation->spec->schema};
    varve_status status = vv_rules_read(op, &op->arena, &snapshot, false, &rules);
    if (status != VARVE_OK)
        return status == VARVE_ECORRUPT ? vv_recode(op, VARVE_EUSAGE) : status;
    return vv_rules_judge(op, &rules);
}

static varve_status add_clustering(struct vv_op *op, struct creation *creation)
{
    const struct vv_table_spec *spec = creation->spec;
    int32_t columns[VV_CLUSTERING_COLUMNS_MAX];
    if (spec->cluster_len == 0)
        return VARVE_OK;
    VV_TRY(vv_cluster_columns(op, &spec->schema, &creation->metadata, spec->cluster,
        spec->cluster_len, columns));
    VV_TRY(need(op, creation, VV_STR("domainMetadata")));
    VV_TRY(need(op, creation, VV_STR("clustering")));
    return vv_clustering_domain(op, &op->arena, &spec->schema, columns, spec->cluster_len,
        &creation->clustering);
}

static void list_names(const struct vv_str *names, size_t len, struct vv_buf *out)
{
    struct vv_json_writer list = VV_JSON_WRITER_INIT(out);
    vv_jw_array(&list);
    for (size_t i = 0; i < len; i++)
        vv_jw_string(&list, names[i]);
    vv_jw_end(&list);
}

/* Spark's operationParameters of CREATE TABLE: values are texts that hold JSON. */
static varve_status parameters(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_metadata *metadata, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf partitions = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf properties = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf clusters = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer object = VV_JSON_WRITER_INIT(&properties);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    list_names(metadata->partition_columns, metadata->partition_columns_len, &partitions);
    list_names(spec->cluster, spec->cluster_len, &clusters);
    vv_jw_object(&object);
    for (size_t i = 0; i < metadata->configuration.len; i++) {
        vv_jw_key_str(&object, metadata->configuration.items[i].name);
        vv_jw_string(&object, metadata->configuration.items[i].value);
    }
    vv_jw_end(&object);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "isManaged", VV_STR("false"));
    vv_jw_key_string(&writer, "description", metadata->description);
    vv_jw_key_string(&writer, "partitionBy", vv_buf_str(&partitions));
    if (spec->cluster_len > 0)
        vv_jw_key_string(&writer, "clusterBy", vv_buf_str(&clusters));
    vv_jw_key_string(&writer, "properties", vv_buf_str(&properties));
    vv_jw_end(&writer);
    *out = vv_arena_str(&op->arena, vv_buf_str(&json));
    bool ok = vv_buf_ok(&partitions) && vv_buf_ok(&clusters) && vv_buf_ok(&properties) &&
              vv_buf_ok(&json);
    return ok && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status check_partitions(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_metadata *there)
{
    bool is_same = spec->partition_columns_len == there->partition_columns_len;
    for (size_t i = 0; i < spec->partition_columns_len && is_same; i++)
        is_same = vv_str_eq_nocase(spec->partition_columns[i], there->partition_columns[i]);
    if (is_same)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "it is partitioned by other columns");
}

/* Who does not speak of it takes what is there. */
static varve_status check_clustering(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_snapshot *there)
{
    const int32_t *columns = NULL;
    size_t len = 0;
    if (spec->cluster_len == 0)
        return VARVE_OK;
    VV_TRY(vv_clustering_read(op, &op->arena, there, &columns, &len));
    bool is_same = len == spec->cluster_len;
    for (size_t i = 0; i < len && is_same; i++)
        is_same = vv_schema_find(&there->schema, spec->cluster[i]) == columns[i];
    if (is_same)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "it is not clustered by these columns");
}

static varve_status check_key(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_metadata *there)
{
    struct vv_str *key = NULL;
    size_t len = 0;
    struct vv_str text = vv_pairs_get(&there->configuration, VV_STR(VV_PROPERTY_KEY));
    VV_TRY(vv_rules_split_names(op, &op->arena, text, &key, &len));
    bool is_same = len == spec->key_len;
    for (size_t i = 0; i < len && is_same; i++)
        is_same = vv_str_eq_nocase(spec->key[i], key[i]);
    if (is_same)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "its key is \"%.*s\"", VV_ARG(text));
}

/* What a new row gets in a column is as much of it as its type. */
static varve_status check_filling(struct vv_op *op, const struct vv_field *said,
    const struct vv_field *there)
{
    struct vv_str value = vv_field_default(said);
    struct vv_str generated = vv_field_generated(said);
    if (value.ptr != NULL && !vv_str_eq(value, vv_field_default(there)))
        return vv_fail(op, VARVE_EUSAGE, "its column %.*s has not the default %.*s",
            VV_ARG(said->name), VV_ARG(value));
    if (generated.ptr != NULL && !vv_str_eq(generated, vv_field_generated(there)))
        return vv_fail(op, VARVE_EUSAGE, "its column %.*s is not generated as %.*s",
            VV_ARG(said->name), VV_ARG(generated));
    return VARVE_OK;
}

/* An earlier build may have stored a word as it was typed; what can't be a value stays as it is. */
static varve_status spell(struct vv_op *op, const struct vv_pair *asked, struct vv_str *value)
{
    struct vv_property property;
    if (value->ptr == NULL || vv_str_eq(asked->value, *value))
        return VARVE_OK;
    varve_status status = vv_property_check(op, asked->name, *value, &property);
    if (status == VARVE_OK)
        *value = property.value;
    else if (status == VARVE_EUSAGE || status == VARVE_EUNSUPPORTED)
        vv_forgive(op);
    else
        return status;
    return VARVE_OK;
}

/*
 * The order column, the checks and the properties that were asked for, as they would have become
 * the table's: each has to be there. Those that nobody asked for may have changed since.
 */
static varve_status check_asked(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_snapshot *there)
{
    struct vv_table_spec asked = *spec;
    struct creation creation = {.spec = &asked};
    asked.key_len = 0; /* by check_key */
    asked.zorder_len = 0;
    asked.partition_from.len = 0;
    asked.properties.items += spec->properties_unasked;
    asked.properties.len -= spec->properties_unasked;
    VV_TRY(begin_protocol(op, &creation));
    VV_TRY(add_rules(op, &creation));
    VV_TRY(add_given(op, &creation));
    for (size_t i = 0; i < creation.properties.len; i++) {
        const struct vv_pair *pair = &creation.properties.items[i];
        struct vv_str value = vv_pairs_get(&there->metadata->configuration,
            vv_constraint_find(&there->metadata->configuration, pair->name));
        bool is_order = vv_str_eq(pair->name, VV_STR(VV_PROPERTY_ORDER_BY));
        VV_TRY(spell(op, pair, &value));
        if (is_order ? vv_str_eq_nocase(pair->value, value) : vv_str_eq(pair->value, value))
            continue;
        if (value.ptr == NULL)
            return vv_fail(op, VARVE_EUSAGE, "it has no %.*s", VV_ARG(pair->name));
        return vv_fail(op, VARVE_EUSAGE, "its %.*s is \"%.*s\"", VV_ARG(pair->name),
            VV_ARG(value));
    }
    return VARVE_OK;
}

static bool is_key(const struct vv_table_spec *spec, struct vv_str name)
{
    for (size_t i = 0; i < spec->key_len; i++)
        if (vv_str_eq_nocase(spec->key[i], name))
            return true;
    return false;
}

/* A column of the key, which is the same, is not NULL whatever the schema says. */
static varve_status check_not_null(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_schema *there)
{
    for (size_t i = 0; i < spec->schema.fields_len; i++) {
        const struct vv_field *field = &spec->schema.fields[i];
        int32_t column = vv_schema_find(there, field->name);
        VV_PRE(column >= 0);
        if (!field->nullable && there->fields[column].nullable && !is_key(spec, field->name))
            return vv_fail(op, VARVE_EUSAGE, "its column %.*s may be NULL",
                VV_ARG(field->name));
    }
    return VARVE_OK;
}

/* Columns that came later are no difference. */
static varve_status check_like(struct vv_op *op, const struct vv_table_spec *spec,
    const struct vv_snapshot *there)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(1 << 20);
    for (size_t i = 0; i < spec->schema.fields_len; i++) {
        const struct vv_field *field = &spec->schema.fields[i];
        int32_t column = vv_schema_find(&there->schema, field->name);
        if (column < 0)
            return vv_fail(op, VARVE_EUSAGE, "it has no column %.*s", VV_ARG(field->name));
        VV_TRY(check_filling(op, field, &there->schema.fields[column]));
        if (vv_type_eq(&field->type, &there->schema.fields[column].type))
            continue;
        vv_type_name(&there->schema.fields[column].type, &type);
        return vv_fail(op, VARVE_EUSAGE, "its column %.*s is of type %.*s", VV_ARG(field->name),
            VV_ARG(vv_buf_str(&type)));
    }
    VV_TRY(check_partitions(op, spec, there->metadata));
    VV_TRY(check_clustering(op, spec, there));
    VV_TRY(check_key(op, spec, there->metadata));
    if (spec->keeps_rules)
        return VARVE_OK;
    VV_TRY(check_not_null(op, spec, &there->schema));
    return check_asked(op, spec, there);
}

/* Who says what a table is to be, and finds another one, wants to know. */
static varve_status check_there(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_table_spec *spec)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *there = NULL;
    VV_TRY(vv_snapshot_load(op, log, VV_NO_VERSION, &there));
    if (check_like(op, spec, there) == VARVE_OK)
        return vv_log_settle(op, log);
    return op->error.code == VARVE_EUSAGE
               ? vv_note(op, "a table of that name is there, and it is another one")
               : op->error.code;
}

static varve_status table_is_there(struct vv_op *op, const struct vv_log_handle *log, bool *out)
{
    struct vv_log_segment segment;
    varve_status status = vv_log_find(op, log, VV_NO_VERSION, INT64_MAX, &op->arena, &segment);
    *out = status == VARVE_OK;
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    return VARVE_OK;
}

struct remains {
    int64_t files;
    struct vv_str first;
};

static varve_status see_remains(struct vv_op *op, void *data, const struct vv_object *object)
{
    struct remains *remains = data;
    if (!vv_vacuum_sees(object->key) || !vv_str_ends(object->key, VV_STR(".parquet")))
        return VARVE_OK;
    if (remains->files++ == 0)
        remains->first = vv_arena_str(&op->arena, object->key);
    return remains->first.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/*
 * Data files without a log are a table that has lost it: to a new one in their place they are leftovers,
 * which its vacuum removes. If somebody has made a table meanwhile, they are of that one.
 */
static varve_status check_remains(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_table_spec *spec, bool *out_is_there)
{
    const struct vv_metadata metadata = {.partition_columns = spec->partition_columns,
        .partition_columns_len = spec->partition_columns_len};
    struct remains remains = {0};
    struct vv_folder_walk walk = {.store = log->store,
        .metadata = &metadata,
        .schema = &spec->schema,
        .see = see_remains,
        .data = &remains};
    VV_TRY(vv_folder_walk(op, &walk));
    if (remains.files == 0)
        return VARVE_OK;
    VV_TRY(table_is_there(op, log, out_is_there));
    if (*out_is_there)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "%.*s has %" PRId64
        " Parquet file%s, such as %.*s, and no log of a table (_delta_log): "
        "put the log back from a backup; for a new table take another name, or move the "
        "file%s away",
        VV_ARG(log->store->location), remains.files, vv_plural(remains.files),
        VV_ARG(remains.first), vv_plural(remains.files));
}

varve_status vv_table_create(struct vv_op *op, struct vv_store *store, struct vv_engine *engine,
    const struct vv_table_spec *spec, bool *out_created)
{
    struct vv_log_handle log = {store, engine};
    struct creation creation = {.spec = spec};
    struct vv_actions actions = {0};
    struct vv_commit_result committed;
    bool is_there = false;
    VV_TRY(check(op, spec));
    VV_TRY(table_is_there(op, &log, &is_there));
    if (!is_there)
        VV_TRY(check_remains(op, &log, spec, &is_there));
    if (is_there) {
        *out_created = false;
        return check_there(op, &log, spec);
    }
    VV_TRY(begin_protocol(op, &creation));
    VV_TRY(make_metadata(op, &creation));
    VV_TRY(add_clustering(op, &creation));
    VV_TRY(check_rules(op, &creation));
    VV_TRY(vv_features_check_write(op, creation.protocol, &creation.metadata, &spec->schema));
    VV_TRY(vv_warnings_check(op, engine, &spec->schema, &creation.metadata.configuration));
    VV_TRY(vv_values_check(op, engine, &spec->schema));
    VV_TRY(vv_constraints_check(op, engine, &spec->schema, spec->checks, spec->checks_len));
    actions.protocol = creation.protocol;
    actions.metadata = &creation.metadata;
    if (creation.clustering.domain.len > 0) {
        actions.domains.items = &creation.clustering;
        actions.domains.len = 1;
    }
    struct vv_commit_request request = {.actions = &actions,
        .operation = VV_STR("CREATE TABLE"),
        .metrics_json = VV_STR("{}"),
        .user_name = spec->user_name,
        .user_metadata = spec->user_metadata,
        .is_blind_append = true,
        .attempts_max = 1};
    VV_TRY(parameters(op, spec, &creation.metadata, &request.parameters_json));
    varve_status status = vv_commit(op, &log, &request, &committed);
    if (status == VARVE_ECONFLICT) {
        /* Somebody created it between our look and our commit: the same answer as above. */
        vv_forgive(op);
        *out_created = false;
        return VARVE_OK;
    }
    if (status == VARVE_OK)
        *out_created = true;
    return status;
}
