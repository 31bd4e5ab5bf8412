/*
 * The time of a version, as far as its own commit tells it: the in-commit timestamp where the table
 * has them enabled, else commitInfo.timestamp where the commit is Varve's, else the modification time of the
 * file. The first two are the commit's own word: they rise with each version by construction and
 * survive a copy of the table. File times do neither; delta/history.c makes them monotone.
 */
#ifndef VV_DELTA_COMMIT_TIME_H
#define VV_DELTA_COMMIT_TIME_H

#include "base/time.h"
#include "delta/log.h"

/* Of the years 1 to 9999; what a commit says beyond is no time (delta/action_read.c). */
#define VV_COMMIT_TIME_FIRST_MS (VV_TIME_DAYS_FIRST * VV_US_PER_DAY / VV_US_PER_MS)
#define VV_COMMIT_TIME_LAST_MS ((VV_TIME_DAYS_LAST + 1) * VV_US_PER_DAY / VV_US_PER_MS - 1)

/*
 * The version from which on in-commit timestamps count, by the newest metaData; INT64_MAX: none
 * does, and whatever is called so in a commit says nothing.
 */
int64_t vv_commit_time_counts_from(const struct vv_metadata *metadata);
/* The commit's own word; VV_NO_TIME where it gives none. `info` may be NULL. */
int64_t vv_commit_time_own_ms(const struct vv_commit_info *info, int64_t version,
    int64_t counts_from);
/* The same, or else the modification time, which is asked for where `commit` has none. */
varve_status vv_commit_time_ms(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commit, const struct vv_commit_info *info, int64_t counts_from,
    int64_t *out_ms);
/*
 * The commit is of before then by both clocks, its own and its file's, since one may be wrong. `info`
 * may be NULL: nobody knows.
 */
bool vv_commit_time_is_before(const struct vv_log_commit *commit,
    const struct vv_commit_info *info, int64_t before_us);

#endif
