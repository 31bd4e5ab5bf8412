/*
 * The columns that a table is clustered by ("liquid clustering"): the metadata domain
 * delta.clustering, which names them as data files do. Who rewrites files in that order says so in
 * their `add`, and leaves alone those that bear another's name.
 */
#ifndef VV_DELTA_CLUSTERING_H
#define VV_DELTA_CLUSTERING_H

#include "base/json.h"
#include "delta/snapshot.h"

#define VV_CLUSTERING_DOMAIN "delta.clustering"
#define VV_CLUSTERING_PROVIDER "varve"
#define VV_CLUSTERING_COLUMNS_MAX 4

struct vv_clustering {
    const int32_t
        *columns; /* indexes into the schema: of a field within a struct, the struct's */
    struct vv_str *names; /* "a", "s.x" */
    size_t len;           /* 0: the table is not clustered */
    bool is_nested;       /* some are fields of structs, by which Varve does not order rows */
};

/*
 * Walks the names of one of `clusteringColumns`, from the root to a field: a list of them, or, as
 * the protocol's example has it, a plain name. Start with *iterator = NULL.
 */
bool vv_clustering_each_name(const struct vv_json *path, const struct vv_json **iterator,
    struct vv_str *out_name);
/* ECORRUPT: a domain that is no list of columns of the table. */
varve_status vv_clustering_declared(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_clustering *out);
/* Indexes into the schema of what Varve can order by: none where it is nested. */
varve_status vv_clustering_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const int32_t **out, size_t *out_len);
/* The domain that says these columns; with none, that the table is not clustered any more. */
varve_status vv_clustering_domain(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, const int32_t *columns, size_t len, struct vv_domain *out);
/* Whether another engine has clustered the file: to rewrite it would undo that. */
bool vv_clustering_is_foreign(const struct vv_file *file);
const struct vv_domain *vv_snapshot_domain(const struct vv_snapshot *snapshot,
    struct vv_str name);

#endif
