/*
 * The files that are found when a spool is opened, read and judged. Nothing is changed: what has
 * to be done about them is for recovery (spool_recover.c) or, where there is damage, for whoever
 * was asked to salvage (spool_salvage.c).
 */
#ifndef VV_INGEST_SPOOL_FOUND_H
#define VV_INGEST_SPOOL_FOUND_H

#include "ingest/spool_state.h"

enum vv_spool_fate {
    VV_FATE_KEEP,       /* sealed and whole */
    VV_FATE_COPY,       /* its records up to `end` are written anew */
    VV_FATE_DROP_FIRST, /* another file counts for its number, and this one not even after it */
    VV_FATE_DROP,       /* no record of it stays */
    VV_FATE_REPLACED    /* a file of a later generation has them all */
};

/* A file that was found. */
struct vv_spool_find {
    struct vv_str name;
    uint64_t number;
    uint32_t generation;
    struct vv_journal_file file;
    bool has_head;
    struct vv_segment_head head;
    enum vv_spool_fate fate;
    size_t end; /* behind the last record that stays; with the end of a sealed one */
    struct vv_segment_counts counts;
    const char *fault; /* what is damaged in it, at `fault_at`; NULL: nothing */
    size_t fault_at;
    uint64_t lost_first; /* rows before its first that no file has any more; 0: none */
    uint64_t lost_last;
};

struct vv_spool_finds {
    struct vv_spool_find *items; /* by number, then generation */
    size_t len;
    size_t torn_index; /* of the item where the log is torn; SIZE_MAX: it is not */
    int64_t rows_cut;  /* behind the tear */
    int64_t bytes_cut;
};

void vv_spool_finds_done(struct vv_spool_finds *finds);
/* Takes the header's key, its numbers and its next sequence as they were read. */
varve_status vv_spool_finds_read(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_finds *out);
/* ECORRUPT naming the first damage, if there is any. */
varve_status vv_spool_finds_check(struct vv_op *op, const struct vv_spool *spool,
    const struct vv_spool_finds *finds);

static inline struct vv_str vv_spool_find_content(const struct vv_spool_find *find)
{
    return (struct vv_str){(const char *)find->file.bytes, find->file.mapped_bytes};
}

/* Whether it is the file that counts for its number. */
static inline bool vv_spool_find_is_chosen(const struct vv_spool_find *find)
{
    return find->fate == VV_FATE_KEEP || find->fate == VV_FATE_COPY ||
           find->fate == VV_FATE_DROP;
}

#endif
