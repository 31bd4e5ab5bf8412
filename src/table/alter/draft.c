#include "table/alter/draft.h"

#include "base/json_write.h"
#include "delta/features.h"
#include "table/audit/changes.h"
#include "table/cluster.h"

varve_status vv_draft_begin(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *from, struct vv_draft *out)
{
    *out = (struct vv_draft){.arena = arena,
        .from = from,
        .protocol = from->protocol,
        .metadata = *from->metadata,
        .schema = from->schema,
        .diff = VV_BUF_INIT(VV_BUF_MAX)};
    for (size_t i = 0; i < from->metadata->configuration.len; i++) {
        struct vv_pair *pair = VV_LIST_NEW(arena, &out->properties);
        if (pair == NULL)
            return vv_fail_memory(op);
        *pair = from->metadata->configuration.items[i];
    }
    out->metadata.configuration = (struct vv_pairs){out->properties.items, out->properties.len};
    return VARVE_OK;
}

void vv_draft_done(struct vv_draft *draft)
{
    vv_buf_done(&draft->diff);
}

struct vv_str vv_draft_property(const struct vv_draft *draft, struct vv_str name)
{
    return vv_pairs_get(&draft->metadata.configuration, name);
}

static struct vv_pair *find(struct vv_draft *draft, struct vv_str name)
{
    for (size_t i = 0; i < draft->properties.len; i++)
        if (vv_str_eq(draft->properties.items[i].name, name))
            return &draft->properties.items[i];
    return NULL;
}

varve_status vv_draft_set(struct vv_op *op, struct vv_draft *draft, struct vv_str name,
    struct vv_str value)
{
    struct vv_pair *pair = find(draft, name);
    if (pair != NULL && vv_str_eq(pair->value, value))
        return VARVE_OK;
    /* What only counts ids tells people nothing. */
    if (vv_str_eq(name, VV_STR(VV_MAX_COLUMN_ID)))
        draft->is_changed = true;
    else if (pair == NULL)
        vv_buf_addf(&draft->diff, "+ %.*s = %.*s\n", VV_ARG(name), VV_ARG(value));
    else
        vv_buf_addf(&draft->diff, "~ %.*s = %.*s -> %.*s\n", VV_ARG(name), VV_ARG(pair->value),
            VV_ARG(value));
    if (pair == NULL)
        pair = VV_LIST_NEW(draft->arena, &draft->properties);
    if (pair == NULL)
        return vv_fail_memory(op);
    *pair =
        (struct vv_pair){vv_arena_str(draft->arena, name), vv_arena_str(draft->arena, value)};
    if (pair->name.ptr == NULL || pair->value.ptr == NULL)
        return vv_fail_memory(op);
    draft->metadata.configuration =
        (struct vv_pairs){draft->properties.items, draft->properties.len};
    draft->is_changed = true;
    return VARVE_OK;
}

varve_status vv_draft_unset(struct vv_op *op, struct vv_draft *draft, struct vv_str name,
    bool *out_was_there)
{
    struct vv_pair *pair = find(draft, name);
    *out_was_there = pair != NULL;
    (void)op;
    if (pair == NULL)
        return VARVE_OK;
    vv_buf_addf(&draft->diff, "- %.*s = %.*s\n", VV_ARG(name), VV_ARG(pair->value));
    draft->properties.len--;
    for (; pair < draft->properties.items + draft->properties.len; pair++)
        *pair = pair[1];
    draft->metadata.configuration.len = draft->properties.len;
    draft->is_changed = true;
    return VARVE_OK;
}

