/*
 * The inside of verify, shared by the files verify*.c.
 *
 * verify.c walks over the commits; verify_chain.c judges links, verify_files.c actions and the files
 * they name, verify_hash.c hashes files, verify_cache.c looks at ledger and checkpoints, verify_said.c
 * at what commits say of themselves, verify_beside.c at what others do meanwhile, verify_rest.c at
 * keys and files that nothing names, verify_pins.c at tags and holds, verify_report.c tells it all.
 */
#ifndef VV_TABLE_AUDIT_VERIFY_RUN_H
#define VV_TABLE_AUDIT_VERIFY_RUN_H

#include "base/hash_set.h"
#include "base/map.h"
#include "delta/chain.h"
#include "delta/ledger.h"
#include "delta/list.h"
#include "delta/pins.h"
#include "delta/replay.h"
#include "delta/snapshot.h"
#include "table/audit/verify.h"
#include "table/folder_walk.h"

#define VV_FINDINGS_MAX 1000 /* that are told one by one; all are counted */
enum vv_judgement {
    VV_TOLD = false, /* no failure */
    VV_WRONG = true,
    VV_UNREAD /* the storage did not give it: neither right nor wrong */
};

struct vv_finding {
    const char *kind;         /* "commit.altered" */
    enum vv_judgement judged; /* or whether it is wrong */
    int64_t version;          /* VV_NO_VERSION: of none */
    struct vv_str file;
    struct vv_str message;
};

/* ---- The chain (verify_chain.c) --------------------------------------------------------------- */

enum vv_cover {
    VV_COVER_CHAINED,   /* Varve's, and its link holds */
    VV_COVER_FOREIGN,   /* of other software, covered by a later commit of Varve */
    VV_COVER_UNCOVERED, /* of other software, and the later link does not reach it */
    VV_COVER_TAIL,      /* of other software, and no commit of Varve has come since */
    VV_COVER_LEDGER,    /* cleaned up, proven by the ledger */
    VV_COVER_UNPROVEN,  /* cleaned up, in the ledger, and nothing proves it */
    VV_COVER_GONE,      /* cleaned up, and nowhere */
    VV_COVER_BROKEN,    /* the next link is to other bytes, or it can't be read */
    VV_COVERS
};

struct vv_cover_range {
    int64_t from, to;
    enum vv_cover cover;
    int64_t by; /* FOREIGN: the commit that covers them */
};

/* A commit of the run that the next link may reach back to. */
struct vv_chain_item {
    char sha256[VV_SHA256_HEX_BYTES];
    bool is_told; /* its cover is known */
    bool from_ledger;
};

struct vv_chain_walk {
    struct vv_arena *arena;
    VV_ACTION_LIST(struct vv_cover_range) ranges;
    int64_t counts[VV_COVERS];
    int64_t version;                 /* of the commit before; VV_NO_VERSION: there was none */
    char chain[VV_SHA256_HEX_BYTES]; /* the chain hash of that commit */
    VV_ACTION_LIST(struct vv_chain_item) run; /* its last is `version` */
};

struct vv_chain_step {
    int64_t version;
    const struct vv_commit_info *info; /* NULL: unknown */
    const char *sha256;                /* NULL: its bytes could not be had */
    bool from_ledger;
    bool is_unreadable;
};

struct vv_chain_finding {
    enum vv_chain_verdict link;
    bool is_run_broken; /* commits before the last one are not what the link says */
    int64_t run_from;
};

/* The next commit, by version; versions that were left out are gone. */
varve_status vv_chain_walk_step(struct vv_op *op, struct vv_chain_walk *walk,
    const struct vv_chain_step *step, struct vv_chain_finding *out);
varve_status vv_chain_walk_end(struct vv_op *op, struct vv_chain_walk *walk);
/* The first of the newest commits, which no link reaches; VV_NO_VERSION: there is no commit. */
int64_t vv_chain_walk_open(const struct vv_chain_walk *walk);
/* ---- The state (verify_files.c) --------------------------------------------------------------- */

/* What the log says about a file. A checkpoint may leave the statistics out. */
struct vv_file_digest {
    uint64_t rest, stats, rows; /* stats, rows (of the statistics) 0: there are none */
};

/* A data file that is or was in the table. */
struct vv_verify_file {
    struct vv_str key, dv_id;
    struct vv_str missing; /* key of what is not there, the file or its vector; len 0: all is */
    int64_t added_version;
    struct vv_file_digest digest;
    bool is_live;
};

