/*
 * What is due: decisions over a table that is described by a few figures, without I/O.
 *
 * A place is a partition, or the whole of a table without partitions. It is written to (OPEN),
 * until its day is over and nobody has written for the policy's `seal_after`; a place that is no
 * day's until nobody has written for a day. Then it is laid out for good (SEAL), once. What comes
 * later lies beside that (LATE) and is worked in when the layout is `recluster_after` old
 * (RECLUSTER). A place that is no day's and never quiet gets the same as often.
 */
#ifndef VV_TABLE_MAINTAIN_MAINTAIN_PLAN_H
#define VV_TABLE_MAINTAIN_MAINTAIN_PLAN_H

#include "table/maintain/policy.h"

enum vv_place_state {
    VV_PLACE_OPEN,
    VV_PLACE_SEAL,      /* due now */
    VV_PLACE_SEALED,    /* nothing to do until somebody writes there */
    VV_PLACE_LATE,      /* until .next_us */
    VV_PLACE_RECLUSTER, /* due now */
    VV_PLACE_STATES
};

struct vv_place_file {
    int64_t bytes;
    int64_t modified_us;
    bool is_laid_out;
    bool has_vector;
};

struct vv_place {
    bool has_day; /* its partition is a date */
    int32_t day;  /* since 1970 */
    const struct vv_place_file *files;
    size_t files_len;
};

struct vv_place_verdict {
    enum vv_place_state state;
    int64_t
        written_us;  /* when a file that is not laid out came last; INT64_MIN: there is none */
    int64_t laid_us; /* when the newest layout was made; INT64_MIN: there is none */
    int64_t next_us; /* when the state changes if nobody writes; INT64_MAX: it stays */
    size_t loose;    /* files that are not laid out */
    size_t vectors;  /* files with a deletion vector */
};

void vv_place_judge(const struct vv_policy *policy, int64_t now_us,
    const struct vv_place *place, struct vv_place_verdict *out);

/* Commits since the newest checkpoint (VV_NO_VERSION: there is none) are enough for one. */
bool vv_checkpoint_is_due(const struct vv_policy *policy, int64_t version,
    int64_t checkpoint_version);
/* Something that is to be done every so often, and was last done then; `last_us` 0: never. */
bool vv_turn_is_due(int64_t every_us, int64_t last_us, int64_t now_us);

#endif
