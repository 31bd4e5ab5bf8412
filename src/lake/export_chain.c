/*
 * The commits of an export: their exact bytes, each held against the link in the next one.
 *
 * A commit that does not fit ends the export: what goes to an auditor is never less than the chain
 * proves. `varve verify` says more of such a table.
 */
#include "base/json_write.h"
#include "base/time.h"
#include "delta/chain.h"
#include "delta/ledger.h"
#include "lake/export_run.h"

/* A head that was noted earlier. */
struct noted {
    const struct vv_export_seal *seal;
    bool is_found;
};

struct walk {
    struct vv_export_table *table;
    VV_ACTION_LIST(struct noted) seals;
    struct vv_buf csv;        /* commits.csv */
    struct vv_buf seal_lines; /* seals.ndjson */
    struct vv_ledger_reader ledger;
    int64_t version; /* of the commit before; VV_NO_VERSION: none */
    char sha256[VV_SHA256_HEX_BYTES];
    char chain[VV_SHA256_HEX_BYTES];
};

static void walk_done(struct walk *walk)
{
    vv_buf_done(&walk->csv);
    vv_buf_done(&walk->seal_lines);
    vv_ledger_reader_done(&walk->ledger);
}

/* ---- Seals ---------------------------------------------------------------------------------------- */

/* Left out where an older version was asked for, and the log reaches to the sealed one. */
static varve_status leave_out(struct vv_op *op, const struct walk *walk,
    const struct vv_export_seal *seal)
{
    const struct vv_report_source *source = &walk->table->source;
    const struct vv_snapshot *newest = source->table->snapshot;
    if (newest != NULL && seal->version > newest->version)
        return vv_fail(op, VARVE_EVERIFY,
            "version %" PRId64 " was sealed, and the newest one is %" PRId64
            ": the table was rolled back, or its log was cut off; nothing is exported",
            seal->version, newest->version);
    vv_log(op, VV_LOG_WARN, "export.seal_later",
        "the seal of version %" PRId64
        " of table %.*s is left out: the export is of version %" PRId64,
        seal->version, VV_ARG(seal->table), source->snapshot->version);
    return VARVE_OK;
}

static varve_status take_seals(struct vv_op *op, const struct vv_export_run *run,
    struct walk *walk)
{
    int64_t newest = walk->table->source.snapshot->version;
    for (size_t i = 0; i < run->seals.len; i++) {
        const struct vv_export_seal *seal = &run->seals.items[i];
        if (!vv_export_seal_is_of(seal, walk->table))
            continue;
        if (seal->version > newest) {
            VV_TRY(leave_out(op, walk, seal));
            continue;
        }
        struct noted *noted = VV_LIST_NEW(&op->arena, &walk->seals);
        if (noted == NULL)
            return vv_fail_memory(op);
        *noted = (struct noted){seal, false};
    }
    return VARVE_OK;
}

static varve_status check_seals(struct vv_op *op, struct walk *walk)
{
    for (size_t i = 0; i < walk->seals.len; i++) {
        struct noted *noted = &walk->seals.items[i];
        if (noted->seal->version != walk->version)
            continue;
        if (!vv_str_eq_nocase(noted->seal->head, vv_str_of(walk->chain)))
            return vv_fail(op, VARVE_EVERIFY,
                "version %" PRId64 " is not what was sealed: its head is %s, noted was %.*s; "
                "varve verify says more",
                walk->version, walk->chain, VV_ARG(noted->seal->head));
        noted->is_found = true;
        walk->table->seals++;
        vv_buf_add(&walk->seal_lines, noted->seal->line);
        vv_buf_addc(&walk->seal_lines, '\n');
    }
    return VARVE_OK;
}

static varve_status check_all_found(struct vv_op *op, const struct walk *walk)
{
    for (size_t i = 0; i < walk->seals.len; i++)
        if (!walk->seals.items[i].is_found)
            return vv_fail(op, VARVE_EVERIFY,
                "the seal of version %" PRId64 " can't be checked: its commit is gone from the "
                "log, and the ledger does not have it",
                walk->seals.items[i].seal->version);
    return VARVE_OK;
}

/* ---- One commit ----------------------------------------------------------------------------------- */

