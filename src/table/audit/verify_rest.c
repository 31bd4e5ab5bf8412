/*
 * The latest version as readers come to it, doubled keys, rows under a wrong date, and files that
 * nothing names.
 */
#include "base/number.h"
#include "base/time.h"
#include "delta/features.h"
#include "table/folder_walk.h"
#include "table/rules.h"
#include "table/read/scan_sql.h"
#include "table/maintain/vacuum_plan.h"
#include "table/alter/dates.h"
#include "table/audit/doubled_keys.h"
#include "table/audit/verify_run.h"

#define KEYS_TOLD 20
#define UNREFERENCED_TOLD 1000

/* ---- Doubled keys ------------------------------------------------------------------------------- */

static varve_status tell_keys(struct vv_op *op, struct vv_verify_run *run, struct vv_rows *rows)
{
    int64_t told = 0;
    int64_t all = 0;
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        all = vv_rows_int64(rows, 2);
        told++;
        VV_TRY(vv_verify_tell(op, run,
            &(struct vv_finding){
                "key.doubled", true, run->last_version, VV_STR(""), VV_STR_NONE},
            "the key %.*s stands in %" PRId64 " rows; %s", VV_ARG(vv_rows_text(rows, 0)),
            vv_rows_int64(rows, 1),
            vv_rows_bool(rows, 3) ? "no upsert takes a key with NULL: varve delete removes them"
                                  : "the next upsert of it repairs that"));
    }
    if (all > told)
        return vv_verify_tell(op, run,
            &(struct vv_finding){
                "key.doubled", true, run->last_version, VV_STR(""), VV_STR_NONE},
            "and %" PRId64 " more keys", all - told);
    return VARVE_OK;
}

static varve_status query_keys(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    if (rules->key_len == 0 || snapshot->files_len == 0)
        return VARVE_OK;
    VV_TRY(vv_doubled_keys_sql(op, run->log, snapshot, rules, KEYS_TOLD, &sql));
    vv_engine_expect(run->log->engine, vv_files_bytes(snapshot->files, snapshot->files_len));
    VV_TRY(vv_session_open(op, run->log->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    return tell_keys(op, run, rows);
}

/* ---- Rows under a wrong date -------------------------------------------------------------------- */

static varve_status query_dates(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    const struct vv_field *fields = snapshot->schema.fields;
    for (size_t i = 0; i < rules->partition_from_len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 20);
        const struct vv_partition_from *pair = &rules->partition_from[i];
        int64_t wrong = 0;
        VV_TRY(vv_dates_count(op, run->log, snapshot, pair, &lines, &wrong));
        if (!vv_buf_ok(&lines))
            return vv_fail_memory(op);
        if (wrong == 0)
            continue;
        const char *them = wrong == 1 ? "it" : "them";
        struct vv_str first =
            vv_str_first(vv_buf_str(&lines), vv_str_find(vv_buf_str(&lines), '\n'));
        VV_TRY(vv_verify_tell(op, run,
            &(struct vv_finding){
                "date.wrong", true, run->last_version, VV_STR(""), VV_STR_NONE},
            "%" PRId64
            " row%s under another %.*s than the UTC date of %.*s, where nobody looks "
            "for %s, such as %.*s; varve adopt --dedupe moves %s",
            wrong, wrong == 1 ? " lies" : "s lie", VV_ARG(fields[pair->partition].name),
            VV_ARG(fields[pair->source].name), them, VV_ARG(first), them));
    }
    return VARVE_OK;
}

static varve_status query_rows(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_snapshot *snapshot)
{
    struct vv_rules rules;
    VV_TRY(vv_rules_read(op, &op->arena, snapshot, false, &rules));
    VV_TRY(query_keys(op, run, snapshot, &rules));
    return query_dates(op, run, snapshot, &rules);
}

/* ---- Files that nothing names -------------------------------------------------------------------- */

/* What a link leads to is named where the link is. */
static varve_status name_behind(struct vv_op *op, struct vv_verify_run *run, struct vv_str link)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_str real = VV_STR_NONE;
    VV_TRY(vv_store_real_key(op, &arena, run->log->store, link, &real));
    return real.ptr == NULL ? VARVE_OK : vv_verify_name(op, run, real, false);
}

