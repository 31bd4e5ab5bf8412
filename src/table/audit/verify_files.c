/*
 * The state of the table while the commits go by, and the files that they name.
 */
#include "base/time.h"
#include "delta/deletion_vector.h"
#include "delta/features.h"
#include "delta/pins.h"
#include "table/file_keys.h"
#include "table/audit/verify_run.h"

#define VACUUM_SLACK_MS (10 * INT64_C(60000)) /* a vacuum looks, and says so a little later */
#define LOG_RETENTION_US (30 * VV_US_PER_DAY)
#define FILE_RETENTION_US (7 * VV_US_PER_DAY)

static uint64_t hash_of(struct vv_str a, struct vv_str b, int64_t number)
{
    return vv_xxh3_seeded(a, vv_xxh3_seeded(b, (uint64_t)number));
}

varve_status vv_verify_name(struct vv_op *op, struct vv_verify_run *run, struct vv_str key,
    bool is_absolute)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_str in_folder = VV_STR_NONE;
    VV_TRY(vv_key_in_folder(op, &arena, run->log->store, key, is_absolute, &in_folder));
    if (in_folder.ptr == NULL)
        return VARVE_OK;
    VV_TRY(vv_folder_place(op, &run->places, &in_folder));
    return vv_hash_set_put(&run->state.named, vv_xxh3(in_folder), NULL) ? VARVE_OK
                                                                        : vv_fail_memory(op);
}

/* ---- What lies in storage --------------------------------------------------------------------- */

static varve_status push_job(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_file *file, int64_t version, struct vv_str sha256)
{
    struct vv_str path = file->key;
    if (!file->absolute)
        VV_TRY(vv_store_fetch(op, run->log->store, &run->jobs_arena, file->key, &path));
    struct vv_hash_job *job = VV_LIST_NEW(&run->jobs_arena, &run->jobs);
    if (job == NULL)
        return vv_fail_memory(op);
    *job = (struct vv_hash_job){.key = vv_arena_str(&run->jobs_arena, file->key),
        .path = vv_arena_str(&run->jobs_arena, path),
        .sha256 = vv_arena_str(&run->jobs_arena, sha256),
        .version = version};
    if (job->key.ptr == NULL || job->path.ptr == NULL || job->sha256.ptr == NULL)
        return vv_fail_memory(op);
    return vv_verify_hash(op, run, false);
}

/* *out_missing: whether it is not there. What is there and wrong is told. */
static varve_status check_size(struct vv_op *op, struct vv_verify_run *run, struct vv_str key,
    int64_t bytes, int64_t version, bool *out_missing)
{
    struct vv_object object = {0};
    const struct vv_finding finding = {"file.size", true, version, key, VV_STR_NONE};
    varve_status status = vv_file_head(op, run->log->store, key, &object);
    *out_missing = status == VARVE_ENOTFOUND;
    if (*out_missing) {
        vv_forgive(op);
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return vv_verify_tell_error(op, run,
            &(struct vv_finding){"file.unreadable", true, version, key, VV_STR_NONE});
    run->sizes.files++;
    run->sizes.bytes += object.bytes;
    if (bytes >= 0 && object.bytes != bytes)
        return vv_verify_tell(op, run, &finding,
            "%.*s has %" PRId64 " bytes, but version %" PRId64 " added it with %" PRId64,
            VV_ARG(key), object.bytes, version, bytes);
    return VARVE_OK;
}

static varve_status check_data(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_file *file, int64_t version, bool *out_missing)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_str sha256 = vv_pairs_get(&file->tags, VV_STR("varve.sha256"));
    uint64_t hash = hash_of(file->key, sha256, file->bytes);
    const struct vv_file data = {.key = file->key, .absolute = file->absolute};
    struct vv_file_keys keys;
    size_t wrong = run->wrong;
    *out_missing = false;
    if (vv_hash_set_has(&run->state.sound, hash))
        return VARVE_OK;
    VV_TRY(vv_file_keys_of(op, &arena, run->log->store, &data, &keys));
    struct vv_str key = keys.data.ptr != NULL ? keys.data : keys.data_outside;
    if (keys.data.ptr == NULL)
        run->sizes.outside++;
    if (key.ptr != NULL)
        VV_TRY(check_size(op, run, key, file->bytes, version, out_missing));
    if (*out_missing)
        return VARVE_OK;
    if (sha256.len == 0)
        run->sizes.without_hash++;
    else if (run->request->is_deep && run->wrong == wrong)
        VV_TRY(push_job(op, run, file, version, sha256));
    return vv_hash_set_put(&run->state.sound, hash, NULL) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_verify_name_vector(struct vv_op *op, struct vv_verify_run *run,
    struct vv_arena *arena, const struct vv_deletion_vector *dv, struct vv_str *out_key)
{
    bool is_absolute = false;
    if (dv == NULL || dv->storage == 'i')
        return VARVE_OK;
    VV_TRY(vv_dv_key(op, arena, dv, out_key, &is_absolute));
    return vv_verify_name(op, run, *out_key, is_absolute);
}

/* *out_missing: the key of its file, where that is not there. */
static varve_status check_vector(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_file *file, int64_t version, struct vv_str *out_missing)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_dv_reader reader;
    struct vv_row_set *rows = NULL;
    struct vv_str key = file->key;
    uint64_t hash = hash_of(file->key, file->dv_id, file->dv->cardinality);
    if (vv_verify_name_vector(op, run, &arena, file->dv, &key) != VARVE_OK)
        return vv_verify_tell_error(op, run,
            &(struct vv_finding){"vector.damaged", true, version, file->key, VV_STR_NONE});
    if (vv_hash_set_has(&run->state.sound, hash))
        return VARVE_OK;
    vv_dv_reader_init(&reader, run->log->store);
    varve_status status = vv_dv_read(op, &reader, file, &rows);
    vv_row_set_free(&rows);
    vv_dv_reader_done(&reader);
    run->sizes.vectors++;
    if (status == VARVE_OK)
        return vv_hash_set_put(&run->state.sound, hash, NULL) ? VARVE_OK : vv_fail_memory(op);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        *out_missing = vv_arena_str(&run->arena, key);
        return out_missing->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
    }
    return vv_verify_tell_error(op, run,
        &(struct vv_finding){"vector.damaged", true, version, key, VV_STR_NONE});
}