static varve_status take_user(struct vv_op *op, struct vv_export_table *table,
    const struct vv_history_entry *entry)
{
    struct vv_str name = entry->info != NULL && entry->info->user_name.len > 0
                             ? entry->info->user_name
                             : VV_STR("(not recorded)");
    struct vv_export_user *user = vv_map_get(&table->users_by_name, name);
    if (user == NULL) {
        struct vv_export_user **item = VV_LIST_NEW(&op->arena, &table->users);
        VV_NEW(op, &user, struct vv_export_user, 1);
        if (item == NULL || !vv_map_put(&table->users_by_name, name, user, NULL))
            return vv_fail_memory(op);
        *item = user;
        *user = (struct vv_export_user){.name = name, .first_ms = entry->timestamp_ms};
    }
    user->commits++;
    user->last_ms = entry->timestamp_ms;
    return VARVE_OK;
}

/*
 * A field of commits.csv: a blank for each control character, so that a record is one line for
 * grep, whose end is ours whatever a message says. The log has the text as it is.
 */
static void add_words(struct vv_buf *line, struct vv_str text)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf words = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < text.len; i++)
        vv_buf_addc(&words, (unsigned char)text.ptr[i] < ' ' ? ' ' : text.ptr[i]);
    if (!vv_buf_ok(&words))
        vv_buf_add(line, VV_STR_LOST);
    else
        vv_export_csv(line, text.ptr == NULL ? VV_STR_NONE : vv_buf_str(&words));
}

static void add_line(struct walk *walk, const struct vv_history_entry *entry)
{
    const struct vv_commit_info none = {0};
    const struct vv_commit_info *info = entry->info != NULL ? entry->info : &none;
    char time[32];
    size_t len = vv_time_format_ms(entry->timestamp_ms, time);
    vv_buf_addf(&walk->csv, "%" PRId64 ",%.*s,", entry->version, (int)len, time);
    add_words(&walk->csv, info->user_name);
    vv_buf_addc(&walk->csv, ',');
    add_words(&walk->csv, info->operation);
    vv_buf_addc(&walk->csv, ',');
    add_words(&walk->csv, info->user_metadata);
    vv_buf_addc(&walk->csv, ',');
    add_words(&walk->csv, info->engine_info);
    vv_buf_addf(&walk->csv, ",%s,%.*s,%s\n", walk->sha256, VV_ARG(info->prev_hash),
        walk->chain);
}

static varve_status take_hash(struct vv_op *op, struct vv_export_table *table,
    const struct vv_pairs *tags)
{
    struct vv_str sha256 = vv_pairs_get(tags, VV_STR("varve.sha256"));
    if (sha256.len == 0 || vv_map_has(&table->hashes, sha256))
        return VARVE_OK;
    struct vv_str copy = vv_arena_str(&op->arena, sha256);
    if (copy.ptr == NULL || !vv_map_put(&table->hashes, copy, table, NULL))
        return vv_fail_memory(op);
    return VARVE_OK;
}

/* The data and change files that the commit added: their hashes are proven by the chain. */
static varve_status take_hashes(struct vv_op *op, struct vv_export_table *table,
    struct vv_arena *arena, int64_t version, struct vv_str bytes)
{
    struct vv_actions actions = {0};
    VV_TRY(vv_actions_parse(op, arena, version, bytes, &actions));
    for (size_t i = 0; i < actions.adds.len; i++)
        VV_TRY(take_hash(op, table, &actions.adds.items[i].tags));
    for (size_t i = 0; i < actions.cdcs.len; i++)
        VV_TRY(take_hash(op, table, &actions.cdcs.items[i].tags));
    return VARVE_OK;
}

static varve_status check_link(struct vv_op *op, struct walk *walk,
    const struct vv_history_entry *entry)
{
    bool follows = walk->version != VV_NO_VERSION && entry->version == walk->version + 1;
    struct vv_str before = follows ? vv_str_of(walk->sha256) : VV_STR_NONE;
    if (entry->info == NULL ||
        vv_chain_check(entry->version, entry->info, before) != VV_CHAIN_BROKEN)
        return VARVE_OK;
    return vv_fail(op, VARVE_EVERIFY,
        "version %" PRId64 " was written after other bytes than those of version %" PRId64
        ": the chain is broken, varve verify says more; nothing is exported",
        entry->version, entry->version - 1);
}

