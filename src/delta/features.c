/*
 * One table says what Varve does with each feature. A writer feature that a table lists but does
 * not use obliges nobody to anything, so its entry has a function that looks for the use.
 */
#include "delta/features.h"

#define READER_MAX 3
#define READER_MAPPING 2 /* the legacy version that asks for column mapping */
#define WRITER_MAX 7

struct table_state {
    const struct vv_metadata *metadata;
    const struct vv_schema *schema;
};

typedef bool used_fn(const struct table_state *state);

static bool has_field_metadata(const struct vv_field *fields, size_t len, const char *prefix);

static bool type_has_metadata(const struct vv_type *type, const char *prefix)
{
    return has_field_metadata(type->fields, type->fields_len, prefix) ||
           (type->key && type_has_metadata(type->key, prefix)) ||
           (type->element && type_has_metadata(type->element, prefix));
}

/* Whether any field, nested ones too, has a metadata member whose name starts so. */
static bool has_field_metadata(const struct vv_field *fields, size_t len, const char *prefix)
{
    for (size_t index = 0; index < len; index++) {
        const struct vv_json *iterator = NULL;
        const struct vv_json *value;
        struct vv_str name;

        while (fields[index].metadata &&
               vv_json_each(fields[index].metadata, &iterator, &name, &value)) {
            if (vv_str_starts(name, vv_str_of(prefix)))
                return true;
        }
        if (type_has_metadata(&fields[index].type, prefix))
            return true;
    }
    return false;
}

bool vv_features_schema_has(const struct vv_schema *schema, const char *prefix)
{
    return has_field_metadata(schema->fields, schema->fields_len, prefix);
}

static bool schema_has(const struct table_state *state, const char *prefix)
{
    return vv_features_schema_has(state->schema, prefix);
}

static bool uses_never(const struct table_state *state)
{
    (void)state;
    return false;
}

static bool is_on(const struct table_state *state, const char *property)
{
    return vv_property_bool(state->metadata, property, false);
}

/* To be listed is enough: every file gets row ids, unless the table says that it gets none. */
static bool uses_row_tracking(const struct table_state *state)
{
    return is_on(state, "delta.enableRowTracking") ||
           !is_on(state, "delta.rowTrackingSuspended");
}

static bool uses_iceberg(const struct table_state *state)
{
    return is_on(state, "delta.enableIcebergCompatV1") ||
           is_on(state, "delta.enableIcebergCompatV2") ||
           is_on(state, "delta.enableIcebergCompatV3") ||
           is_on(state, "delta.enableIcebergWriterCompatV1");
}

static bool uses_collations(const struct table_state *state)
{
    return schema_has(state, "__COLLATIONS");
}

/* Clean-up would have to keep checkpoints and commits that are old enough to go. */
static bool uses_protection(const struct table_state *state)
{
    int64_t version = 0;
    struct vv_str text = vv_pairs_get(&state->metadata->configuration,
        VV_STR("delta.requireCheckpointProtectionBeforeVersion"));
    return text.ptr != NULL && (!vv_str_int64(text, &version) || version != 0);
}

static bool uses_partitions(const struct table_state *state)
{
    return state->metadata->partition_columns_len > 0;
}

static bool uses_identity_columns(const struct table_state *state)
{
    return schema_has(state, "delta.identity.");
}

bool vv_features_is_variant(const struct vv_type *type)
{
    return vv_type_holds(type, VV_TYPE_VARIANT);
}

/* Some writers list the feature for any table; a column of the type is what counts. */
static bool uses_variant(const struct table_state *state)
{
    for (size_t index = 0; index < state->schema->fields_len; index++) {
        if (vv_features_is_variant(&state->schema->fields[index].type))
            return true;
    }
    return false;
}

static bool has_nested(const struct vv_schema *schema)
{
    for (size_t index = 0; index < schema->fields_len; index++) {
        const struct vv_type *type = &schema->fields[index].type;
        if (type->fields_len > 0 || type->element || type->key)
            return true;
    }
    return false;
}

