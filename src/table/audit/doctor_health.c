/*
 * What ails a table, each check with what it counted and what to do about it.
 */
#include <stdarg.h>

#include "base/number.h"
#include "base/time.h"
#include "delta/checkpoint.h"
#include "delta/checkpoint_write.h"
#include "delta/checksum.h"
#include "delta/features.h"
#include "delta/list.h"
#include "delta/log_list.h"
#include "delta/log_name.h"
#include "delta/stats.h"
#include "table/audit/doctor_run.h"
#include "table/alter/dates.h"
#include "table/audit/doubled_keys.h"
#include "table/file_keys.h"
#include "table/maintain/optimize_plan.h"
#include "table/maintain/policy.h"

#define FILES_SPARED_MIN 10 /* by optimize, before it is worth a word */
#define CHECKPOINTS_LATE 2  /* so many intervals without one are late */
#define DELETED_PERCENT_MAX 20
#define LEFTOVER_AGE_US VV_US_PER_DAY /* younger ones may belong to a write under way */

/* `advice` has an @ where the table's name goes, or is NULL. */
VV_PRINTF(5, 6)
static varve_status tell(struct vv_op *op, struct vv_doctor_run *run,
    const struct vv_doctor_check *check, const char *advice, const char *format, ...)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    char message[512];
    va_list arguments;
    struct vv_doctor_check *added = VV_LIST_NEW(&op->arena, &run->checks);
    if (added == NULL)
        return vv_fail_memory(op);
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    *added = *check;
    added->message = vv_arena_str(&op->arena, vv_str_of(message));
    added->advice = VV_STR("");
    run->result.ailments += check->state == VV_DOCTOR_AILS ? 1 : 0;
    for (const char *at = advice; at != NULL && *at != '\0'; at++) {
        if (*at == '@')
            vv_buf_add(&text, run->request->table);
        else
            vv_buf_addc(&text, *at);
    }
    if (check->state == VV_DOCTOR_AILS)
        added->advice = vv_arena_str(&op->arena, vv_buf_str(&text));
    return added->message.ptr != NULL && added->advice.ptr != NULL ? VARVE_OK
                                                                   : vv_fail_memory(op);
}

static struct vv_doctor_check check_of(const char *name, bool ails, int64_t count)
{
    return (struct vv_doctor_check){
        .name = name, .state = ails ? VV_DOCTOR_AILS : VV_DOCTOR_GOOD, .count = count};
}

/* ---- Files --------------------------------------------------------------------------------------- */

static varve_status check_small(struct vv_op *op, struct vv_doctor_run *run,
    const struct vv_rules *rules)
{
    const struct vv_snapshot *snapshot = run->snapshot;
    struct vv_optimize_plan plan = {0};
    struct vv_optimize_spec spec = {
        .target_bytes = vv_policy_target(op, run->request->table, snapshot->metadata),
        .sort_column = rules->key_len > 0 ? rules->key[0] : -1,
        .files = snapshot->files,
        .files_len = snapshot->files_len};
    VV_TRY(vv_optimize_plan(op, &op->arena, snapshot, rules, &spec, &plan));
    int64_t fewer = 0;
    for (size_t i = 0; i < plan.bins_len; i++)
        fewer += (int64_t)plan.bins[i].files_len - 1;
    struct vv_doctor_check check = check_of("small_files", fewer >= FILES_SPARED_MIN, fewer);
    return tell(op, run, &check, "varve optimize @",
        "%zu file%s, %" PRId64 " fewer if small ones were packed together", snapshot->files_len,
        vv_plural((int64_t)snapshot->files_len), fewer);
}

/* ENOTFOUND: one of its files is missing. */
static varve_status is_whole(struct vv_op *op, const struct vv_doctor_run *run,
    const struct vv_file *file, bool *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_object object = {0};
    struct vv_file_keys keys;
    VV_TRY(vv_file_keys_of(op, &arena, run->log->store, file, &keys));
    struct vv_str data = keys.data.ptr != NULL ? keys.data : keys.data_outside;
    struct vv_str vector = keys.vector.ptr != NULL ? keys.vector : keys.vector_outside;
    if (vector.ptr != NULL)
        VV_TRY(vv_file_head(op, run->log->store, vector, &object));
    if (data.ptr != NULL)
        VV_TRY(vv_file_head(op, run->log->store, data, &object));
    *out = data.ptr == NULL || file->bytes < 0 || object.bytes == file->bytes;
    return VARVE_OK;
}

