/*
 * What operations ask of the store, call by call: on object storage each is a request that is paid
 * and waited for, on a disk each sync is. One call more than is said here is a change to explain.
 */
#include "base/seam.h"
#include "delta/log_probe.h"
#include "table/maintain/checkpoint.h"
#include "table_fixture.h"

#define COMMITS 250 /* checkpoints at 100 and 200 */

static const struct vv_pair properties[] = {{{"delta.checkpointInterval", 24}, {"100", 3}}};
static const struct table_words words = {.schema = "k bigint not null, v string",
    .key = "k",
    .properties = properties,
    .properties_len = VV_COUNT(properties)};

/* The calls since the last look, one a line: "get 251", "stage data". */
struct watch {
    struct table_fixture fixture;
    struct vv_buf calls;
};

/* "251" of a commit, "checkpoint 200" of a checkpoint, "log" of their folder, "data" of any data file. */
static void add_key(struct vv_buf *calls, struct vv_str key)
{
    const struct vv_str folder = VV_STR("_delta_log/");
    if (vv_str_find(key, '/') == key.len && vv_str_ends(key, VV_STR(".parquet"))) {
        vv_buf_adds(calls, "data");
        return;
    }
    if (vv_str_eq(key, VV_STR("_delta_log"))) {
        vv_buf_adds(calls, "log");
        return;
    }
    if (!CHECK(vv_str_starts(key, folder)))
        return;
    key = vv_str_skip(key, folder.len);
    size_t zeros = 0;
    while (zeros < key.len && key.ptr[zeros] == '0')
        zeros++;
    key = vv_str_skip(key, zeros);
    if (vv_str_ends(key, VV_STR(".checkpoint.parquet")))
        vv_buf_adds(calls, "checkpoint ");
    vv_buf_add(calls, vv_str_first(key, vv_str_find(key, '.')));
}

/* A text with a line "beyond 251" in it: there the names are asked for that would tell of a gap. */
static struct vv_str with_gap(struct vv_arena *arena, const char *text)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(1 << 16);
    struct vv_str rest = vv_str_of(text);
    struct vv_str line;
    while (rest.len > 0 && vv_str_split(&rest, '\n', &line)) {
        int64_t version = 0;
        if (!vv_str_starts(line, VV_STR("beyond "))) {
            vv_buf_addf(&out, "%.*s\n", VV_ARG(line));
            continue;
        }
        CHECK(vv_str_int64(vv_str_skip(line, strlen("beyond ")), &version));
        for (int64_t i = 1; i <= VV_LOG_GAP_MAX; i++)
            vv_buf_addf(&out, "head %" PRId64 "\n", version + i);
    }
    CHECK(vv_buf_ok(&out));
    return vv_arena_str(arena, vv_buf_str(&out));
}

static void note_call(void *data, const char *call, struct vv_str key)
{
    struct watch *watch = data;
    vv_buf_adds(&watch->calls, call);
    vv_buf_addc(&watch->calls, ' ');
    add_key(&watch->calls, key);
    vv_buf_addc(&watch->calls, '\n');
}

static void watch_begin(struct watch *watch)
{
    struct vv_op *op = &watch->fixture.op;
    vv_buf_clear(&watch->calls);
    watch->fixture.plan = (struct vv_fault_plan){.before = note_call, .before_data = watch};
    CHECK(test_file_write(test_path("seams"), VV_STR("")));
    vv_seam_set(vv_arena_format(&op->arena, "list=%s", test_path("seams")).ptr);
}

/* Nothing is noted from here on. */
static struct vv_str watch_end(struct watch *watch)
{
    vv_seam_set(NULL);
    watch->fixture.plan = (struct vv_fault_plan){0};
    CHECK(vv_buf_ok(&watch->calls));
    return vv_buf_str(&watch->calls);
}

/* Calls of a name in what watch_end gave. */
static size_t calls_of(struct vv_str calls, const char *name)
{
    struct vv_str line;
    size_t count = 0;
    while (vv_str_split(&calls, '\n', &line))
        count += vv_str_eq(vv_str_first(line, vv_str_find(line, ' ')), vv_str_of(name));
    return count;
}

