/*
 * Records that no table could take whole: a text that is not UTF-8, a time that is none. They are rows
 * of the batch like those that break a rule of the table, so that each is told, or set aside, by itself.
 */
#include "api/record.h"
#include "varve/market.h"

/* As the engine has them (engine/arrow_fill.c): the last moment of 294246. */
#define TIME_US_MAX INT64_C(9223372022400000000)

bool vv_record_is_sound(enum vv_record_kind kind, const void *value)
{
    const char *text = NULL;
    int64_t time = 0;
    if (kind == VV_RECORD_TEXT) {
        memcpy(&text, value, sizeof(text));
        return vv_utf8_valid(vv_str_of(text));
    }
    if (kind != VV_RECORD_TIME)
        return true;
    memcpy(&time, value, sizeof(time));
    return time >= -TIME_US_MAX && time <= TIME_US_MAX;
}

/* For people: each byte that is not UTF-8 is a U+FFFD. */
static varve_status show_text(struct vv_op *op, struct vv_str text, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf shown = VV_BUF_INIT(VV_BUF_MAX);
    while (text.len > 0) {
        size_t bytes = vv_utf8_first(text);
        vv_buf_add(&shown, bytes > 0 ? vv_str_first(text, bytes) : VV_STR("\xEF\xBF\xBD"));
        text = vv_str_skip(text, bytes > 0 ? bytes : 1);
    }
    *out = vv_arena_str(&op->arena, vv_buf_str(&shown));
    return vv_buf_ok(&shown) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status fault_of(struct vv_op *op, const struct vv_record_field *field,
    const void *value, struct vv_record_fault *out)
{
    const char *text = NULL;
    int64_t time = 0;
    out->name = vv_str_of(field->name);
    if (field->kind == VV_RECORD_TEXT) {
        memcpy(&text, value, sizeof(text));
        out->rule = VV_STR("is not valid UTF-8");
        return show_text(op, vv_str_of(text), &out->value);
    }
    memcpy(&time, value, sizeof(time));
    out->rule = VV_STR("is out of range: microseconds since 1970");
    out->value = vv_arena_format(&op->arena, "%" PRId64, time);
    return out->value.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_records_judge(struct vv_op *op, const struct vv_record_type *type,
    const void *records, size_t len, const struct vv_record_fault ***out)
{
    *out = NULL;
    for (size_t row = 0; row < len; row++) {
        const char *record = (const char *)records + row * type->bytes;
        if (row % VV_RECORDS_A_LOOK == 0)
            VV_TRY(vv_check_cancel(op));
        for (size_t i = 0; i < type->fields_len; i++) {
            const struct vv_record_field *field = &type->fields[i];
            const void *value = record + field->offset;
            if (!vv_record_has_value(field->kind, value) ||
                vv_record_is_sound(field->kind, value))
                continue;
            struct vv_record_fault *fault = NULL;
            VV_NEW(op, &fault, struct vv_record_fault, 1);
            VV_TRY(fault_of(op, field, value, fault));
            if (*out == NULL)
                VV_NEW(op, out, const struct vv_record_fault *, len);
            (*out)[row] = fault;
            break; /* the first one: the others are seen once it is mended */
        }
    }
    return VARVE_OK;
}