varve_status vv_draft_need(struct vv_op *op, struct vv_draft *draft, const char *feature)
{
    const struct vv_protocol *before = draft->protocol;
    VV_TRY(vv_features_require(op, draft->arena, before, vv_str_of(feature), &draft->protocol));
    if (draft->protocol == before)
        return VARVE_OK;
    if (strcmp(feature, "clustering") == 0)
        VV_TRY(vv_cluster_check_partitions(op, &draft->metadata));
    vv_buf_addf(&draft->diff,
        "~ protocol: reader %" PRId32 ", writer %" PRId32 " -> reader %" PRId32
        ", writer %" PRId32 " (%s)\n",
        before->min_reader, before->min_writer, draft->protocol->min_reader,
        draft->protocol->min_writer, feature);
    draft->is_changed = true;
    return VARVE_OK;
}

struct vv_field *vv_draft_copy_fields(struct vv_op *op, const struct vv_draft *draft)
{
    size_t len = draft->schema.fields_len;
    struct vv_field *fields = vv_new(draft->arena, struct vv_field, len + 1);
    if (fields == NULL) {
        (void)vv_fail_memory(op);
        return NULL;
    }
    if (len > 0)
        memcpy(fields, draft->schema.fields, len * sizeof(*fields));
    return fields;
}

/*
 * Names that are there may be any, since other software writes them. Those that are new are such
 * that all of it can.
 */
static varve_status check_names(struct vv_op *op, const struct vv_schema *before,
    const struct vv_schema *schema, enum vv_column_mapping mapping)
{
    for (size_t i = 0; i < schema->fields_len; i++) {
        const struct vv_schema one = {&schema->fields[i], 1};
        int32_t there = vv_schema_find(before, schema->fields[i].name);
        if (there < 0)
            VV_TRY(vv_changes_check_names(op, &one));
        if (there < 0 || !vv_str_eq(before->fields[there].name, schema->fields[i].name))
            VV_TRY(vv_schema_check_names(op, &one, mapping));
    }
    return vv_schema_check_names(op, schema, VV_MAPPING_NAME);
}

varve_status vv_draft_fields(struct vv_op *op, struct vv_draft *draft,
    const struct vv_field *fields, size_t len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_schema schema = {fields, len};
    enum vv_column_mapping mapping = vv_features_mapping(draft->protocol, &draft->metadata);
    VV_TRY(check_names(op, &draft->schema, &schema, mapping));
    vv_schema_write(&schema, &json);
    draft->metadata.schema_json = vv_arena_str(draft->arena, vv_buf_str(&json));
    if (!vv_buf_ok(&json) || draft->metadata.schema_json.ptr == NULL)
        return vv_fail_memory(op);
    /* Read back, so that the draft has just what others will find. */
    VV_TRY(vv_schema_parse(op, draft->arena, draft->metadata.schema_json, mapping,
        &draft->schema));
    draft->is_changed = true;
    return VARVE_OK;
}

varve_status vv_draft_mark(struct vv_op *op, struct vv_draft *draft, struct vv_field *field,
    const char *member, struct vv_str json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&text);
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    vv_jw_object(&writer);
    while (field->metadata != NULL && vv_json_each(field->metadata, &iterator, &name, &value)) {
        if (vv_str_eq(name, vv_str_of(member)))
            continue;
        vv_jw_key_str(&writer, name);
        vv_jw_json(&writer, value);
    }
    if (json.ptr != NULL) {
        vv_jw_key(&writer, member);
        vv_jw_raw(&writer, json);
    }
    vv_jw_end(&writer);
    struct vv_str copy = vv_arena_str(draft->arena, vv_buf_str(&text));
    if (!vv_buf_ok(&text) || copy.ptr == NULL)
        return vv_fail_memory(op);
    return vv_json_parse(op, draft->arena, copy, &field->metadata);
}

void vv_draft_snapshot(const struct vv_draft *draft, struct vv_snapshot *out)
{
    *out = (struct vv_snapshot){.version = draft->from->version,
        .protocol = draft->protocol,
        .metadata = &draft->metadata,
        .mapping = vv_features_mapping(draft->protocol, &draft->metadata),
        .schema = draft->schema,
        .timestamp_ms = draft->from->timestamp_ms};
}