/* ---- The rules of the log ---------------------------------------------------------------------- */

static varve_status find_file(struct vv_op *op, struct vv_verify_run *run, struct vv_str key,
    struct vv_verify_file **out)
{
    struct vv_verify_file *entry = vv_map_get(&run->state.files, key);
    if (entry == NULL) {
        entry = vv_new(&run->arena, struct vv_verify_file, 1);
        struct vv_str copy = vv_arena_str(&run->arena, key);
        struct vv_verify_file **item = VV_LIST_NEW(&run->arena, &run->state.every);
        if (entry == NULL || item == NULL || copy.ptr == NULL ||
            !vv_map_put(&run->state.files, copy, entry, NULL))
            return vv_fail_memory(op);
        entry->key = copy;
        *item = entry;
    }
    *out = entry;
    return VARVE_OK;
}

varve_status vv_verify_add(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_file *file, int64_t version)
{
    struct vv_verify_file *entry = NULL;
    bool is_missing = false;
    VV_TRY(find_file(op, run, file->key, &entry));
    VV_TRY(vv_verify_name(op, run, file->key, file->absolute));
    if (entry->is_live && !vv_str_eq(entry->dv_id, file->dv_id))
        VV_TRY(vv_verify_tell(op, run,
            &(struct vv_finding){"rule.added_twice", true, version, file->key, VV_STR_NONE},
            "version %" PRId64 " adds %.*s with another deletion vector, without removing it "
            "as version %" PRId64 " added it",
            version, VV_ARG(file->key), entry->added_version));
    if (entry->is_live)
        run->state.files_digest -= entry->digest.rest;
    entry->is_live = true;
    entry->added_version = version;
    entry->missing = VV_STR_NONE;
    entry->dv_id = file->dv_id.len == 0 ? VV_STR("") : vv_arena_str(&run->arena, file->dv_id);
    if (entry->dv_id.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_verify_digest_file(op, file, &entry->digest));
    run->state.files_digest += entry->digest.rest;
    VV_TRY(check_data(op, run, file, version, &is_missing));
    if (is_missing)
        entry->missing = entry->key;
    else if (file->dv != NULL)
        VV_TRY(check_vector(op, run, file, version, &entry->missing));
    return VARVE_OK;
}

static varve_status note_gone(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_verify_file *entry, int64_t removed_version, int64_t deleted_ms)
{
    struct vv_verify_gone *gone = VV_LIST_NEW(&run->arena, &run->state.gone);
    if (gone == NULL)
        return vv_fail_memory(op);
    *gone = (struct vv_verify_gone){
        entry->missing, entry->added_version, removed_version, deleted_ms};
    return VARVE_OK;
}

uint64_t vv_verify_removed(const struct vv_remove *remove)
{
    return hash_of(remove->key, remove->dv_id, remove->deleted_ms);
}

