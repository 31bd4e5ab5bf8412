/*
 * Leaks: what a query over the past says only because of what came to be known later.
 */
#ifndef VV_LAKE_LEAK_H
#define VV_LAKE_LEAK_H

#include "lake/lake.h"

struct vv_leak_request {
    struct vv_str sql;
    int64_t known_us;
    enum vv_knowledge knowledge;
};

/*
 * The rows of a query that differ between what was known at `known_us` and what is known now:
 * _known ("then", "now"), then the query's columns. EUSAGE: see vv_lake_query; two columns of one
 * name.
 */
varve_status vv_lake_leak_check(struct vv_op *op, struct vv_lake *lake,
    const struct vv_leak_request *request, struct ArrowArrayStream *out);

#endif
