#include "delta/feature_use.h"

#include "delta/features.h"

static bool has_property(const struct vv_snapshot *snapshot, const char *prefix)
{
    const struct vv_pairs *pairs = &snapshot->metadata->configuration;
    for (size_t i = 0; i < pairs->len; i++)
        if (vv_str_starts(pairs->items[i].name, vv_str_of(prefix)))
            return true;
    return false;
}

static bool is_true(const struct vv_snapshot *snapshot, const char *property)
{
    return vv_property_bool(snapshot->metadata, property, false);
}

static bool has_vectors(const struct vv_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->files_len; i++)
        if (snapshot->files[i]->dv != NULL)
            return true;
    return is_true(snapshot, "delta.enableDeletionVectors");
}

static bool has_domain(const struct vv_snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->domains_len; i++)
        if (name == NULL || vv_str_eq(snapshot->domains[i]->domain, vv_str_of(name)))
            return true;
    return false;
}

static bool has_type(const struct vv_snapshot *snapshot, enum vv_type_kind kind)
{
    for (size_t i = 0; i < snapshot->schema.fields_len; i++)
        if (vv_type_holds(&snapshot->schema.fields[i].type, kind))
            return true;
    return false;
}

/* What says that a feature is in use: a property, a domain, or something in the schema. */
static const struct sign {
    const char *feature;
    const char *property;   /* is true */
    const char *prefix;     /* a property begins so */
    const char *domain;     /* "" is any */
    const char *member;     /* of a column's metadata begins so */
    enum vv_type_kind type; /* of a column; STRING, which none needs: none */
} signs[] = {
    {.feature = "appendOnly", .property = "delta.appendOnly"},
    {.feature = "invariants", .member = "delta.invariants"},
    {.feature = "checkConstraints", .prefix = "delta.constraints."},
    {.feature = "changeDataFeed", .property = "delta.enableChangeDataFeed"},
    {.feature = "generatedColumns", .member = "delta.generationExpression"},
    {.feature = "identityColumns", .member = "delta.identity."},
    {.feature = "allowColumnDefaults", .member = "CURRENT_DEFAULT"},
    {.feature = "timestampNtz", .type = VV_TYPE_TIMESTAMP_NTZ},
    {.feature = "variantType", .type = VV_TYPE_VARIANT},
    {.feature = "variantType-preview", .type = VV_TYPE_VARIANT},
    {.feature = "variantShredding", .property = "delta.enableVariantShredding"},
    {.feature = "variantShredding-preview", .property = "delta.enableVariantShredding"},
    {.feature = "typeWidening",
        .property = "delta.enableTypeWidening",
        .member = "delta.typeChanges"},
    {.feature = "typeWidening-preview",
        .property = "delta.enableTypeWidening",
        .member = "delta.typeChanges"},
    {.feature = "inCommitTimestamp", .property = "delta.enableInCommitTimestamps"},
    {.feature = "rowTracking", .property = "delta.enableRowTracking"},
    {.feature = "domainMetadata", .domain = ""},
    {.feature = "clustering", .domain = "delta.clustering"},
    {.feature = "icebergCompatV1", .property = "delta.enableIcebergCompatV1"},
    {.feature = "icebergCompatV2", .property = "delta.enableIcebergCompatV2"},
    {.feature = "icebergCompatV3", .property = "delta.enableIcebergCompatV3"},
};

static bool is_shown(const struct sign *sign, const struct vv_snapshot *snapshot)
{
    if (sign->property != NULL && is_true(snapshot, sign->property))
        return true;
    if (sign->prefix != NULL && has_property(snapshot, sign->prefix))
        return true;
    if (sign->domain != NULL &&
        has_domain(snapshot, sign->domain[0] != '\0' ? sign->domain : NULL))
        return true;
    if (sign->member != NULL && vv_features_schema_has(&snapshot->schema, sign->member))
        return true;
    return sign->type != VV_TYPE_STRING && has_type(snapshot, sign->type);
}

static enum vv_feature_use use_of(const struct vv_snapshot *snapshot, struct vv_str name)
{
    if (vv_str_eq(name, VV_STR("deletionVectors")))
        return has_vectors(snapshot) ? VV_FEATURE_IN_USE : VV_FEATURE_LISTED;
    if (vv_str_eq(name, VV_STR("columnMapping")))
        return snapshot->mapping != VV_MAPPING_NONE ? VV_FEATURE_IN_USE : VV_FEATURE_LISTED;
    if (vv_str_eq(name, VV_STR("v2Checkpoint"))) {
        struct vv_str policy =
            vv_pairs_get(&snapshot->metadata->configuration, VV_STR("delta.checkpointPolicy"));
        return vv_str_eq_nocase(policy, VV_STR("v2")) ? VV_FEATURE_IN_USE : VV_FEATURE_LISTED;
    }
    for (size_t i = 0; i < VV_COUNT(signs); i++) {
        if (!vv_str_eq(name, vv_str_of(signs[i].feature)))
            continue;
        bool needs_schema = signs[i].member != NULL || signs[i].type != VV_TYPE_STRING;
        if (is_shown(&signs[i], snapshot))
            return VV_FEATURE_IN_USE;
        return needs_schema && snapshot->schema.fields_len == 0 ? VV_FEATURE_UNKNOWN
                                                                : VV_FEATURE_LISTED;
    }
    return VV_FEATURE_UNKNOWN;
}

varve_status vv_feature_states(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_feature_state **out, size_t *out_len)
{
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_features_list(op, arena, snapshot->protocol, &names, &len));
    struct vv_feature_state *states = vv_new(arena, struct vv_feature_state, len + 1);
    if (states == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++)
        states[i] = (struct vv_feature_state){.name = names[i],
            .is_reader = vv_features_is_reader(snapshot->protocol, names[i]),
            .use = use_of(snapshot, names[i])};
    *out = states;
    *out_len = len;
    return VARVE_OK;
}
