/*
 * Which columns a table may be clustered by: files have to have bounds of them, or nothing would be
 * found by their order.
 */
#ifndef VV_TABLE_CLUSTER_H
#define VV_TABLE_CLUSTER_H

#include "delta/clustering.h"

/*
 * Indexes into the schema. EUSAGE: none or too many names, one that is no column, is named twice,
 * or that files have no bounds of; a table that is partitioned, which can't be clustered as well.
 */
varve_status vv_cluster_columns(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_metadata *metadata, const struct vv_str *names, size_t len,
    int32_t out[VV_CLUSTERING_COLUMNS_MAX]);

/* EUSAGE: the table is partitioned, and so gets no feature `clustering`. */
varve_status vv_cluster_check_partitions(struct vv_op *op, const struct vv_metadata *metadata);

#endif
