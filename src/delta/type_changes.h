/*
 * The type that a column had before it was widened: delta.typeChanges in the metadata of a field.
 */
#ifndef VV_DELTA_TYPE_CHANGES_H
#define VV_DELTA_TYPE_CHANGES_H

#include "delta/action.h"
#include "delta/schema.h"

/* The protocol's list of widenings: every value of the one is a value of the other. */
bool vv_type_is_wider(const struct vv_type *from, const struct vv_type *to);
/*
 * EUNSUPPORTED naming the column, where a table with the feature had a type changed otherwise: what
 * the values of its older files are then, nobody can tell.
 */
varve_status vv_type_changes_check(struct vv_op *op, const struct vv_protocol *protocol,
    const struct vv_schema *schema);

#endif
