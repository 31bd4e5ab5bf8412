/*
 * Values of JSON as values of a column, where nobody can be in doubt about them: numbers in
 * columns of numbers, texts in those of texts, a time as most write it. All others are the matter
 * of table/input/convert.h, which is slower and knows more, and which of these values says the same.
 */
#ifndef VV_TABLE_INPUT_JSON_CELL_H
#define VV_TABLE_INPUT_JSON_CELL_H

#include "delta/schema.h"
#include "engine/cell_appender.h"

/* Whether there are such values of a type at all. */
bool vv_json_cell_fits(enum vv_type_kind kind);
/* False: in doubt. Texts are those of `value`. */
bool vv_json_cell(enum vv_type_kind kind, const struct vv_json *value, struct vv_cell *out);

#endif