static bool uses_column_mapping(const struct table_state *state)
{
    struct vv_str mode =
        vv_pairs_get(&state->metadata->configuration, VV_STR("delta.columnMapping.mode"));

    /* Parts of nested columns are written under their logical names: not under a mapping. */
    return mode.len > 0 && !vv_str_eq_nocase(mode, VV_STR("none")) && has_nested(state->schema);
}

/*
 * `used` NULL: Varve fulfils what the feature asks of a writer. Else it is in the way of writing
 * where the function says that the table uses it. `implied_writer`: the legacy version of the
 * protocol that has it without a list; 0: none.
 * `is_kept`: it stays where it is, and Varve gives it to no table.
 */
static const struct feature {
    const char *name;
    used_fn *used;
    bool is_reader; /* all of these are read; writer features never block reading */
    uint8_t implied_writer;
    bool is_kept;
} features[] = {
    {"appendOnly", NULL, false, 2, false},
    {"invariants", NULL, false, 2, false},
    {"checkConstraints", NULL, false, 3, false},
    {"changeDataFeed", NULL, false, 4, false},
    {"generatedColumns", NULL, false, 4, false},
    {"columnMapping", uses_column_mapping, true, 5, false},
    {"identityColumns", uses_identity_columns, false, 6, false},
    {"deletionVectors", NULL, true, 0, false},
    {"timestampNtz", NULL, true, 0, false},
    {"v2Checkpoint", uses_never, true, 0, false},
    {"vacuumProtocolCheck", uses_never, true, 0, false},
    {"typeWidening", NULL, true, 0, false},
    {"typeWidening-preview", NULL, true, 0, false},
    {"variantType", uses_variant, true, 0, false},
    {"variantType-preview", uses_variant, true, 0, false},
    {"variantShredding", uses_variant, true, 0, false},
    {"variantShredding-preview", uses_variant, true, 0, false},
    {"domainMetadata", uses_never, false, 0, false},
    {"inCommitTimestamp", NULL, false, 0, false},
    {"allowColumnDefaults", NULL, false, 0, false},
    {"rowTracking", uses_row_tracking, false, 0, false},
    {"clustering", NULL, false, 0, false},
    {"icebergCompatV1", uses_iceberg, false, 0, true},
    {"icebergCompatV2", uses_iceberg, false, 0, true},
    {"icebergCompatV3", uses_iceberg, false, 0, true},
    {"icebergWriterCompatV1", uses_iceberg, false, 0, true},
    {"collations", uses_collations, false, 0, true},
    {"collations-preview", uses_collations, false, 0, true},
    {"checkpointProtection", uses_protection, false, 0, true},
    {"materializePartitionColumns", uses_partitions, false, 0, true},
};

/* Which of them a table has to have as well, by the protocol. */
static const struct {
    const char *feature, *needs;
} needs[] = {
    {"clustering", "domainMetadata"},
    {"rowTracking", "domainMetadata"},
    {"variantShredding", "variantType"},
    {"variantShredding-preview", "variantType"},
};

static const struct feature *find_feature(struct vv_str name)
{
    for (size_t index = 0; index < VV_COUNT(features); index++) {
        if (vv_str_eq(name, vv_str_of(features[index].name)))
            return &features[index];
    }
    return NULL;
}

static bool is_listed(const struct vv_str *names, size_t len, struct vv_str feature)
{
    for (size_t index = 0; index < len; index++) {
        if (vv_str_eq(names[index], feature))
            return true;
    }
    return false;
}

bool vv_features_has(const struct vv_protocol *protocol, struct vv_str feature)
{
    const struct feature *known = find_feature(feature);

    if (is_listed(protocol->writer_features, protocol->writer_features_len, feature) ||
        is_listed(protocol->reader_features, protocol->reader_features_len, feature))
        return true;
    return known && known->implied_writer > 0 && protocol->min_writer < WRITER_MAX &&
           protocol->min_writer >= known->implied_writer;
}