static varve_status apply_remove(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_remove *remove, int64_t version, int64_t timestamp_ms)
{
    struct vv_verify_state *state = &run->state;
    struct vv_verify_file *entry = vv_map_get(&state->files, remove->key);
    int64_t deleted_ms = remove->deleted_ms != 0 ? remove->deleted_ms : timestamp_ms;
    struct vv_str vector = VV_STR_NONE;
    VV_TRY(vv_verify_name(op, run, remove->key, remove->absolute));
    if (vv_verify_name_vector(op, run, &op->arena, remove->dv, &vector) != VARVE_OK)
        VV_TRY(vv_verify_tell_error(op, run,
            &(struct vv_finding){"rule.vector", true, version, remove->key, VV_STR_NONE}));
    if (!vv_hash_set_put(&state->removed, vv_verify_removed(remove), NULL))
        return vv_fail_memory(op);
    if (entry == NULL || !entry->is_live || !vv_str_eq(entry->dv_id, remove->dv_id)) {
        if (!state->is_complete)
            return VARVE_OK;
        return vv_verify_tell(op, run,
            &(struct vv_finding){
                "rule.removed_nothing", true, version, remove->key, VV_STR_NONE},
            "version %" PRId64 " removes %.*s, which was not in the table", version,
            VV_ARG(remove->key));
    }
    entry->is_live = false;
    state->files_digest -= entry->digest.rest;
    return entry->missing.len > 0 ? note_gone(op, run, entry, version, deleted_ms) : VARVE_OK;
}

static varve_status apply_change_file(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_cdc *cdc, int64_t version, int64_t timestamp_ms)
{
    const struct vv_file file = {
        .key = cdc->key, .bytes = cdc->bytes > 0 ? cdc->bytes : -1, .tags = cdc->tags};
    bool is_missing = false;
    VV_TRY(vv_verify_name(op, run, cdc->key, false));
    VV_TRY(check_data(op, run, &file, version, &is_missing));
    if (!is_missing)
        return VARVE_OK;
    /* Change files are old as soon as they are there. */
    const struct vv_verify_file entry = {
        .missing = vv_arena_str(&run->arena, cdc->key), .added_version = version};
    return entry.missing.ptr == NULL ? vv_fail_memory(op)
                                     : note_gone(op, run, &entry, version, timestamp_ms);
}

static void least(int64_t *value, const struct vv_metadata *metadata, struct vv_str name,
    int64_t fallback)
{
    int64_t us = fallback;
    struct vv_str text = vv_pairs_get(&metadata->configuration, name);
    if (text.ptr != NULL && !vv_time_parse_duration(text, &us))
        us = fallback;
    if (us < *value)
        *value = us;
}

varve_status vv_verify_take_rest(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_verify_rest *rest, bool is_new)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_verify_state *state = &run->state;
    const struct vv_metadata *metadata = rest->metadata;
    if (rest->protocol != NULL) {
        vv_action_write_protocol(rest->protocol, &line);
        if (!vv_buf_ok(&line))
            return vv_fail_memory(op);
        VV_TRY(vv_verify_digest(op, vv_buf_str(&line), &state->protocol_digest));
        vv_buf_clear(&line);
    }
    if (metadata == NULL)
        return VARVE_OK;
    vv_action_write_metadata(metadata, &line);
    if (!vv_buf_ok(&line))
        return vv_fail_memory(op);
    VV_TRY(vv_verify_digest(op, vv_buf_str(&line), &state->metadata_digest));
    if (!is_new)
        return VARVE_OK;
    least(&state->log_retention_us, metadata, VV_STR("delta.logRetentionDuration"),
        LOG_RETENTION_US);
    least(&state->file_retention_us, metadata, VV_STR("delta.deletedFileRetentionDuration"),
        FILE_RETENTION_US);
    state->has_in_commit_times =
        vv_property_bool(metadata, "delta.enableInCommitTimestamps", false);
    if (vv_pairs_has(&metadata->configuration, VV_STR("delta.setTransactionRetentionDuration")))
        state->txns_expire = true;
    return VARVE_OK;
}

/* Replaces the digest of a name in a map, and in the sum over it. */
static varve_status replace(struct vv_op *op, struct vv_map *map, struct vv_str name,
    uint64_t digest, uint64_t *sum)
{
    uint64_t *value = vv_map_get(map, name);
    if (value == NULL) {
        struct vv_str copy = vv_arena_str(map->arena, name);
        value = vv_new(map->arena, uint64_t, 1);
        if (value == NULL || copy.ptr == NULL || !vv_map_put(map, copy, value, NULL))
            return vv_fail_memory(op);
    }
    *sum += digest - *value;
    *value = digest;
    return VARVE_OK;
}

