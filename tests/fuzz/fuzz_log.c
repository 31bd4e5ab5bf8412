/*
 * The log of a whole table: what replay, times and history make of several commits together. The
 * input is files, each behind a line that names it:
 *
 *     @0 1738231000000        the commit of version 0, of that time (may be left out)
 *     {"protocol":...
 *     @1.crc                  what else has a version: _delta_log/00000000000000000001.crc
 *     @last                   _last_checkpoint
 *     @pin/q3                 _varve/pins/q3.json
 *     @_delta_log/any.name    any other key
 *
 * The log can be read or is refused with words. Each version is what its commits, taken one after the
 * other, come to; it is the same by the version before it, refreshed; and so it is through a checkpoint that is written of it. Where the
 * input begins with '!', that is one in Parquet, too, which takes the engine its time.
 */
#include "fuzz.h"

#include "delta/checksum.h"
#include "delta/commit_time.h"
#include "delta/last_checkpoint.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "delta/log_name.h"
#include "delta/log_times.h"
#include "delta/pins.h"
#include "fuzz_engine.h"
#include "fuzz_log_model.h"
#include "harness/clock_fake.h"
#include "harness/state_check.h"
#include "harness/state_text.h"
#include "table/maintain/vacuum.h"

#define FILES_MAX 24
#define INPUTS_A_ROOT 50
#define NOW_MS INT64_C(1738231200000) /* 2025-01-30T10:00:00Z */
#define CHECKPOINT \
    "_delta_log/%020" PRId64 ".checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"

struct file {
    struct vv_str key, bytes;
    int64_t modified_us;
    int64_t version; /* of a commit; VV_NO_VERSION: it is none */
};

struct table {
    struct vv_op op;
    struct test_clock clock;
    struct vv_store *store;
    struct vv_store
        *young; /* has the commits up to the one that is looked at, and nothing else */
    struct vv_store *scratch; /* for what is written of a version */
    struct vv_log_handle log;
    struct file files[FILES_MAX];
    size_t files_len;
    bool is_thorough;
    bool has_checkpoints, has_ledger;
    bool has_gap; /* between commits */
};

static void table_done(struct table *table)
{
    vv_store_close(&table->scratch);
    vv_store_close(&table->young);
    vv_store_close(&table->store);
    vv_op_done(&table->op);
}

/* To open a store takes a folder of the system's, and most of the time: it serves some inputs in a row. */
static void open_stores(struct table *table)
{
    static struct vv_store *root;
    static unsigned inputs;
    struct vv_op *op = &table->op;
    struct vv_store **stores[] = {&table->store, &table->young, &table->scratch};
    if (inputs % INPUTS_A_ROOT == 0) {
        vv_store_close(&root);
        varve_status status = vv_store_open_memory(op, &root);
        VV_PRE(status == VARVE_OK);
    }
    for (size_t i = 0; i < VV_COUNT(stores); i++) {
        struct vv_str prefix = vv_arena_format(&op->arena, "%u/%zu", inputs, i);
        varve_status status = vv_store_at(op, root, prefix, stores[i]);
        VV_PRE(status == VARVE_OK);
    }
    inputs++;
}

/* ---- The files ---------------------------------------------------------------------------------- */

static struct vv_str log_key(struct vv_op *op, struct vv_str name, int64_t *out_version)
{
    size_t digits = 0;
    int64_t version = 0;
    while (digits < name.len && vv_str_is_digits(vv_str_first(name, digits + 1)))
        digits++;
    if (digits > 0 && vv_str_int64(vv_str_first(name, digits), &version)) {
        struct vv_str rest = vv_str_skip(name, digits);
        struct vv_str suffix = rest.len > 0 ? rest : VV_STR(".json");
        struct vv_str key = vv_arena_format(&op->arena, VV_LOG_FOLDER "/%020" PRId64 "%.*s",
            version, VV_ARG(suffix));
        *out_version = version;
        return key;
    }
    if (vv_str_eq(name, VV_STR("last")))
        return VV_STR(VV_LAST_CHECKPOINT_KEY);
    if (vv_str_starts(name, VV_STR("pin/")))
        return vv_arena_format(&op->arena, VV_PINS_FOLDER "/%.*s.json",
            VV_ARG(vv_str_skip(name, 4)));
    return name;
}

