#include "engine/variant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "base/number.h"
#include "base/time.h"

#define LEVELS_MAX 60 /* the JSON writer has 64 */
#define VERSION 1

/* How many bytes a value of a primitive type has behind its header; those with a length: none. */
enum primitive {
    PRIMITIVE_NULL,
    PRIMITIVE_TRUE,
    PRIMITIVE_FALSE,
    PRIMITIVE_INT8,
    PRIMITIVE_INT16,
    PRIMITIVE_INT32,
    PRIMITIVE_INT64,
    PRIMITIVE_DOUBLE,
    PRIMITIVE_DECIMAL4,
    PRIMITIVE_DECIMAL8,
    PRIMITIVE_DECIMAL16,
    PRIMITIVE_DATE,
    PRIMITIVE_TIMESTAMP,
    PRIMITIVE_TIMESTAMP_NTZ,
    PRIMITIVE_FLOAT,
    PRIMITIVE_BINARY,
    PRIMITIVE_STRING,
    PRIMITIVE_TIME_NTZ,
    PRIMITIVE_TIMESTAMP_NANOS,
    PRIMITIVE_TIMESTAMP_NTZ_NANOS,
    PRIMITIVE_UUID
};
static const uint8_t primitive_bytes[] = {
    0, 0, 0, 1, 2, 4, 8, 8, 5, 9, 17, 4, 8, 8, 4, 0, 0, 8, 8, 8, 16};

struct dictionary {
    struct vv_str bytes; /* the offsets, then the names */
    uint32_t offset_bytes;
    uint32_t len;
};

struct decoder {
    struct dictionary names;
    struct vv_json_writer json;
};

/* `bytes` (at most 8) from `at` on, little-endian; the caller has checked that they are there. */
static uint64_t number_at(struct vv_str text, size_t at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = bytes; i > 0; i--)
        number = number << 8 | (unsigned char)text.ptr[at + i - 1];
    return number;
}

static int64_t signed_at(struct vv_str text, size_t bytes)
{
    uint32_t unused_bits = 64 - 8 * (uint32_t)bytes;
    return (int64_t)(number_at(text, 0, bytes) << unused_bits) >> unused_bits;
}

/* The part between two offsets into `text`. */
static bool part_of(struct vv_str text, uint64_t begin, uint64_t end, struct vv_str *out)
{
    if (begin > end || end > text.len)
        return false;
    *out = (struct vv_str){text.ptr + begin, (size_t)(end - begin)};
    return true;
}

static bool read_dictionary(struct vv_str metadata, struct dictionary *out)
{
    if (metadata.len == 0 || (metadata.ptr[0] & 15) != VERSION)
        return false;
    uint32_t offset_bytes = ((unsigned char)metadata.ptr[0] >> 6) + 1U;
    if (metadata.len < 1 + offset_bytes)
        return false;
    uint64_t len = number_at(metadata, 1, offset_bytes);
    struct vv_str rest = vv_str_skip(metadata, 1 + offset_bytes);
    if ((len + 1) * offset_bytes > rest.len)
        return false;
    *out = (struct dictionary){rest, offset_bytes, (uint32_t)len};
    return true;
}

static bool find_name(const struct dictionary *names, uint64_t id, struct vv_str *out)
{
    if (id >= names->len)
        return false;
    struct vv_str all =
        vv_str_skip(names->bytes, ((size_t)names->len + 1) * names->offset_bytes);
    uint64_t begin = number_at(names->bytes, id * names->offset_bytes, names->offset_bytes);
    uint64_t end = number_at(names->bytes, (id + 1) * names->offset_bytes, names->offset_bytes);
    return part_of(all, begin, end, out) && vv_utf8_valid(*out);
}

static void add_double(struct decoder *decoder, double value)
{
    if (isnan(value))
        vv_jw_string(&decoder->json, VV_STR("NaN"));
    else if (isinf(value))
        vv_jw_string(&decoder->json, value > 0 ? VV_STR("Infinity") : VV_STR("-Infinity"));
    else
        vv_jw_double(&decoder->json, value);
}

/* Years beyond what ISO 8601 spells stay numbers. `nanos`: below the microsecond; -1: none. */
static void add_time(struct decoder *decoder, int64_t us, int32_t nanos, bool has_zone)
{
    char text[48];
    int32_t day = vv_time_date_of(us);
    if (day < VV_TIME_DAYS_FIRST || day > VV_TIME_DAYS_LAST) {
        vv_jw_int(&decoder->json, us);
        return;
    }
    size_t len = vv_time_format_us(us, text) - 1; /* without its Z */
    if (nanos >= 0)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%03d", nanos);
    if (has_zone)
        text[len++] = 'Z';
    vv_jw_string(&decoder->json, (struct vv_str){text, len});
}

