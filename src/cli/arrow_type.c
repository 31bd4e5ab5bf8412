/* Format strings of the Arrow C Data Interface. */
#include "cli/arrow_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Formats without parameters. */
static const struct plain_format {
    const char *format;
    enum vv_kind kind;
    enum vv_layout layout;
    uint32_t width;
    uint32_t digits;
} plain_formats[] = {
    {"n", VV_KIND_NULL, VV_LAYOUT_FIXED, 0, 0},
    {"b", VV_KIND_BOOL, VV_LAYOUT_FIXED, 0, 0},
    {"c", VV_KIND_INT, VV_LAYOUT_FIXED, 1, 0},
    {"C", VV_KIND_UINT, VV_LAYOUT_FIXED, 1, 0},
    {"s", VV_KIND_INT, VV_LAYOUT_FIXED, 2, 0},
    {"S", VV_KIND_UINT, VV_LAYOUT_FIXED, 2, 0},
    {"i", VV_KIND_INT, VV_LAYOUT_FIXED, 4, 0},
    {"I", VV_KIND_UINT, VV_LAYOUT_FIXED, 4, 0},
    {"l", VV_KIND_INT, VV_LAYOUT_FIXED, 8, 0},
    {"L", VV_KIND_UINT, VV_LAYOUT_FIXED, 8, 0},
    {"f", VV_KIND_FLOAT, VV_LAYOUT_FIXED, 4, 0},
    {"g", VV_KIND_DOUBLE, VV_LAYOUT_FIXED, 8, 0},
    {"u", VV_KIND_TEXT, VV_LAYOUT_OFFSETS, 0, 0},
    {"U", VV_KIND_TEXT, VV_LAYOUT_LARGE_OFFSETS, 0, 0},
    {"vu", VV_KIND_TEXT, VV_LAYOUT_VIEW, 0, 0},
    {"z", VV_KIND_BINARY, VV_LAYOUT_OFFSETS, 0, 0},
    {"Z", VV_KIND_BINARY, VV_LAYOUT_LARGE_OFFSETS, 0, 0},
    {"vz", VV_KIND_BINARY, VV_LAYOUT_VIEW, 0, 0},
    {"tdD", VV_KIND_DATE, VV_LAYOUT_FIXED, 4, 0},
    {"tdm", VV_KIND_DATE, VV_LAYOUT_FIXED, 8, 0},
    {"tts", VV_KIND_TIME, VV_LAYOUT_FIXED, 4, 0},
    {"ttm", VV_KIND_TIME, VV_LAYOUT_FIXED, 4, 3},
    {"ttu", VV_KIND_TIME, VV_LAYOUT_FIXED, 8, 6},
    {"ttn", VV_KIND_TIME, VV_LAYOUT_FIXED, 8, 9},
    {"tDs", VV_KIND_DURATION, VV_LAYOUT_FIXED, 8, 0},
    {"tDm", VV_KIND_DURATION, VV_LAYOUT_FIXED, 8, 3},
    {"tDu", VV_KIND_DURATION, VV_LAYOUT_FIXED, 8, 6},
    {"tDn", VV_KIND_DURATION, VV_LAYOUT_FIXED, 8, 9},
    {"tiM", VV_KIND_MONTHS, VV_LAYOUT_FIXED, 4, 0},
    {"tiD", VV_KIND_DAYS_MS, VV_LAYOUT_FIXED, 8, 0},
    {"tin", VV_KIND_MONTHS_DAYS_NS, VV_LAYOUT_FIXED, 16, 0},
    {"+l", VV_KIND_LIST, VV_LAYOUT_OFFSETS, 0, 0},
    {"+L", VV_KIND_LIST, VV_LAYOUT_LARGE_OFFSETS, 0, 0},
    {"+vl", VV_KIND_LIST, VV_LAYOUT_VIEW, 0, 0},
    {"+vL", VV_KIND_LIST, VV_LAYOUT_LARGE_VIEW, 0, 0},
    {"+s", VV_KIND_STRUCT, VV_LAYOUT_FIXED, 0, 0},
    {"+m", VV_KIND_MAP, VV_LAYOUT_OFFSETS, 0, 0},
};

static bool read_plain(const char *format, struct vv_type *type)
{
    for (size_t i = 0; i < VV_COUNT(plain_formats); i++) {
        const struct plain_format *plain = &plain_formats[i];
        if (strcmp(format, plain->format) != 0)
            continue;
        type->kind = plain->kind;
        type->layout = plain->layout;
        type->width = plain->width;
        type->digits = plain->digits;
        return true;
    }
    return false;
}

