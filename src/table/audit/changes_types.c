/*
 * Of which types the columns of changes are. A restore makes a widened column as narrow as it was,
 * and the files in between hold values that would be rounded then, or can't be read.
 */
#include "delta/features.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "delta/type_changes.h"
#include "table/audit/changes_run.h"

#define DECIMAL_DIGITS_MAX 38
#define INT_DIGITS 10
#define LONG_DIGITS 19

static bool is_integer(const struct vv_type *type)
{
    return type->kind == VV_TYPE_LONG || type->kind == VV_TYPE_INTEGER ||
           type->kind == VV_TYPE_SHORT || type->kind == VV_TYPE_BYTE;
}

static bool is_numeric(const struct vv_type *type)
{
    return is_integer(type) || vv_type_is_float(type) || type->kind == VV_TYPE_DECIMAL;
}

/* Digits in front of the point. */
static int whole_digits(const struct vv_type *type)
{
    if (type->kind == VV_TYPE_DECIMAL)
        return type->precision - type->scale;
    return type->kind == VV_TYPE_LONG ? LONG_DIGITS : INT_DIGITS;
}

static bool fits_double(const struct vv_type *type)
{
    return vv_type_is_float(type) || (is_integer(type) && type->kind != VV_TYPE_LONG);
}

/* A number type that both can be widened to; false where none holds all values of both. */
static bool find_common(const struct vv_type *a, const struct vv_type *b, struct vv_type *out)
{
    if (vv_type_is_float(a) || vv_type_is_float(b)) {
        *out = (struct vv_type){.kind = VV_TYPE_DOUBLE};
        return fits_double(a) && fits_double(b);
    }
    int a_scale = a->kind == VV_TYPE_DECIMAL ? a->scale : 0;
    int b_scale = b->kind == VV_TYPE_DECIMAL ? b->scale : 0;
    int scale = a_scale > b_scale ? a_scale : b_scale;
    int whole = whole_digits(a) > whole_digits(b) ? whole_digits(a) : whole_digits(b);
    *out = (struct vv_type){.kind = VV_TYPE_DECIMAL,
        .precision = (uint8_t)(whole + scale),
        .scale = (uint8_t)scale};
    return whole + scale <= DECIMAL_DIGITS_MAX;
}

static varve_status widen_type(struct vv_op *op, struct vv_type *type,
    const struct vv_type *other, bool *out_fits);

/* Fields that the other has not are as they are. */
static varve_status widen_fields(struct vv_op *op, const struct vv_field **fields, size_t len,
    const struct vv_field *others, size_t others_len, bool *out_fits)
{
    struct vv_field *copy = NULL;
    VV_NEW(op, &copy, struct vv_field, len + 1);
    for (size_t i = 0; i < len; i++) {
        copy[i] = (*fields)[i];
        const struct vv_field *other =
            vv_fields_find_physical(others, others_len, copy[i].physical_name);
        if (other != NULL)
            VV_TRY(widen_type(op, &copy[i].type, &other->type, out_fits));
    }
    *fields = copy;
    return VARVE_OK;
}

static varve_status widen_part(struct vv_op *op, const struct vv_type **part,
    const struct vv_type *other, bool *out_fits)
{
    struct vv_type *copy = NULL;
    VV_NEW(op, &copy, struct vv_type, 1);
    *copy = **part;
    *part = copy;
    return widen_type(op, copy, other, out_fits);
}

static varve_status widen_type(struct vv_op *op, struct vv_type *type,
    const struct vv_type *other, bool *out_fits)
{
    struct vv_type common;
    if (vv_type_is_wider(type, other)) {
        *type = *other;
    } else if (is_numeric(type) && is_numeric(other)) {
        if (vv_type_eq(type, other) || vv_type_is_wider(other, type))
            return VARVE_OK;
        *out_fits = *out_fits && find_common(type, other, &common);
        if (*out_fits)
            *type = common;
    } else if (type->kind == other->kind && type->kind == VV_TYPE_STRUCT) {
        return widen_fields(op, &type->fields, type->fields_len, other->fields,
            other->fields_len, out_fits);
    } else if (type->kind == other->kind && type->kind == VV_TYPE_ARRAY) {
        return widen_part(op, &type->element, other->element, out_fits);
    } else if (type->kind == other->kind && type->kind == VV_TYPE_MAP) {
        VV_TRY(widen_part(op, &type->key, other->key, out_fits));
        return widen_part(op, &type->element, other->element, out_fits);
    }
    return VARVE_OK;
}

