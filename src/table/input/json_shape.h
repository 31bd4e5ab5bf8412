/*
 * JSON brought into the shape of a nested type, so that SQL can take it without guessing: objects
 * of a struct have all of its fields in its order, a map is a list of {"key","value"}, and every
 * leaf is a text or null. Numbers keep their digits.
 */
#ifndef VV_TABLE_INPUT_JSON_SHAPE_H
#define VV_TABLE_INPUT_JSON_SHAPE_H

#include "base/buf.h"
#include "base/json.h"
#include "delta/schema.h"

/*
 * Appends the value in its shape. Returns what is wrong with it, as the end of a sentence about
 * it, or NULL. Field names are matched ignoring case; absent fields are null.
 */
const char *vv_json_shape(const struct vv_type *type, const struct vv_json *value,
    struct vv_buf *out);

#endif
