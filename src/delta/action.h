/*
 * The actions of a commit, as they stand in a line of the log, and how they are read and written.
 *
 * A logical file is (path, deletion vector id): the same Parquet file with another deletion
 * vector is another logical file. Everything here is immutable once parsed and lives in the arena
 * it was parsed into.
 */
#ifndef VV_DELTA_ACTION_H
#define VV_DELTA_ACTION_H

#include "base/buf.h"
#include "base/json.h"
#include "base/op.h"

#define VV_NO_VERSION INT64_C(-1)
#define VV_NO_TIME INT64_MIN

struct vv_pair {
    struct vv_str name;
    struct vv_str value; /* ptr NULL: null */
};

struct vv_pairs {
    const struct vv_pair *items;
    size_t len;
};
/* The value of a name; VV_STR_NONE where absent or null. */
struct vv_str vv_pairs_get(const struct vv_pairs *pairs, struct vv_str name);
bool vv_pairs_has(const struct vv_pairs *pairs, struct vv_str name);

struct vv_deletion_vector {
    char storage; /* 'u', 'p', 'i' */
    struct vv_str path_or_inline;
    bool has_offset;
    int32_t offset;
    int32_t size_bytes;
    int64_t cardinality;
};

/* `add`: a live logical file. */
struct vv_file {
    struct vv_str path; /* as in the log */
    struct vv_str key;  /* decoded: key in the table's store, or an absolute path or URL */
    bool absolute;
    struct vv_str dv_id;              /* "": no deletion vector */
    uint64_t hash;                    /* of (key, dv_id) */
    struct vv_pairs partition_values; /* by physical name */
    int64_t bytes;
    int64_t modified_ms;
    bool data_change;
    struct vv_str stats; /* JSON text; ptr NULL: none */
    struct vv_pairs tags;
    const struct vv_deletion_vector *dv; /* NULL: none */
    int64_t base_row_id;                 /* -1: none */
    int64_t row_commit_version;          /* defaultRowCommitVersion; -1: none */
    struct vv_str clustering_provider;
    int64_t added_version; /* commit that brought it; VV_NO_VERSION when from a checkpoint */
    bool by_varve; /* Varve wrote it: has the tag varve.sha256, from a commit of Varve's or a
                      checkpoint. (Varve commits others' files with new deletion vectors.) */
};

/* `remove`: a tombstone. */
struct vv_remove {
    struct vv_str path, key;
    bool absolute;
    struct vv_str dv_id;
    uint64_t hash;
    int64_t deleted_ms; /* 0 where absent: expired at once */
    bool data_change;
    bool extended; /* partition values and size are there */
    struct vv_pairs partition_values;
    int64_t bytes; /* -1: unknown */
    struct vv_pairs tags;
    const struct vv_deletion_vector *dv;
    int64_t base_row_id, row_commit_version; /* -1: none */
};
/* The tombstone of a live file, extended, with tags and deletion vector. */
struct vv_remove vv_remove_of(const struct vv_file *file, int64_t deleted_ms, bool data_change);

struct vv_protocol {
    int32_t min_reader, min_writer;
    bool has_reader_features, has_writer_features; /* the lists are there, perhaps empty */
    const struct vv_str *reader_features;
    size_t reader_features_len;
    const struct vv_str *writer_features;
    size_t writer_features_len;
};

struct vv_metadata {
    struct vv_str id, name, description; /* name, description: ptr NULL where absent */
    struct vv_str format_provider;
    struct vv_pairs format_options;
    struct vv_str schema_json; /* ptr NULL where absent: the history is all that can be read */
    const struct vv_str *partition_columns; /* logical names */
    size_t partition_columns_len;
    struct vv_pairs configuration;
    int64_t created_ms; /* VV_NO_TIME where absent */
};

/* Whether the table is partitioned by a column (logical name, ignoring case). */
bool vv_metadata_is_partition(const struct vv_metadata *metadata, struct vv_str column);

struct vv_txn {
    struct vv_str app_id;
    int64_t version;
    int64_t last_updated_ms; /* VV_NO_TIME where absent */
};

struct vv_domain {
    struct vv_str domain, configuration;
    bool removed;
};

struct vv_cdc {
    struct vv_str path, key;
    struct vv_pairs partition_values;
    int64_t bytes;
    struct vv_pairs tags;
};