/* By their sizes alone: what is in them verify --deep looks at. */
static varve_status check_files(struct vv_op *op, struct vv_doctor_run *run)
{
    const struct vv_snapshot *snapshot = run->snapshot;
    struct vv_str first = VV_STR("");
    int64_t wrong = 0;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        bool whole = false;
        VV_TRY(vv_check_cancel(op));
        varve_status status = is_whole(op, run, snapshot->files[i], &whole);
        bool is_told = status == VARVE_EIO || status == VARVE_ENOTFOUND; /* with the others */
        if (is_told)
            vv_forgive(op);
        else
            VV_TRY(status);
        if (!whole && wrong++ == 0)
            first = vv_str_or_lost(vv_file_path(op, run->log->store, snapshot->files[i]));
    }
    struct vv_doctor_check check = check_of("files", wrong > 0, wrong);
    return tell(op, run, &check,
        "their rows can't be read: bring them back from a backup; varve verify @ names them",
        wrong == 0 ? "every file that the newest version needs is there, in its size"
                   : "%" PRId64 " of %zu files are missing, are cut, can't be looked at, or "
                     "lack their deletion vector, such as %.*s",
        wrong, snapshot->files_len, VV_ARG(first));
}

/* Files whose statistics lack what skipping goes by: the number of rows, bounds of the key. */
static varve_status check_stats(struct vv_op *op, struct vv_doctor_run *run,
    const struct vv_rules *rules)
{
    const struct vv_snapshot *snapshot = run->snapshot;
    const struct vv_stats_columns columns = {.schema = &snapshot->schema,
        .metadata = snapshot->metadata,
        .indexes = rules->key,
        .len = rules->key_len};
    int64_t lacking = 0;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_file_stats stats;
        VV_TRY(vv_stats_read(op, &arena, snapshot->files[i], &columns, &stats));
        bool lacks = stats.rows < 0;
        for (size_t c = 0; c < rules->key_len && !lacks; c++)
            lacks = stats.rows > 0 && stats.columns[c].min.kind == VV_VALUE_NONE &&
                    stats.columns[c].max.kind == VV_VALUE_NONE;
        lacking += lacks ? 1 : 0;
    }
    struct vv_doctor_check check = check_of("statistics", lacking > 0, lacking);
    return tell(op, run, &check,
        "such files are read whatever is asked for; varve optimize @ writes small ones anew",
        lacking == 0 ? "every file has statistics"
                     : "%" PRId64 " of %zu files lack the number of rows or bounds of the key",
        lacking, snapshot->files_len);
}

static varve_status check_vectors(struct vv_op *op, struct vv_doctor_run *run)
{
    const struct vv_snapshot *snapshot = run->snapshot;
    int64_t files = 0;
    int64_t rows = 0;
    int64_t deleted = 0;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        int64_t in_file = -1;
        if (file->dv == NULL)
            continue;
        VV_TRY(vv_stats_rows(op, file, &in_file));
        files++;
        rows += in_file > 0 ? in_file : 0;
        deleted += file->dv->cardinality;
    }
    bool ails = rows > 0 && deleted > rows / 100 * DELETED_PERCENT_MAX;
    struct vv_doctor_check check = check_of("deletion_vectors", ails, deleted);
    if (files == 0)
        return tell(op, run, &check, NULL, "no file has a deletion vector");
    if (!vv_features_has(snapshot->protocol, VV_STR("deletionVectors"))) {
        check = check_of("deletion_vectors", true, deleted);
        return tell(op, run, &check, "varve alter @ upgrade deletionVectors",
            "%" PRId64 " file%s deletion vectors, which the table's protocol lacks: other "
            "software shows their %" PRId64 " deleted rows",
            files, files == 1 ? " has" : "s have", deleted);
    }
    return tell(op, run, &check, "varve optimize @",
        "%" PRId64 " file%s with deletion vectors: %" PRId64 " of their %" PRId64
        " rows are deleted and still there",
        files, vv_plural(files), deleted, rows);
}