varve_status vv_verify_take_txn(struct vv_op *op, struct vv_verify_state *state,
    const struct vv_txn *txn)
{
    return replace(op, &state->txns, txn->app_id,
        hash_of(txn->app_id, VV_STR("txn"), txn->version), &state->txns_digest);
}

varve_status vv_verify_take_domain(struct vv_op *op, struct vv_verify_state *state,
    const struct vv_domain *domain)
{
    return replace(op, &state->domains, domain->domain,
        domain->removed ? 0 : hash_of(domain->domain, domain->configuration, 0),
        &state->domains_digest);
}

/* ---- A commit ----------------------------------------------------------------------------------- */

/* What a vacuum that is announced may take. */
static varve_status note_vacuum(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions, int64_t timestamp_ms)
{
    const struct vv_commit_info *info = actions->commit_info;
    int64_t retention_ms = run->state.file_retention_us / VV_US_PER_MS;
    if (info == NULL || !vv_str_starts(info->operation, VV_STR("VACUUM")) ||
        vv_str_eq(info->operation, VV_STR("VACUUM END")))
        return VARVE_OK;
    if (!vv_json_int64(vv_json_get(info->parameters, "specifiedRetentionMillis"),
            &retention_ms))
        (void)vv_json_int64(vv_json_get(info->parameters, "defaultRetentionMillis"),
            &retention_ms);
    struct vv_verify_vacuum *vacuum = VV_LIST_NEW(&run->arena, &run->state.vacuums);
    if (vacuum == NULL)
        return vv_fail_memory(op);
    *vacuum = (struct vv_verify_vacuum){.version = actions->version,
        .until_ms =
            retention_ms >= timestamp_ms ? 0 : timestamp_ms - retention_ms + VACUUM_SLACK_MS};
    return VARVE_OK;
}

varve_status vv_verify_apply(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions, int64_t timestamp_ms)
{
    struct vv_verify_state *state = &run->state;
    int64_t version = actions->version;
    if (version == 0) {
        state->is_complete = true;
        state->is_whole = true;
        if (actions->protocol == NULL || actions->metadata == NULL)
            VV_TRY(vv_verify_tell(op, run,
                &(struct vv_finding){"rule.first", true, 0, VV_STR(""), VV_STR_NONE},
                "version 0 has no %s", actions->protocol == NULL ? "protocol" : "metaData"));
    }
    const struct vv_verify_rest rest = {actions->protocol, actions->metadata};
    VV_TRY(vv_verify_take_rest(op, run, &rest, true));
    VV_TRY(vv_verify_said(op, run, actions));
    VV_TRY(note_vacuum(op, run, actions, timestamp_ms));
    for (size_t i = 0; i < actions->removes.len; i++)
        VV_TRY(apply_remove(op, run, &actions->removes.items[i], version, timestamp_ms));
    for (size_t i = 0; i < actions->adds.len; i++)
        VV_TRY(vv_verify_add(op, run, &actions->adds.items[i], version));
    for (size_t i = 0; i < actions->cdcs.len; i++)
        VV_TRY(apply_change_file(op, run, &actions->cdcs.items[i], version, timestamp_ms));
    for (size_t i = 0; i < actions->txns.len; i++)
        VV_TRY(vv_verify_take_txn(op, state, &actions->txns.items[i]));
    for (size_t i = 0; i < actions->domains.len; i++)
        VV_TRY(vv_verify_take_domain(op, state, &actions->domains.items[i]));
    return VARVE_OK;
}

varve_status vv_verify_forget(struct vv_op *op, struct vv_verify_run *run, int64_t version)
{
    struct vv_verify_state *state = &run->state;
    for (size_t i = 0; i < state->every.len; i++) {
        struct vv_verify_file *entry = state->every.items[i];
        /* It left the table then at the earliest. */
        if (entry->is_live && entry->missing.len > 0)
            VV_TRY(note_gone(op, run, entry, version, run->last_ms));
        entry->is_live = false;
    }
    state->txns = VV_MAP_INIT(&run->arena);
    state->domains = VV_MAP_INIT(&run->arena);
    state->files_digest = state->txns_digest = state->domains_digest = 0;
    state->protocol_digest = state->metadata_digest = 0;
    state->in_commit_ms = state->varve_ms = VV_NO_TIME;
    state->is_complete = state->is_whole = false;
    return VARVE_OK;
}

/* ---- At the end --------------------------------------------------------------------------------- */