static bool put_file(struct vv_op *op, struct vv_store *store, const struct file *file)
{
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    if (vv_store_put_if_absent(op, store, file->key, file->bytes, file->modified_us,
            &outcome) != VARVE_OK)
        vv_forgive(op); /* of a key that there can't be */
    return outcome == VV_PUT_CREATED;
}

static void take_file(struct table *table, struct vv_str head, struct vv_str bytes)
{
    struct vv_op *op = &table->op;
    struct file *file = &table->files[table->files_len];
    int64_t time_ms = 0;
    int64_t order = 0;
    struct vv_str name = vv_str_first(head, vv_str_find(head, ' '));
    bool has_time = vv_str_int64(vv_str_trim(vv_str_skip(head, name.len)), &time_ms) &&
                    time_ms >= VV_COMMIT_TIME_FIRST_MS && time_ms <= VV_COMMIT_TIME_LAST_MS &&
                    time_ms != 0;
    *file = (struct file){.key = log_key(op, name, &order), .bytes = bytes};
    if (!has_time)
        time_ms = NOW_MS - 1000000 + order % 1000;
    file->modified_us = time_ms * VV_US_PER_MS;
    file->version = VV_NO_VERSION;
    if (!put_file(op, table->store, file))
        return;
    struct vv_log_name parsed = vv_log_name_parse(vv_log_name_of_key(file->key));
    if (vv_str_starts(file->key, VV_STR(VV_LOG_FOLDER "/")) &&
        file->key.len == strlen(VV_LOG_FOLDER "/") + vv_log_name_of_key(file->key).len) {
        file->version = parsed.kind == VV_LOG_NAME_COMMIT ? parsed.version : VV_NO_VERSION;
        table->has_checkpoints |= parsed.kind == VV_LOG_NAME_CHECKPOINT;
    }
    table->has_ledger |= vv_str_starts(file->key, VV_STR(VV_LEDGER_FOLDER));
    table->files_len++;
}

static int by_version(const void *a, const void *b)
{
    const struct file *left = a;
    const struct file *right = b;
    return left->version < right->version ? -1 : left->version > right->version;
}

static void take_files(struct table *table, struct vv_str input)
{
    while (input.len > 0 && table->files_len < FILES_MAX) {
        struct vv_str head = VV_STR_NONE;
        struct vv_str rest = VV_STR_NONE;
        struct vv_str line = VV_STR_NONE;
        (void)vv_str_split(&input, '\n', &head);
        rest = input;
        while (input.len > 0 && input.ptr[0] != '@')
            (void)vv_str_split(&input, '\n', &line);
        if (vv_str_starts(head, VV_STR("@")))
            take_file(table, vv_str_skip(head, 1), vv_str_first(rest, rest.len - input.len));
    }
    qsort(table->files, table->files_len, sizeof(table->files[0]), by_version);
    for (size_t i = 1; i < table->files_len; i++)
        table->has_gap |= table->files[i - 1].version != VV_NO_VERSION &&
                          table->files[i].version != table->files[i - 1].version + 1;
}

/* ---- What may come out -------------------------------------------------------------------------- */

static bool is_known(struct vv_op *op, varve_status status)
{
    VV_PRE(op->failed == (status != VARVE_OK));
    if (status == VARVE_OK)
        return true;
    bool is_one = status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED ||
                  status == VARVE_ELIMIT || status == VARVE_ENOTFOUND;
    if (!is_one)
        (void)fprintf(stderr, "%s: %s\n", varve_status_name(status), op->error.message);
    VV_PRE(is_one && op->error.message[0] != '\0');
    vv_forgive(op);
    return false;
}

static struct vv_str text_of(struct vv_op *op, const struct vv_snapshot *snapshot)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    state_text(snapshot, true, &op->arena, &text);
    return vv_arena_str(&op->arena, vv_buf_str(&text));
}

static void require_same(struct vv_str a, struct vv_str b, const char *what)
{
    if (!vv_str_eq(a, b))
        (void)fprintf(stderr, "%s:\n%.*s\ninstead of\n%.*s\n", what, VV_ARG(b), VV_ARG(a));
    VV_PRE(vv_str_eq(a, b));
}

