/*
 * The modification times of commit files, which other software takes for the times of versions.
 *
 * A copy of a table (cp -r, a backup brought back) gives every commit file the time of the copy:
 * whoever asks for the table as of last week then gets an answer that is wrong, or none. What a
 * commit says of itself survives the copy. A time is wrong where it is more than VV_TIMES_SLACK_MS
 * from that (a writer says its time shortly before its file is there), and out of order where it
 * is not after that of the version before. What a commit says is not believed where it is of the future,
 * or can't be right beside what most others say: such a one is as one that says nothing. Commits with an in-commit timestamp are left out:
 * readers go by that.
 */
#ifndef VV_DELTA_LOG_TIMES_H
#define VV_DELTA_LOG_TIMES_H

#include "delta/log.h"

#define VV_TIMES_SLACK_MS 60000

struct vv_log_time {
    int64_t version;
    int64_t file_ms;       /* of the file */
    int64_t said_ms;       /* commitInfo.timestamp; VV_NO_TIME: the commit says nothing */
    bool has_in_commit_ms; /* of no concern */
    int64_t due_ms;        /* out: what it should be; `file_ms` where nothing is wrong */
    bool is_believed;      /* out: what it says */
    /*
     * While that is found out: what it follows, and comes instead of, in sequences that rise (itself: none);
     * by length less one, the last of the sequence that is kept.
     */
    size_t before, instead_of, last;
};

struct vv_log_times {
    struct vv_log_time *items; /* ascending */
    size_t len;
    int64_t now_ms;   /* nothing was said later */
    size_t wrong;     /* far from what the commit says, or from what a later one lets it be */
    size_t unordered; /* not after the version before; those that are wrong not counted */
    size_t covered;   /* that have in-commit timestamps */
};

/* Fills in `due_ms` and the counts; decides and reads nothing. */
void vv_log_times_plan(struct vv_log_times *times);
/* The commits that the log has. Reads each of them. */
varve_status vv_log_times_read(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_log_times *out);
/*
 * Sets the times of files that are not as they should be. EUNSUPPORTED where the storage can't.
 * *out_fixed counts, on failure too: a second run does the rest.
 */
varve_status vv_log_times_fix(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_times *times, size_t *out_fixed);

#endif
