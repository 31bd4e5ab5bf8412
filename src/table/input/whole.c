#include "table/input/whole.h"

#include <stdio.h>

#include "base/number.h"
#include "table/input/batch_input.h"
#include "table/input/row_json.h"

#define FLOAT_BYTES 320 /* of the largest double without an exponent */

/* A whole number that a float is no other number for; what is no whole number may be rounded. */
static bool is_exact(const struct vv_type *type, struct vv_str text)
{
    char digits[FLOAT_BYTES];
    double number = 0;
    size_t sign = text.len > 0 && text.ptr[0] == '-';
    for (size_t i = sign; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return true;
    if (text.len == sign || !vv_number_parse(text, &number))
        return true;
    if (type->kind == VV_TYPE_FLOAT)
        number = (double)(float)number;
    int len = snprintf(digits, sizeof(digits), "%.0f", number);
    return vv_str_eq(text, (struct vv_str){digits, (size_t)len});
}

static bool is_rounded(const struct vv_type *type, struct vv_str text)
{
    return vv_type_is_float(type) && !is_exact(type, text);
}

/* The first part that is rounded; NONE: there is none. The keys of a map are texts. */
static struct vv_str find_rounded(const struct vv_type *type, const struct vv_json *value,
    bool as_texts)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *part = NULL;
    struct vv_str rounded = VV_STR_NONE;
    struct vv_str name;
    bool is_object = vv_json_is(value, VV_JSON_OBJECT);
    bool is_leaf = vv_json_is(value, VV_JSON_NUMBER) || as_texts;
    if (type != NULL && is_leaf && is_rounded(type, vv_json_text(value)))
        return vv_json_text(value);
    while (type != NULL && rounded.ptr == NULL &&
           vv_json_each(value, &iterator, &name, &part)) {
        if (type->kind == VV_TYPE_MAP && is_rounded(type->key, name))
            rounded = name;
        else
            rounded = find_rounded(vv_row_type_within(type, is_object, name), part, as_texts);
    }
    return rounded;
}

varve_status vv_whole_fault(struct vv_op *op, const struct vv_field *field,
    const struct vv_json *value, bool as_texts, struct vv_json_writer *writer)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf rule = VV_BUF_INIT(1 << 20);
    struct vv_str rounded = find_rounded(&field->type, value, as_texts);
    if (rounded.ptr == NULL)
        return VARVE_OK;
    vv_buf_adds(&rule, "does not fit type ");
    vv_type_name(&field->type, &rule);
    if (!vv_buf_ok(&rule))
        return vv_fail_memory(op);
    vv_jw_key(writer, VV_NDJSON_LINE_FAULT);
    vv_jw_object(writer);
    vv_jw_key_string(writer, "column", field->name);
    vv_jw_key_string(writer, "value", rounded);
    vv_jw_key_string(writer, "rule", vv_buf_str(&rule));
    vv_jw_end(writer);
    return VARVE_OK;
}