static void require_twins(struct vv_op *op, const struct vv_snapshot *a,
    const struct vv_snapshot *b, const char *what)
{
    require_same(text_of(op, a), text_of(op, b), what);
    VV_PRE(a->mapping == b->mapping && a->timestamp_ms == b->timestamp_ms);
    VV_PRE(strcmp(a->commit_sha256, b->commit_sha256) == 0);
    VV_PRE(a->commit_has_link == b->commit_has_link);
    VV_PRE(a->commit_is_out_of_time == b->commit_is_out_of_time);
    VV_PRE(a->schema.fields_len == b->schema.fields_len);
    VV_PRE(origins_of(a) == origins_of(b));
}

/* ---- One version -------------------------------------------------------------------------------- */

/* The state as a V2 checkpoint in JSON, read back. */
static void check_json_checkpoint(struct table *table, const struct vv_snapshot *snapshot)
{
    struct vv_op *op = &table->op;
    const struct vv_log_handle log = {table->scratch, NULL};
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *back = NULL;
    struct vv_str text = text_of(op, snapshot);
    struct vv_str key = vv_arena_format(&op->arena, CHECKPOINT, snapshot->version);
    varve_status status = vv_store_put(op, table->scratch, key, text);
    VV_PRE(status == VARVE_OK);
    status = vv_snapshot_load(op, &log, snapshot->version, &back);
    if (status != VARVE_OK)
        (void)fprintf(stderr, "%s\n%.*s\n", op->error.message, VV_ARG(text));
    VV_PRE(status == VARVE_OK && back->checkpoint_version == snapshot->version);
    require_same(text, text_of(op, back), "through a checkpoint");
}

/* What somebody's file says of it, and what one that is written of it says. */
static void check_checksum(struct table *table, const struct vv_snapshot *snapshot)
{
    struct vv_op *op = &table->op;
    struct vv_str wrong = VV_STR_NONE;
    if (is_known(op, vv_checksum_check(op, table->store, snapshot, &wrong)))
        VV_PRE(wrong.ptr != NULL && (wrong.len == 0 || wrong.len > 10));
    varve_status status = vv_checksum_write(op, table->scratch, snapshot);
    VV_PRE(status == VARVE_OK);
    status = vv_checksum_check(op, table->scratch, snapshot, &wrong);
    if (status == VARVE_OK && wrong.len > 0)
        (void)fprintf(stderr, "%.*s\n", VV_ARG(wrong));
    VV_PRE(status == VARVE_OK && wrong.len == 0);
}

/* By both readers of a Parquet checkpoint: of the log where it has none, else of the state alone. */
static void check_parquet_checkpoint(struct table *table, const struct vv_snapshot *snapshot)
{
    struct vv_op *op = &table->op;
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct test_state_ways ways;
    struct vv_str key = vv_arena_format(&op->arena, CHECKPOINT, snapshot->version);
    varve_status status = vv_store_open_memory(op, &store);
    VV_PRE(status == VARVE_OK);
    status = vv_store_put(op, store, key, text_of(op, snapshot));
    VV_PRE(status == VARVE_OK);
    const struct vv_log_handle state = {store, fuzz_engine()->engine};
    bool is_same = test_state_check(&table->clock.env,
        table->has_checkpoints ? &state : &table->log, &ways, &report);
    /* Statistics that make no sense have no place in typed columns: they may get lost there. */
    struct vv_str as_json = vv_pairs_get(&snapshot->metadata->configuration,
        VV_STR("delta.checkpoint.writeStatsAsJson"));
    is_same = is_same || as_json.ptr != NULL;
    if (!is_same)
        (void)fprintf(stderr, "%s\n", vv_buf_str(&report).ptr);
    VV_PRE(is_same && ways.by_log);
}

/* ---- One version after the other ---------------------------------------------------------------- */

/* Whether a version is to be the same by another way: no checkpoint says otherwise, and the same has expired. */
static bool is_comparable(const struct vv_op *op, const struct vv_snapshot *a,
    const struct vv_snapshot *b)
{
    return a->checkpoint_version == b->checkpoint_version &&
           vv_snapshot_tombstones_from(op, a->metadata) ==
               vv_snapshot_tombstones_from(op, b->metadata);
}

/*
 * `*base`: the version before, or NULL; then this one. `loaded` is NULL where it can't be read. A
 * checkpoint that is damaged may stand in the way of a version that its commits would give.
 */
