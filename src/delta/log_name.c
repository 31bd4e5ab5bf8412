#include "delta/log_name.h"

#define VERSION_DIGITS 20
#define PART_DIGITS 10
#define UUID_CHARS 36

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Cuts a number of exactly `digits` digits off the front. */
static bool take_number(struct vv_str *rest, size_t digits, int64_t *out)
{
    if (rest->len < digits)
        return false;
    int64_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(rest->ptr[i]))
            return false;
        int64_t digit = rest->ptr[i] - '0';
        if (number > (INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *rest = vv_str_skip(*rest, digits);
    *out = number;
    return true;
}

static bool take_version(struct vv_str *rest, int64_t *out)
{
    return take_number(rest, VERSION_DIGITS, out) && *out <= VV_VERSION_MAX;
}

static bool take(struct vv_str *rest, struct vv_str prefix)
{
    if (!vv_str_starts(*rest, prefix))
        return false;
    *rest = vv_str_skip(*rest, prefix.len);
    return true;
}

static bool is_hex(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool is_uuid(struct vv_str text)
{
    if (text.len != UUID_CHARS)
        return false;
    for (size_t i = 0; i < UUID_CHARS; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.ptr[i] != '-' : !is_hex(text.ptr[i]))
            return false;
    }
    return true;
}

/* What follows "<version>.checkpoint." */
static bool parse_checkpoint(struct vv_str rest, struct vv_log_name *name)
{
    name->part = 1;
    name->parts = 1;
    if (vv_str_eq(rest, VV_STR("parquet")))
        return true;
    struct vv_str numbers = rest;
    int64_t part = 0;
    int64_t parts = 0;
    if (take_number(&numbers, PART_DIGITS, &part) && take(&numbers, VV_STR(".")) &&
        take_number(&numbers, PART_DIGITS, &parts) && vv_str_eq(numbers, VV_STR(".parquet"))) {
        if (part < 1 || part > parts || parts > UINT32_MAX)
            return false;
        name->part = (uint32_t)part;
        name->parts = (uint32_t)parts;
        return true;
    }
    name->is_v2 = is_uuid(vv_str_first(rest, UUID_CHARS));
    struct vv_str suffix = vv_str_skip(rest, UUID_CHARS);
    return name->is_v2 &&
           (vv_str_eq(suffix, VV_STR(".json")) || vv_str_eq(suffix, VV_STR(".parquet")));
}

struct vv_log_name vv_log_name_parse(struct vv_str text)
{
    struct vv_log_name other = {.kind = VV_LOG_NAME_OTHER};
    struct vv_log_name name = other;
    struct vv_str rest = text;
    if (!take_version(&rest, &name.version) || !take(&rest, VV_STR(".")))
        return other;
    if (vv_str_eq(rest, VV_STR("json"))) {
        name.kind = VV_LOG_NAME_COMMIT;
        return name;
    }
    if (take(&rest, VV_STR("checkpoint.")) && parse_checkpoint(rest, &name)) {
        name.kind = VV_LOG_NAME_CHECKPOINT;
        return name;
    }
    return other;
}

bool vv_log_name_expirable(struct vv_str text, int64_t *out_version)
{
    struct vv_log_name name = vv_log_name_parse(text);
    struct vv_str rest = text;
    int64_t last = 0;
    if (name.kind != VV_LOG_NAME_OTHER) {
        *out_version = name.version;
        return true;
    }
    if (!take_version(&rest, out_version) || !take(&rest, VV_STR(".")))
        return false;
    return vv_str_eq(rest, VV_STR("crc")) ||
           (take_version(&rest, &last) && vv_str_eq(rest, VV_STR(".compacted.json")));
}

struct vv_str vv_log_name_of_key(struct vv_str key)
{
    size_t start = key.len;
    while (start > 0 && key.ptr[start - 1] != '/')
        start--;
    return vv_str_skip(key, start);
}