static varve_status look_at(struct vv_op *op, void *data, const struct vv_object *object)
{
    struct vv_verify_run *run = data;
    bool is_named = vv_hash_set_has(&run->state.named, vv_xxh3(object->key));
    if (is_named && object->is_link)
        return name_behind(op, run, object->key);
    if (is_named || !vv_vacuum_sees(object->key))
        return VARVE_OK;
    run->unreferenced_len++;
    run->unreferenced_bytes += object->bytes;
    if (run->unreferenced.len >= UNREFERENCED_TOLD)
        return VARVE_OK;
    struct vv_object *item = VV_LIST_NEW(&run->arena, &run->unreferenced);
    if (item == NULL)
        return vv_fail_memory(op);
    *item = *object;
    item->key = vv_arena_str(&run->arena, object->key);
    return item->key.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status name_actions(struct vv_op *op, struct vv_verify_run *run,
    struct vv_arena *arena, const struct vv_actions *actions)
{
    for (size_t i = 0; i < actions->adds.len; i++) {
        const struct vv_file *file = &actions->adds.items[i];
        struct vv_str vector = VV_STR_NONE;
        VV_TRY(vv_verify_name(op, run, file->key, file->absolute));
        varve_status status = vv_verify_name_vector(op, run, arena, file->dv, &vector);
        if (status != VARVE_ECORRUPT)
            VV_TRY(status);
        else
            vv_forgive(op); /* told by the verify that looks at that commit */
    }
    for (size_t i = 0; i < actions->cdcs.len; i++)
        VV_TRY(vv_verify_name(op, run, actions->cdcs.items[i].key, false));
    return VARVE_OK;
}

/* What commits that came while this ran name is named, too. */
static varve_status name_newer(struct vv_op *op, struct vv_verify_run *run)
{
    for (int64_t version = run->last_version + 1;; version++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        varve_status status =
            vv_log_read_actions(op, run->log, version, &arena, &actions, NULL);
        if (status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT)
            return status;
        if (status != VARVE_OK) {
            vv_forgive(op);
            return VARVE_OK;
        }
        VV_TRY(name_actions(op, run, &arena, &actions));
    }
}

static varve_status find_unreferenced(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_snapshot *snapshot)
{
    struct vv_folder_walk walk = {.store = run->log->store,
        .metadata = snapshot->metadata,
        .schema = &snapshot->schema,
        .see = look_at,
        .data = run};
    VV_TRY(vv_folder_walk(op, &walk));
    if (run->unreferenced_len == 0)
        return VARVE_OK;
    VV_TRY(name_newer(op, run));
    if (run->unreferenced_len > run->unreferenced.len) {
        /* Of those that are only counted nobody knows which have a name by now, as by a link. */
        run->unreferenced_len = run->unreferenced.len = 0;
        run->unreferenced_bytes = 0;
        VV_TRY(vv_folder_walk(op, &walk));
        VV_TRY(name_newer(op, run));
    }
    size_t left = 0;
    for (size_t i = 0; i < run->unreferenced.len; i++) {
        const struct vv_object *object = &run->unreferenced.items[i];
        if (vv_hash_set_has(&run->state.named, vv_xxh3(object->key))) {
            run->unreferenced_len--;
            run->unreferenced_bytes -= object->bytes;
            continue;
        }
        run->unreferenced.items[left++] = *object;
    }
    run->unreferenced.len = left;
    return VARVE_OK;
}

/* ---- The latest version -------------------------------------------------------------------------- */

/* Readers start from checkpoints and hints; what they come to must be what the commits come to. */
static varve_status compare_latest(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_snapshot *snapshot)
{
    uint64_t sum = 0;
    if (!run->state.is_complete || run->wrong > 0)
        return VARVE_OK;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        struct vv_file_digest digest;
        VV_TRY(vv_verify_digest_file(op, snapshot->files[i], &digest));
        sum += digest.rest;
    }
    if (sum == run->state.files_digest)
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"state.differs", true, run->last_version, VV_STR(""), VV_STR_NONE},
        "readers come to another state of version %" PRId64 " than the commits say",
        run->last_version);
}

/* Readers that know of no deletion vectors need not look for them in such a table. */
static varve_status check_features(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_snapshot *snapshot)
{
    int64_t files = 0;
    if (vv_features_has(snapshot->protocol, VV_STR("deletionVectors")))
        return VARVE_OK;
    for (size_t i = 0; i < snapshot->files_len; i++)
        files += snapshot->files[i]->dv != NULL ? 1 : 0;
    if (files == 0)
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"rule.feature", true, run->last_version, VV_STR(""), VV_STR_NONE},
        "%" PRId64 " file%s of the latest version %s deletion vectors, which the table's "
        "protocol lacks: other software shows the deleted rows",
        files, vv_plural(files), files == 1 ? "has" : "have");
}

/* One damaged file is one thing that is wrong: it was told when the commits were read. */
static bool is_told(const struct vv_verify_run *run, const varve_error *error)
{
    for (size_t i = 0; error->code == VARVE_ECORRUPT && i < run->findings.len; i++) {
        const struct vv_finding *finding = &run->findings.items[i];
        if (finding->judged == VV_WRONG && finding->version == error->version &&
            vv_str_starts(vv_str_of(finding->kind), VV_STR("commit.")))
            return true;
    }
    return false;
}

varve_status vv_verify_rest_of(struct vv_op *op, struct vv_verify_run *run)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    varve_status status = vv_snapshot_load(op, run->log, run->last_version, &snapshot);
    if (is_told(run, &op->error) || (status == VARVE_EIO && run->unread > 0)) {
        vv_forgive(op);
        return VARVE_OK;
    }
    if (status != VARVE_OK) /* what Varve does not read is not wrong for that */
        return vv_verify_tell_error(op, run,
            &(struct vv_finding){"state.unreadable", status != VARVE_EUNSUPPORTED,
                run->last_version, VV_STR(""), VV_STR_NONE});
    VV_TRY(compare_latest(op, run, snapshot));
    VV_TRY(check_features(op, run, snapshot));
    if (find_unreferenced(op, run, snapshot) !=
        VARVE_OK) /* what was found is told all the same */
        VV_TRY(vv_verify_tell_error(op, run,
            &(struct vv_finding){
                "folder.unreadable", true, run->last_version, VV_STR(""), VV_STR_NONE}));
    if (run->request->is_deep && query_rows(op, run, snapshot) != VARVE_OK)
        return vv_verify_tell_error(op, run,
            &(struct vv_finding){
                "state.unreadable", true, run->last_version, VV_STR(""), VV_STR_NONE});
    return VARVE_OK;
}
