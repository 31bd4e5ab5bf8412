/*
 * The inside of vacuum, shared by the files vacuum*.c.
 *
 * vacuum_keep.c says what stays, vacuum_find.c what is there and old, vacuum.c announces and
 * removes the difference.
 */
#ifndef VV_TABLE_MAINTAIN_VACUUM_RUN_H
#define VV_TABLE_MAINTAIN_VACUUM_RUN_H

#include "base/map.h"
#include "delta/commit.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "delta/pins.h"
#include "table/folder_walk.h"
#include "table/maintain/vacuum.h"
#include "table/maintain/vacuum_plan.h"

struct vv_vacuum_run {
    struct vv_arena arena;
    struct vv_table *table;
    const struct vv_vacuum_request *request;
    int64_t promised_us;  /* by the table's property */
    int64_t retention_us; /* that is applied */
    int64_t cutoff_us;    /* what is older may go */
    struct vv_map kept;   /* keys; of all snapshots that were looked at */
    struct vv_folder_places places;
    int64_t looked_until; /* the newest commit whose removes are kept; VV_NO_VERSION: none */
    struct vv_map pinned; /* keys that tags and holds keep; the value: which, a bit each */
    const struct vv_pin *pins;
    size_t pins_len;
    size_t pin_now;       /* the one that is being read */
    uint64_t *pins_used;  /* those that keep one of pinned_files, a bit each */
    int64_t pinned_files; /* that would be due otherwise */
    int64_t young_files;  /* that nothing keeps, and that were written since the cut-off */
    /* The oldest commit that is known to have taken a file which stays; VV_NO_VERSION: none is. */
    int64_t left_version;
    struct vv_objects due;
    int64_t folders; /* that were looked into */
};

/* How many words have a bit for each pin. */
static inline size_t vv_vacuum_pin_words(const struct vv_vacuum_run *run)
{
    return run->pins_len / 64 + 1;
}

/* The commits behind `after` (VV_NO_VERSION: all), newest last, those of the ledger among them. */
varve_status vv_vacuum_commits(struct vv_op *op, const struct vv_vacuum_run *run, int64_t after,
    struct vv_log_list *out);
/* Reads one of them. ECORRUPT says what can't be known without it. */
varve_status vv_vacuum_read(struct vv_op *op, const struct vv_vacuum_run *run,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_actions *out);
/* Adds to `kept` what the table's snapshot knows, and fills `pinned` anew. */
varve_status vv_vacuum_keep(struct vv_op *op, struct vv_vacuum_run *run);
/*
 * Adds to `kept` what the commits since the cut-off took from the table, those that were not looked
 * at yet. A snapshot does not know all of it: what it rests on forgot removes by what the table
 * promised at that time, which may have been less. It costs a read of each commit: only for
 * something that would be due otherwise.
 */
varve_status vv_vacuum_keep_removed(struct vv_op *op, struct vv_vacuum_run *run);
/* A commit took a file from the table that stays for now. */
void vv_vacuum_left_by(struct vv_vacuum_run *run, int64_t version);
/* Adds to `kept` what a link in the table's folder leads to. */
varve_status vv_vacuum_keep_link(struct vv_op *op, struct vv_vacuum_run *run,
    struct vv_str key);
/*
 * Fills `due` by listing the table's folder, or from the removes in the log; asks for
 * vv_vacuum_keep_removed before the first is taken in.
 */
varve_status vv_vacuum_find(struct vv_op *op, struct vv_vacuum_run *run);
varve_status vv_vacuum_find_lite(struct vv_op *op, struct vv_vacuum_run *run);
/* Drops from `due` what is kept by now. */
void vv_vacuum_filter(struct vv_vacuum_run *run);
int64_t vv_vacuum_bytes(const struct vv_objects *objects);
/* The oldest version that is whole without what is due; VV_NO_VERSION: none is lost. */
varve_status vv_vacuum_readable(struct vv_op *op, struct vv_vacuum_run *run, int64_t *out);
/*
 * Leaves word for the next lite vacuum: which commits name no file any more that could be due. Those
 * that stayed for a pin are due when it is dropped, those that one clock calls young when it no longer does.
 * Never fails: without it that one reads more.
 */
void vv_vacuum_note(struct vv_op *op, const struct vv_vacuum_run *run);
/* path, bytes, modified of what was due. */
varve_status vv_vacuum_list(struct vv_op *op, const struct vv_vacuum_run *run,
    struct ArrowArrayStream *out);
/* Nothing that others commit matters to a commit that only announces. */
varve_status vv_vacuum_judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out);

#endif