static varve_status copy_commit(struct vv_op *op, struct vv_export_run *run, struct walk *walk,
    const struct vv_history_entry *entry)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_export_table *table = walk->table;
    struct vv_str bytes;
    struct vv_str key;
    char sha256[VV_SHA256_HEX_BYTES];
    VV_TRY(vv_log_read_listed(op, &table->source.table->log, &walk->ledger, &entry->commit,
        &arena, &bytes));
    VV_TRY(vv_sha256(op, bytes, sha256));
    VV_TRY(check_link(op, walk, entry));
    bool has_link = entry->info != NULL && entry->info->by_varve;
    bool is_first = walk->version == VV_NO_VERSION || entry->version != walk->version + 1;
    if (is_first && walk->version != VV_NO_VERSION)
        table->missing += entry->version - walk->version - 1;
    if (has_link || is_first)
        memcpy(walk->chain, sha256, sizeof(sha256));
    else
        VV_TRY(vv_chain_fold(op, walk->chain, sha256));
    memcpy(walk->sha256, sha256, sizeof(sha256));
    walk->version = entry->version;
    table->commits++;
    table->foreign += has_link ? 0 : 1;
    add_line(walk, entry);
    VV_TRY(take_user(op, table, entry));
    VV_TRY(take_hashes(op, table, &arena, entry->version, bytes));
    VV_TRY(check_seals(op, walk));
    key = vv_arena_format(&op->arena, "%.*s/log/%020" PRId64 ".json", VV_ARG(table->folder),
        entry->version);
    return key.ptr == NULL ? vv_fail_memory(op) : vv_export_write(op, run, key, bytes, sha256);
}

/* ---- All of them ---------------------------------------------------------------------------------- */

static varve_status write_texts(struct vv_op *op, struct vv_export_run *run, struct walk *walk)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_export_table *table = walk->table;
    struct vv_str key;
    if (!vv_buf_ok(&walk->csv) || !vv_buf_ok(&walk->seal_lines))
        return vv_fail_memory(op);
    VV_TRY(vv_export_key(op, table, "commits.csv", &key));
    VV_TRY(vv_export_write(op, run, key, vv_buf_str(&walk->csv), NULL));
    VV_TRY(vv_export_key(op, table, "seal.json", &key));
    struct vv_str name = vv_lake_lasting_name(table->name, table->source.table->store);
    VV_TRY(vv_seal_write(op, name, &table->seal, run->request->key_file, &json));
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    VV_TRY(vv_export_write(op, run, key, vv_buf_str(&json), NULL));
    if (table->seals == 0)
        return VARVE_OK;
    VV_TRY(vv_export_key(op, table, "seals.ndjson", &key));
    return vv_export_write(op, run, key, vv_buf_str(&walk->seal_lines), NULL);
}

varve_status vv_export_chain(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table)
{
    VV_CLEANUP(walk_done)
    struct walk walk = {.table = table,
        .csv = VV_BUF_INIT(VV_BUF_MAX),
        .seal_lines = VV_BUF_INIT(VV_BUF_MAX),
        .ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)},
        .version = VV_NO_VERSION};
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    VV_TRY(take_seals(op, run, &walk));
    VV_TRY(vv_log_history_there(op, &table->source.table->log, table->source.snapshot->version,
        0, &op->arena, &entries, &len));
    vv_buf_adds(&walk.csv,
        "version,timestamp,userName,operation,userMetadata,engineInfo,sha256,"
        "prevHash,chain\n");
    for (size_t i = len; i > 0; i--) {
        VV_TRY(vv_progress(op, "export commits", len - i, len));
        VV_TRY(copy_commit(op, run, &walk, &entries[i - 1]));
    }
    if (len == 0)
        return vv_fail(op, VARVE_EVERIFY,
            "no commit of it is there, only a checkpoint: nothing proves its rows");
    VV_TRY(check_all_found(op, &walk));
    table->entries = entries;
    table->entries_len = len;
    table->first_version = entries[len - 1].version;
    table->missing += table->first_version;
    table->seal = (struct vv_seal){.version = walk.version};
    memcpy(table->seal.head, walk.chain, sizeof(walk.chain));
    return write_texts(op, run, &walk);
}
