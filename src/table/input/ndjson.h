/* What the two ways of reading NDJSON have in common: as texts, and as values. */
#ifndef VV_TABLE_INPUT_NDJSON_H
#define VV_TABLE_INPUT_NDJSON_H

#include "table/input/batch_input.h"
#include "table/input/lines.h"

/* The lines of an input once more, for what its rows do not tell. */
struct vv_ndjson_again {
    struct vv_lines
        lines;          /* lines.line: number of the line of the row that was asked for last */
    struct vv_str text; /* the last one that was read */
    int64_t row;        /* its row, or that of the last one that was none */
    bool has_line;
};

void vv_ndjson_again_open(const struct vv_batch_input *input, struct vv_ndjson_again *out);
void vv_ndjson_again_close(struct vv_ndjson_again *again);
/*
 * The line of a row, which is not before the one that was asked for last; it holds until the next
 * call. NONE: there is no such row.
 */
varve_status vv_ndjson_again_line(struct vv_op *op, struct vv_ndjson_again *again, int64_t row,
    struct vv_str *out);

/* Feeds of several tables name the table in each line: whether `value` is this one's name. */
bool vv_ndjson_names_table(const struct vv_table *table, const struct vv_json *value);
/* Whether a member is no value, but what whoever made the line knows to be wrong with it (whole.h). */
bool vv_ndjson_is_fault(struct vv_str name, const struct vv_json *value);
/*
 * The column of a member, -1: none. Lines come as their writer keeps them: the column after the
 * last one, `*next`, is the likely one.
 */
int32_t vv_ndjson_column(const struct vv_schema *schema, struct vv_str name, size_t *next);
/* By column of the schema: what lines have of it. */
struct vv_ndjson_found {
    bool *has_value, *is_named; /* some line's; null has a name alone */
};

/*
 * The columns of an input are those that some line has a value in: the fewer, the less to be
 * judged. `names` and `types` are by column of the schema; `types` NULL: all are texts.
 */
varve_status vv_ndjson_columns(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, const struct vv_ndjson_found *found,
    const struct vv_str *names, const struct vv_str *types, struct vv_batch_input *input);

#endif