static void add_nanos(struct decoder *decoder, int64_t ns, bool has_zone)
{
    int32_t below = (int32_t)(ns % 1000);
    /* Not from us * 1000: at the lower end of 64 bits that is below them. */
    add_time(decoder, ns / 1000 - (below < 0), below + (below < 0 ? 1000 : 0), has_zone);
}

static void add_date(struct decoder *decoder, int64_t days)
{
    char text[16];
    if (days < VV_TIME_DAYS_FIRST || days > VV_TIME_DAYS_LAST)
        vv_jw_int(&decoder->json, days);
    else
        vv_jw_string(&decoder->json,
            (struct vv_str){text, vv_time_format_date((int32_t)days, text)});
}

static void add_time_of_day(struct decoder *decoder, int64_t us)
{
    char text[48];
    if (us < 0 || us >= VV_US_PER_DAY) {
        vv_jw_int(&decoder->json, us);
        return;
    }
    int64_t seconds = us / VV_US_PER_S;
    int len = snprintf(text, sizeof(text), "%02d:%02d:%02d.%06d", (int)(seconds / 3600),
        (int)(seconds / 60 % 60), (int)(seconds % 60), (int)(us % VV_US_PER_S));
    vv_jw_string(&decoder->json, (struct vv_str){text, (size_t)len});
}

/* The first byte is the scale. */
static bool add_decimal(struct decoder *decoder, struct vv_str bytes)
{
    char text[VV_NUMBER_BYTES];
    uint8_t scale = (uint8_t)bytes.ptr[0];
    if (scale > 38)
        return false;
    size_t len = vv_number_format_decimal(bytes.ptr + 1, bytes.len - 1, scale, text);
    vv_jw_raw(&decoder->json, (struct vv_str){text, len});
    return true;
}

static void add_uuid(struct decoder *decoder, struct vv_str bytes)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(64);
    for (size_t i = 0; i < bytes.len; i++)
        vv_buf_addf(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
            (unsigned char)bytes.ptr[i]);
    vv_jw_string(&decoder->json, vv_buf_str(&text));
    decoder->json.buf->failed |= !vv_buf_ok(&text);
}

static bool add_string(struct decoder *decoder, struct vv_str text)
{
    if (!vv_utf8_valid(text))
        return false;
    vv_jw_string(&decoder->json, text);
    return true;
}

static void add_binary(struct decoder *decoder, struct vv_str bytes)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_VARIANT_JSON_MAX);
    vv_buf_add_base64(&text, bytes);
    vv_jw_string(&decoder->json, vv_buf_str(&text));
    decoder->json.buf->failed |= !vv_buf_ok(&text);
}

/* Four bytes of length, then so many. */
static bool add_long(struct decoder *decoder, bool is_text, struct vv_str rest)
{
    struct vv_str content;
    if (rest.len < 4 || !part_of(vv_str_skip(rest, 4), 0, number_at(rest, 0, 4), &content))
        return false;
    if (is_text)
        return add_string(decoder, content);
    add_binary(decoder, content);
    return true;
}

static void add_float(struct decoder *decoder, struct vv_str bytes)
{
    float narrow;
    double wide;
    if (bytes.len == sizeof(narrow)) {
        memcpy(&narrow, bytes.ptr, sizeof(narrow));
        wide = (double)narrow;
    } else {
        memcpy(&wide, bytes.ptr, sizeof(wide));
    }
    add_double(decoder, wide);
}