varve_status vv_features_check_read(struct vv_op *op, const struct vv_protocol *protocol)
{
    if (protocol->min_reader < 1)
        return vv_fail(op, VARVE_ECORRUPT, "the protocol asks for reader version %" PRId32,
            protocol->min_reader);
    if (protocol->min_reader > READER_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the table asks for reader version %" PRId32 "; Varve reads versions up to %d",
            protocol->min_reader, READER_MAX);
    if (protocol->min_reader == READER_MAX && !protocol->has_reader_features)
        return vv_fail(op, VARVE_ECORRUPT,
            "the protocol asks for reader version %d, but lists no readerFeatures", READER_MAX);
    for (size_t index = 0; index < protocol->reader_features_len; index++) {
        struct vv_str name = protocol->reader_features[index];
        const struct feature *feature = find_feature(name);

        if (!feature || !feature->is_reader)
            return vv_fail(op, VARVE_EUNSUPPORTED,
                "the table uses the reader feature \"%.*s\", which Varve does not read",
                VV_ARG(name));
    }
    return VARVE_OK;
}

static varve_status check_feature_write(struct vv_op *op, const struct table_state *state,
    struct vv_str name)
{
    const struct feature *feature = find_feature(name);

    if (!feature)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the table has the feature \"%.*s\", which Varve does not write; reading it is "
            "fine",
            VV_ARG(name));
    if (feature->used && feature->used(state))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the table uses the feature \"%s\", which Varve does not write yet; reading it is "
            "fine",
            feature->name);
    return VARVE_OK;
}

varve_status vv_features_check_write(struct vv_op *op, const struct vv_protocol *protocol,
    const struct vv_metadata *metadata, const struct vv_schema *schema)
{
    struct table_state state = {metadata, schema};

    VV_TRY(vv_features_check_read(op, protocol));
    if (protocol->min_writer > WRITER_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the table asks for writer version %" PRId32 "; Varve writes versions up to %d",
            protocol->min_writer, WRITER_MAX);
    if (protocol->min_writer == WRITER_MAX && !protocol->has_writer_features)
        return vv_fail(op, VARVE_ECORRUPT,
            "the protocol asks for writer version %d, but lists no writerFeatures", WRITER_MAX);
    for (size_t index = 0; index < VV_COUNT(features); index++) {
        struct vv_str name = vv_str_of(features[index].name);

        if (vv_features_has(protocol, name))
            VV_TRY(check_feature_write(op, &state, name));
    }
    /* The names that the table above does not have. */
    for (size_t index = 0; index < protocol->writer_features_len; index++)
        VV_TRY(check_feature_write(op, &state, protocol->writer_features[index]));
    return VARVE_OK;
}

/* The names that a protocol lists or implies, and one more. */
static size_t list_features(const struct vv_protocol *from, struct vv_str more,
    bool readers_only, struct vv_str *out)
{
    size_t len = 0;

    for (size_t index = 0; index < from->writer_features_len && !readers_only; index++)
        out[len++] = from->writer_features[index];
    for (size_t index = 0; index < from->reader_features_len && readers_only; index++)
        out[len++] = from->reader_features[index];
    for (size_t index = 0; index < VV_COUNT(features); index++) {
        struct vv_str name = vv_str_of(features[index].name);
        bool is_due = vv_str_eq(name, more) || vv_features_has(from, name);

        if (is_due && !is_listed(out, len, name) &&
            (features[index].is_reader || !readers_only))
            out[len++] = name;
    }
    return len;
}

varve_status vv_features_list(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *protocol, struct vv_str **out, size_t *out_len)
{
    size_t most =
        VV_COUNT(features) + protocol->writer_features_len + protocol->reader_features_len + 1;
    struct vv_str *names = vv_new(arena, struct vv_str, most);

    if (!names)
        return vv_fail_memory(op);
    *out_len = list_features(protocol, VV_STR_NONE, false, names);
    for (size_t index = 0; index < protocol->reader_features_len; index++) {
        if (!is_listed(names, *out_len, protocol->reader_features[index]))
            names[(*out_len)++] = protocol->reader_features[index];
    }
    *out = names;
    return VARVE_OK;
}

