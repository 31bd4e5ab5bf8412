/* Values of Arrow arrays as plain text and as JSON. */
#include "cli/arrow_view.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ISO 8601: "P1Y2M3DT4.5S"; parts that are zero are left out. */
static void add_interval(struct vv_text *text, int64_t months, int64_t days, int64_t ns)
{
    static const int64_t second_ns = 1000000000;
    size_t start = text->len;
    vv_text_addc(text, 'P');
    if (months / 12 != 0)
        vv_text_addf(text, "%" PRId64 "Y", months / 12);
    if (months % 12 != 0)
        vv_text_addf(text, "%" PRId64 "M", months % 12);
    if (days != 0)
        vv_text_addf(text, "%" PRId64 "D", days);
    if (ns != 0) {
        bool negative = ns < 0;
        uint64_t size = negative ? 0 - (uint64_t)ns : (uint64_t)ns;
        vv_text_addf(text, "T%s%" PRIu64, negative ? "-" : "", size / (uint64_t)second_ns);
        if (size % (uint64_t)second_ns != 0) {
            vv_text_addf(text, ".%09" PRIu64, size % (uint64_t)second_ns);
            while (text->ptr[text->len - 1] == '0')
                text->len--;
        }
        vv_text_addc(text, 'S');
    }
    if (text->len == start + 1)
        vv_text_adds(text, "T0S");
}

static void add_interval_cell(struct vv_cell cell, struct vv_text *text)
{
    size_t len = 0;
    const char *bytes = vv_cell_bytes(cell, &len);
    int32_t months = 0, days = 0, ms = 0;
    int64_t ns = 0;
    if (cell.type->kind == VV_KIND_MONTHS) {
        memcpy(&months, bytes, sizeof(months));
    } else if (cell.type->kind == VV_KIND_DAYS_MS) {
        memcpy(&days, bytes, sizeof(days));
        memcpy(&ms, bytes + 4, sizeof(ms));
        ns = (int64_t)ms * 1000000;
    } else {
        memcpy(&months, bytes, sizeof(months));
        memcpy(&days, bytes + 4, sizeof(days));
        memcpy(&ns, bytes + 8, sizeof(ns));
    }
    add_interval(text, months, days, ns);
}

static void add_duration(struct vv_cell cell, struct vv_text *text)
{
    static const int64_t to_ns[] = {1000000000, 1000000, 1000, 1};
    int64_t factor = to_ns[cell.type->digits / 3];
    int64_t value = vv_cell_int(cell);
    if (value > INT64_MAX / factor || value < INT64_MIN / factor)
        vv_text_addf(text, "PT%" PRId64 "S", value / (1000000000 / factor));
    else
        add_interval(text, 0, 0, value * factor);
}

static void add_decimal(struct vv_cell cell, struct vv_text *text)
{
    uint8_t value[16];
    size_t len = 0;
    const char *bytes = vv_cell_bytes(cell, &len);
    memset(value, (bytes[len - 1] & 0x80) != 0 ? 0xff : 0, sizeof(value));
    memcpy(value, bytes, len);
    vv_text_add_decimal(text, value, cell.type->scale);
}

static void add_date(struct vv_cell cell, struct vv_text *text)
{
    int64_t value = vv_cell_int(cell);
    bool is_ms = cell.type->width == 8;
    if (!is_ms && (value == INT32_MAX || value == -INT32_MAX))
        vv_text_adds(text, value < 0 ? "-infinity" : "infinity");
    else
        vv_text_add_date(text, is_ms ? value / 86400000 : value);
}

static void add_timestamp(struct vv_cell cell, struct vv_text *text)
{
    vv_text_add_time(text, vv_cell_int(cell), cell.type->digits);
    if (cell.type->has_zone && text->ptr[text->len - 1] != 'y')
        vv_text_addc(text, 'Z');
}

static void add_bytes(struct vv_cell cell, struct vv_text *text)
{
    size_t len = 0;
    const char *bytes = vv_cell_bytes(cell, &len);
    if (cell.type->kind == VV_KIND_BINARY)
        vv_text_add_base64(text, (const uint8_t *)bytes, len);
    else
        vv_text_add(text, bytes, len);
}

static void add_float(struct vv_cell cell, struct vv_text *text)
{
    double value = vv_cell_double(cell);
    if (cell.type->kind == VV_KIND_FLOAT)
        vv_text_add_float(text, (float)value);
    else
        vv_text_add_double(text, value);
}