static void step(struct table *table, struct vv_snapshot *loaded, struct vv_snapshot **base)
{
    struct vv_op *op = &table->op;
    const struct vv_log_handle log = {table->young, NULL};
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *next = NULL;
    if (*base != NULL) {
        struct vv_str before = text_of(op, *base);
        varve_status status = vv_snapshot_refresh(op, &log, *base, &next);
        (void)is_known(op, status);
        require_same(before, text_of(op, *base), "an old version after a refresh");
        if (!table->has_checkpoints)
            VV_PRE((status == VARVE_OK) == (loaded != NULL));
        if (loaded != NULL && is_comparable(op, loaded, *base)) {
            VV_PRE(status == VARVE_OK);
            require_twins(op, loaded, next, "by the version before");
            vv_snapshot_release(base);
            *base = vv_snapshot_retain(next);
            return;
        }
    }
    if (loaded == NULL)
        return;
    vv_snapshot_release(base);
    *base = vv_snapshot_retain(loaded);
}

static bool is_damaged_behind(struct table *table, const struct vv_snapshot *first)
{
    struct vv_op *op = &table->op;
    struct vv_actions actions = {0};
    bool is_damaged = false;
    for (size_t i = 0; i < table->files_len && !is_damaged; i++)
        is_damaged = table->files[i].version > first->version &&
                     vv_actions_parse(op, &op->arena, table->files[i].version,
                         table->files[i].bytes, &actions) != VARVE_OK;
    if (is_damaged)
        vv_forgive(op);
    return is_damaged;
}

/* In one go from an old version, and in a store that is asked by name, it is what it was. */
static void check_latest(struct table *table, struct vv_snapshot *latest, varve_status status,
    struct vv_snapshot *first)
{
    struct vv_op *op = &table->op;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *refreshed = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *probed = NULL;
    bool is_plain = !table->has_checkpoints && !table->has_gap && !table->has_ledger;
    if (first != NULL) {
        varve_status by_first = vv_snapshot_refresh(op, &table->log, first, &refreshed);
        (void)is_known(op, by_first);
        /*
         * Behind a gap that is wide enough nobody looks who has read what is before it. Where all
         * commits can be read a checkpoint may say otherwise than they.
         */
        if (!table->has_gap && (!table->has_checkpoints || is_damaged_behind(table, first)))
            VV_PRE((by_first == VARVE_OK) == (latest != NULL));
        if (is_plain && latest != NULL && is_comparable(op, latest, first))
            require_twins(op, latest, refreshed, "by the first version");
    }
    table->store->lists_whole = true;
    varve_status by_name = vv_snapshot_load(op, &table->log, VV_NO_VERSION, &probed);
    table->store->lists_whole = false;
    (void)is_known(op, by_name);
    if (!table->has_checkpoints)
        VV_PRE(by_name == status);
    if (latest != NULL && probed != NULL && latest->version == probed->version &&
        latest->checkpoint_version == probed->checkpoint_version)
        require_twins(op, latest, probed, "by names");
}

static void check_versions(struct table *table)
{
    struct vv_op *op = &table->op;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *first = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *base = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *latest = NULL;
    struct model model = {.version = VV_NO_VERSION};
    int64_t before = VV_NO_VERSION;
    for (size_t i = 0; i < table->files_len; i++) {
        const struct file *file = &table->files[i];
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *loaded = NULL;
        if (file->version == VV_NO_VERSION)
            continue;
        if (file->version != before + 1)
            vv_snapshot_release(&base);
        before = file->version;
        (void)put_file(op, table->young, file);
        (void)is_known(op, vv_snapshot_load(op, &table->log, file->version, &loaded));
        step(table, loaded, &base);
        model_commit(op, &model, file->version, file->bytes);
        if (loaded == NULL)
            continue;
        VV_PRE(loaded->version == file->version);
        check_json_checkpoint(table, loaded);
        check_checksum(table, loaded);
        if (!model.is_lost && !table->has_checkpoints)
            check_model(&model, loaded);
        if (first == NULL)
            first = vv_snapshot_retain(loaded);
    }
    varve_status status = vv_snapshot_load(op, &table->log, VV_NO_VERSION, &latest);
    (void)is_known(op, status);
    check_latest(table, latest, status, first);
    if (latest != NULL && table->is_thorough)
        check_parquet_checkpoint(table, latest);
}

