/*
 * Times of a Parquet file that are finer than a microsecond. Of nanoseconds of UTC, and of INT96, the
 * engine gives microseconds and says nothing of the rest; statistics name the least and the
 * greatest value alone. So that these columns, and no others, are looked through here.
 */
#ifndef VV_ENGINE_PARQUET_DIGITS_H
#define VV_ENGINE_PARQUET_DIGITS_H

#include "engine/parquet_footer.h"

/* Where the bytes of a file lie. */
struct vv_pq_bytes {
    void *data;
    int64_t len;
    /* `len` bytes at `offset`; fewer only where the file ends. */
    varve_status (*read)(struct vv_op *op, void *data, int64_t offset, char *out, size_t len,
        size_t *out_len);
};

/* As vv_pq_open_footer; it lies in `arena`. ECORRUPT: there is none. */
varve_status vv_pq_read_footer(struct vv_op *op, const struct vv_pq_bytes *from,
    struct vv_arena *arena, struct vv_pq_file *out);

/* Whether the engine cuts values of a leaf. */
static inline bool vv_pq_is_cut(const struct vv_pq_node *leaf)
{
    return leaf->type == VV_PQ_INT96 ||
           (leaf->type == VV_PQ_INT64 && leaf->meaning == VV_PQ_NANOS_UTC);
}

/* A value of a row (from 0) that has digits there: `us`, rounded down, and 1 to 999 nanoseconds. */
struct vv_pq_fine {
    uint32_t leaf;
    int64_t row, us, ns;
};
struct vv_pq_fine_taker {
    void *data;
    varve_status (*take)(struct vv_op *op, void *data, const struct vv_pq_fine *fine);
};

/*
 * Those of a leaf that is cut, in the order of its rows. ECORRUPT: damaged. EUNSUPPORTED: an
 * encoding or codec that is not known here, so that nobody can tell.
 */
varve_status vv_pq_find_fine(struct vv_op *op, const struct vv_pq_bytes *from,
    const struct vv_pq_file *file, uint32_t leaf, const struct vv_pq_fine_taker *to);

#endif