void vv_cell_add_text(struct vv_cell cell, struct vv_text *text)
{
    switch (cell.type->kind) {
    case VV_KIND_NULL:
        return;
    case VV_KIND_BOOL:
        vv_text_adds(text, vv_cell_bool(cell) ? "true" : "false");
        return;
    case VV_KIND_INT:
        vv_text_add_int(text, vv_cell_int(cell));
        return;
    case VV_KIND_UINT:
        vv_text_add_uint(text, vv_cell_uint(cell), 1);
        return;
    case VV_KIND_FLOAT:
    case VV_KIND_DOUBLE:
        add_float(cell, text);
        return;
    case VV_KIND_DECIMAL:
        add_decimal(cell, text);
        return;
    case VV_KIND_TEXT:
    case VV_KIND_BINARY:
        add_bytes(cell, text);
        return;
    case VV_KIND_DATE:
        add_date(cell, text);
        return;
    case VV_KIND_TIME:
        vv_text_add_clock(text, vv_cell_int(cell), cell.type->digits);
        return;
    case VV_KIND_TIMESTAMP:
        add_timestamp(cell, text);
        return;
    case VV_KIND_MONTHS:
    case VV_KIND_DAYS_MS:
    case VV_KIND_MONTHS_DAYS_NS:
        add_interval_cell(cell, text);
        return;
    case VV_KIND_DURATION:
        add_duration(cell, text);
        return;
    case VV_KIND_LIST:
    case VV_KIND_STRUCT:
    case VV_KIND_MAP:
    case VV_KIND_UNION:
        /* Inside a cell of text a NaN has to stay one: the reader is not a JSON number. */
        vv_cell_add_json(cell, (struct vv_json_style){.nan_as_text = true}, text);
        return;
    }
}

static void add_list(struct vv_cell cell, struct vv_json_style style, struct vv_text *text)
{
    size_t len = vv_cell_children(cell);
    vv_text_addc(text, '[');
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            vv_text_addc(text, ',');
        vv_cell_add_json(vv_cell_child(cell, i), style, text);
    }
    vv_text_addc(text, ']');
}

static void add_struct(struct vv_cell cell, struct vv_json_style style, struct vv_text *text)
{
    vv_text_addc(text, '{');
    for (size_t i = 0; i < cell.type->children_len; i++) {
        const char *name = cell.type->children[i].name;
        if (i > 0)
            vv_text_addc(text, ',');
        vv_text_add_json(text, name, strlen(name));
        vv_text_addc(text, ':');
        vv_cell_add_json(vv_cell_child(cell, i), style, text);
    }
    vv_text_addc(text, '}');
}

/* Keys become member names: their text, whatever their type. */
static void add_map(struct vv_cell cell, struct vv_json_style style, struct vv_text *text)
{
    size_t len = vv_cell_children(cell);
    struct vv_text name = {0};
    vv_text_addc(text, '{');
    for (size_t i = 0; i < len; i++) {
        struct vv_cell entry = vv_cell_child(cell, i);
        struct vv_cell key = vv_cell_child(entry, 0);
        vv_text_clear(&name);
        if (vv_cell_resolve(&key))
            vv_cell_add_text(key, &name);
        if (i > 0)
            vv_text_addc(text, ',');
        vv_text_add_json(text, vv_text_chars(&name), name.len);
        vv_text_addc(text, ':');
        vv_cell_add_json(vv_cell_child(entry, 1), style, text);
    }
    vv_text_addc(text, '}');
    vv_text_done(&name);
}

/* Text in quotes; the cell's text holds nothing that JSON would escape but in strings. */
static void add_quoted(struct vv_cell cell, struct vv_text *text)
{
    if (cell.type->kind == VV_KIND_TEXT) {
        size_t len = 0;
        const char *bytes = vv_cell_bytes(cell, &len);
        vv_text_add_json(text, bytes, len);
        return;
    }
    vv_text_addc(text, '"');
    vv_cell_add_text(cell, text);
    vv_text_addc(text, '"');
}

void vv_cell_add_json(struct vv_cell cell, struct vv_json_style style, struct vv_text *text)
{
    if (!vv_cell_resolve(&cell)) {
        vv_text_adds(text, "null");
        return;
    }
    switch (cell.type->kind) {
    case VV_KIND_BOOL:
    case VV_KIND_INT:
    case VV_KIND_UINT:
    case VV_KIND_DECIMAL:
        vv_cell_add_text(cell, text);
        return;
    case VV_KIND_FLOAT:
    case VV_KIND_DOUBLE:
        if (isfinite(vv_cell_double(cell)))
            vv_cell_add_text(cell, text);
        else if (style.nan_as_text)
            add_quoted(cell, text);
        else
            vv_text_adds(text, "null");
        return;
    case VV_KIND_LIST:
        add_list(cell, style, text);
        return;
    case VV_KIND_STRUCT:
        add_struct(cell, style, text);
        return;
    case VV_KIND_MAP:
        add_map(cell, style, text);
        return;
    case VV_KIND_NULL:
    case VV_KIND_TEXT:
    case VV_KIND_BINARY:
    case VV_KIND_DATE:
    case VV_KIND_TIME:
    case VV_KIND_TIMESTAMP:
    case VV_KIND_MONTHS:
    case VV_KIND_DAYS_MS:
    case VV_KIND_MONTHS_DAYS_NS:
    case VV_KIND_DURATION:
    case VV_KIND_UNION:
        add_quoted(cell, text);
        return;
    }
}

void vv_cell_cut_fraction(struct vv_cell cell, struct vv_text *text)
{
    size_t zone = cell.type->has_zone ? 1 : 0;
    size_t len = text->len - zone;
    if (cell.type->kind != VV_KIND_TIMESTAMP || cell.type->digits > 6 || len < 26)
        return;
    const char *fraction = text->ptr + len - 7; /* ".123456" */
    size_t cut = memcmp(fraction, ".000000", 7) == 0   ? 7
                 : memcmp(fraction + 4, "000", 3) == 0 ? 3
                                                       : 0;
    text->len -= cut + zone;
    if (zone)
        vv_text_addc(text, 'Z');
}
