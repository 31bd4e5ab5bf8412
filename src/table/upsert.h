/*
 * The upsert: a batch becomes at most one commit (2-semantics "Upsert", normative).
 */
#ifndef VV_TABLE_UPSERT_H
#define VV_TABLE_UPSERT_H

#include "table/batch.h"
#include "table/table.h"

struct vv_upsert_options {
    struct vv_batch_options batch;
    struct vv_str app_id; /* none: no txn */
    int64_t app_version;
    uint32_t attempts_max; /* 0: 10 */
    struct vv_str user_name, user_metadata;
};

struct vv_upsert_result {
    int64_t rows_in, inserted, updated, unchanged, stale, duplicates_in_batch, rejected;
    int64_t repaired, rows_written;
    bool already_applied;
    int64_t version; /* after; unchanged where nothing was written */
    int64_t files_added, files_removed;
    uint32_t attempts;
};

/* The inputs are read once, whatever the number of attempts. */
varve_status vv_upsert(struct vv_op *op, struct vv_table *table, const struct vv_input *inputs,
    size_t inputs_len, const struct vv_upsert_options *options, struct vv_upsert_result *out);

#endif
