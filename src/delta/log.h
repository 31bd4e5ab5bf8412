/*
 * The log of one table: names, listing, reading commits, times of versions.
 */
#ifndef VV_DELTA_LOG_H
#define VV_DELTA_LOG_H

#include "delta/action.h"
#include "engine/engine.h"
#include "store/store.h"

/* What the functions of this layer work on. Owns nothing; copied freely. */
struct vv_log_handle {
    struct vv_store *store;   /* rooted at the table */
    struct vv_engine *engine; /* for checkpoints; may be NULL where none is ever read (tests) */
};

/* "_delta_log/00000000000000000007.json" */
struct vv_str vv_log_commit_key(struct vv_arena *arena, int64_t version);
/* The version when `name` (last part of a key) is exactly a commit; VV_NO_VERSION otherwise. */
int64_t vv_log_commit_version(struct vv_str name);

struct vv_checkpoint_ref {
    int64_t version; /* VV_NO_VERSION: none */
    uint32_t parts;  /* 1: classic, >1: multi-part (complete) */
    bool is_v2;      /* UUID-named */
    struct vv_str *keys;
};

struct vv_log_commit {
    int64_t version;
    int64_t modified_us;      /* of the commit file */
    struct vv_str ledger_key; /* the file of the ledger that has it; none: it is in the log */
};

/* What makes up a version: a checkpoint and the commits after it, contiguous. */
struct vv_log_segment {
    struct vv_checkpoint_ref checkpoint;
    const struct vv_log_commit *commits; /* ascending */
    size_t commits_len;
    int64_t version;
};

/*
 * Finds checkpoint and commits of `version` (VV_NO_VERSION: the latest), starting from
 * `_last_checkpoint` where it helps; that file is a hint only. Checkpoints newer than
 * `checkpoint_max` are not considered (for falling back from a corrupt one).
 * What the log alone can't put together is put together with the commits of the ledger.
 * NOT_FOUND: no table here, or no such version (naming the range that is there).
 * ECORRUPT: a gap.
 */
varve_status vv_log_find(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    int64_t checkpoint_max, struct vv_arena *arena, struct vv_log_segment *out);

/* The stored bytes of a commit that is in the log. ENOTFOUND when there is none; ECORRUPT: it is out of
 * reach (store/odd_name.h). */
varve_status vv_log_read(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    struct vv_arena *arena, struct vv_str *out_bytes);
/*
 * Reads and parses a commit. `out_bytes` may be NULL. ECORRUPT naming the file when it is empty
 * or torn.
 */
varve_status vv_log_read_actions(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, struct vv_arena *arena, struct vv_actions *out, struct vv_str *out_bytes);
/*
 * The same for a commit of a listing, which may be in the ledger (delta/ledger.h). `ledger`: of who
 * reads many of them in a row; NULL: a file of the ledger is opened for this one.
 */
struct vv_ledger_reader;
varve_status vv_log_read_listed(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_str *out_bytes);
varve_status vv_log_read_listed_actions(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_actions *out, struct vv_str *out_bytes);

/*
 * Whatever was read of the log is there after a power cut, too: who wrote it may not have synced it yet. For
 * a call that finds that what it was to do is done.
 */
varve_status vv_log_settle(struct vv_op *op, const struct vv_log_handle *log);

/* One line of the history. */
struct vv_history_entry {
    int64_t version;
    struct vv_log_commit commit;       /* where its actions are */
    int64_t timestamp_ms;              /* 2-semantics "by time": monotone */
    const struct vv_commit_info *info; /* NULL: a commit without commitInfo */
};
/*
 * Newest first from `from` (VV_NO_VERSION: the latest), at most `limit` (0: all that is there),
 * those that only the ledger still has included. ECORRUPT, of the first version that can't be told:
 * a commit among them is damaged, or missing though older ones are there.
 */
varve_status vv_log_history(struct vv_op *op, const struct vv_log_handle *log, int64_t from,
    size_t limit, struct vv_arena *arena, struct vv_history_entry **out, size_t *out_len);
/* The same of the commits that are there: missing ones are passed over. */
varve_status vv_log_history_there(struct vv_op *op, const struct vv_log_handle *log,
    int64_t from, size_t limit, struct vv_arena *arena, struct vv_history_entry **out,
    size_t *out_len);
/*
 * The same of the newest `limit` (at least 1) versions, `latest` being the newest there is. Reads
 * them by name, and lists a log of any length only where one of them is gone from it.
 */
varve_status vv_log_history_latest(struct vv_op *op, const struct vv_log_handle *log,
    int64_t latest, size_t limit, struct vv_arena *arena, struct vv_history_entry **out,
    size_t *out_len);

/*
 * The latest version whose time is <= `time_us`. After the last commit: the latest. Before the
 * first that is there: NOT_FOUND naming the range. Time of a version: in-commit timestamp where
 * enabled; commitInfo.timestamp for commits of Varve; else the modification time of the commit
 * file; made monotone. ECORRUPT: a commit is damaged or missing, and may have been the latest then;
 * such commits elsewhere in the log do not matter. So may commits that others cleaned up before the ledger
 * had them: NOT_FOUND, of the first of those.
 */
varve_status vv_log_version_at(struct vv_op *op, const struct vv_log_handle *log,
    int64_t time_us, int64_t *out_version);
/* The same of the commits that are there: those that others cleaned up are passed over. */
varve_status vv_log_version_there(struct vv_op *op, const struct vv_log_handle *log,
    int64_t time_us, int64_t *out_version);

#endif
