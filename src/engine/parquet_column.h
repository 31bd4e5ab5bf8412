/*
 * The values of one column of one row group of a Parquet file, all at once, without the engine:
 * what small files that are read all the time are worth. Plain and dictionary values in pages of
 * both versions, not compressed or by Snappy, zstd or gzip; for anything else there is the engine.
 */
#ifndef VV_ENGINE_PARQUET_COLUMN_H
#define VV_ENGINE_PARQUET_COLUMN_H

#include "engine/parquet_footer.h"

struct vv_pq_column {
    const struct vv_pq_node *node;
    const uint8_t *def; /* one an entry; NULL: all are node->def_max */
    const uint8_t *rep; /* NULL: all are 0 */
    size_t entries;
    size_t values_len; /* entries that are neither NULL nor stand for an empty list */
    /* One of: */
    const int64_t *ints; /* BOOLEAN, INT32, INT64 */
    const double *doubles;
    const struct vv_str *texts; /* FIXED_BYTES too */
};

/*
 * Whether vv_pq_read_column knows every encoding and codec of a column, as its pages say of
 * themselves; and about how much memory it takes, added to `*bytes`, a text as often as it comes.
 * What is damaged below may still be found by reading it.
 */
bool vv_pq_is_known(const struct vv_pq_file *file, const struct vv_pq_group *group,
    uint32_t leaf, size_t *bytes);

/*
 * Lives in `arena`, texts in it or in the bytes of the file. ECORRUPT: damaged. EUNSUPPORTED: an
 * encoding, codec or type that this does not know. ELIMIT.
 */
varve_status vv_pq_read_column(struct vv_op *op, const struct vv_pq_file *file,
    const struct vv_pq_group *group, uint32_t leaf, struct vv_arena *arena,
    struct vv_pq_column *out);

#endif
