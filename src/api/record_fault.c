/*
 * Records that no table could take whole: a text that is not UTF-8, a time that is none. They are rows
 * of the batch like those that break a rule of the table, so that each is told, or set aside, by itself.
 */
#include "api/record.h"
#include "base/json_write.h"
#include "base/time.h"
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

static void write_value(enum vv_record_kind kind, const void *value, struct vv_json_writer *out)
{
    const char *text = NULL;
    char time_text[32];
    int64_t time = 0;
    double number = 0;
    int32_t integer = 0;
    switch (kind) {
    case VV_RECORD_TEXT:
        memcpy(&text, value, sizeof(text));
        vv_jw_string(out, vv_str_of(text));
        break;
    case VV_RECORD_TIME:
        memcpy(&time, value, sizeof(time));
        if (vv_record_is_sound(kind, value))
            vv_jw_string(out, (struct vv_str){time_text, vv_time_format_us(time, time_text)});
        else
            vv_jw_int(out, time);
        break;
    case VV_RECORD_NUMBER:
        memcpy(&number, value, sizeof(number));
        vv_jw_double(out, number);
        break;
    case VV_RECORD_INT:
    case VV_RECORD_BOOL:
        memcpy(&integer, value, sizeof(integer));
        if (kind == VV_RECORD_INT)
            vv_jw_int(out, integer);
        else
            vv_jw_bool(out, integer != 0);
        break;
    }
}

/*
 * The record as a line: nothing of it is lost, and a release leaves it until it is mended, for what can
 * be kept of such a text is another one.
 */
static varve_status fault_of(struct vv_op *op, const struct vv_record_type *type,
    const char *record, struct vv_record_fault *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf rule = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&line);
    vv_jw_object(&writer);
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct vv_record_field *field = &type->fields[i];
        const void *value = record + field->offset;
        if (!vv_record_has_value(field->kind, value))
            continue;
        vv_jw_key(&writer, field->name);
        write_value(field->kind, value, &writer);
        if (!vv_record_is_sound(field->kind, value))
            vv_buf_addf(&rule, "%s%s %s", rule.len > 0 ? "; " : "", field->name,
                field->kind == VV_RECORD_TEXT ? "is not valid UTF-8"
                                              : "is out of range: microseconds since 1970");
    }
    vv_jw_end(&writer);
    if (!vv_buf_ok(&line) || !vv_buf_ok(&rule))
        return vv_fail_memory(op);
    *out = (struct vv_record_fault){vv_arena_str(&op->arena, vv_buf_str(&line)),
        vv_arena_str(&op->arena, vv_buf_str(&rule))};
    return out->line.ptr != NULL && out->rule.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static bool is_sound(const struct vv_record_type *type, const char *record)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct vv_record_field *field = &type->fields[i];
        const void *value = record + field->offset;
        if (vv_record_has_value(field->kind, value) && !vv_record_is_sound(field->kind, value))
            return false;
    }
    return true;
}

varve_status vv_records_judge(struct vv_op *op, const struct vv_record_type *type,
    const void *records, size_t len, const struct vv_record_fault ***out)
{
    *out = NULL;
    for (size_t row = 0; row < len; row++) {
        const char *record = (const char *)records + row * type->bytes;
        struct vv_record_fault *fault = NULL;
        if (row % VV_RECORDS_A_LOOK == 0)
            VV_TRY(vv_check_cancel(op));
        if (is_sound(type, record))
            continue;
        VV_NEW(op, &fault, struct vv_record_fault, 1);
        VV_TRY(fault_of(op, type, record, fault));
        if (*out == NULL)
            VV_NEW(op, out, const struct vv_record_fault *, len);
        (*out)[row] = fault;
    }
    return VARVE_OK;
}
