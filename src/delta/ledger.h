/*
 * The ledger: the exact bytes of commits, kept beyond the clean-up of the log. docs/format-ledger.md
 * describes the files `_varve/ledger/<first>-<last>.vl` byte by byte.
 *
 * It is never needed for the newest state of a table, and never on the path of a commit. It is
 * asked only for what the log has no more: old history, old versions, an old link of the chain.
 * Its files are immutable; as long as a commit is in the log it can be written again.
 */
#ifndef VV_DELTA_LEDGER_H
#define VV_DELTA_LEDGER_H

#include "base/hash.h"
#include "delta/log_list.h"

#define VV_LEDGER_FOLDER "_varve/ledger"

/*
 * Keeps those of the commits of `list` below `end` that the ledger lacks by the names of its files;
 * durable afterwards.
 * Commits that are gone from both the log and the ledger are recorded as a gap. *out_kept (may be
 * NULL): how many were added.
 */
varve_status vv_ledger_keep(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, int64_t end, size_t *out_kept);
/*
 * Whether who reads the ledger gets the bytes of each commit of `list` below `end` as the log has them,
 * which the names of its files do not say: a file may be cut off or altered. ECORRUPT names the first that does
 * not.
 */
varve_status vv_ledger_check(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, int64_t end);

/*
 * Puts the ledger's commits in front of those of a whole listing; a version that the log still
 * has is the log's. A damaged file of the ledger is passed over, with a warning in the log.
 */
varve_status vv_ledger_extend(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_log_list *list);

/*
 * The exact bytes of a commit whose `ledger_key` is set. Where they are not whole there, from another file
 * that has them, with a warning in the log; ECORRUPT: none has.
 */
varve_status vv_ledger_read(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commit, struct vv_arena *arena, struct vv_str *out_bytes);

/* One commit in a file of the ledger. */
struct vv_ledger_entry {
    int64_t version;
    int64_t modified_us;
    size_t bytes;
    size_t stored;
    size_t offset; /* of its member in the file */
    struct vv_str sha256;
};

struct vv_ledger_file {
    struct vv_str key;
    struct vv_str bytes;
    int64_t missing_from, missing_to; /* VV_NO_VERSION: none */
    const struct vv_ledger_entry *entries;
    size_t len;
};

/* Reads "<first>-<last>.vl"; false: the key is of another file. */
bool vv_ledger_name(struct vv_str key, int64_t *out_first, int64_t *out_last);
/* A whole file, its head read and lengths checked; its members are not unpacked yet. */
varve_status vv_ledger_open(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_str key, struct vv_ledger_file *out);
/* What an entry stands for, its hash checked. */
varve_status vv_ledger_unpack(struct vv_op *op, const struct vv_ledger_file *file,
    const struct vv_ledger_entry *entry, struct vv_arena *arena, struct vv_str *out);

/* For many commits one after another, either way: the file of the last one stays open. */
struct vv_ledger_reader {
    struct vv_arena arena; /* of `file` */
    struct vv_ledger_file file;
};
void vv_ledger_reader_done(struct vv_ledger_reader *reader); /* {0} with an arena: none open */
varve_status vv_ledger_reader_read(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *reader, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_str *out_bytes);

/* SHA-256 of the bytes of one commit; "" where the ledger does not have it. */
varve_status vv_ledger_sha256(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, char out_hex[VV_SHA256_HEX_BYTES]);

#endif
