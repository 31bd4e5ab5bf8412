#include "harness/state_check.h"

#include "base/time.h"
#include "delta/checkpoint_write.h"
#include "delta/last_checkpoint.h"
#include "delta/log_name.h"
#include "harness/state_text.h"

/* ---- A table without its checkpoints ---------------------------------------------------------- */

struct lens {
    struct vv_store store; /* the first member */
    struct vv_store *inner;
};

static struct vv_store *inner_of(struct vv_store *store)
{
    return ((struct lens *)store)->inner;
}

static bool is_hidden(struct vv_str key)
{
    return vv_str_eq(key, VV_STR(VV_LAST_CHECKPOINT_KEY)) ||
           (vv_str_starts(key, VV_STR(VV_LOG_FOLDER "/")) &&
               vv_log_name_parse(vv_log_name_of_key(key)).kind == VV_LOG_NAME_CHECKPOINT);
}

static varve_status fail_hidden(struct vv_op *op, struct vv_str key)
{
    return vv_fail(op, VARVE_ENOTFOUND, "%.*s is hidden by the test", VV_ARG(key));
}

static varve_status lens_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out)
{
    return is_hidden(key) ? fail_hidden(op, key)
                          : vv_store_get(op, inner_of(store), arena, key, out);
}

static varve_status lens_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    return is_hidden(key) ? fail_hidden(op, key) : vv_store_head(op, inner_of(store), key, out);
}

static varve_status lens_list(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str folder, struct vv_str after, size_t max, struct vv_objects *out)
{
    struct vv_objects all = {0};
    size_t kept = 0;
    VV_TRY(vv_store_list(op, inner_of(store), arena, folder, after, 0, &all));
    for (size_t i = 0; i < all.len; i++)
        if (!is_hidden(all.items[i].key) && (max == 0 || kept < max))
            all.items[kept++] = all.items[i];
    all.len = kept;
    *out = all;
    return VARVE_OK;
}

/* Loading a snapshot by commits calls nothing else. */
static const struct vv_store_ops lens_ops = {
    .get = lens_get, .head = lens_head, .list = lens_list};

/* ---- A table whose checkpoints only the engine reads ------------------------------------------- */

/* To read them directly would take more memory than there is. */
static varve_status engine_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out)
{
    if (vv_str_ends(key, VV_STR(".parquet")))
        return vv_fail(op, VARVE_ELIMIT, "%.*s is left to the engine", VV_ARG(key));
    return vv_store_get(op, inner_of(store), arena, key, out);
}

static varve_status engine_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    return vv_store_head(op, inner_of(store), key, out);
}

static varve_status engine_list(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_str after, size_t max,
    struct vv_objects *out)
{
    return vv_store_list(op, inner_of(store), arena, folder, after, max, out);
}

static varve_status engine_fetch(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out)
{
    return vv_store_fetch(op, inner_of(store), arena, key, out);
}

static const struct vv_store_ops engine_ops = {
    .get = engine_get, .head = engine_head, .list = engine_list, .fetch = engine_fetch};

/* ---- Two states ------------------------------------------------------------------------------- */

static bool same_json(struct vv_op *op, const struct vv_json *a, const struct vv_json *b);

/* Times may have a blank for the T and zeros at the end; JSON may stand in a string. */
static bool same_text(struct vv_op *op, struct vv_str a, struct vv_str b)
{
    int64_t a_us;
    int64_t b_us;
    const struct vv_json *a_json = NULL;
    const struct vv_json *b_json = NULL;
    if (vv_str_eq(a, b))
        return true;
    if (vv_time_parse(a, &a_us, NULL, NULL) && vv_time_parse(b, &b_us, NULL, NULL))
        return a_us == b_us;
    if (!vv_str_starts(a, VV_STR("{")) || !vv_str_starts(b, VV_STR("{")) ||
        vv_json_parse(op, &op->arena, a, &a_json) != VARVE_OK ||
        vv_json_parse(op, &op->arena, b, &b_json) != VARVE_OK) {
        vv_forgive(op);
        return false;
    }
    return same_json(op, a_json, b_json);
}

/* A null, and an object that says nothing, are as good as an absent one. */
static bool says_nothing(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    enum vv_json_kind kind = vv_json_kind(value);
    if (kind != VV_JSON_OBJECT)
        return kind == VV_JSON_NONE || kind == VV_JSON_NULL;
    while (vv_json_each(value, &iterator, &name, &member))
        if (!says_nothing(member))
            return false;
    return true;
}