/* "ts" and one of s, m, u, n, then ":" and a zone, which may be empty. */
static bool read_timestamp(const char *format, struct vv_type *type)
{
    static const char units[] = "smun";
    if (strncmp(format, "ts", 2) != 0 || format[2] == '\0' || format[3] != ':')
        return false;
    const char *unit = strchr(units, format[2]);
    if (unit == NULL)
        return false;
    type->kind = VV_KIND_TIMESTAMP;
    type->width = 8;
    type->digits = (uint32_t)(unit - units) * 3;
    type->has_zone = format[4] != '\0';
    return true;
}

/* "d:precision,scale[,bits]" */
static bool read_decimal(const char *format, struct vv_type *type)
{
    long numbers[] = {0, 0, 128}; /* precision, scale, bits */
    size_t len = 0;
    const char *at = format + 1;
    if (format[0] != 'd' || *at != ':')
        return false;
    do {
        char *end = NULL;
        numbers[len] = strtol(at + 1, &end, 10);
        if (end == at + 1)
            return false;
        at = end;
        len++;
    } while (*at == ',' && len < VV_COUNT(numbers));
    long scale = numbers[1];
    long bits = numbers[2];
    if (len < 2 || *at != '\0' || (bits != 32 && bits != 64 && bits != 128) || scale < -38 ||
        scale > 38)
        return false;
    type->kind = VV_KIND_DECIMAL;
    type->width = (uint32_t)bits / 8;
    type->scale = (int32_t)scale;
    return true;
}

/* "w:bytes" and "+w:elements" */
static bool read_fixed(const char *format, struct vv_type *type)
{
    bool is_list = format[0] == '+';
    if (strncmp(format + (is_list ? 1 : 0), "w:", 2) != 0)
        return false;
    const char *digits = format + (is_list ? 3 : 2);
    char *end = NULL;
    unsigned long width = strtoul(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end != '\0' || width > UINT32_MAX)
        return false;
    type->kind = is_list ? VV_KIND_LIST : VV_KIND_BINARY;
    type->width = (uint32_t)width;
    return true;
}

/* "+ud:0,1,..." dense and "+us:0,1,..." sparse */
static bool read_union(const char *format, size_t children_len, struct vv_type *type)
{
    if (strncmp(format, "+ud:", 4) != 0 && strncmp(format, "+us:", 4) != 0)
        return false;
    type->kind = VV_KIND_UNION;
    type->is_sparse = format[2] == 's';
    type->union_ids = vv_cli_alloc(children_len, sizeof(int8_t));
    const char *at = format + 4;
    for (size_t i = 0; i < children_len; i++) {
        char *end = NULL;
        long id = strtol(at, &end, 10);
        if (end == at || id < 0 || id > INT8_MAX)
            return false;
        type->union_ids[i] = (int8_t)id;
        at = *end == ',' ? end + 1 : end;
    }
    return true;
}

static bool is_known(const char *format, size_t children_len, struct vv_type *type)
{
    type->layout = VV_LAYOUT_FIXED;
    return read_plain(format, type) || read_timestamp(format, type) ||
           read_decimal(format, type) || read_fixed(format, type) ||
           read_union(format, children_len, type);
}

static char *copy_name(const char *name)
{
    size_t bytes = name ? strlen(name) + 1 : 1;
    char *copy = vv_cli_alloc(bytes, 1);
    if (name)
        memcpy(copy, name, bytes);
    return copy;
}

static varve_status read_type(const struct ArrowSchema *schema, struct vv_type *type,
    varve_error *err)
{
    size_t children_len = schema->n_children > 0 ? (size_t)schema->n_children : 0;
    type->name = copy_name(schema->name);
    if (!is_known(schema->format, children_len, type))
        return vv_error_set(err, VARVE_EUNSUPPORTED,
            "column '%s' has a type that cannot be shown (Arrow format '%s'): cast it",
            type->name, schema->format);
    type->children = vv_cli_alloc(children_len, sizeof(struct vv_type));
    for (size_t i = 0; i < children_len; i++) {
        type->children_len = i + 1;
        VV_TRY(read_type(schema->children[i], &type->children[i], err));
    }
    if (schema->dictionary == NULL)
        return VARVE_OK;
    type->dictionary = vv_cli_alloc(1, sizeof(struct vv_type));
    return read_type(schema->dictionary, type->dictionary, err);
}

varve_status vv_type_read(const struct ArrowSchema *schema, struct vv_type *out,
    varve_error *err)
{
    struct vv_type type = {0};
    varve_status status = read_type(schema, &type, err);
    if (status == VARVE_OK)
        *out = type;
    else
        vv_type_done(&type);
    return status;
}

void vv_type_done(struct vv_type *type)
{
    for (size_t i = 0; i < type->children_len; i++)
        vv_type_done(&type->children[i]);
    if (type->dictionary)
        vv_type_done(type->dictionary);
    free(type->dictionary);
    free(type->children);
    free(type->union_ids);
    free(type->name);
    *type = (struct vv_type){0};
}
