/*
 * The inside of alter, shared by the files alter*.c: one change of a draft.
 *
 * alter_column.c and alter_property.c change the draft and say what the history is to say of it,
 * alter_cluster.c says what files are clustered by, alter_mapping.c gives columns the names and ids that renaming needs, alter.c commits.
 */
#ifndef VV_TABLE_ALTER_ALTER_CHANGE_H
#define VV_TABLE_ALTER_ALTER_CHANGE_H

#include "base/json_write.h"
#include "table/alter/alter.h"
#include "table/alter/draft.h"
#include "table/rules.h"

struct vv_alter_change {
    struct vv_table *table;
    const struct vv_alter_request *request;
    struct vv_draft draft;
    struct vv_domain domain; /* to be written; domain.domain.ptr NULL: none */
    struct vv_str operation;
    struct vv_buf parameters; /* an object */
    bool depends_on_rows; /* it was judged by the rows that are there: more of them matter */
};

varve_status vv_alter_column(struct vv_op *op, struct vv_alter_change *change);
varve_status vv_alter_property(struct vv_op *op, struct vv_alter_change *change);
varve_status vv_alter_cluster(struct vv_op *op, struct vv_alter_change *change);
/* EUSAGE where the table is clustered by the column. */
varve_status vv_alter_check_clustering(struct vv_op *op, const struct vv_alter_change *change,
    int32_t column);
/* The list of columns that have statistics: `name` for `old`, or with none (ptr NULL) without it. */
varve_status vv_alter_statistics(struct vv_op *op, struct vv_draft *draft, struct vv_str old,
    struct vv_str name);
/* Column mapping by name, where the table has none: every column keeps the name that it has in files. */
varve_status vv_alter_map_columns(struct vv_op *op, struct vv_draft *draft);
/* A new column of a mapped table gets a name that no file has yet; one of another is as it is. */
varve_status vv_alter_map_new(struct vv_op *op, struct vv_draft *draft, struct vv_field *field);
/* The next id of a mapped table, counted up. */
varve_status vv_alter_next_id(struct vv_op *op, struct vv_draft *draft, int64_t *out);
/*
 * Looks at the rows of the newest snapshot, which the change depends on from then on. EINVALID:
 * rows that don't pass the expression.
 */
varve_status vv_alter_check_rows(struct vv_op *op, struct vv_alter_change *change,
    struct vv_str name, struct vv_str sql);
/* The same: rows that have the key of these rules in common, or NULL in it. */
varve_status vv_alter_check_key(struct vv_op *op, struct vv_alter_change *change,
    const struct vv_rules *rules);

#endif
