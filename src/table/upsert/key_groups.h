/*
 * The keys of some rows, as far as the choice of files needs them (candidates.h): their partitions
 * and the bounds of each key column within them.
 */
#ifndef VV_TABLE_UPSERT_KEY_GROUPS_H
#define VV_TABLE_UPSERT_KEY_GROUPS_H

#include "engine/engine.h"
#include "table/read/candidates.h"

/* Rows with the columns c0 .. cN of the schema. */
struct vv_keyed_rows {
    struct vv_str sql; /* what stands for them after FROM */
    bool is_numbered;  /* with _row, the index of each and 1: which groups are runs is told */
};

/* No rows give no groups. */
varve_status vv_key_groups_read(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, const struct vv_schema *schema, const struct vv_rules *rules,
    const struct vv_keyed_rows *keyed, struct vv_key_groups *out);

#endif
