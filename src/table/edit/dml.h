/*
 * Changes of rows that are in a table, by SQL expressions over its columns.
 */
#ifndef VV_TABLE_EDIT_DML_H
#define VV_TABLE_EDIT_DML_H

#include "table/batch/batch.h"
#include "table/edit/edit.h"

/* Removes the rows for which the condition is true. Reads only files that can hold one. */
varve_status vv_table_delete(struct vv_op *op, struct vv_table *table, struct vv_str where,
    const struct vv_edit_options *options, struct vv_edit_result *out);

struct vv_assignment {
    struct vv_str column;
    struct vv_str expression;
};
struct vv_update_request {
    struct vv_str where;
    const struct vv_assignment *assignments;
    size_t assignments_len;
};
/*
 * Changes columns of the rows for which the condition is true; expressions see the rows as they
 * were. The new rows are converted and validated as those of an upsert are: exactly or not at all.
 * A partition column that derives from another follows it. Where the order column is not named, a
 * timestamp becomes the later of now and one microsecond after the stored one, an integer one
 * more: the row is newer than what it replaces.
 * EUSAGE: an unknown column, one that is named twice; EINVALID: a row breaks a rule, or would get
 * a key that is there already.
 */
varve_status vv_table_update(struct vv_op *op, struct vv_table *table,
    const struct vv_update_request *request, const struct vv_edit_options *options,
    struct vv_edit_result *out);

struct vv_overwrite_request {
    struct vv_str where;           /* none: the whole table */
    const struct vv_input *inputs; /* read once, whatever the number of attempts */
    size_t inputs_len;
    struct vv_str input_tz;
    bool truncate_time;
};
/*
 * Puts rows in the place of those for which the condition is true, or of all. The rows are
 * validated as those of an upsert are, one a key; with a condition each must obey it.
 * EINVALID: one does not, or has the key of a row that stays.
 */
varve_status vv_table_overwrite(struct vv_op *op, struct vv_table *table,
    const struct vv_overwrite_request *request, const struct vv_edit_options *options,
    struct vv_edit_result *out);

enum vv_merge_when {
    VV_MERGE_MATCHED,
    VV_MERGE_NOT_MATCHED,
    VV_MERGE_NOT_MATCHED_BY_SOURCE
};
struct vv_merge_clause {
    enum vv_merge_when when;
    struct vv_str text; /* "and s.dead delete", "update set a = s.a", "insert *" */
};
struct vv_merge_request {
    struct vv_str on;
    const struct vv_merge_clause
        *clauses; /* of each kind in the order in which they are asked */
    size_t clauses_len;
    const struct vv_input *inputs; /* read once, whatever the number of attempts */
    size_t inputs_len;
    struct vv_str input_tz;
    bool truncate_time;
};
/*
 * Changes, removes and adds rows by what a source says of them: varve/dml.h. The source may have
 * columns that the table lacks; those of the table come in its types, exactly or not at all.
 */
varve_status vv_table_merge(struct vv_op *op, struct vv_table *table,
    const struct vv_merge_request *request, const struct vv_edit_options *options,
    struct vv_edit_result *out);

#endif
