/*
 * Warn-level rules: what rows of a table should be and need not. A property varve.warn.NAME holds
 * an expression like that of a CHECK constraint; a row for which it is not TRUE is written all the
 * same, and counted under the rule's name.
 *
 * Beside the table's columns an expression may name
 *     _now      when the row came: to a batch writer, or else in this batch
 *     _arrival  when it came to a batch writer; NULL: it came another way
 */
#ifndef VV_TABLE_WARNINGS_H
#define VV_TABLE_WARNINGS_H

#include "engine/engine.h"
#include "table/rules.h"

#define VV_WARNING_NOW "_now"
#define VV_WARNING_ARRIVAL "_arrival"
#define VV_WARNINGS_MAX 32 /* rules of a table */
#define VV_WARNING_NAME_BYTES_MAX 64

/* How many rows of a batch, which are not rejected, broke which rule. */
struct vv_warned {
    int64_t rows; /* that broke any */
    int64_t *by_rule;
    const struct vv_check *rules;
    size_t rules_len;
};

/*
 * For the writing of rows: a rule that can't be understood is logged and left out, since no rule of
 * this kind may keep a row from being written.
 */
varve_status vv_warnings_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out);
/* For the setting of rules, with the reason why one is none: EUSAGE. */
varve_status vv_warnings_check(struct vv_op *op, struct vv_engine *engine,
    const struct vv_schema *schema, const struct vv_pairs *configuration);

/* One batch more, of the same table, into the same arrays. Rules that changed in between: rows alone. */
void vv_warned_add(const struct vv_warned *more, struct vv_warned *sum);
/*
 * Of rows with _bad and _warned (validate.h): ", count(*) ..." of those that broke any rule, and of
 * those that broke each; nothing where there are no rules. What was counted, from that column on.
 */
void vv_warned_count_sql(const struct vv_rules *rules, struct vv_buf *sql);
varve_status vv_warned_read(struct vv_op *op, const struct vv_rows *rows, uint32_t column,
    const struct vv_rules *rules, struct vv_warned *out);
struct vv_json_writer;
/* For the history: numSourceRowsWarned and numSourceRowsWarned.NAME, where some row broke a rule. */
varve_status vv_warned_record(struct vv_op *op, const struct vv_warned *warned,
    struct vv_json_writer *writer);
/* {"future_time":2}: of the rules that some row broke. */
void vv_warned_write(const struct vv_warned *warned, struct vv_json_writer *json);

#endif