bool vv_features_is_reader(const struct vv_protocol *protocol, struct vv_str feature)
{
    const struct feature *known = find_feature(feature);

    if (is_listed(protocol->reader_features, protocol->reader_features_len, feature))
        return true;
    return known && known->is_reader && protocol->min_reader >= READER_MAPPING &&
           vv_features_has(protocol, feature);
}

static varve_status require_by_list(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *from, const struct feature *feature, struct vv_protocol *out)
{
    size_t most =
        VV_COUNT(features) + from->writer_features_len + from->reader_features_len + 1;
    struct vv_str *writers = vv_new(arena, struct vv_str, most);
    struct vv_str *readers = vv_new(arena, struct vv_str, most);

    if (!writers || !readers)
        return vv_fail_memory(op);
    *out = *from;
    out->min_writer = WRITER_MAX;
    out->has_writer_features = true;
    out->writer_features = writers;
    out->writer_features_len = list_features(from, vv_str_of(feature->name), false, writers);
    if (!feature->is_reader && from->min_reader < READER_MAX)
        return VARVE_OK;
    out->min_reader = READER_MAX;
    out->has_reader_features = true;
    out->reader_features = readers;
    out->reader_features_len = list_features(from, vv_str_of(feature->name), true, readers);
    return VARVE_OK;
}

static varve_status require_alone(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *from, struct vv_str name, const struct vv_protocol **out)
{
    const struct feature *feature = find_feature(name);
    struct vv_protocol *protocol = vv_new(arena, struct vv_protocol, 1);

    if (!protocol)
        return vv_fail_memory(op);
    if (!feature || (feature->is_kept && !vv_features_has(from, name)))
        return vv_fail(op, VARVE_EUNSUPPORTED, "Varve knows no table feature \"%.*s\"",
            VV_ARG(name));
    *out = from;
    if (vv_features_has(from, name))
        return VARVE_OK;
    if (feature->implied_writer > 0 && from->min_writer < WRITER_MAX) {
        *protocol = *from;
        protocol->min_writer = feature->implied_writer;
        if (feature->is_reader && protocol->min_reader < READER_MAPPING)
            protocol->min_reader = READER_MAPPING;
    } else {
        VV_TRY(require_by_list(op, arena, from, feature, protocol));
    }
    *out = protocol;
    return VARVE_OK;
}

varve_status vv_features_require(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *from, struct vv_str name, const struct vv_protocol **out)
{
    const struct vv_protocol *now = from;

    for (size_t index = 0; index < VV_COUNT(needs) && !vv_features_has(from, name); index++) {
        if (vv_str_eq(name, vv_str_of(needs[index].feature)))
            VV_TRY(require_alone(op, arena, now, vv_str_of(needs[index].needs), &now));
    }
    return require_alone(op, arena, now, name, out);
}

varve_status vv_features_merge(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *from, const struct vv_protocol *more,
    const struct vv_protocol **out)
{
    struct vv_str *names = NULL;
    size_t len = 0;

    VV_TRY(vv_features_list(op, arena, more, &names, &len));
    *out = from;
    for (size_t index = 0; index < len; index++) {
        if (!vv_features_has(*out, names[index]))
            VV_TRY(vv_features_require(op, arena, *out, names[index], out));
    }
    return VARVE_OK;
}

enum vv_column_mapping vv_features_mapping(const struct vv_protocol *protocol,
    const struct vv_metadata *metadata)
{
    struct vv_str mode =
        vv_pairs_get(&metadata->configuration, VV_STR("delta.columnMapping.mode"));

    if (mode.len == 0 || vv_str_eq_nocase(mode, VV_STR("none")) ||
        !vv_features_has(protocol, VV_STR("columnMapping")))
        return VV_MAPPING_NONE;
    return vv_str_eq_nocase(mode, VV_STR("id")) ? VV_MAPPING_ID : VV_MAPPING_NAME;
}

bool vv_property_bool(const struct vv_metadata *metadata, const char *name, bool fallback)
{
    struct vv_str text = vv_pairs_get(&metadata->configuration, vv_str_of(name));

    return text.ptr ? vv_str_eq_nocase(text, VV_STR("true")) : fallback;
}