static varve_status check_tombstones(struct vv_op *op, struct vv_doctor_run *run)
{
    const struct vv_snapshot *snapshot = run->snapshot;
    int64_t bytes = 0;
    for (size_t i = 0; i < snapshot->tombstones_len; i++)
        bytes += snapshot->tombstones[i]->bytes > 0 ? snapshot->tombstones[i]->bytes : 0;
    struct vv_doctor_check check = check_of("removed_files", false, bytes);
    return tell(op, run, &check, NULL,
        "%zu removed file%s, %" PRId64 " bytes, kept for older versions",
        snapshot->tombstones_len, vv_plural((int64_t)snapshot->tombstones_len), bytes);
}

/* ---- The log ------------------------------------------------------------------------------------- */

/* Why the newest checkpoint was passed over when the table was opened; "": it was not. */
static varve_status find_damage(struct vv_op *op, struct vv_doctor_run *run,
    const struct vv_checkpoint_ref *newest, varve_error *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    VV_CLEANUP(vv_replay_done) struct vv_replay replay = {0};
    bool is_whole = false;
    out->message[0] = '\0';
    if (run->snapshot->checkpoint_version == newest->version)
        return VARVE_OK;
    vv_replay_init(&replay, &arena);
    varve_status status = vv_checkpoint_read(op, run->log, newest, &replay, &is_whole);
    if (status == VARVE_OK && !is_whole)
        status = vv_fail(op, VARVE_ECORRUPT, "it has no protocol or no metaData");
    /* Damage may ask for any amount of memory. What the storage refuses says nothing of the bytes. */
    if (status != VARVE_ECORRUPT && status != VARVE_EFAILED && status != VARVE_ELIMIT)
        return status;
    *out = op->error;
    vv_forgive(op);
    return VARVE_OK;
}

static varve_status check_checkpoint(struct vv_op *op, struct vv_doctor_run *run)
{
    varve_error damage;
    struct vv_log_list list = {0};
    VV_TRY(vv_log_list_read(op, run->log, 0, &op->arena, &list));
    int64_t version = run->snapshot->version;
    int64_t interval = vv_checkpoint_interval(run->snapshot).commits;
    size_t count = list.checkpoints.len;
    while (count > 0 && list.checkpoints.items[count - 1].version > version)
        count--;
    int64_t since =
        count > 0 ? version - list.checkpoints.items[count - 1].version : version + 1;
    struct vv_doctor_check check =
        check_of("checkpoint", since > CHECKPOINTS_LATE * interval, since);
    if (count == 0)
        return tell(op, run, &check, "varve checkpoint @",
            "no checkpoint: opening the table reads %" PRId64 " commit%s", since,
            vv_plural(since));
    VV_TRY(find_damage(op, run, &list.checkpoints.items[count - 1], &damage));
    if (damage.message[0] != '\0') {
        const struct vv_doctor_check bad = check_of("checkpoint", true, since);
        return tell(op, run, &bad, "varve checkpoint @",
            "the checkpoint of version %" PRId64
            " is damaged, and each opening passes it over: %s",
            list.checkpoints.items[count - 1].version, damage.message);
    }
    return tell(op, run, &check, "varve checkpoint @",
        "the newest checkpoint is %" PRId64 " commit%s old; the log holds %zu commits", since,
        vv_plural(since), list.commits.len);
}

static varve_status check_times(struct vv_op *op, struct vv_doctor_run *run)
{
    struct vv_log_times times = {0};
    VV_TRY(vv_log_times_read(op, run->log, &op->arena, &times));
    int64_t wrong = (int64_t)(times.wrong + times.unordered);
    if (run->request->fix_times && wrong > 0) {
        VV_TRY(vv_log_times_fix(op, run->log, &times, &run->result.times_fixed));
        struct vv_doctor_check fixed =
            check_of("commit_times", false, (int64_t)run->result.times_fixed);
        return tell(op, run, &fixed, NULL, "%zu commit file%s set to the time of the commit",
            run->result.times_fixed, vv_plural((int64_t)run->result.times_fixed));
    }
    struct vv_doctor_check check = check_of("commit_times", wrong > 0, wrong);
    if (wrong > 0)
        return tell(op, run, &check,
            "other software then finds the wrong version for a time: varve doctor @ "
            "--fix-times",
            "%zu of %zu commit files have a time far from the one that the commit tells (a "
            "copy?), %zu more are out of order",
            times.wrong, times.len, times.unordered);
    return tell(op, run, &check, NULL,
        times.len > 0 && times.covered == times.len
            ? "every commit has an in-commit timestamp"
            : "the times of the commit files are those of the commits");
}