varve_status vv_changes_widen_schema(struct vv_op *op, const struct vv_schema *other,
    struct vv_schema *schema, struct vv_str *out_unfit)
{
    struct vv_field *copy = NULL;
    VV_NEW(op, &copy, struct vv_field, schema->fields_len + 1);
    *out_unfit = VV_STR_NONE;
    for (size_t i = 0; i < schema->fields_len; i++) {
        bool fits = true;
        copy[i] = schema->fields[i];
        const struct vv_field *field =
            vv_fields_find_physical(other->fields, other->fields_len, copy[i].physical_name);
        if (field == NULL)
            continue;
        VV_TRY(widen_type(op, &copy[i].type, &field->type, &fits));
        if (!fits && out_unfit->ptr == NULL)
            *out_unfit = copy[i].name;
        /* Statistics of floats say less of a column that was widened (delta/stats.h). */
        if (!vv_type_eq(&copy[i].type, &schema->fields[i].type))
            copy[i].metadata = field->metadata;
    }
    schema->fields = copy;
    return VARVE_OK;
}

/* One that can't be read is that of a version that nobody can read. */
static varve_status widen_by_metadata(struct vv_op *op, const struct vv_changes_run *run,
    const struct vv_metadata *metadata, struct vv_schema *schema)
{
    struct vv_schema other = {0};
    struct vv_str unfit = VV_STR_NONE;
    varve_status status = vv_schema_parse(op, &op->arena, metadata->schema_json,
        vv_features_mapping(run->snapshot->protocol, metadata), &other);
    if (status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    VV_TRY(vv_changes_widen_schema(op, &other, schema, &unfit));
    return unfit.ptr == NULL
               ? VARVE_OK
               : vv_fail(op, VARVE_EUNSUPPORTED,
                     "what versions %" PRId64 " to %" PRId64
                     " of table %.*s changed can't be told together: no type holds all values "
                     "that column %.*s had there",
                     run->from, run->to, VV_ARG(run->table->name), VV_ARG(unfit));
}

static varve_status widen_by_commit(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_ledger_reader *ledger, const struct vv_history_entry *entry,
    struct vv_schema *schema)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_log_read_listed_actions(op, &run->table->log, ledger, &entry->commit, &arena,
        &actions, NULL));
    return actions.metadata == NULL ? VARVE_OK
                                    : widen_by_metadata(op, run, actions.metadata, schema);
}

/* What the first commit removes was written before; where that is gone, by what is told since. */
static varve_status widen_by_before(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_schema *schema)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *before = NULL;
    int64_t first = run->entries[run->entries_len - 1].version;
    if (first == 0)
        return VARVE_OK;
    varve_status status = vv_table_snapshot(op, run->table, first - 1, &before);
    if (status == VARVE_ENOTFOUND || status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    /* Parsed anew: the snapshot goes. */
    return widen_by_metadata(op, run, before->metadata, schema);
}

bool vv_changes_may_widen(const struct vv_snapshot *snapshot)
{
    return vv_features_has(snapshot->protocol, VV_STR("typeWidening")) ||
           vv_features_has(snapshot->protocol, VV_STR("typeWidening-preview"));
}

varve_status vv_changes_widen(struct vv_op *op, struct vv_changes_run *run)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_snapshot *wide = NULL;
    run->wide = NULL;
    if (!vv_changes_may_widen(run->snapshot))
        return VARVE_OK;
    VV_TRY(vv_changes_entries(op, run));
    VV_NEW(op, &wide, struct vv_snapshot, 1);
    *wide = *run->snapshot;
    VV_TRY(widen_by_before(op, run, &wide->schema));
    for (size_t i = 0; i < run->entries_len; i++)
        VV_TRY(widen_by_commit(op, run, &ledger, &run->entries[i], &wide->schema));
    run->wide = wide;
    return VARVE_OK;
}
