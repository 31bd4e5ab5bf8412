#include "delta/log_list.h"

#include "delta/list.h"
#include "delta/log_name.h"
#include "store/odd_name.h"

/* A set of parts this large has never been seen; it bounds what a hostile name can allocate. */
#define PARTS_MAX 100000U
/* Of a listing with many gaps, so many stretches at either end are told of in messages. */
#define STRETCHES_SPELT 4

/* The checkpoints of one version, while its names go by. They lie together in byte order. */
struct group {
    struct vv_checkpoint_ref ref;
    uint32_t seen;
};

struct groups {
    VV_ACTION_LIST(struct group) list;
    int64_t version;
};

/* A single file before parts before a UUID-named one: the simplest to read. */
static bool is_better(const struct vv_checkpoint_ref *a, const struct vv_checkpoint_ref *b)
{
    if (a->is_v2 != b->is_v2)
        return !a->is_v2;
    return a->parts < b->parts;
}

/* Ends a version: keeps the best of its complete checkpoints. */
static bool close_version(struct vv_arena *arena, struct groups *groups,
    struct vv_log_list *list)
{
    const struct vv_checkpoint_ref *best = NULL;
    for (size_t i = 0; i < groups->list.len; i++) {
        const struct group *group = &groups->list.items[i];
        if (group->seen == group->ref.parts && (best == NULL || is_better(&group->ref, best)))
            best = &group->ref;
    }
    groups->list.len = 0;
    if (best == NULL)
        return true;
    struct vv_checkpoint_ref *checkpoint = VV_LIST_NEW(arena, &list->checkpoints);
    if (checkpoint == NULL)
        return false;
    *checkpoint = *best;
    return true;
}

static struct group *group_of(struct vv_arena *arena, struct groups *groups,
    const struct vv_log_name *name)
{
    for (size_t i = 0; i < groups->list.len; i++) {
        struct group *group = &groups->list.items[i];
        if (name->parts > 1 && group->ref.parts == name->parts)
            return group;
    }
    struct vv_str *keys = vv_new(arena, struct vv_str, name->parts);
    struct group *group = keys == NULL ? NULL : VV_LIST_NEW(arena, &groups->list);
    if (group == NULL)
        return NULL;
    *group = (struct group){.ref = {.version = name->version,
                                .parts = name->parts,
                                .is_v2 = name->is_v2,
                                .keys = keys}};
    return group;
}

static bool add_checkpoint(struct vv_arena *arena, struct groups *groups,
    const struct vv_log_name *name, struct vv_str key, struct vv_log_list *list)
{
    if (name->parts > PARTS_MAX)
        return true;
    if (groups->version != name->version && !close_version(arena, groups, list))
        return false;
    groups->version = name->version;
    struct group *group = group_of(arena, groups, name);
    if (group == NULL)
        return false;
    group->ref.keys[name->part - 1] = key;
    group->seen++;
    return true;
}

static bool add_commit(struct vv_arena *arena, int64_t version, int64_t modified_us,
    struct vv_log_list *list)
{
    struct vv_log_commit *commit = VV_LIST_NEW(arena, &list->commits);
    if (commit == NULL)
        return false;
    *commit = (struct vv_log_commit){.version = version, .modified_us = modified_us};
    return true;
}