/* One that left the table and is not there any more. */
struct vv_verify_gone {
    struct vv_str key;
    int64_t added_version, removed_version, deleted_ms;
};

struct vv_verify_vacuum {
    int64_t version;
    int64_t until_ms; /* files removed from the table until then could go */
};

/* A file whose hash is due. */
struct vv_hash_job {
    struct vv_str key, path, sha256;
    int64_t version; /* that added it */
    int64_t bytes;   /* read */
    char actual[VV_SHA256_HEX_BYTES];
    varve_status status;
    varve_error error;
};

struct vv_verify_sizes {
    int64_t files, bytes; /* looked at */
    int64_t hashed;       /* by their SHA-256 */
    int64_t without_hash; /* whose commit notes none */
    int64_t outside;  /* not in the table's folder; on another system they are not looked at */
    int64_t vectors;  /* deletion vectors that were read */
    int64_t vacuumed; /* that a vacuum took, or that are gone since the retention ended */
    int64_t checkpoints;   /* compared */
    int64_t ledger_files;  /* read */
    int64_t readable_from; /* versions before it need files that are gone; 0: none is lost */
};

struct vv_verify_state {
    struct vv_map files; /* of the key: struct vv_verify_file */
    VV_ACTION_LIST(struct vv_verify_file *) every;
    struct vv_map txns;       /* of appId: uint64_t, a digest */
    struct vv_map domains;    /* likewise, 0 for one that is removed */
    struct vv_hash_set named; /* where the walk comes to what any commit names */
    struct vv_hash_set sound; /* files (with size and hash) that were looked at and are right */
    struct vv_hash_set removed;
    uint64_t files_digest; /* sums */
    uint64_t txns_digest;
    uint64_t domains_digest;
    uint64_t protocol_digest;
    uint64_t metadata_digest;
    int64_t version;  /* of the last commit that was applied, or the checkpoint it began with */
    bool is_complete; /* nothing is missing below: from version 0 or from a checkpoint on */
    bool is_whole;    /* from version 0 on */
    bool txns_expire;
    int64_t in_commit_ms; /* of the commit before; VV_NO_TIME */
    int64_t varve_ms;     /* the time that it says, if it is Varve's; VV_NO_TIME */
    bool has_in_commit_times;
    int64_t log_retention_us, file_retention_us; /* the least that was promised */
    VV_ACTION_LIST(struct vv_verify_gone) gone;
    VV_ACTION_LIST(struct vv_verify_vacuum) vacuums;
};

/* ---- The run ---------------------------------------------------------------------------------- */

struct vv_verify_ledger {
    int64_t version, modified_us;
    struct vv_str key;
    char sha256[VV_SHA256_HEX_BYTES];
};

/* A commit that left the log above others that are still there; the ledger has it. */
struct vv_verify_taken {
    int64_t version, time_ms; /* VV_NO_TIME: the ledger's bytes can't be read */
};

struct vv_verify_run {
    struct vv_arena arena;
    const struct vv_log_handle *log;
    const struct vv_verify_request *request;
    VV_ACTION_LIST(struct vv_finding) findings;
    size_t wrong, told;
    size_t unread; /* findings that could not be judged */
    bool
        is_blind; /* a commit or the ledger is among them: what rests on all of them is left alone */
    bool has_hint; /* _last_checkpoint is there */
    int64_t hint;  /* what it says; VV_NO_VERSION: nothing that can be understood */
    struct vv_log_list list;
    VV_ACTION_LIST(struct vv_verify_ledger) ledger;
    struct vv_arena ledger_arena; /* of `ledger_file` */
    struct vv_ledger_file ledger_file;
    VV_ACTION_LIST(struct vv_verify_taken) taken;
    struct vv_chain_walk chain;
    struct vv_verify_state state;
    struct vv_verify_sizes sizes;
    struct vv_folder_places places;
    VV_ACTION_LIST(struct vv_hash_job) jobs;
    struct vv_arena jobs_arena;
    VV_ACTION_LIST(struct vv_object) unreferenced;
    size_t unreferenced_len;
    int64_t unreferenced_bytes;
    int64_t first_version, last_version;
    int64_t first_ms, last_ms; /* times of the first and the last commit that is there */
    int64_t log_first_ms; /* of the first that is in the log, where the ones below are gone */
    int64_t gone_ms;      /* one of those is no older than that; VV_NO_TIME: nothing tells */
    struct vv_verify_result result;
};