/* ---- Times -------------------------------------------------------------------------------------- */

struct history {
    struct vv_history_entry *entries; /* newest first */
    size_t len;
    bool rises;    /* what the commits say of themselves does, so that all must */
    bool is_ahead; /* a commit says a time after that of its file */
};

/* What a commit says itself is its time; those between two such ones are between. */
static void check_order(struct table *table, struct history *history)
{
    struct vv_op *op = &table->op;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    int64_t counts_from = 0;
    int64_t said_ms = INT64_MIN;
    if (is_known(op, vv_snapshot_load_unread(op, &table->log, &newest)))
        counts_from = vv_commit_time_counts_from(newest->metadata);
    history->rises = true;
    for (size_t i = history->len; i > 0; i--) {
        const struct vv_history_entry *entry = &history->entries[i - 1];
        int64_t own_ms = vv_commit_time_own_ms(entry->info, entry->version, counts_from);
        if (own_ms == VV_NO_TIME)
            continue;
        VV_PRE(entry->timestamp_ms == own_ms);
        history->rises = history->rises && own_ms >= said_ms;
        history->is_ahead =
            history->is_ahead || own_ms > entry->commit.modified_us / VV_US_PER_MS;
        said_ms = own_ms;
    }
    for (size_t i = 1; i < history->len && history->rises; i++)
        VV_PRE(history->entries[i].timestamp_ms <= history->entries[i - 1].timestamp_ms);
}

/*
 * A part of the history says what the whole does. A commit before the part that is ahead of its file
 * would push those of the part: it is not read for that.
 */
static void check_parts(struct table *table, const struct history *history)
{
    struct vv_op *op = &table->op;
    for (size_t i = 0; i < history->len; i++) {
        struct vv_history_entry *one = NULL;
        size_t len = 0;
        varve_status status = vv_log_history(op, &table->log, history->entries[i].version, 1,
            &op->arena, &one, &len);
        VV_PRE(status == VARVE_OK && len == 1);
        VV_PRE(one->version == history->entries[i].version);
        VV_PRE(one->timestamp_ms == history->entries[i].timestamp_ms);
    }
    for (size_t limit = 1; limit <= 3 && history->entries[0].version < 1000; limit++) {
        struct vv_history_entry *newest = NULL;
        size_t len = 0;
        varve_status status = vv_log_history_latest(op, &table->log,
            history->entries[0].version, limit, &op->arena, &newest, &len);
        VV_PRE(status == VARVE_OK && len <= limit && len <= history->len);
        for (size_t i = 0; i < len; i++)
            VV_PRE(newest[i].timestamp_ms == history->entries[i].timestamp_ms);
    }
}

/* The newest version of at most that time, by the whole history; VV_NO_VERSION: none. */
static int64_t expected_at(const struct history *history, int64_t time_us, int64_t last)
{
    if (history->entries[0].timestamp_ms * VV_US_PER_MS <= time_us)
        return last;
    for (size_t i = 0; i < history->len; i++)
        if (history->entries[i].timestamp_ms * VV_US_PER_MS <= time_us)
            return history->entries[i].version;
    return VV_NO_VERSION;
}

static void check_version_at(struct table *table, const struct history *history)
{
    struct vv_op *op = &table->op;
    struct vv_log_list list = {0};
    varve_status status = vv_log_list_read(op, &table->log, 0, &op->arena, &list);
    VV_PRE(status == VARVE_OK && history->len > 0);
    int64_t last = vv_log_list_last(&list);
    /* Commits that nothing leads up to have no state to go back to. */
    bool is_all = vv_log_list_first(&list) == history->entries[history->len - 1].version;
    for (size_t i = 0; i < history->len; i++) {
        for (int64_t off_us = -1; off_us <= 999; off_us += 1000) {
            int64_t time_us = history->entries[i].timestamp_ms * VV_US_PER_MS + off_us;
            int64_t version = VV_NO_VERSION;
            status = vv_log_version_at(op, &table->log, time_us, &version);
            bool is_there = is_known(op, status);
            if (is_there)
                VV_PRE(version >= 0 && version <= last);
            if (!history->rises || !is_all || table->has_ledger)
                continue;
            VV_PRE(version == expected_at(history, time_us, last));
            VV_PRE(is_there || status == VARVE_ENOTFOUND);
        }
    }
}

