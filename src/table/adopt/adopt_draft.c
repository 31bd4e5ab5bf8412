/*
 * What the table is to become: its properties, and the types of times that get a zone.
 */
#include "delta/features.h"
#include "table/adopt/adopt_run.h"

/* Names in the table's own spelling. */
static varve_status set_names(struct vv_op *op, struct vv_adopt *adopt, const char *property,
    struct vv_str text, const char *what)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf list = VV_BUF_INIT(1 << 20);
    const struct vv_schema *schema = &adopt->draft.schema;
    struct vv_str *names = NULL;
    size_t len = 0;
    if (text.len == 0)
        return VARVE_OK;
    VV_TRY(vv_rules_split_names(op, &op->arena, text, &names, &len));
    for (size_t i = 0; i < len; i++) {
        int32_t column = vv_schema_find(schema, names[i]);
        if (column < 0) {
            vv_rules_fail_column(op, adopt->table->name, schema, names[i]);
            return vv_note(op, "%s", what);
        }
        names[i] = schema->fields[column].name;
    }
    vv_rules_write_names(names, len, &list);
    return vv_buf_ok(&list)
               ? vv_draft_set(op, &adopt->draft, vv_str_of(property), vv_buf_str(&list))
               : vv_fail_memory(op);
}

static varve_status is_listed(struct vv_op *op, const struct vv_adopt *adopt,
    const char *property, struct vv_str name, bool *out)
{
    struct vv_str text = vv_draft_property(&adopt->draft, vv_str_of(property));
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_rules_split_names(op, &op->arena, text, &names, &len));
    for (size_t i = 0; i < len; i++)
        *out = *out || vv_str_eq_nocase(names[i], name);
    return VARVE_OK;
}

/* Times that say no zone: all of timestamp_ntz, and texts that are times in the key or the order. */
static varve_status find_naive(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt)
{
    const struct vv_schema *schema = &adopt->draft.schema;
    VV_NEW(op, &adopt->is_naive, bool, schema->fields_len + 1);
    adopt->has_naive = false;
    for (size_t i = 0; i < schema->fields_len && adopt->request->assume_tz.len > 0; i++) {
        const struct vv_field *field = &schema->fields[i];
        bool is_asked = false;
        VV_TRY(is_listed(op, adopt, VV_PROPERTY_KEY, field->name, &is_asked));
        VV_TRY(is_listed(op, adopt, VV_PROPERTY_ORDER_BY, field->name, &is_asked));
        adopt->is_naive[i] = field->type.kind == VV_TYPE_TIMESTAMP_NTZ;
        if (is_asked && field->type.kind == VV_TYPE_STRING)
            VV_TRY(vv_adopt_is_time(op, edit, (int32_t)i, &adopt->is_naive[i]));
        if (adopt->is_naive[i] && vv_metadata_is_partition(&adopt->draft.metadata, field->name))
            return vv_fail(op, VARVE_EUNSUPPORTED,
                "column %.*s partitions the table by times without a zone: it can't get one",
                VV_ARG(field->name));
        adopt->has_naive = adopt->has_naive || adopt->is_naive[i];
    }
    return VARVE_OK;
}

static varve_status set_types(struct vv_op *op, struct vv_adopt *adopt)
{
    struct vv_draft *draft = &adopt->draft;
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    for (size_t i = 0; i < draft->schema.fields_len; i++) {
        if (!adopt->is_naive[i])
            continue;
        vv_buf_addf(&draft->diff, "~ column %.*s: %s -> timestamp, read in %.*s\n",
            VV_ARG(fields[i].name),
            fields[i].type.kind == VV_TYPE_STRING ? "string" : "timestamp_ntz",
            VV_ARG(adopt->request->assume_tz));
        fields[i].type = (struct vv_type){.kind = VV_TYPE_TIMESTAMP};
    }
    return vv_draft_fields(op, draft, fields, draft->schema.fields_len);
}

/* The table as the draft has it, and its rules. */
static varve_status suppose(struct vv_op *op, struct vv_adopt *adopt)
{
    vv_snapshot_release(&adopt->supposed);
    VV_TRY(vv_snapshot_suppose(op, adopt->table->snapshot, &adopt->draft.metadata,
        &adopt->supposed));
    VV_TRY(vv_features_check_write(op, adopt->supposed->protocol, adopt->supposed->metadata,
        &adopt->supposed->schema));
    varve_status status = vv_rules_read(op, &op->arena, adopt->supposed, true, &adopt->rules);
    if (status != VARVE_OK)
        return status == VARVE_ECORRUPT ? vv_recode(op, VARVE_EUSAGE) : status;
    return vv_rules_judge(op, &adopt->rules);
}

bool vv_adopt_pair(const struct vv_adopt *adopt, struct vv_partition_from *out)
{
    const struct vv_rules *rules = &adopt->rules;
    const struct vv_schema *schema = &adopt->supposed->schema;
    if (rules->partition_from_len > 0) {
        *out = rules->partition_from[0];
        return true;
    }
    if (rules->partitions_len != 1 || vv_rules_is_key(rules, rules->partitions[0]) ||
        schema->fields[rules->partitions[0]].type.kind != VV_TYPE_DATE)
        return false;
    out->partition = rules->partitions[0];
    for (size_t i = 0; i < rules->key_len; i++) {
        out->source = rules->key[i];
        if (vv_type_is_time(&schema->fields[out->source].type))
            return true;
    }
    return false;
}

varve_status vv_adopt_draft(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt)
{
    const struct vv_adopt_request *request = adopt->request;
    VV_TRY(vv_draft_begin(op, &op->arena, edit->snapshot, &adopt->draft));
    VV_TRY(set_names(op, adopt, VV_PROPERTY_KEY, request->key, "key"));
    VV_TRY(set_names(op, adopt, VV_PROPERTY_ORDER_BY, request->order_by, "order by"));
    VV_TRY(set_names(op, adopt, VV_PROPERTY_ZORDER, request->zorder, "zorder"));
    VV_TRY(find_naive(op, edit, adopt));
    if (adopt->has_naive)
        VV_TRY(set_types(op, adopt));
    VV_TRY(suppose(op, adopt));
    for (size_t i = 0; i < adopt->rules.key_len; i++)
        if (adopt->rules.key[i] == adopt->rules.order)
            return vv_fail(op, VARVE_EUSAGE, "the order column is part of the key");
    return VARVE_OK;
}

varve_status vv_adopt_derive(struct vv_op *op, struct vv_adopt *adopt)
{
    const struct vv_field *fields = adopt->supposed->schema.fields;
    struct vv_partition_from pair;
    if (adopt->rules.partition_from_len > 0 || !vv_adopt_pair(adopt, &pair))
        return VARVE_OK;
    struct vv_str name = vv_arena_format(&op->arena, "%.*s=%.*s",
        VV_ARG(fields[pair.partition].name), VV_ARG(fields[pair.source].name));
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_draft_set(op, &adopt->draft, VV_STR(VV_PROPERTY_PARTITION_FROM), name));
    return suppose(op, adopt);
}