static bool add_primitive(struct decoder *decoder, uint32_t type, struct vv_str rest)
{
    struct vv_str bytes;
    if (type >= VV_COUNT(primitive_bytes) || !part_of(rest, 0, primitive_bytes[type], &bytes))
        return false;
    switch ((enum primitive)type) {
    case PRIMITIVE_NULL:
        vv_jw_null(&decoder->json);
        return true;
    case PRIMITIVE_TRUE:
    case PRIMITIVE_FALSE:
        vv_jw_bool(&decoder->json, type == PRIMITIVE_TRUE);
        return true;
    case PRIMITIVE_INT8:
    case PRIMITIVE_INT16:
    case PRIMITIVE_INT32:
    case PRIMITIVE_INT64:
        vv_jw_int(&decoder->json, signed_at(bytes, bytes.len));
        return true;
    case PRIMITIVE_DOUBLE:
    case PRIMITIVE_FLOAT:
        add_float(decoder, bytes);
        return true;
    case PRIMITIVE_DECIMAL4:
    case PRIMITIVE_DECIMAL8:
    case PRIMITIVE_DECIMAL16:
        return add_decimal(decoder, bytes);
    case PRIMITIVE_DATE:
        add_date(decoder, signed_at(bytes, bytes.len));
        return true;
    case PRIMITIVE_TIMESTAMP:
    case PRIMITIVE_TIMESTAMP_NTZ:
        add_time(decoder, signed_at(bytes, bytes.len), -1, type == PRIMITIVE_TIMESTAMP);
        return true;
    case PRIMITIVE_TIMESTAMP_NANOS:
    case PRIMITIVE_TIMESTAMP_NTZ_NANOS:
        add_nanos(decoder, signed_at(bytes, bytes.len), type == PRIMITIVE_TIMESTAMP_NANOS);
        return true;
    case PRIMITIVE_TIME_NTZ:
        add_time_of_day(decoder, signed_at(bytes, bytes.len));
        return true;
    case PRIMITIVE_UUID:
        add_uuid(decoder, bytes);
        return true;
    case PRIMITIVE_BINARY:
    case PRIMITIVE_STRING:
        return add_long(decoder, type == PRIMITIVE_STRING, rest);
    }
    return false;
}

/* An object or array: where the ids (of an object), the offsets and the values are. */
struct container {
    struct vv_str ids, offsets, values;
    uint32_t id_bytes, offset_bytes;
    uint64_t len;
};

static bool read_container(uint32_t header, bool is_object, struct vv_str rest,
    struct container *out)
{
    bool is_large = (header >> (is_object ? 4 : 2) & 1) != 0;
    size_t len_bytes = is_large ? 4 : 1;
    out->offset_bytes = (header & 3) + 1;
    out->id_bytes = is_object ? (header >> 2 & 3) + 1 : 0;
    if (rest.len < len_bytes)
        return false;
    out->len = number_at(rest, 0, len_bytes);
    rest = vv_str_skip(rest, len_bytes);
    uint64_t ids_end = out->len * out->id_bytes;
    uint64_t offsets_end = ids_end + (out->len + 1) * out->offset_bytes;
    return part_of(rest, 0, ids_end, &out->ids) &&
           part_of(rest, ids_end, offsets_end, &out->offsets) &&
           part_of(rest, offsets_end, rest.len, &out->values);
}

static bool add_value(struct decoder *decoder, struct vv_str value, uint32_t levels);

static bool add_element(struct decoder *decoder, const struct container *container,
    uint64_t index, uint32_t levels)
{
    struct vv_str value;
    uint64_t offset =
        number_at(container->offsets, index * container->offset_bytes, container->offset_bytes);
    return part_of(container->values, offset, container->values.len, &value) &&
           add_value(decoder, value, levels);
}

/*
 * Elements may share their bytes, so the text can be far longer than the value: it stops where
 * the buffer is full.
 */
static bool add_container(struct decoder *decoder, uint32_t header, bool is_object,
    struct vv_str rest, uint32_t levels)
{
    struct container container;
    if (levels == 0 || !read_container(header, is_object, rest, &container))
        return false;
    if (is_object)
        vv_jw_object(&decoder->json);
    else
        vv_jw_array(&decoder->json);
    for (uint64_t i = 0; i < container.len; i++) {
        struct vv_str name;
        if (is_object) {
            uint64_t id = number_at(container.ids, i * container.id_bytes, container.id_bytes);
            if (!find_name(&decoder->names, id, &name))
                return false;
            vv_jw_key_str(&decoder->json, name);
        }
        if (!vv_buf_ok(decoder->json.buf) || !add_element(decoder, &container, i, levels - 1))
            return false;
    }
    vv_jw_end(&decoder->json);
    return true;
}

static bool add_value(struct decoder *decoder, struct vv_str value, uint32_t levels)
{
    struct vv_str text;
    if (value.len == 0)
        return false;
    uint32_t basic = (unsigned char)value.ptr[0] & 3U;
    uint32_t header = (unsigned char)value.ptr[0] >> 2;
    struct vv_str rest = vv_str_skip(value, 1);
    if (basic == 0)
        return add_primitive(decoder, header, rest);
    if (basic == 1)
        return part_of(rest, 0, header, &text) && add_string(decoder, text);
    return add_container(decoder, header, basic == 2, rest, levels);
}

bool vv_variant_json(struct vv_str metadata, struct vv_str value, struct vv_buf *out)
{
    struct decoder decoder = {.json = VV_JSON_WRITER_INIT(out)};
    return read_dictionary(metadata, &decoder.names) &&
           add_value(&decoder, value, LEVELS_MAX) && vv_buf_ok(out);
}