static size_t lines_of(struct vv_str calls)
{
    size_t count = 0;
    for (size_t i = 0; i < calls.len; i++)
        count += calls.ptr[i] == '\n';
    return count;
}

static size_t syncs_of(const char *seam)
{
    struct vv_str rest = test_file_read(test_path("seams"));
    struct vv_str name;
    size_t count = 0;
    while (vv_str_split(&rest, '\n', &name))
        count += vv_str_eq(name, vv_str_of(seam));
    return count;
}

static size_t syncs(void)
{
    return syncs_of("store.fsync") + syncs_of("store.fsync_folder") +
           syncs_of("store.fsync_parents") + syncs_of("store.publish.fsync") +
           syncs_of("store.syncfs");
}

static bool open_local(struct table_fixture *fixture, bool is_synced, struct vv_store **out)
{
    const struct vv_store_options options = {.sync = is_synced, .create = true};
    return CHECK_OK(&fixture->op,
        vv_store_open(&fixture->op, vv_str_of(test_path("lake")), &options, out));
}

static bool put_row(struct watch *watch, int64_t k, const char *v)
{
    struct vv_upsert_result result;
    char row[64];
    (void)snprintf(row, sizeof(row), "{\"k\":%" PRId64 ",\"v\":\"%s\"}\n", k, v);
    return table_upsert(&watch->fixture, row, &result);
}

/*
 * A table of COMMITS commits, one row and one file each; k is the version. The last of them was made
 * through the handle that is there then, on a store that syncs: its first write to a folder makes
 * sure of the folders above it once, which is no part of what a write costs.
 */
static bool watch_open(struct watch *watch)
{
    struct table_fixture *fixture = &watch->fixture;
    struct vv_store *store = NULL;
    bool is_made = table_fixture_begin(fixture, NULL) && open_local(fixture, false, &store) &&
                   table_fixture_make(fixture, &words, store);
    for (int64_t k = 1; is_made && k < COMMITS; k++)
        is_made = put_row(watch, k, "old");
    vv_table_close(&fixture->table);
    vv_store_close(&fixture->root);
    return is_made && open_local(fixture, true, &fixture->plain) &&
           CHECK_OK(&fixture->op, vv_store_open_faulty(&fixture->op, fixture->plain,
                                      &fixture->plan, &fixture->root)) &&
           table_handle(&fixture->op, fixture, fixture->root, &fixture->table) &&
           put_row(watch, COMMITS, "old") &&
           CHECK_INT(fixture->table->snapshot->checkpoint_version, 200);
}

static void watch_close(struct watch *watch)
{
    vv_buf_done(&watch->calls);
    table_fixture_close(&watch->fixture);
}

static void check_upserts(struct watch *watch)
{
    struct vv_arena *arena = &watch->fixture.op.arena;
    /* A key that no file can hold by its statistics. */
    watch_begin(watch);
    REQUIRE(put_row(watch, COMMITS + 1, "new"));
    CHECK_STR(watch_end(watch),
        with_gap(arena,
            "get 250\n"    /* what this handle committed last is read back, like others' */
            "get 251\n"    /* has somebody committed since? No: it is not there, */
            "beyond 251\n" /* nor lost */
            "stage data\nrestage data\n" /* the row */
            "publish data\n"             /* durable before a commit names it */
            "put_if_absent 251\n" /* the commit */));
    CHECK_INT(syncs_of("store.publish.fsync"), 1); /* the data file */
    CHECK_INT(syncs_of("store.fsync_parents"), 1); /* its name, in the table's folder */
    CHECK_INT(syncs_of("store.fsync"), 1);         /* the commit */
    CHECK_INT(syncs_of("store.fsync_folder"), 1);  /* its name, in the log */
    CHECK_INT(syncs(), 4);

    /* A key that one of 251 files can hold: that one is read, and written anew. */
    watch_begin(watch);
    REQUIRE(put_row(watch, 100, "new"));
    CHECK_STR(watch_end(watch),
        with_gap(arena, "get 251\nget 252\nbeyond 252\n"
                        "get data\n" /* is it there, and what is it? */
                        "stage data\nrestage data\npublish data\nput_if_absent 252\n"));
    CHECK_INT(syncs(), 4);
}