/* Whether each member of `a` is in `b` too. */
static bool members_in(struct vv_op *op, const struct vv_json *a, const struct vv_json *b)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    while (vv_json_each(a, &iterator, &name, &member)) {
        struct vv_str copy = vv_arena_str(&op->arena, name); /* with a NUL */
        if (copy.ptr == NULL || !same_json(op, member, vv_json_get(b, copy.ptr)))
            return false;
    }
    return true;
}

static bool same_elements(struct vv_op *op, const struct vv_json *a, const struct vv_json *b)
{
    const struct vv_json *a_at = NULL;
    const struct vv_json *b_at = NULL;
    const struct vv_json *a_item = NULL;
    const struct vv_json *b_item = NULL;
    struct vv_str name;
    bool is_same = vv_json_len(a) == vv_json_len(b);
    while (is_same && vv_json_each(a, &a_at, &name, &a_item) &&
           vv_json_each(b, &b_at, &name, &b_item))
        is_same = same_json(op, a_item, b_item);
    return is_same;
}

static bool same_json(struct vv_op *op, const struct vv_json *a, const struct vv_json *b)
{
    double a_number;
    double b_number;
    if (says_nothing(a) || says_nothing(b))
        return says_nothing(a) && says_nothing(b);
    if (vv_json_kind(a) != vv_json_kind(b))
        return false;
    switch (vv_json_kind(a)) {
    case VV_JSON_OBJECT:
        return members_in(op, a, b) && members_in(op, b, a);
    case VV_JSON_ARRAY:
        return same_elements(op, a, b);
    case VV_JSON_STRING:
        return same_text(op, vv_json_text(a), vv_json_text(b));
    case VV_JSON_NUMBER:
        return vv_str_eq(vv_json_text(a), vv_json_text(b)) ||
               (vv_json_double(a, &a_number) && vv_json_double(b, &b_number) &&
                   !(a_number < b_number) && !(a_number > b_number));
    case VV_JSON_NONE:
    case VV_JSON_NULL:
    case VV_JSON_BOOL:
        break;
    }
    return vv_json_bool(a, false) == vv_json_bool(b, false);
}

/* The first line in which they differ goes to `report`. */
static bool same_lines(struct vv_op *op, struct vv_str a, struct vv_str b, const char *what,
    struct vv_buf *report)
{
    struct vv_str a_line = VV_STR_NONE;
    struct vv_str b_line = VV_STR_NONE;
    bool has_a = true;
    bool has_b = true;
    while (has_a || has_b) {
        has_a = vv_str_split(&a, '\n', &a_line);
        has_b = vv_str_split(&b, '\n', &b_line);
        if (has_a && has_b && same_text(op, a_line, b_line))
            continue;
        if (!has_a && !has_b)
            break;
        struct vv_str none = VV_STR("(nothing)");
        vv_buf_addf(report, "%s differs from the log as it lies there:\n  %.*s\n  %.*s\n", what,
            VV_ARG(has_b ? b_line : none), VV_ARG(has_a ? a_line : none));
        return false;
    }
    return true;
}

static bool same_head(const struct vv_snapshot *a, const struct vv_snapshot *b)
{
    bool has_hashes = a->commit_sha256[0] != '\0' && b->commit_sha256[0] != '\0';
    bool has_times = a->timestamp_ms != VV_NO_TIME && b->timestamp_ms != VV_NO_TIME;
    return a->version == b->version && a->mapping == b->mapping &&
           (!has_hashes || strcmp(a->commit_sha256, b->commit_sha256) == 0) &&
           (!has_times || a->timestamp_ms == b->timestamp_ms);
}

static bool same_state(struct vv_op *op, const struct vv_snapshot *a,
    const struct vv_snapshot *b, const char *what, struct vv_buf *report)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf a_text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf b_text = VV_BUF_INIT(VV_BUF_MAX);
    if (!same_head(a, b)) {
        vv_buf_addf(report,
            "%s is version %" PRId64 " of %" PRId64
            ", the log as it lies there version %" PRId64 " of %" PRId64 "\n",
            what, b->version, b->timestamp_ms, a->version, a->timestamp_ms);
        return false;
    }
    state_text(a, false, &op->arena, &a_text);
    state_text(b, false, &op->arena, &b_text);
    return same_lines(op, vv_buf_str(&a_text), vv_buf_str(&b_text), what, report);
}

/* ---- The ways --------------------------------------------------------------------------------- */

static bool fail_way(struct vv_op *op, const char *what, struct vv_buf *report)
{
    vv_buf_addf(report, "%s: %s: %s\n", what, varve_status_name(op->error.code),
        op->error.message);
    vv_forgive(op);
    return false;
}