static void check_history(struct table *table)
{
    struct vv_op *op = &table->op;
    struct history history = {0};
    struct vv_history_entry *there = NULL;
    size_t there_len = 0;
    bool is_whole = is_known(op, vv_log_history(op, &table->log, VV_NO_VERSION, 0, &op->arena,
                                     &history.entries, &history.len));
    bool is_there = is_known(op, vv_log_history_there(op, &table->log, VV_NO_VERSION, 0,
                                     &op->arena, &there, &there_len));
    if (!is_whole)
        return;
    VV_PRE(is_there && there_len == history.len);
    for (size_t i = 0; i < history.len; i++) {
        VV_PRE(history.entries[i].timestamp_ms == there[i].timestamp_ms);
        VV_PRE(i == 0 || history.entries[i].version < history.entries[i - 1].version);
    }
    check_order(table, &history);
    if (!history.is_ahead)
        check_parts(table, &history);
    check_version_at(table, &history);
}

/* Once all files have the times that they should have, no other is due. */
static void check_log_times(struct table *table)
{
    struct vv_op *op = &table->op;
    struct vv_log_times times = {0};
    if (!is_known(op, vv_log_times_read(op, &table->log, &op->arena, &times)))
        return;
    VV_PRE(times.wrong + times.unordered + times.covered <= times.len);
    for (size_t i = 0; i < times.len; i++) {
        const struct vv_log_time *time = &times.items[i];
        VV_PRE(time->has_in_commit_ms ? time->due_ms == time->file_ms
                                      : i == 0 || time->due_ms > time[-1].due_ms);
    }
    for (size_t i = 0; i < times.len; i++)
        times.items[i].file_ms = times.items[i].due_ms;
    vv_log_times_plan(&times);
    for (size_t i = 0; i < times.len; i++)
        VV_PRE(times.items[i].due_ms == times.items[i].file_ms);
    VV_PRE(times.wrong == 0 && times.unordered == 0);
}

/* ---- What stands beside it ---------------------------------------------------------------------- */

static void check_pins(struct table *table)
{
    struct vv_op *op = &table->op;
    struct vv_pins pins = {0};
    varve_status status = vv_pins_read(op, &table->log, &op->arena, &pins);
    VV_PRE(status == VARVE_OK || status == VARVE_ECORRUPT || status == VARVE_ELIMIT);
    if (!is_known(op, status))
        return;
    for (size_t i = 0; i < pins.len; i++) {
        VV_PRE(pins.items[i].version >= 0 &&
               vv_pins_find(&pins, pins.items[i].name) == &pins.items[i]);
        status = vv_pin_write(op, &table->log, &pins.items[i]);
        VV_PRE(status == VARVE_EUSAGE); /* the name is taken, or is none */
        vv_forgive(op);
    }
}

static void check_vacuum(struct table *table)
{
    struct vv_op *op = &table->op;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    const struct vv_history_entry *start = NULL;
    (void)is_known(op, vv_snapshot_load(op, &table->log, VV_NO_VERSION, &newest));
    const struct vv_table view = {
        .name = VV_STR("t"), .log = table->log, .store = table->store, .snapshot = newest};
    if (!is_known(op, vv_vacuum_under_way(op, &view, &start)) || start == NULL)
        return;
    VV_PRE(vv_str_eq(start->info->operation, VV_STR("VACUUM START")));
    VV_PRE(start->timestamp_ms != VV_NO_TIME);
    VV_PRE(vv_vacuum_until_ms(start) <= start->timestamp_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(table_done) struct table table = {0};
    struct vv_op *op = &table.op;
    struct vv_str input = {(const char *)data, size};

    test_clock_init(&table.clock, NOW_MS * VV_US_PER_MS);
    vv_op_init(op, &table.clock.env, (size_t)1 << 30);
    open_stores(&table);
    table.log = (struct vv_log_handle){table.store, fuzz_engine()->engine};
    table.is_thorough = size > 0 && data[0] == '!';
    take_files(&table, vv_str_skip(input, table.is_thorough ? 1 : 0));
    check_versions(&table);
    check_history(&table);
    check_log_times(&table);
    check_pins(&table);
    check_vacuum(&table);
    return 0;
}
