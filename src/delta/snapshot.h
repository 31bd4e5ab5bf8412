/*
 * A snapshot: one version of one table, whole and immutable, shared by count.
 *
 * Replay is newest-wins by logical file. It starts from a checkpoint, or from an older snapshot
 * of the same table, and reads the commits after it, so that an open table reads only what is
 * new. Memory of removed files is given back when it outgrows that of the live ones.
 */
#ifndef VV_DELTA_SNAPSHOT_H
#define VV_DELTA_SNAPSHOT_H

#include "base/hash.h"
#include "delta/action.h"
#include "delta/log.h"
#include "delta/schema.h"

struct vv_snapshot {
    int64_t version;
    const struct vv_protocol *protocol;
    const struct vv_metadata *metadata;
    enum vv_column_mapping mapping;
    struct vv_schema schema;
    const struct vv_file *const *files; /* live, in no order to rely on */
    size_t files_len;
    const struct vv_remove *const *tombstones; /* unexpired ones that the log still has */
    size_t tombstones_len;
    const struct vv_txn *const *txns; /* newest of each appId */
    size_t txns_len;
    const struct vv_domain *const *domains; /* not removed */
    size_t domains_len;
    int64_t timestamp_ms; /* of the version's commit, VV_NO_TIME where unknown */
    char commit_sha256
        [VV_SHA256_HEX_BYTES]; /* of the stored bytes of the version's commit, "" unknown */
    bool commit_has_link;      /* it is Varve's, and carries the hash of the one before it */
    bool
        commit_is_out_of_time; /* vv_commit_info.is_out_of_time, and in-commit timestamps count */
    /* How it was made: evidence that opening reads only checkpoint and tail. */
    int64_t checkpoint_version; /* VV_NO_VERSION: none used */
    bool checkpoint_has_failed; /* a later one was passed over: the storage failed at it */
    size_t commits_read;
};

/*
 * Loads a version (VV_NO_VERSION: the latest). A corrupt checkpoint falls back to an older one or
 * to the commits, with a warning in the log. EUNSUPPORTED: vv_features_check_read.
 */
varve_status vv_snapshot_load(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, struct vv_snapshot **out);
/*
 * The latest version of a table that may ask for more than Varve has, to tell what that is. The
 * schema is empty, and no row of it can be read by it.
 */
varve_status vv_snapshot_load_unread(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_snapshot **out);
/* The latest version, from `old` and the commits after it: `old` itself (retained) if none. */
varve_status vv_snapshot_refresh(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_snapshot *old, struct vv_snapshot **out);
/*
 * The same version as it would be with another metaData, which must stay as long as *out: for
 * finding out what would happen. Never to be refreshed.
 */
varve_status vv_snapshot_suppose(struct vv_op *op, struct vv_snapshot *base,
    const struct vv_metadata *metadata, struct vv_snapshot **out);
/* A table that was not there yet: the columns of `base`, no row, VV_NO_VERSION. */
varve_status vv_snapshot_unmade(struct vv_op *op, struct vv_snapshot *base,
    struct vv_snapshot **out);
struct vv_snapshot *vv_snapshot_retain(struct vv_snapshot *snapshot);
void vv_snapshot_release(struct vv_snapshot **snapshot); /* accepts a pointer to NULL */
/* The same for a stream that keeps a snapshot alive (struct vv_keep). */
void vv_snapshot_release_kept(void *snapshot);

/* Tombstones deleted at or before this time (ms) have expired: delta.deletedFileRetentionDuration. */
int64_t vv_snapshot_tombstones_from(const struct vv_op *op, const struct vv_metadata *metadata);

/* The recorded version of an appId; -1 where there is none. */
int64_t vv_snapshot_txn(const struct vv_snapshot *snapshot, struct vv_str app_id);
/* Whether that appId has recorded this version or a later one; an empty one has none. */
bool vv_snapshot_has_txn(const struct vv_snapshot *snapshot, struct vv_str app_id,
    int64_t version);
/* Whether `column` (index into the schema) is a partition column. */
bool vv_snapshot_is_partition(const struct vv_snapshot *snapshot, int32_t column);

#endif
