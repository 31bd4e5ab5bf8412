#include "engine/thrift.h"

#define DEPTH_MAX 32

static uint8_t take_byte(struct vv_thrift *in)
{
    if (in->failed || in->rest.len == 0) {
        in->failed = true;
        return 0;
    }
    in->rest.len--;
    return (uint8_t)*in->rest.ptr++;
}

static uint64_t take_varint(struct vv_thrift *in)
{
    uint64_t value = 0;
    if (!in->failed && in->rest.len > 0 && (uint8_t)*in->rest.ptr < 0x80)
        return take_byte(in); /* as nearly all are */
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_byte(in);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    in->failed = true;
    return 0;
}

static struct vv_str take_bytes(struct vv_thrift *in, uint64_t len)
{
    if (in->failed || len > in->rest.len) {
        in->failed = true;
        return VV_STR("");
    }
    struct vv_str bytes = vv_str_first(in->rest, (size_t)len);
    in->rest = vv_str_skip(in->rest, (size_t)len);
    return bytes;
}

int64_t vv_thrift_element_int(struct vv_thrift *in)
{
    uint64_t coded = take_varint(in);
    return (int64_t)(coded >> 1) ^ -(int64_t)(coded & 1);
}

struct vv_str vv_thrift_element_text(struct vv_thrift *in)
{
    return take_bytes(in, take_varint(in));
}

bool vv_thrift_next(struct vv_thrift *in, struct vv_thrift_field *field)
{
    uint8_t head = take_byte(in);
    if (in->failed || head == 0)
        return false;
    int64_t id = head >> 4 ? field->id + (head >> 4) : vv_thrift_element_int(in);
    if (id < INT16_MIN || id > INT16_MAX)
        in->failed = true;
    field->id = (int16_t)id;
    field->type = head & 15;
    return !in->failed;
}

static bool is_type(struct vv_thrift *in, bool is_right)
{
    if (!is_right)
        in->failed = true;
    return !in->failed;
}

int64_t vv_thrift_int(struct vv_thrift *in, const struct vv_thrift_field *field)
{
    bool is_int = field->type == VV_THRIFT_I16 || field->type == VV_THRIFT_I32 ||
                  field->type == VV_THRIFT_I64;
    return is_type(in, is_int) ? vv_thrift_element_int(in) : 0;
}

bool vv_thrift_bool(struct vv_thrift *in, const struct vv_thrift_field *field)
{
    bool is_bool = field->type == VV_THRIFT_TRUE || field->type == VV_THRIFT_FALSE;
    return is_type(in, is_bool) && field->type == VV_THRIFT_TRUE;
}

struct vv_str vv_thrift_text(struct vv_thrift *in, const struct vv_thrift_field *field)
{
    return is_type(in, field->type == VV_THRIFT_BINARY) ? vv_thrift_element_text(in)
                                                        : VV_STR("");
}

bool vv_thrift_struct(struct vv_thrift *in, const struct vv_thrift_field *field)
{
    return is_type(in, field->type == VV_THRIFT_STRUCT);
}

static size_t take_list(struct vv_thrift *in, uint8_t *out_type)
{
    uint8_t head = take_byte(in);
    uint64_t len = head >> 4 == 15 ? take_varint(in) : head >> 4;
    if (len > in->rest.len) /* an element has a byte at least */
        in->failed = true;
    *out_type = head & 15;
    return in->failed ? 0 : (size_t)len;
}

size_t vv_thrift_list(struct vv_thrift *in, const struct vv_thrift_field *field, uint8_t type)
{
    uint8_t found = 0;
    if (!is_type(in, field->type == VV_THRIFT_LIST))
        return 0;
    size_t len = take_list(in, &found);
    return is_type(in, found == type || len == 0) ? len : 0;
}

static void skip_value(struct vv_thrift *in, uint8_t type, unsigned depth);

static void skip_fields(struct vv_thrift *in, unsigned depth)
{
    struct vv_thrift_field field = {0};
    while (vv_thrift_next(in, &field))
        if (field.type != VV_THRIFT_TRUE && field.type != VV_THRIFT_FALSE)
            skip_value(in, field.type, depth);
}

static void skip_elements(struct vv_thrift *in, unsigned depth)
{
    uint8_t type = 0;
    size_t len = take_list(in, &type);
    for (size_t i = 0; i < len && !in->failed; i++)
        skip_value(in, type, depth);
}

static void skip_pairs(struct vv_thrift *in, unsigned depth)
{
    uint64_t len = take_varint(in);
    uint8_t types = len > 0 ? take_byte(in) : 0;
    for (uint64_t i = 0; i < len && !in->failed; i++) {
        skip_value(in, types >> 4, depth);
        skip_value(in, types & 15, depth);
    }
}

/* Of a list or a map, where truth values have a byte of their own. As deep as DEPTH_MAX. */
static void skip_value(struct vv_thrift *in, uint8_t type, unsigned depth)
{
    if (depth == DEPTH_MAX)
        in->failed = true;
    if (in->failed)
        return;
    switch (type) {
    case VV_THRIFT_TRUE:
    case VV_THRIFT_FALSE:
    case VV_THRIFT_BYTE:
        (void)take_byte(in);
        break;
    case VV_THRIFT_I16:
    case VV_THRIFT_I32:
    case VV_THRIFT_I64:
        (void)take_varint(in);
        break;
    case VV_THRIFT_DOUBLE:
        (void)take_bytes(in, sizeof(double));
        break;
    case VV_THRIFT_BINARY:
        (void)vv_thrift_element_text(in);
        break;
    case VV_THRIFT_LIST:
    case VV_THRIFT_SET:
        skip_elements(in, depth + 1);
        break;
    case VV_THRIFT_MAP:
        skip_pairs(in, depth + 1);
        break;
    case VV_THRIFT_STRUCT:
        skip_fields(in, depth + 1);
        break;
    default:
        in->failed = true;
    }
}

void vv_thrift_skip(struct vv_thrift *in, const struct vv_thrift_field *field)
{
    if (field->type != VV_THRIFT_TRUE && field->type != VV_THRIFT_FALSE)
        skip_value(in, field->type, 0);
}
