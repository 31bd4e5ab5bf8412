/*
 * What a Parquet file says of itself: its schema, its row groups, where their columns lie. Read
 * from bytes in memory, without the engine.
 */
#ifndef VV_ENGINE_PARQUET_FOOTER_H
#define VV_ENGINE_PARQUET_FOOTER_H

#include "base/op.h"

enum vv_pq_type {
    VV_PQ_BOOLEAN = 0,
    VV_PQ_INT32 = 1,
    VV_PQ_INT64 = 2,
    VV_PQ_INT96 = 3,
    VV_PQ_FLOAT = 4,
    VV_PQ_DOUBLE = 5,
    VV_PQ_BYTES = 6,
    VV_PQ_FIXED_BYTES = 7,
    VV_PQ_GROUP = 100 /* a group has no type */
};

enum vv_pq_repetition {
    VV_PQ_REQUIRED = 0,
    VV_PQ_OPTIONAL = 1,
    VV_PQ_REPEATED = 2
};

/* What a group stands for, by its converted type. */
enum vv_pq_shape {
    VV_PQ_STRUCT,
    VV_PQ_LIST,
    VV_PQ_MAP
};

/* What a column's values stand for, by its converted and its logical type. */
enum vv_pq_meaning {
    VV_PQ_BARE, /* neither is there */
    VV_PQ_TEXT,
    VV_PQ_DATE,
    VV_PQ_MICROS, /* a time stamp, with a zone or without */
    VV_PQ_DECIMAL,
    VV_PQ_INT_8,
    VV_PQ_INT_16,
    VV_PQ_INT_32,
    VV_PQ_INT_64,
    VV_PQ_NANOS_UTC, /* a time stamp with a zone, in nanoseconds */
    VV_PQ_NULL,      /* it has no value, whatever its type */
    VV_PQ_STRANGE    /* anything else, or two that differ */
};

#define VV_PQ_DIGITS_MAX \
    38 /* of a decimal of the engine's; it gives longer ones as other doubles */

struct vv_pq_node {
    struct vv_str name;
    enum vv_pq_type type;
    enum vv_pq_repetition repetition;
    enum vv_pq_shape shape;
    uint32_t children; /* follow at once, each with its own behind it */
    uint32_t end;      /* index of the node behind the last of all below */
    uint32_t leaf;     /* index of the first column at or below it */
    uint8_t def_max;   /* levels up to and including this node */
    uint8_t rep_max;
    bool has_field_id;
    enum vv_pq_meaning meaning;
    int32_t field_id;
    int32_t fixed_bytes;      /* of FIXED_BYTES */
    int32_t precision, scale; /* of DECIMAL */
    bool is_wide; /* a decimal of more than VV_PQ_DIGITS_MAX digits, by either type */
};

/* A column of a row group. */
struct vv_pq_chunk {
    enum vv_pq_type type;
    int32_t codec;
    int64_t values; /* entries, NULLs included */
    int64_t nulls;  /* -1: not said */
    int64_t offset; /* of its first page */
    int64_t bytes;
};

struct vv_pq_group {
    const struct vv_pq_chunk *chunks; /* one a leaf */
    int64_t rows;
};

struct vv_pq_file {
    struct vv_str bytes;
    const struct vv_pq_node *nodes; /* the root first */
    uint32_t nodes_len;
    const struct vv_pq_node **leaves; /* one a column */
    uint32_t leaves_len;
    const struct vv_pq_group *groups;
    size_t groups_len;
};

/*
 * `bytes` is the whole file, and outlives `out`; the rest lives in `arena`. ECORRUPT: it is none,
 * or damaged. EUNSUPPORTED: encrypted, or in several files.
 */
varve_status vv_pq_open(struct vv_op *op, struct vv_str bytes, struct vv_arena *arena,
    struct vv_pq_file *out);
/* What lies at both ends of a file, and how long its footer is by its last VV_PQ_TAIL_BYTES. */
#define VV_PQ_MAGIC "PAR1"
#define VV_PQ_TAIL_BYTES 8
/* The same of its footer alone, without the tail; out->bytes are none. */
varve_status vv_pq_open_footer(struct vv_op *op, struct vv_str footer, struct vv_arena *arena,
    struct vv_pq_file *out);
/* The node of a path from the top, parted by dots; NULL: there is none. */
const struct vv_pq_node *vv_pq_find(const struct vv_pq_file *file, const char *path);
/* A child of a group by name, or NULL. */
const struct vv_pq_node *vv_pq_child(const struct vv_pq_file *file,
    const struct vv_pq_node *group, struct vv_str name);
/* The first child of a group, and the next after one: the groups above are the caller's to know. */
static inline const struct vv_pq_node *vv_pq_behind(const struct vv_pq_file *file,
    const struct vv_pq_node *node)
{
    return file->nodes + node->end;
}
/* How many columns lie at or below a node. */
uint32_t vv_pq_leaves(const struct vv_pq_file *file, const struct vv_pq_node *node);

#endif