/* Commits may be gone for good, and there may be none of some; that is no difference. */
static bool check_commits(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *as_it_lies, struct test_state_ways *ways, struct vv_buf *report)
{
    struct lens lens = {{&lens_ops, log->store->location, false}, log->store};
    const struct vv_log_handle bare = {&lens.store, log->engine};
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_log_segment segment;
    varve_status status =
        vv_log_find(op, &bare, as_it_lies->version, INT64_MAX, &op->arena, &segment);
    if (status == VARVE_ENOTFOUND || status == VARVE_ECORRUPT) {
        vv_forgive(op);
        return true;
    }
    if (status != VARVE_OK ||
        vv_snapshot_load(op, &bare, as_it_lies->version, &snapshot) != VARVE_OK)
        return fail_way(op, "the state by commits", report);
    ways->by_commits = true;
    return same_state(op, as_it_lies, snapshot, "the state by commits", report);
}

/* The commit of the version as well, for its time and its hash. */
static varve_status copy_commit(struct vv_op *op, struct vv_store *from, struct vv_store *to,
    int64_t version)
{
    struct vv_str bytes;
    struct vv_object object;
    enum vv_put_outcome outcome;
    struct vv_str key = vv_log_commit_key(&op->arena, version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_store_head(op, from, key, &object);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return status;
    VV_TRY(vv_store_get(op, from, &op->arena, key, &bytes));
    return vv_store_put_if_absent(op, to, key, bytes, object.modified_us, &outcome);
}

/* The checkpoint of a version has two readers. */
static bool check_by_engine(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *directly, struct vv_buf *report)
{
    struct lens lens = {{&engine_ops, log->store->location, false}, log->store};
    const struct vv_log_handle by_engine = {&lens.store, log->engine};
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const char what[] = "the state through a checkpoint that the engine read";
    if (vv_snapshot_load(op, &by_engine, directly->version, &snapshot) != VARVE_OK)
        return fail_way(op, what, report);
    return same_state(op, directly, snapshot, what, report);
}

static bool check_new_checkpoint(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *as_it_lies, struct test_state_ways *ways, struct vv_buf *report)
{
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const char what[] = "the state through a new checkpoint";
    if (vv_store_open_memory(op, &store) != VARVE_OK)
        return fail_way(op, what, report);
    const struct vv_log_handle scratch = {store, log->engine};
    varve_status status = vv_checkpoint_write(op, &scratch, as_it_lies);
    if (status == VARVE_EUNSUPPORTED) {
        vv_forgive(op);
        return true;
    }
    if (status != VARVE_OK ||
        copy_commit(op, log->store, store, as_it_lies->version) != VARVE_OK ||
        vv_snapshot_load(op, &scratch, VV_NO_VERSION, &snapshot) != VARVE_OK)
        return fail_way(op, what, report);
    ways->by_new_checkpoint = true;
    if (snapshot->checkpoint_version != as_it_lies->version) {
        vv_buf_addf(report, "the new checkpoint is not the one that was read\n");
        return false;
    }
    return same_state(op, as_it_lies, snapshot, what, report) &&
           check_by_engine(op, &scratch, snapshot, report);
}

bool test_state_check(const struct vv_env *env, const struct vv_log_handle *log,
    struct test_state_ways *out, struct vv_buf *report)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_engine_close) struct vv_engine *own = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_log_handle handle = *log;
    struct vv_env quiet = env != NULL ? *env : *vv_env_system();
    quiet.cancel = NULL;
    quiet.progress = NULL;
    vv_op_init(&op, &quiet, VV_OP_BYTES_DEFAULT);
    *out = (struct test_state_ways){0};
    if (handle.engine == NULL) {
        if (vv_engine_open(&op, &(struct vv_engine_options){.threads = 1}, &own) != VARVE_OK)
            return fail_way(&op, "engine", report);
        handle.engine = own;
    }
    if (vv_snapshot_load(&op, &handle, VV_NO_VERSION, &snapshot) != VARVE_OK) {
        vv_forgive(&op);
        return true;
    }
    out->by_log = true;
    out->by_old_checkpoint = snapshot->checkpoint_version != VV_NO_VERSION;
    bool is_same = check_commits(&op, &handle, snapshot, out, report);
    if (out->by_old_checkpoint)
        is_same = check_by_engine(&op, &handle, snapshot, report) && is_same;
    return check_new_checkpoint(&op, &handle, snapshot, out, report) && is_same;
}