/* One more finding. */
varve_status vv_verify_tell(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_finding *finding, const char *format, ...) VV_PRINTF(4, 5);
/*
 * The recorded error as a finding, forgiven; EINTERRUPTED and ELIMIT are given back instead. With EIO
 * it is not wrong but unread: that verify may not read a file says nothing about the file.
 */
varve_status vv_verify_tell_error(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_finding *finding);

/* A hash of JSON that does not know the order of members, members that say nothing, or how a time
 * or a number is written. */
varve_status vv_verify_digest(struct vv_op *op, struct vv_str line, uint64_t *out);
varve_status vv_verify_digest_file(struct vv_op *op, const struct vv_file *file,
    struct vv_file_digest *out);

varve_status vv_verify_apply(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions, int64_t timestamp_ms);
/* From `version` on the next checkpoint alone says what the table is; what is lost by then stays so. */
varve_status vv_verify_forget(struct vv_op *op, struct vv_verify_run *run, int64_t version);
/* A file of a commit or of a checkpoint: is it there, and as it should be? */
varve_status vv_verify_add(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_file *file, int64_t version);
/*
 * What an action names is not unreferenced, whether by a path of the table's folder or by an
 * absolute one that leads into it. A vector: of `key` where it is in the log; *out_key: its file.
 */
varve_status vv_verify_name(struct vv_op *op, struct vv_verify_run *run, struct vv_str key,
    bool is_absolute);
varve_status vv_verify_name_vector(struct vv_op *op, struct vv_verify_run *run,
    struct vv_arena *arena, const struct vv_deletion_vector *dv, struct vv_str *out_key);
/* What tells one removal of a file from another. */
uint64_t vv_verify_removed(const struct vv_remove *remove);
/* verify_pins.c: a version that somebody has pinned was there. */
varve_status vv_verify_pins(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_pins *pins);
/* What of all that was ever removed should still be there. */
varve_status vv_verify_missing(struct vv_op *op, struct vv_verify_run *run);
struct vv_verify_rest {
    const struct vv_protocol *protocol;
    const struct vv_metadata *metadata;
};
varve_status vv_verify_take_rest(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_verify_rest *rest, bool is_new);
varve_status vv_verify_take_txn(struct vv_op *op, struct vv_verify_state *state,
    const struct vv_txn *txn);
varve_status vv_verify_take_domain(struct vv_op *op, struct vv_verify_state *state,
    const struct vv_domain *domain);

/* verify_said.c: what a commit says of itself, its time and its metrics, fits the rest. */
varve_status vv_verify_said(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions);
/* What nothing proves, where that is to be a failure; a newest time that is ahead of the clock. */
varve_status vv_verify_unproven(struct vv_op *op, struct vv_verify_run *run);
/* A commit is left, in the log or in the ledger. */
bool vv_verify_has_commits(const struct vv_verify_run *run);
/*
 * The first of the newest commits that nothing proves: with a noted head that was found the one behind it,
 * since links to later ones may have been written anew; without one, the first that no link reaches.
 */
int64_t vv_verify_open_from(const struct vv_verify_run *run);

/* Hashes what is due, once it is much, or with `all` whatever it is. */
varve_status vv_verify_hash(struct vv_op *op, struct vv_verify_run *run, bool all);

/* Reads every file of the ledger and fills `ledger`. */
varve_status vv_verify_ledger(struct vv_op *op, struct vv_verify_run *run);
varve_status vv_verify_ledger_bytes(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_verify_ledger *entry, struct vv_arena *arena, struct vv_str *out);
/* verify_beside.c: what is of commits made since the log was listed leaves `ledger`. */
varve_status vv_verify_ledger_since(struct vv_op *op, struct vv_verify_run *run);
/* The bytes of a commit of the listing, which may have gone to the ledger meanwhile. */
varve_status vv_verify_read_commit(struct vv_op *op, struct vv_verify_run *run, int64_t version,
    struct vv_arena *arena, struct vv_str *out);
/* Whether a checkpoint of the listing was cleaned up meanwhile. */
varve_status vv_verify_checkpoint_left(struct vv_op *op, const struct vv_verify_run *run,
    size_t index, bool *out);
/* Compares a checkpoint with the state of its version, or begins with it. */
varve_status vv_verify_checkpoint(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_checkpoint_ref *checkpoint);

/* The latest version as readers see it, its keys, files that nothing names. */
varve_status vv_verify_rest_of(struct vv_op *op, struct vv_verify_run *run);

varve_status vv_verify_report(struct vv_op *op, const struct vv_verify_run *run,
    struct vv_buf *out);

#endif
