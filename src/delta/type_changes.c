#include "delta/type_changes.h"

#include "delta/features.h"

#define TYPE_CHANGES "delta.typeChanges"

static int width_of(enum vv_type_kind kind)
{
    switch ((int)kind) {
    case VV_TYPE_BYTE:
        return 1;
    case VV_TYPE_SHORT:
        return 2;
    case VV_TYPE_INTEGER:
        return 4;
    case VV_TYPE_LONG:
        return 8;
    default:
        return 0;
    }
}

bool vv_type_is_wider(const struct vv_type *from, const struct vv_type *to)
{
    int width = width_of(from->kind);
    int digits = from->kind == VV_TYPE_LONG ? 20 : 10;

    if (width > 0 && width_of(to->kind) > width)
        return true;
    if (to->kind == VV_TYPE_DOUBLE)
        return from->kind == VV_TYPE_FLOAT || (width > 0 && width < 8);
    if (to->kind == VV_TYPE_DECIMAL && width > 0)
        return to->precision - to->scale >= digits;
    if (to->kind == VV_TYPE_DECIMAL && from->kind == VV_TYPE_DECIMAL)
        return to->scale >= from->scale &&
               to->precision - to->scale >= from->precision - from->scale &&
               (to->scale > from->scale || to->precision > from->precision);
    return to->kind == VV_TYPE_TIMESTAMP_NTZ && from->kind == VV_TYPE_DATE;
}

/* Some writers have widened integers to decimals of fewer digits, which hold all values as well. */
static bool holds_integer(const struct vv_type *from, const struct vv_type *to)
{
    static const int digits[] = {[1] = 3, [2] = 5, [4] = 10, [8] = 19};
    int width = width_of(from->kind);

    return width > 0 && to->kind == VV_TYPE_DECIMAL &&
           to->precision - to->scale >= digits[width];
}

/* False where the name is none that Varve knows. */
static varve_status read_side(struct vv_op *op, const struct vv_json *change, const char *side,
    struct vv_type *out, bool *out_known)
{
    const struct vv_json *name = vv_json_get_kind(change, side, VV_JSON_STRING);
    varve_status status =
        name ? vv_type_parse_name(op, vv_json_text(name), out) : VARVE_EUNSUPPORTED;

    *out_known = status == VARVE_OK;
    if (status == VARVE_OK || !name)
        return VARVE_OK;
    if (status != VARVE_EUNSUPPORTED && status != VARVE_ECORRUPT)
        return status;
    vv_forgive(op);
    return VARVE_OK;
}

static varve_status fail_change(struct vv_op *op, const struct vv_field *field,
    const struct vv_json *change)
{
    struct vv_str from = vv_json_text(vv_json_get_kind(change, "fromType", VV_JSON_STRING));
    struct vv_str to = vv_json_text(vv_json_get_kind(change, "toType", VV_JSON_STRING));
    struct vv_str path = vv_json_text(vv_json_get_kind(change, "fieldPath", VV_JSON_STRING));

    if (!from.ptr || !to.ptr)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "column \"%.*s\": its " TYPE_CHANGES " do not say of which type it was",
            VV_ARG(field->name));
    return vv_fail(op, VARVE_EUNSUPPORTED,
        "the type of column \"%.*s\"%s%.*s was changed from %.*s to %.*s (" TYPE_CHANGES
        "), which Varve does not read",
        VV_ARG(field->name), path.len > 0 ? ", " : "", VV_ARG(path), VV_ARG(from), VV_ARG(to));
}

static varve_status check_change(struct vv_op *op, const struct vv_field *field,
    const struct vv_json *change)
{
    struct vv_type from = {0};
    struct vv_type to = {0};
    bool is_from = false;
    bool is_to = false;

    VV_TRY(read_side(op, change, "fromType", &from, &is_from));
    VV_TRY(read_side(op, change, "toType", &to, &is_to));
    /* Of a void column all values are NULL. */
    bool is_fine = is_from && is_to &&
                   (vv_type_is_wider(&from, &to) || holds_integer(&from, &to) ||
                       vv_type_eq(&from, &to) || from.kind == VV_TYPE_VOID);

    return is_fine ? VARVE_OK : fail_change(op, field, change);
}

static varve_status check_fields(struct vv_op *op, const struct vv_field *fields, size_t len);

static varve_status check_type(struct vv_op *op, const struct vv_type *type)
{
    VV_TRY(check_fields(op, type->fields, type->fields_len));
    if (type->key)
        VV_TRY(check_type(op, type->key));
    return type->element ? check_type(op, type->element) : VARVE_OK;
}

static varve_status check_field(struct vv_op *op, const struct vv_field *field)
{
    const struct vv_json *changes =
        field->metadata ? vv_json_get(field->metadata, TYPE_CHANGES) : NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *change;
    struct vv_str none;

    if (changes && !vv_json_is(changes, VV_JSON_ARRAY))
        return fail_change(op, field, NULL);
    while (changes && vv_json_each(changes, &iterator, &none, &change))
        VV_TRY(check_change(op, field, change));
    return check_type(op, &field->type);
}

static varve_status check_fields(struct vv_op *op, const struct vv_field *fields, size_t len)
{
    for (size_t index = 0; index < len; index++)
        VV_TRY(check_field(op, &fields[index]));
    return VARVE_OK;
}

varve_status vv_type_changes_check(struct vv_op *op, const struct vv_protocol *protocol,
    const struct vv_schema *schema)
{
    if (!vv_features_has(protocol, VV_STR("typeWidening")) &&
        !vv_features_has(protocol, VV_STR("typeWidening-preview")))
        return VARVE_OK;
    return check_fields(op, schema->fields, schema->fields_len);
}
