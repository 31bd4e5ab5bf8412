/*
 * Integers of typed rows that go on as lines of NDJSON: in quarantine, and with a batch of the spool
 * that goes on as text. A column of floats takes an integer that it holds exactly, or not at all, where a
 * text of the same digits is rounded (convert.h). So the line says what is wrong with such a row.
 */
#ifndef VV_TABLE_INPUT_WHOLE_H
#define VV_TABLE_INPUT_WHOLE_H

#include "base/json.h"
#include "base/json_write.h"
#include "delta/schema.h"

/*
 * Appends that to an open object (VV_NDJSON_LINE_FAULT) where an integer within the value is one that
 * the floats of the column round. `as_texts`: integers are texts, as the quarantine keeps them; else
 * a text is none.
 */
varve_status vv_whole_fault(struct vv_op *op, const struct vv_field *field,
    const struct vv_json *value, bool as_texts, struct vv_json_writer *writer);

#endif
