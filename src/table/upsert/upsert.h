/*
 * The upsert: a batch becomes at most one commit (2-semantics "Upsert", normative), but for one
 * before it that adds columns (evolve.h), where that was asked for. And the plain
 * append, which is an upsert that compares nothing: the same way in, the same commit.
 */
#ifndef VV_TABLE_UPSERT_UPSERT_H
#define VV_TABLE_UPSERT_UPSERT_H

#include "table/batch/batch.h"
#include "table/table.h"

struct vv_upsert_options {
    struct vv_batch_options batch;
    struct vv_str app_id; /* none: no txn */
    int64_t app_version;
    uint32_t attempts_max; /* 0: 10 */
    /* All good rows are new; nothing is read. No key is needed; with one, EUSAGE ... */
    bool append;
    bool allow_duplicates; /* ... unless keys may come to be there twice */
    /* All is done but the commit: the result is what it would have been, nothing stays. */
    bool dry_run;
    struct vv_str user_name, user_metadata;
    struct vv_str released; /* none, or the batch in quarantine that the rows are of */
    /*
     * Rejected rows go to the table's quarantine, durably and before the commit, and the rest goes
     * on. (Implies batch.reject_rows.)
     */
    bool quarantine;
    struct vv_str *out_rejects; /* NULL, or the vv_batch.rejects of the end, in op's arena */
};

struct vv_upsert_result {
    int64_t rows_in, inserted, updated, unchanged, stale, duplicates_in_batch, rejected;
    int64_t repaired, rows_written;
    int64_t
        stale_ahead; /* of `stale`: only since what is stored has a time ahead of the clock */
    int64_t ahead_until_us;
    int64_t
        times_ambiguous; /* rows with a time that the zone had twice: the earlier was taken */
    bool already_applied;
    int64_t version; /* after; unchanged where nothing was written */
    int64_t files_added, files_removed;
    int64_t columns_added; /* with batch.evolve: by a commit before that of the rows */
    uint32_t attempts;
    struct vv_warned warned; /* lives as long as the operation */
};

/* The inputs are read once, whatever the number of attempts. */
varve_status vv_upsert(struct vv_op *op, struct vv_table *table, const struct vv_input *inputs,
    size_t inputs_len, const struct vv_upsert_options *options, struct vv_upsert_result *out);

#endif