static bool has_expired(const struct vv_op *op, const struct vv_verify_run *run,
    const struct vv_verify_gone *gone)
{
    const struct vv_verify_state *state = &run->state;
    int64_t now_us = vv_now_us(op);
    for (size_t i = 0; i < state->vacuums.len; i++)
        if (state->vacuums.items[i].version > gone->removed_version &&
            gone->deleted_ms <= state->vacuums.items[i].until_ms)
            return true;
    return state->file_retention_us < now_us &&
           gone->deleted_ms <= (now_us - state->file_retention_us) / VV_US_PER_MS;
}

static varve_status tell_lost(struct vv_op *op, struct vv_verify_run *run)
{
    for (size_t i = 0; i < run->state.every.len; i++) {
        const struct vv_verify_file *entry = run->state.every.items[i];
        if (!entry->is_live || entry->missing.len == 0)
            continue;
        VV_TRY(vv_verify_tell(op, run,
            &(struct vv_finding){
                "file.missing", true, entry->added_version, entry->missing, VV_STR_NONE},
            "%.*s is missing: version %" PRId64 " brought it, and the latest version needs it",
            VV_ARG(entry->missing), entry->added_version));
    }
    return VARVE_OK;
}

/* Pins that can't be read are told, and none is known then. */
static varve_status read_pins(struct vv_op *op, struct vv_verify_run *run, struct vv_pins *out)
{
    *out = (struct vv_pins){0};
    if (vv_pins_read(op, run->log, &run->arena, out) == VARVE_OK)
        return VARVE_OK;
    if (op->error.code == VARVE_EIO)
        return vv_verify_tell_error(op, run,
            &(struct vv_finding){
                "pin.unreadable", true, VV_NO_VERSION, VV_STR(VV_PINS_FOLDER), VV_STR_NONE});
    if (op->error.code != VARVE_ECORRUPT)
        return op->error.code;
    varve_error damaged = op->error;
    vv_forgive(op);
    *out = (struct vv_pins){0};
    return vv_verify_tell(op, run,
        &(struct vv_finding){
            "pin.damaged", true, VV_NO_VERSION, VV_STR(VV_PINS_FOLDER), VV_STR_NONE},
        "%s", damaged.message);
}

/* The pin that a file which left the table is kept for; NULL: none. */
static const struct vv_pin *pin_of(const struct vv_pins *pins,
    const struct vv_verify_gone *gone)
{
    for (size_t i = 0; i < pins->len; i++) {
        const struct vv_pin *pin = &pins->items[i];
        bool is_later = pin->kind == VV_PIN_HOLD || gone->added_version <= pin->version;
        if (is_later && pin->version < gone->removed_version)
            return pin;
    }
    return NULL;
}

static varve_status tell_pinned(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_verify_gone *gone, const struct vv_pin *pin)
{
    return vv_verify_tell(op, run,
        &(struct vv_finding){"file.missing", true, gone->added_version, gone->key, VV_STR_NONE},
        "%.*s is missing: %s %.*s of version %" PRId64 " promises to keep it",
        VV_ARG(gone->key), pin->kind == VV_PIN_HOLD ? "the hold" : "the tag", VV_ARG(pin->name),
        pin->version);
}

varve_status vv_verify_missing(struct vv_op *op, struct vv_verify_run *run)
{
    struct vv_pins pins;
    VV_TRY(tell_lost(op, run));
    VV_TRY(read_pins(op, run, &pins));
    VV_TRY(vv_verify_pins(op, run, &pins));
    for (size_t i = 0; i < run->state.gone.len; i++) {
        const struct vv_verify_gone *gone = &run->state.gone.items[i];
        if (gone->removed_version > run->sizes.readable_from)
            run->sizes.readable_from = gone->removed_version;
        const struct vv_pin *pin = pin_of(&pins, gone);
        if (pin != NULL) {
            VV_TRY(tell_pinned(op, run, gone, pin));
            continue;
        }
        if (has_expired(op, run, gone)) {
            run->sizes.vacuumed++;
            continue;
        }
        const struct vv_verify_file *now = vv_map_get(&run->state.files, gone->key);
        if (now != NULL && now->is_live && now->missing.len > 0)
            continue; /* it was forgotten, came again by a checkpoint, and is told as lost */
        VV_TRY(vv_verify_tell(op, run,
            &(struct vv_finding){
                "file.missing", true, gone->added_version, gone->key, VV_STR_NONE},
            "%.*s is missing: version %" PRId64 "%s needs it, no vacuum took it, and "
            "delta.deletedFileRetentionDuration promises to keep it",
            VV_ARG(gone->key), gone->added_version,
            gone->removed_version > gone->added_version + 1 ? " and later" : ""));
    }
    return VARVE_OK;
}
