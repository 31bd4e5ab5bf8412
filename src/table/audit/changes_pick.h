/*
 * Which files of the commits of a history can hold the rows that are asked for, and which commits
 * can't be told: a filter of changes (changes_run.h) for whoever goes on where something is gone.
 */
#ifndef VV_TABLE_AUDIT_CHANGES_PICK_H
#define VV_TABLE_AUDIT_CHANGES_PICK_H

#include "base/hash_set.h"
#include "delta/list.h"
#include "table/audit/changes_run.h"
#include "table/read/prune.h"

/* Versions whose changes can't be told, for the sake of one file of the first. */
struct vv_changes_lost {
    int64_t from, to;
    struct vv_str key;
    const char *unclear; /* as vv_changes_unclear says it; NULL: the file is gone */
};

struct vv_changes_pick {
    struct vv_arena *arena; /* of all that is noted */
    struct vv_store *store;
    const struct vv_snapshot *snapshot; /* its columns are those of the ranges */
    const struct vv_rules *rules;
    struct vv_ranges ranges;   /* rows outside of them are not asked for */
    struct vv_hash_set cannot; /* files that can't hold one within */
    bool
        is_dated; /* the last commit that was shown had the rules of the snapshot on dates already */
    /* Where a file that is gone and that the latest version needs is damage: its table; NULL: it is not */
    struct vv_table *table;
    struct vv_hash_set live; /* what the latest version needs, once something was gone */
    bool is_live_known;
    VV_ACTION_LIST(struct vv_changes_lost) lost; /* ascending, once all was looked at */
};

/* `look` and `keeps` of a filter, whose `data` is the pick. Commits are to be shown in order. */
varve_status vv_changes_pick_look(struct vv_op *op, void *data,
    const struct vv_actions *actions, bool *out_skip);
bool vv_changes_pick_keeps(const void *data, struct vv_str key);

/* Why the versions can't be told, for a sentence that has named them. */
varve_status vv_changes_lost_why(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_lost *lost, struct vv_buf *text);

#endif
