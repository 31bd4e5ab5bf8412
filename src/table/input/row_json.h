/*
 * Lines of NDJSON with what JSON has no way to write, as programs have it in their rows:
 *
 *     NaN, Infinity, -Infinity    floats, as Python's json writes them
 *     [nan,"U1BZ"]                bytes, in base64
 *
 * They are no JSON, so that a reader that does not know them refuses the line, and none takes them for
 * texts. Into the columns, and the elements, fields and values within them, they go by the type:
 *
 *     NaN            a float's; of any other type NULL, as software that has one thing for both says it
 *     an infinity    a float's; fits nothing else
 *     bytes          a binary's; fit nothing else
 */
#ifndef VV_TABLE_INPUT_ROW_JSON_H
#define VV_TABLE_INPUT_ROW_JSON_H

#include "base/json.h"
#include "delta/schema.h"

/*
 * Parses a line; *out_has_words: it has such words, which are numbers then, and which nothing has
 * judged. ECORRUPT as vv_json_parse.
 */
varve_status vv_row_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out, bool *out_has_words);
/*
 * The line as JSON that says the same to the columns of the schema. Of a column that is not there NaN is
 * NULL, the others are texts. EINVALID: a word fits no value of its column, or is none.
 */
varve_status vv_row_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, struct vv_str text, const struct vv_json **out);
bool vv_row_is_nan(const struct vv_json *value);
bool vv_row_is_bytes(const struct vv_json *value);
/*
 * The type of a member or element of a value; NULL: it is not known. A list or object in a column of
 * another type has the column's.
 */
const struct vv_type *vv_row_type_within(const struct vv_type *type, bool is_object,
    struct vv_str name);

#endif
