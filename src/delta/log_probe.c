#include "delta/log_probe.h"

#include "delta/last_checkpoint.h"
#include "delta/log_name.h"
#include "store/odd_name.h"

/* Names that are asked for in vain before the listing is the shorter way. */
#define NAMES_MAX 200

struct prober {
    const struct vv_log_handle *log;
    struct vv_arena *arena; /* of what is found */
    struct vv_log_commit *commits;
    size_t len;
    size_t capacity;
};

static varve_status is_there(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_str key, struct vv_object *out, bool *out_there)
{
    *out_there = false;
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_store_head(op, log->store, key, out);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    *out_there = status == VARVE_OK;
    return status;
}

static varve_status find_commit(struct vv_op *op, struct prober *prober, int64_t version,
    bool *out_there)
{
    struct vv_object object = {0};
    void *items = prober->commits;
    struct vv_str key = vv_log_commit_key(&op->arena, version);
    VV_TRY(is_there(op, prober->log, key, &object, out_there));
    if (!*out_there) /* one that is out of reach is; who reads it is told */
        VV_TRY(vv_store_is_odd_name(op, prober->log->store, key, out_there));
    if (!*out_there)
        return VARVE_OK;
    if (!vv_arena_grow(prober->arena, &items, prober->len, &prober->capacity,
            sizeof(*prober->commits), _Alignof(struct vv_log_commit)))
        return vv_fail_memory(op);
    prober->commits = items;
    prober->commits[prober->len++] =
        (struct vv_log_commit){.version = version, .modified_us = object.modified_us};
    return VARVE_OK;
}

/* The checkpoint of that version, where it is one file under the plain name. */
static varve_status find_checkpoint(struct vv_op *op, const struct prober *prober,
    int64_t version, struct vv_checkpoint_ref *out)
{
    struct vv_object object = {0};
    bool there = false;
    struct vv_str key = vv_arena_format(prober->arena,
        VV_LOG_FOLDER "/%020" PRId64 ".checkpoint.parquet", version);
    VV_TRY(is_there(op, prober->log, key, &object, &there));
    if (!there)
        return VARVE_OK;
    struct vv_str *keys = vv_new(prober->arena, struct vv_str, 1);
    if (keys == NULL)
        return vv_fail_memory(op);
    keys[0] = key;
    *out = (struct vv_checkpoint_ref){.version = version, .parts = 1, .keys = keys};
    return VARVE_OK;
}

varve_status vv_log_has_gap(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    bool *out)
{
    *out = false;
    for (int64_t i = 1; i <= VV_LOG_GAP_MAX && !*out; i++)
        VV_TRY(is_there(op, log, vv_log_commit_key(&op->arena, version + 1 + i),
            &(struct vv_object){0}, out));
    return VARVE_OK;
}

/* From the checkpoint that the hint names to the first version that is not there. */
static varve_status probe_latest(struct vv_op *op, struct prober *prober,
    struct vv_log_segment *segment, bool *out_found)
{
    int64_t hint = VV_NO_VERSION;
    bool there = true;
    VV_TRY(vv_last_checkpoint_read(op, prober->log->store, &hint));
    if (hint > 0)
        VV_TRY(find_checkpoint(op, prober, hint, &segment->checkpoint));
    if (segment->checkpoint.version == VV_NO_VERSION)
        return VARVE_OK;
    for (segment->version = hint; there && prober->len < NAMES_MAX; segment->version += there)
        VV_TRY(find_commit(op, prober, segment->version + 1, &there));
    if (there) /* a younger checkpoint may be there that the hint does not know of */
        return VARVE_OK;
    bool is_gap = false;
    bool is_whole = prober->len > 0;
    VV_TRY(vv_log_has_gap(op, prober->log, segment->version, &is_gap));
    /* Where the log was cleaned up beyond the checkpoint, its own commit is gone as well. */
    if (!is_whole)
        VV_TRY(is_there(op, prober->log, vv_log_commit_key(&op->arena, hint),
            &(struct vv_object){0}, &is_whole));
    *out_found = is_whole && !is_gap;
    return VARVE_OK;
}

/* The nearest checkpoint below a version, and the commits between. */
static varve_status probe_version(struct vv_op *op, struct prober *prober, int64_t version,
    struct vv_log_segment *segment, bool *out_found)
{
    int64_t last = version > NAMES_MAX ? version - NAMES_MAX : 0;
    bool there = true;
    for (int64_t at = version; at >= last && segment->checkpoint.version == VV_NO_VERSION; at--)
        VV_TRY(find_checkpoint(op, prober, at, &segment->checkpoint));
    if (segment->checkpoint.version == VV_NO_VERSION && last > 0)
        return VARVE_OK;
    for (int64_t at = segment->checkpoint.version + 1; there && at <= version; at++)
        VV_TRY(find_commit(op, prober, at, &there));
    segment->version = version;
    *out_found = there;
    return VARVE_OK;
}

varve_status vv_log_probe(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    struct vv_arena *arena, struct vv_log_segment *out, bool *out_found)
{
    struct prober prober = {.log = log, .arena = arena};
    struct vv_log_segment segment = {.checkpoint = {.version = VV_NO_VERSION}};
    *out_found = false;
    if (version == VV_NO_VERSION)
        VV_TRY(probe_latest(op, &prober, &segment, out_found));
    else if (version >= 0 && version <= VV_VERSION_MAX)
        VV_TRY(probe_version(op, &prober, version, &segment, out_found));
    segment.commits = prober.commits;
    segment.commits_len = prober.len;
    if (*out_found)
        *out = segment;
    return VARVE_OK;
}
