/*
 * The keys of some rows, as far as the choice of files needs them (candidates.h): their partitions
 * and the bounds of each key column within them.
 */
#ifndef VV_TABLE_UPSERT_KEY_GROUPS_H
#define VV_TABLE_UPSERT_KEY_GROUPS_H

#include "engine/engine.h"
#include "table/read/candidates.h"

/* `relation` has the columns c0 .. cN of the schema; no rows give no groups. */
varve_status vv_key_groups_read(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, const struct vv_schema *schema, const struct vv_rules *rules,
    struct vv_str relation, struct vv_key_groups *out);

#endif
