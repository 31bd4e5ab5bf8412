/*
 * Table properties that mean something to Varve: what their values may be, and the table feature
 * that a value asks for. The one list, for tables that are made and tables that are altered.
 */
#ifndef VV_TABLE_ALTER_PROPERTY_H
#define VV_TABLE_ALTER_PROPERTY_H

#include "base/op.h"
#include "base/str.h"

struct vv_property {
    struct vv_str
        name; /* as Delta spells it; one that Varve does not know is as it was given */
    struct vv_str
        value; /* as Delta spells it, in the operation's arena: 30d is "interval 30 days" */
    const char *feature; /* that the protocol has to have with this value; NULL: none */
};

/*
 * EUSAGE: a value that the property can't have, a delta.* or varve.* that there is none of or that is
 * not set by hand; EUNSUPPORTED: a value that needs a feature which Varve does not write. Names
 * are compared ignoring case. Whether varve.key and the like name columns that are there,
 * vv_rules_read says.
 */
varve_status vv_property_check(struct vv_op *op, struct vv_str name, struct vv_str value,
    struct vv_property *out);
/* A span as all engines read it: "interval N days", or hours, minutes... where days are not whole. */
varve_status vv_property_span(struct vv_op *op, int64_t us, struct vv_str *out);

#endif
