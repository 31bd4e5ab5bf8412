/*
 * When the versions of a table came to be, worked out with as few reads as possible.
 *
 * A commit's own word (delta/commit_time.h) stands as it is. A run of commits without one lies
 * between two that have: their file times are made to rise by a millisecond at least, and are
 * held below the next commit's own word, since a table that was copied has file times that are
 * all too late.
 */
#ifndef VV_DELTA_TIMELINE_H
#define VV_DELTA_TIMELINE_H

#include "delta/ledger.h"
#include "delta/log_list.h"

struct vv_timeline_point {
    bool is_read;    /* `info` and `own_ms` are there */
    bool is_damaged; /* it can't be read, and so has no word of its own */
    const struct vv_commit_info *info;
    int64_t own_ms;  /* VV_NO_TIME: the commit has no word of its own */
    int64_t time_ms; /* VV_NO_TIME: not worked out yet */
};

struct vv_timeline {
    const struct vv_log_handle *log;
    struct vv_arena *arena; /* of what is read */
    const struct vv_log_commit *commits;
    size_t len;
    struct vv_timeline_point *points; /* one a commit */
    bool passes_damage;               /* a commit that is corrupt is marked, and no failure */
    bool knows_counts_from; /* looked for at the first foreign commit that it matters for */
    int64_t counts_from;    /* vv_commit_time_counts_from */
    struct vv_ledger_reader ledger;
};

/* {0}, or one that is begun anew: what was read of it stays in its arena. */
varve_status vv_timeline_init(struct vv_op *op, struct vv_timeline *timeline,
    const struct vv_log_handle *log, const struct vv_log_commit *commits, size_t len,
    struct vv_arena *arena);
void vv_timeline_done(struct vv_timeline *timeline); /* accepts {0} */
/* Works out the times of [begin, end) and reads the commitInfo of each. */
varve_status vv_timeline_resolve(struct vv_op *op, struct vv_timeline *timeline, size_t begin,
    size_t end);
/* How many commits, from the first on, have a time of at most `time_ms`. */
varve_status vv_timeline_count_until(struct vv_op *op, struct vv_timeline *timeline,
    int64_t time_ms, size_t *out_count);

/* The commitInfo of a commit, its other lines unread: they may be a hundred thousand. */
varve_status vv_timeline_find_info(struct vv_op *op, struct vv_arena *arena, int64_t version,
    struct vv_str bytes, const struct vv_commit_info **out);

#endif
