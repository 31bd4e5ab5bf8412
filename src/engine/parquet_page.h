/*
 * Pages of a Parquet column: their headers, their bytes unpacked, and what lies in them as runs of
 * small numbers (levels, indexes of a dictionary).
 */
#ifndef VV_ENGINE_PARQUET_PAGE_H
#define VV_ENGINE_PARQUET_PAGE_H

#include "engine/parquet_footer.h"

enum vv_pq_encoding {
    VV_PQ_PLAIN = 0,
    VV_PQ_OLD_DICTIONARY = 2,
    VV_PQ_RLE = 3,
    VV_PQ_DICTIONARY = 8
};
enum vv_pq_page_type {
    VV_PQ_DATA = 0,
    VV_PQ_INDEX = 1,
    VV_PQ_DICTIONARY_PAGE = 2,
    VV_PQ_DATA_V2 = 3
};

struct vv_pq_page {
    enum vv_pq_page_type type;
    uint32_t entries;
    int64_t encoding;
    struct vv_str def, rep; /* their runs; empty where the column has no such levels */
    struct vv_str values;
};

/*
 * Takes a page off the front of `*rest`; its parts are unpacked into `arena`. `chunk` and `node`
 * are those of its column.
 */
varve_status vv_pq_take_page(struct vv_op *op, struct vv_str *rest,
    const struct vv_pq_chunk *chunk, const struct vv_pq_node *node, struct vv_arena *arena,
    struct vv_pq_page *out);

/*
 * Passes over a page at the front of `*rest`, nothing is unpacked: what vv_pq_take_page would say
 * of it, with the size of its values, unpacked, in place of these.
 */
struct vv_pq_passed {
    enum vv_pq_page_type type;
    uint32_t entries;
    int64_t encoding;
    size_t unpacked_bytes;
};
/* False: damaged, or in a form that vv_pq_take_page does not know; or by gzip, which has several. */
bool vv_pq_pass_page(struct vv_str *rest, const struct vv_pq_chunk *chunk,
    const struct vv_pq_node *node, struct vv_pq_passed *out);

/* Reads `len` numbers of `width` bits; false where the runs hold fewer or one above `max`. */
bool vv_pq_levels(struct vv_str runs, uint8_t max, uint8_t *out, size_t len);
bool vv_pq_indexes(struct vv_str runs, unsigned width, uint32_t max, uint32_t *out, size_t len);

#endif