static bool is_leftover(const struct vv_object *object, int64_t now_us)
{
    struct vv_str name = vv_log_name_of_key(object->key);
    bool is_temporary = vv_str_ends(name, VV_STR(".tmp")) ||
                        vv_str_starts(name, VV_STR(".tmp")) ||
                        vv_str_starts(name, VV_STR("_commit_"));
    return is_temporary && now_us - object->modified_us > LEFTOVER_AGE_US;
}

static varve_status check_leftovers(struct vv_op *op, struct vv_doctor_run *run)
{
    struct vv_objects objects = {0};
    int64_t count = 0;
    VV_TRY(vv_store_list(op, run->log->store, &op->arena, VV_STR(VV_LOG_FOLDER), VV_STR_NONE, 0,
        &objects));
    for (size_t i = 0; i < objects.len; i++)
        count += is_leftover(&objects.items[i], vv_now_us(op)) ? 1 : 0;
    struct vv_doctor_check check = check_of("leftovers", count > 0, count);
    return tell(op, run, &check,
        "writers of other software died while they committed; delete them by hand",
        count == 0 ? "no temporary file is left in the log"
                   : "%" PRId64 " temporary files older than a day are left in the log",
        count);
}

/* The newest version up to that of the snapshot that has one; VV_NO_VERSION: none has. */
static int64_t newest_checksum(const struct vv_objects *objects, int64_t last)
{
    int64_t newest = VV_NO_VERSION;
    for (size_t i = 0; i < objects->len; i++) {
        struct vv_str name = vv_log_name_of_key(objects->items[i].key);
        int64_t version = VV_NO_VERSION;
        if (vv_str_ends(name, VV_STR(".crc")) && vv_log_name_expirable(name, &version) &&
            version <= last && version > newest)
            newest = version;
    }
    return newest;
}

/* *out_wrong.ptr NULL: that version, or its file, is gone. */
static varve_status hold_checksum(struct vv_op *op, const struct vv_doctor_run *run,
    int64_t version, struct vv_str *out_wrong)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *then = NULL;
    varve_status status = VARVE_OK;
    if (version == run->snapshot->version)
        then = vv_snapshot_retain(run->snapshot);
    else
        status = vv_snapshot_load(op, run->log, version, &then);
    if (status == VARVE_OK)
        status = vv_checksum_check(op, run->log->store, then, out_wrong);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    *out_wrong = VV_STR_NONE;
    return VARVE_OK;
}

static varve_status check_checksum(struct vv_op *op, struct vv_doctor_run *run)
{
    struct vv_objects objects = {0};
    struct vv_str wrong = VV_STR("");
    VV_TRY(vv_store_list(op, run->log->store, &op->arena, VV_STR(VV_LOG_FOLDER), VV_STR_NONE, 0,
        &objects));
    int64_t version = newest_checksum(&objects, run->snapshot->version);
    struct vv_doctor_check check = check_of("checksum", false, 0);
    if (version == VV_NO_VERSION)
        return tell(op, run, &check, NULL, "no version has a checksum file");
    VV_TRY(hold_checksum(op, run, version, &wrong));
    if (wrong.ptr == NULL)
        return tell(op, run, &check, NULL,
            "the newest checksum file is of version %" PRId64
            ", which has left the log: nothing to hold it against",
            version);
    check = check_of("checksum", wrong.len > 0, wrong.len > 0);
    return tell(op, run, &check,
        "its writer was wrong, or the log was changed: varve verify @ tells",
        wrong.len > 0 ? "the checksum file of version %" PRId64 " is wrong: %.*s"
                      : "the checksum file of version %" PRId64 " is right%.*s",
        version, VV_ARG(wrong));
}

/* ---- The key ------------------------------------------------------------------------------------- */