/*
 * The files with the keys are read; nothing is written, nothing removed. The log is synced: what is there
 * may be another process's, that has not done it yet.
 */
static void check_batch_that_is_there(struct watch *watch)
{
    struct vv_upsert_result result;
    watch_begin(watch);
    REQUIRE(table_upsert(&watch->fixture,
        "{\"k\":201,\"v\":\"old\"}\n{\"k\":202,\"v\":\"old\"}\n{\"k\":203,\"v\":\"old\"}\n",
        &result));
    CHECK_STR(watch_end(watch),
        with_gap(&watch->fixture.op.arena, "get 252\nget 253\nbeyond 253\n"
                                           "get data\nget data\nget data\nsettle log\n"));
    CHECK_INT(syncs_of("store.fsync_folder"), 1);
    CHECK_INT(syncs(), 1);
    CHECK_INT(result.unchanged, 3);
    CHECK_INT(result.version, COMMITS + 2);
}

/* By another handle, as each run of the command does. */
static bool open_again(struct watch *watch)
{
    struct vv_table *table = NULL;
    watch_begin(watch);
    bool is_open =
        table_handle(&watch->fixture.op, &watch->fixture, watch->fixture.root, &table);
    vv_table_close(&table);
    return is_open;
}

static void check_opening(struct watch *watch)
{
    struct vv_op *op = &watch->fixture.op;
    struct vv_log_cleaned cleaned;
    int64_t version = 0;
    /* The checkpoint and the 52 commits behind it: no listing of the log, no commit in front. */
    REQUIRE(open_again(watch));
    struct vv_str calls = watch_end(watch);
    CHECK_INT(calls_of(calls, "get"), 1 + 52 + 1); /* the hint, the commits, the checkpoint */
    /* The checkpoint, the commits, and those that are not there: 253, and what would tell that it
       is missing and not to come. */
    CHECK_INT(calls_of(calls, "head"), 1 + 52 + 1 + VV_LOG_GAP_MAX);
    CHECK_INT(calls_of(calls, "list"), 0);
    CHECK_INT(lines_of(calls), 54 + 54 + VV_LOG_GAP_MAX); /* nothing else */
    CHECK_INT(syncs(), 0);

    REQUIRE_OK(op, vv_table_checkpoint(op, watch->fixture.table, &version, &cleaned));
    CHECK_INT(version, COMMITS + 2);
    REQUIRE(open_again(watch));
    CHECK_STR(watch_end(watch),
        with_gap(&op->arena,
            "get _last_checkpoint\nhead checkpoint 252\n"
            "head 253\nbeyond 253\n"
            "head 252\n"           /* it is there: the log was not cleaned up beyond it */
            "get checkpoint 252\n" /* the state */
            "get 252\n" /* its time and hash, which the next commit links to */));
}

static void check_looks_for_news(struct watch *watch)
{
    struct vv_op *op = &watch->fixture.op;
    struct vv_table *table = watch->fixture.table;
    watch_begin(watch);
    REQUIRE_OK(op, vv_table_refresh(op, table));
    CHECK_STR(watch_end(watch),
        with_gap(&op->arena,
            "get 253\n"  /* it is missing, */
            "head 252\n" /* and that is no log which was cleaned up behind our back, */
            "beyond 253\n" /* nor lost */));

    /* Others' commits are read once each, by name, up to the one that is not there. */
    REQUIRE(table_foreign_commit(&watch->fixture, ""));
    REQUIRE(table_foreign_commit(&watch->fixture, ""));
    watch_begin(watch);
    REQUIRE_OK(op, vv_table_refresh(op, table));
    CHECK_STR(watch_end(watch),
        with_gap(&op->arena,
            "get 253\nget 254\nget 255\nbeyond 255\n"
            "head 254\n" /* the time of a version that Varve did not make is its file's */));
    CHECK_INT(table->snapshot->version, 254);
}

/* One after the other on one table, which takes most of the time. */
TEST(store_calls, are_no_more_than_it_takes)
{
    struct watch watch = {.calls = VV_BUF_INIT(1 << 20)};
    REQUIRE(watch_open(&watch));
    check_upserts(&watch);
    check_batch_that_is_there(&watch);
    check_opening(&watch);
    check_looks_for_news(&watch);
    watch_close(&watch);
}
