/*
 * Names of the files in `_delta_log`, read and nothing else.
 */
#ifndef VV_DELTA_LOG_NAME_H
#define VV_DELTA_LOG_NAME_H

#include "base/str.h"

#define VV_LOG_FOLDER "_delta_log"
#define VV_LOG_SIDECARS "_delta_log/_sidecars"

enum vv_log_name_kind {
    VV_LOG_NAME_OTHER, /* to be passed over */
    VV_LOG_NAME_COMMIT,
    VV_LOG_NAME_CHECKPOINT
};

struct vv_log_name {
    enum vv_log_name_kind kind;
    int64_t version;
    uint32_t part, parts; /* of a checkpoint; 1 of 1 where it is a single file */
    bool is_v2;           /* UUID-named */
};

/*
 * No version is greater: there is room above to count on, and JSON has its number without loss.
 */
#define VV_VERSION_MAX ((INT64_C(1) << 53) - 1)

/*
 * Reads the last part of a key. Versions have exactly 20 digits; everything that is not exactly a
 * commit or a checkpoint is VV_LOG_NAME_OTHER.
 */
struct vv_log_name vv_log_name_parse(struct vv_str text);
/*
 * Whether it is a file of a version that clean-up may remove when the version is old enough: a
 * commit, a checkpoint or a part of one, a checksum, a compacted run (by its first version).
 */
bool vv_log_name_expirable(struct vv_str name, int64_t *out_version);
/* "a/b/c" -> "c". */
struct vv_str vv_log_name_of_key(struct vv_str key);

#endif