struct vv_commit_info {
    int64_t timestamp_ms;           /* VV_NO_TIME where absent */
    int64_t in_commit_timestamp_ms; /* VV_NO_TIME where absent */
    bool is_out_of_time; /* it has an in-commit timestamp, outside the years 1 to 9999 */
    struct vv_str operation, user_name, user_metadata, engine_info, txn_id, isolation_level;
    int64_t read_version;             /* VV_NO_VERSION where absent */
    bool is_blind_append;             /* absent = false */
    const struct vv_json *parameters; /* operationParameters, any shape; NULL where absent */
    const struct vv_json *metrics;
    /* commitInfo.varve */
    bool by_varve;           /* engineInfo starts with "Varve/" */
    struct vv_str prev_hash; /* ptr NULL where absent or null */
    int64_t prev_version;
    struct vv_str prev_from;
    struct vv_str prev_chain;   /* ptr NULL where absent */
    int64_t chain_from;         /* VV_NO_VERSION where absent */
    const struct vv_json *json; /* all of it */
};

#define VV_ACTION_LIST(type) \
    struct {                 \
        type *items;         \
        size_t len;          \
        size_t capacity;     \
    }

/* One commit. */
struct vv_actions {
    int64_t version;
    const struct vv_commit_info *commit_info; /* NULL where absent */
    const struct vv_protocol *protocol;       /* NULL: unchanged */
    const struct vv_metadata *metadata;       /* NULL: unchanged */
    VV_ACTION_LIST(struct vv_file) adds;
    VV_ACTION_LIST(struct vv_remove) removes;
    VV_ACTION_LIST(struct vv_txn) txns;
    VV_ACTION_LIST(struct vv_domain) domains;
    VV_ACTION_LIST(struct vv_cdc) cdcs;
};

/*
 * Parses the bytes of a commit. ECORRUPT naming version and line: no bytes at all, torn line,
 * a known action with a wrong shape, two protocols or metaDatas, a logical file twice.
 * Unknown actions and members are passed over.
 */
varve_status vv_actions_parse(struct vv_op *op, struct vv_arena *arena, int64_t version,
    struct vv_str bytes, struct vv_actions *out);

/*
 * What vv_actions_parse asks of adds and removes, and whoever writes them has to obey. ECORRUPT: a
 * path is added twice, a logical file removed twice, or both added and removed.
 */
varve_status vv_actions_check_once(struct vv_op *op, const struct vv_actions *actions);

/*
 * Lines of the log, each with its newline. Members that are absent are left out, never null.
 * commitInfo is in delta/commit.c's hands: it renders it anew for each attempt.
 */
void vv_action_write_protocol(const struct vv_protocol *protocol, struct vv_buf *out);
void vv_action_write_metadata(const struct vv_metadata *metadata, struct vv_buf *out);
void vv_action_write_txn(const struct vv_txn *txn, struct vv_buf *out);
void vv_action_write_domain(const struct vv_domain *domain, struct vv_buf *out);
void vv_action_write_add(const struct vv_file *file, struct vv_buf *out);
void vv_action_write_remove(const struct vv_remove *remove, struct vv_buf *out);
void vv_action_write_cdc(const struct vv_cdc *cdc, struct vv_buf *out);
/* protocol, metaData, txn, domainMetadata, remove, add, cdc: everything but commitInfo. */
void vv_actions_write(const struct vv_actions *actions, struct vv_buf *out);

/* One more, at the end, with nothing in it; NULL when memory is out. May move the others. */
struct vv_file *vv_actions_new_add(struct vv_actions *actions, struct vv_arena *arena);
struct vv_remove *vv_actions_new_remove(struct vv_actions *actions, struct vv_arena *arena);
struct vv_txn *vv_actions_new_txn(struct vv_actions *actions, struct vv_arena *arena);
struct vv_domain *vv_actions_new_domain(struct vv_actions *actions, struct vv_arena *arena);
struct vv_cdc *vv_actions_new_cdc(struct vv_actions *actions, struct vv_arena *arena);
uint64_t vv_file_hash(struct vv_str key, struct vv_str dv_id);
/* storage + pathOrInlineDv [+ "@" + offset]; "" for NULL. `ptr` NULL when memory is out. */
struct vv_str vv_dv_id(const struct vv_deletion_vector *dv, struct vv_arena *arena);

#endif
