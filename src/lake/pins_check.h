/*
 * Whether what a pin is to keep is there; asked when the pin is written, so that it stays there.
 */
#ifndef VV_LAKE_PINS_CHECK_H
#define VV_LAKE_PINS_CHECK_H

#include "delta/pins.h"
#include "table/table.h"

/*
 * NOT_FOUND: a file of the version is gone, or the version itself is by now; of a hold, one that a
 * later version brought, or the commit of that one. ECONFLICT: a vacuum is under way.
 */
varve_status vv_pin_check(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, enum vv_pin_kind kind);

#endif
