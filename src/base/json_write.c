#include "base/json_write.h"

#include <math.h>

#include "base/number.h"

static uint64_t depth_bit(const struct vv_json_writer *writer)
{
    return UINT64_C(1) << (writer->depth - 1);
}

static bool in_object(const struct vv_json_writer *writer)
{
    return writer->depth > 0 && (writer->is_object & depth_bit(writer)) != 0;
}

static void comma(struct vv_json_writer *writer)
{
    if (writer->depth == 0)
        return;
    if (writer->has_member & depth_bit(writer))
        vv_buf_addc(writer->buf, ',');
    writer->has_member |= depth_bit(writer);
}

/* Before every value: in an object it must follow a key, which took care of the comma. */
static void value_begin(struct vv_json_writer *writer)
{
    VV_PRE(writer->after_key == in_object(writer));
    if (!writer->after_key)
        comma(writer);
    writer->after_key = false;
}

static void container_begin(struct vv_json_writer *writer, bool object)
{
    value_begin(writer);
    VV_PRE(writer->depth < VV_JSON_WRITER_DEPTH_MAX);
    writer->depth++;
    writer->has_member &= ~depth_bit(writer);
    if (object)
        writer->is_object |= depth_bit(writer);
    else
        writer->is_object &= ~depth_bit(writer);
    vv_buf_addc(writer->buf, object ? '{' : '[');
}

void vv_jw_object(struct vv_json_writer *writer)
{
    container_begin(writer, true);
}

void vv_jw_array(struct vv_json_writer *writer)
{
    container_begin(writer, false);
}

void vv_jw_end(struct vv_json_writer *writer)
{
    VV_PRE(writer->depth > 0 && !writer->after_key);
    vv_buf_addc(writer->buf, in_object(writer) ? '}' : ']');
    writer->depth--;
}

static void escape(struct vv_buf *buf, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF"; /* as yyjson writes them */
    char text[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    size_t len = 2;
    switch (byte) {
    case '"':
    case '\\':
        text[1] = (char)byte;
        break;
    case '\b':
        text[1] = 'b';
        break;
    case '\f':
        text[1] = 'f';
        break;
    case '\n':
        text[1] = 'n';
        break;
    case '\r':
        text[1] = 'r';
        break;
    case '\t':
        text[1] = 't';
        break;
    default:
        len = sizeof(text);
    }
    vv_buf_add(buf, (struct vv_str){text, len});
}

/* Bytes in front that can be written as they are. */
static size_t plain_len(struct vv_str text)
{
    size_t at = 0;
    while (at < text.len) {
        unsigned char byte = (unsigned char)text.ptr[at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            break;
        size_t len = byte < 0x80 ? 1 : vv_utf8_first(vv_str_skip(text, at));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

static void quoted(struct vv_buf *buf, struct vv_str text)
{
    vv_buf_addc(buf, '"');
    while (text.len > 0) {
        size_t plain = plain_len(text);
        vv_buf_add(buf, vv_str_first(text, plain));
        text = vv_str_skip(text, plain);
        if (text.len == 0)
            break;
        unsigned char byte = (unsigned char)text.ptr[0];
        if (byte < 0x80)
            escape(buf, byte);
        else
            vv_buf_adds(buf, "\xEF\xBF\xBD");
        text = vv_str_skip(text, 1);
    }
    vv_buf_addc(buf, '"');
}

void vv_jw_key_str(struct vv_json_writer *writer, struct vv_str name)
{
    VV_PRE(in_object(writer) && !writer->after_key);
    comma(writer);
    quoted(writer->buf, name);
    vv_buf_addc(writer->buf, ':');
    writer->after_key = true;
}

void vv_jw_key(struct vv_json_writer *writer, const char *name)
{
    vv_jw_key_str(writer, vv_str_of(name));
}

void vv_jw_string(struct vv_json_writer *writer, struct vv_str text)
{
    value_begin(writer);
    quoted(writer->buf, text);
}

void vv_jw_int(struct vv_json_writer *writer, int64_t value)
{
    char text[20]; /* "-9223372036854775808" */
    size_t at = sizeof(text);
    uint64_t rest = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        text[--at] = '-';
    vv_jw_raw(writer, (struct vv_str){text + at, sizeof(text) - at});
}

void vv_jw_double(struct vv_json_writer *writer, double value)
{
    if (!isfinite(value)) {
        vv_jw_null(writer);
        return;
    }
    char text[VV_NUMBER_BYTES];
    size_t len = vv_number_format(value, text);
    vv_jw_raw(writer, (struct vv_str){text, len});
}

void vv_jw_bool(struct vv_json_writer *writer, bool value)
{
    vv_jw_raw(writer, value ? VV_STR("true") : VV_STR("false"));
}

void vv_jw_null(struct vv_json_writer *writer)
{
    vv_jw_raw(writer, VV_STR("null"));
}

void vv_jw_raw(struct vv_json_writer *writer, struct vv_str json)
{
    value_begin(writer);
    vv_buf_add(writer->buf, json);
}

void vv_jw_key_string(struct vv_json_writer *writer, const char *name, struct vv_str text)
{
    vv_jw_key(writer, name);
    if (text.ptr)
        vv_jw_string(writer, text);
    else
        vv_jw_null(writer);
}

void vv_jw_key_int(struct vv_json_writer *writer, const char *name, int64_t value)
{
    vv_jw_key(writer, name);
    vv_jw_int(writer, value);
}

void vv_jw_key_bool(struct vv_json_writer *writer, const char *name, bool value)
{
    vv_jw_key(writer, name);
    vv_jw_bool(writer, value);
}

void vv_jw_json(struct vv_json_writer *writer, const struct vv_json *json)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_str name;

    switch (vv_json_kind(json)) {
    case VV_JSON_NONE:
    case VV_JSON_NULL:
        vv_jw_null(writer);
        break;
    case VV_JSON_BOOL:
        vv_jw_bool(writer, vv_json_bool(json, false));
        break;
    case VV_JSON_NUMBER:
        vv_jw_raw(writer, vv_json_text(json));
        break;
    case VV_JSON_STRING:
        vv_jw_string(writer, vv_json_text(json));
        break;
    case VV_JSON_ARRAY:
        vv_jw_array(writer);
        while (vv_json_each(json, &iterator, &name, &value))
            vv_jw_json(writer, value);
        vv_jw_end(writer);
        break;
    case VV_JSON_OBJECT:
        vv_jw_object(writer);
        while (vv_json_each(json, &iterator, &name, &value)) {
            vv_jw_key_str(writer, name);
            vv_jw_json(writer, value);
        }
        vv_jw_end(writer);
        break;
    }
}