static varve_status check_keys(struct vv_op *op, struct vv_doctor_run *run,
    const struct vv_rules *rules)
{
    int64_t doubled = 0;
    struct vv_null_keys keys;
    struct vv_doctor_check check = check_of("key", false, (int64_t)rules->key_len);
    if (rules->key_len == 0)
        return tell(op, run, &check, NULL,
            "no key is declared: rows can be appended, not upserted");
    if (!run->request->look_at_keys)
        return VARVE_OK;
    VV_TRY(vv_null_keys(op, run->log, run->snapshot, rules, &keys));
    check = check_of("null_keys", keys.null > 0, keys.null);
    VV_TRY(tell(op, run, &check, "delete them, or take another key: no upsert finds such a row",
        keys.null == 0 ? "no row has NULL in its key" : "%" PRId64 " row%s NULL in the key",
        keys.null, keys.null == 1 ? " has" : "s have"));
    VV_TRY(vv_doubled_keys(op, run->log, run->snapshot, rules, &doubled));
    check = check_of("doubled_keys", doubled > 0, doubled);
    return tell(op, run, &check,
        "varve verify @ --deep names them; the next upsert of such a key repairs it",
        doubled == 0 ? "every key stands in one row" : "%" PRId64 " key%s in several rows",
        doubled, doubled == 1 ? " stands" : "s stand");
}

static varve_status check_dates(struct vv_op *op, struct vv_doctor_run *run,
    const struct vv_rules *rules)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 20);
    int64_t wrong = 0;
    if (!run->request->look_at_keys || rules->partition_from_len == 0)
        return VARVE_OK;
    for (size_t i = 0; i < rules->partition_from_len; i++) {
        int64_t more = 0;
        VV_TRY(vv_dates_count(op, run->log, run->snapshot, &rules->partition_from[i], &lines,
            &more));
        wrong += more;
    }
    struct vv_doctor_check check = check_of("dates", wrong > 0, wrong);
    return tell(op, run, &check, "varve adopt @ --dedupe moves them",
        wrong == 0 ? "rows lie under the dates that their times say"
                   : "%" PRId64 " row%s under another date, where nobody looks for %s",
        wrong, wrong == 1 ? " lies" : "s lie", wrong == 1 ? "it" : "them");
}

/* ---- All of them --------------------------------------------------------------------------------- */

/* Damage ails a table like anything else, and keeps no other check from being made. */
static varve_status tell_damage(struct vv_op *op, struct vv_doctor_run *run, const char *name,
    const char *advice)
{
    const varve_error error = op->error;
    const struct vv_doctor_check check = check_of(name, true, 1);
    if (error.code != VARVE_ECORRUPT)
        return error.code;
    vv_forgive(op);
    return tell(op, run, &check, advice, "%s", error.message);
}

static varve_status check_rows(struct vv_op *op, struct vv_doctor_run *run)
{
    struct vv_rules rules;
    if (vv_rules_read(op, &op->arena, run->snapshot, false, &rules) != VARVE_OK)
        return tell_damage(op, run, "properties",
            "nothing is written before varve alter set @ PROPERTY=VALUE, or alter unset, mends "
            "it");
    VV_TRY(check_small(op, run, &rules));
    VV_TRY(check_stats(op, run, &rules));
    VV_TRY(check_dates(op, run, &rules));
    return check_keys(op, run, &rules);
}

varve_status vv_doctor_health(struct vv_op *op, struct vv_doctor_run *run)
{
    static const struct {
        const char *name;
        varve_status (*look)(struct vv_op *op, struct vv_doctor_run *run);
        bool needs_rows;
    } checks[] = {{"files", check_files, false}, {"rows", check_rows, true},
        {"deletion_vectors", check_vectors, false}, {"removed_files", check_tombstones, false},
        {"checkpoint", check_checkpoint, false}, {"commit_times", check_times, false},
        {"checksum", check_checksum, true}, {"leftovers", check_leftovers, false}};
    for (size_t i = 0; i < VV_COUNT(checks); i++)
        if (!(checks[i].needs_rows && run->is_unread) && checks[i].look(op, run) != VARVE_OK)
            VV_TRY(tell_damage(op, run, checks[i].name,
                "varve verify @ tells what is damaged"));
    return VARVE_OK;
}
