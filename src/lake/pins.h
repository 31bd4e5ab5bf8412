/*
 * Tags and holds over the tables of a lake.
 */
#ifndef VV_LAKE_PINS_H
#define VV_LAKE_PINS_H

#include "delta/pins.h"
#include "lake/lake.h"

struct vv_pin_request {
    enum vv_pin_kind kind;
    struct vv_str name;
    struct vv_str at; /* version or time (table/read/read.h); len 0: the latest version */
    const struct vv_str *tables; /* len 0: all of the lake */
    size_t tables_len;
    struct vv_str message;
};

/*
 * Pins a version of each table, one after the other; all or none. What a pin keeps has to be there.
 * EUSAGE: a name that is none or is taken; NOT_FOUND: no such version, or something is gone that is
 * to be kept (lake/pins_check.h), or there is no table; ECONFLICT: a vacuum is under way.
 */
varve_status vv_lake_pin(struct vv_op *op, struct vv_lake *lake,
    const struct vv_pin_request *request, size_t *out_tables);
/* Removes the pins of a name and kind from all tables. NOT_FOUND: no table has one. */
varve_status vv_lake_unpin(struct vv_op *op, struct vv_lake *lake, enum vv_pin_kind kind,
    struct vv_str name, size_t *out_tables);
/* Rows: name, table, version, created, user, message; by name and table. */
varve_status vv_lake_pins(struct vv_op *op, struct vv_lake *lake, enum vv_pin_kind kind,
    struct ArrowArrayStream *out);

#endif
