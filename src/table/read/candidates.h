/*
 * Which files can hold these keys? A plan: it decides and reads nothing.
 *
 * The keys of a batch come as groups, one for each distinct tuple of partition values that the
 * batch's rows have (a single group where the table has no partition columns), with the least and
 * greatest value of each key column in the group. A file is a candidate when some group could
 * have a row in it: its partition values equal the group's - only where every partition column is
 * in the key or derived from a key column, and the file is known to obey that (2-semantics "Which
 * files can hold a key") - and the bounds of its key columns overlap the group's.
 */
#ifndef VV_TABLE_READ_CANDIDATES_H
#define VV_TABLE_READ_CANDIDATES_H

#include "delta/stats.h"
#include "delta/value.h"
#include "table/rules.h"

/*
 * On a file of Varve that holds copies of rows which another writer may have put under a wrong
 * date: an upsert rewrites such a file where it lies. Its bounds alone tell whether it obeys.
 */
#define VV_TAG_UNDATED "varve.undated"

/*
 * The commit of the file vouches for the dates of its rows: true of a file of Varve's without the
 * tag, as long as nobody gives a table varve.partitionFrom without a look at what was written
 * before (alter/dates.h, adopt/adopt.c; ADR 18).
 */
bool vv_file_is_dated(const struct vv_file *file);
/* All timestamps of these bounds are of that UTC date. */
bool vv_bounds_lie_under(const struct vv_bounds *bounds, const struct vv_value *date);

struct vv_key_group {
    struct vv_value *partition; /* rules.partitions_len */
    struct vv_value *min;       /* rules.key_len; kind NULL: all rows have NULL there */
    struct vv_value *max;
    bool *has_null; /* rules.key_len: some row has NULL in that column */
    int64_t rows;
    /* Where it is known how the rows lie (table/batch/batch_few.h); else false: */
    bool is_run;  /* all of them together, from the row with the index `first` on */
    bool ascends; /* and each is behind the one before it in the order of the key */
    int64_t first;
};

struct vv_known_bounds;

struct vv_key_groups {
    const struct vv_key_group *items;
    size_t len;
};

struct vv_candidates {
    const struct vv_file **files;
    size_t files_len;
};

varve_status vv_candidates_find(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_key_group *groups, size_t groups_len, struct vv_candidates *out);
/* The same; what was read of the files' statistics stays with `known`. */
varve_status vv_candidates_find_known(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_key_groups *groups, struct vv_known_bounds *known,
    struct vv_candidates *out);
/* The same question for one file: used on what a winner of a race has added. */
varve_status vv_candidates_can_hold(struct vv_op *op, const struct vv_file *file,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_key_group *groups, size_t groups_len, bool *out);

#endif