/* Commits behind the last one that are there and out of reach: no end of the log. */
static varve_status add_odd(struct vv_op *op, const struct vv_log_handle *log, int64_t from,
    struct vv_arena *arena, struct vv_log_list *list)
{
    int64_t last = vv_log_list_last(list);
    bool is_odd = true;
    if (last == INT64_MAX)
        return VARVE_OK;
    for (int64_t version = last < from ? from : last + 1; is_odd && version < INT64_MAX;
         version++) {
        struct vv_str key = vv_log_commit_key(&op->arena, version);
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_store_is_odd_name(op, log->store, key, &is_odd));
        if (is_odd && !add_commit(arena, version, 0, list))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

varve_status vv_log_list_read(struct vv_op *op, const struct vv_log_handle *log, int64_t from,
    struct vv_arena *arena, struct vv_log_list *out)
{
    /* All names of a version begin with its digits, so that they sort behind the digits alone. */
    struct vv_str after = VV_STR_NONE;
    if (from > 0) {
        after = vv_arena_format(&op->arena, VV_LOG_FOLDER "/%020" PRId64, from);
        if (after.ptr == NULL)
            return vv_fail_memory(op);
    }
    struct vv_objects objects = {0};
    VV_TRY(vv_store_list(op, log->store, arena, VV_STR(VV_LOG_FOLDER), after, 0, &objects));
    struct vv_log_list list = {0};
    struct groups groups = {.version = VV_NO_VERSION};
    for (size_t i = 0; i < objects.len; i++) {
        const struct vv_object *object = &objects.items[i];
        struct vv_log_name name = vv_log_name_parse(vv_log_name_of_key(object->key));
        bool ok = true;
        if (name.kind == VV_LOG_NAME_COMMIT)
            ok = add_commit(arena, name.version, object->modified_us, &list);
        else if (name.kind == VV_LOG_NAME_CHECKPOINT)
            ok = add_checkpoint(arena, &groups, &name, object->key, &list);
        if (!ok)
            return vv_fail_memory(op);
    }
    if (!close_version(arena, &groups, &list))
        return vv_fail_memory(op);
    VV_TRY(add_odd(op, log, from, arena, &list));
    *out = list;
    return VARVE_OK;
}

int64_t vv_log_list_last(const struct vv_log_list *list)
{
    int64_t last = VV_NO_VERSION;
    if (list->commits.len > 0)
        last = list->commits.items[list->commits.len - 1].version;
    if (list->checkpoints.len > 0 &&
        list->checkpoints.items[list->checkpoints.len - 1].version > last)
        last = list->checkpoints.items[list->checkpoints.len - 1].version;
    return last;
}

int64_t vv_log_list_first(const struct vv_log_list *list)
{
    if (list->commits.len > 0 && list->commits.items[0].version == 0)
        return 0;
    return list->checkpoints.len > 0 ? list->checkpoints.items[0].version : VV_NO_VERSION;
}

size_t vv_log_list_lower(const struct vv_log_list *list, int64_t version)
{
    size_t low = 0;
    size_t high = list->commits.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->commits.items[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool vv_log_list_has_all_from(const struct vv_log_list *list, int64_t version)
{
    size_t first = vv_log_list_lower(list, version);
    size_t len = list->commits.len;
    return first < len && list->commits.items[first].version == version &&
           list->commits.items[len - 1].version - version == (int64_t)(len - 1 - first);
}

int64_t vv_log_list_hole(const struct vv_log_commit *before, const struct vv_log_commit *after)
{
    bool is_hole = after->version > before->version + 1 && before->ledger_key.ptr == NULL &&
                   after->ledger_key.ptr == NULL;
    return is_hole ? before->version + 1 : VV_NO_VERSION;
}

/* The end of the stretch without a gap that begins at a commit. */
static size_t stretch_end(const struct vv_log_commit *commits, size_t len, size_t begin)
{
    size_t end = begin + 1;
    while (end < len && commits[end].version == commits[end - 1].version + 1)
        end++;
    return end;
}

void vv_log_spell(const struct vv_log_commit *commits, size_t len, struct vv_buf *out)
{
    size_t left = 0; /* stretches behind the one at hand */
    for (size_t i = 0; i < len; i = stretch_end(commits, len, i))
        left++;
    size_t end = 0;
    for (size_t begin = 0, number = 1; begin < len; begin = end, number++) {
        end = stretch_end(commits, len, begin);
        left--;
        if (number > STRETCHES_SPELT && left >= STRETCHES_SPELT) {
            vv_buf_adds(out, left == STRETCHES_SPELT ? ", ..." : "");
            continue;
        }
        if (number > 1)
            vv_buf_adds(out, left == 0 ? " and " : ", ");
        vv_buf_addf(out, "%" PRId64, commits[begin].version);
        if (end - begin > 1)
            vv_buf_addf(out, " to %" PRId64, commits[end - 1].version);
    }
}

varve_status vv_log_fail_hole(struct vv_op *op, int64_t version, int64_t last)
{
    (void)vv_fail(op, VARVE_ECORRUPT,
        "commit " VV_LOG_FOLDER "/%020" PRId64
        ".json is missing, but what is told up to version "
        "%" PRId64 " needs it: restore that file from a backup",
        version, last);
    op->error.version = version;
    return VARVE_ECORRUPT;
}

varve_status vv_log_fail_no_commit(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list)
{
    if (list->checkpoints.len == 0)
        return vv_log_fail_no_table(op, log);
    int64_t last = list->checkpoints.items[list->checkpoints.len - 1].version;
    return vv_fail(op, VARVE_ENOTFOUND,
        "%.*s has no commit in _delta_log any more: a checkpoint says what version %" PRId64
        " is, and nothing what came about up to then",
        VV_ARG(log->store->location), last);
}

varve_status vv_log_fail_no_table(struct vv_op *op, const struct vv_log_handle *log)
{
    return vv_fail(op, VARVE_ENOTFOUND, "%.*s is not a Delta table: no commit in _delta_log",
        VV_ARG(log->store->location));
}
