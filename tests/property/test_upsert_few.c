/*
 * One small input is compared in memory, several go through tables and are compared by a
 * statement: two tables get the same batches, one of them each way, and must stay the same, and so
 * must what is said of each batch. Columns of all types that are compared in memory, and of one
 * that is not; columns that come later; other names in the files; partitions; deletion vectors.
 */
#include <math.h>

#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "harness/prop.h"
#include "table/alter/alter.h"

#ifdef VV_ARENA_DEBUG
#define SEEDS 6
#else
#define SEEDS 24
#endif
#define STEPS 6
#define ROWS_MAX 12

static const char *const schemas[] = {
    "k int not null, b boolean, y byte, h smallint, l bigint, f float, d double, s string, t "
    "date, "
    "z timestamp, n timestamp_ntz, p string, o timestamp",
    "k int not null, b boolean, y byte, h smallint, l bigint, f float, d double, s string, t "
    "date, "
    "z timestamp, n timestamp_ntz, p string, o bigint",
    "k int not null, b boolean, y byte, h smallint, l bigint, f float, d double, s string, t "
    "date, "
    "z timestamp, n timestamp_ntz, p string, m decimal(9,2), o int",
};
static const char *const partitions[] = {NULL, "p", "t", "f", "b,p", "d"};
static const char *const keys[] = {"k", "k,d", "s,k", "f,k", "k,b", "z,k"};

struct twins {
    struct prop *prop;
    struct table_fixture few, many;
    struct vv_session *session;
    size_t columns_added;
    bool is_widened;
    bool has_key[26]; /* by letter: such a column may not be NULL */
};

static void add_text(struct twins *twins, const char *name, struct vv_buf *out)
{
    static const char *const texts[] = {
        "", "a", "A", "a ", "\xc3\xa9", "quite a long text, that is"};
    vv_buf_addf(out, ",\"%s\":\"%s\"", name, texts[prop_choose(twins->prop, VV_COUNT(texts))]);
}

static void add_number(struct twins *twins, const char *name, const char *const *values,
    size_t len, struct vv_buf *out)
{
    vv_buf_addf(out, ",\"%s\":%s", name, values[prop_choose(twins->prop, len)]);
}

/* Few values each, so that rows are often equal but for one column, or in all. */
static void add_column(struct twins *twins, char letter, struct vv_buf *out)
{
    static const char *const bools[] = {"true", "false"};
    static const char *const bytes[] = {"-128", "0", "127"};
    static const char *const shorts[] = {"-32768", "1", "32767"};
    static const char *const longs[] = {
        "-9223372036854775808", "0", "9007199254740993", "9007199254740992"};
    static const char *const floats[] = {
        "0.0", "-0.0", "1.5", "\"NaN\"", "\"Infinity\"", "0.1"};
    static const char *const dates[] = {"\"2025-01-30\"", "\"0001-01-01\"", "\"2025-01-31\""};
    static const char *const times[] = {"\"2025-01-30T10:00:00Z\"",
        "\"2025-01-30T10:00:00.000001Z\"", "\"1969-12-31T23:59:59Z\""};
    static const char *const naive[] = {"\"2025-01-30T10:00:00\"", "\"1969-12-31T23:59:59\""};
    static const char *const decimals[] = {"1.10", "1.1", "-3.05"};
    const char name[] = {letter, '\0'};
    if (!twins->has_key[letter - 'a'] && prop_chance(twins->prop, 15)) {
        if (prop_chance(twins->prop, 50))
            vv_buf_addf(out, ",\"%s\":null", name);
        return;
    }
    switch (letter) {
    case 'b':
        add_number(twins, name, bools, VV_COUNT(bools), out);
        break;
    case 'y':
    case 'u':
        add_number(twins, name, bytes, VV_COUNT(bytes), out);
        break;
    case 'h':
        add_number(twins, name, shorts, VV_COUNT(shorts), out);
        break;
    case 'l':
        add_number(twins, name, longs, VV_COUNT(longs), out);
        break;
    case 'f':
    case 'd':
        add_number(twins, name, floats, VV_COUNT(floats), out);
        break;
    case 't':
        add_number(twins, name, dates, VV_COUNT(dates), out);
        break;
    case 'z':
        add_number(twins, name, times, VV_COUNT(times), out);
        break;
    case 'n':
        add_number(twins, name, naive, VV_COUNT(naive), out);
        break;
    case 'm':
        add_number(twins, name, decimals, VV_COUNT(decimals), out);
        break;
    default:
        add_text(twins, name, out);
        break;
    }
}

static void add_order(struct twins *twins, bool is_time, struct vv_buf *out)
{
    char text[32];
    int64_t us = NOW_US + prop_int(twins->prop, -3, 3);
    if (prop_chance(twins->prop, 40))
        return;
    (void)vv_time_format_us(us, text);
    if (is_time)
        vv_buf_addf(out, ",\"o\":\"%s\"", text);
    else
        vv_buf_addf(out, ",\"o\":%d", (int)prop_int(twins->prop, -2, 2));
}

/* Many rows have the same values over and over, or all but one. */
static void add_rows(struct twins *twins, const char *letters, bool order_is_time,
    struct vv_buf *out)
{
    size_t len = 1 + prop_choose(twins->prop, ROWS_MAX);
    struct prop steady = {7};
    for (size_t i = 0; i < len; i++) {
        bool is_steady = prop_chance(twins->prop, 60);
        struct prop *own = twins->prop;
        size_t other = prop_choose(own, 2 * strlen(letters)); /* of a steady row, one column */
        vv_buf_addf(out, "{\"k\":%d", (int)prop_choose(own, 5));
        steady.state = 7;
        for (size_t at = 0; letters[at] != '\0'; at++) {
            twins->prop = is_steady && at != other ? &steady : own;
            add_column(twins, letters[at], out);
        }
        twins->prop = own;
        for (size_t column = 0; column < twins->columns_added; column++)
            if (prop_chance(own, 70))
                vv_buf_addf(out, ",\"x%zu\":%d", column, (int)prop_choose(own, 2));
        add_order(twins, order_is_time, out);
        vv_buf_adds(out, "}\n");
    }
}

static bool upsert(struct table_fixture *fixture, const struct vv_input *inputs, size_t len,
    struct vv_upsert_result *out)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_upsert_options options = {.batch = {.dedupe = true, .evolve = true}};
    vv_op_init(&op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(&op, vv_upsert(&op, fixture->table, inputs, len, &options, out));
}

static bool same_results(const struct vv_upsert_result *a, const struct vv_upsert_result *b)
{
    bool same = CHECK_INT(a->inserted, b->inserted);
    same = CHECK_INT(a->updated, b->updated) && same;
    same = CHECK_INT(a->unchanged, b->unchanged) && same;
    same = CHECK_INT(a->stale, b->stale) && same;
    same = CHECK_INT(a->repaired, b->repaired) && same;
    return CHECK_INT(a->version, b->version) && same;
}

static bool add_select(struct table_fixture *fixture, struct vv_buf *sql)
{
    struct vv_op *op = &fixture->op;
    if (!CHECK_OK(op, vv_table_refresh(op, fixture->table)))
        return false;
    const struct vv_snapshot *snapshot = fixture->table->snapshot;
    const struct vv_scan_source source = {.store = fixture->table->store,
        .engine = fixture->engine,
        .snapshot = snapshot,
        .files = snapshot->files,
        .files_len = snapshot->files_len};
    vv_buf_addc(sql, '(');
    bool is_made = CHECK_OK(op, vv_scan_sql(op, &source, sql));
    vv_buf_addc(sql, ')');
    return is_made;
}

/* In one way and back: EXCEPT takes NaN for NaN, and -0.0 for 0.0, as everything here does. */
static bool same_rows(struct twins *twins)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf few = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf many = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_op *op = &twins->few.op;
    int64_t others = -1;
    if (!add_select(&twins->few, &few) || !add_select(&twins->many, &many))
        return false;
    vv_buf_addf(&sql,
        "SELECT count(*) FROM ((%.*s EXCEPT ALL %.*s) UNION ALL (%.*s EXCEPT ALL %.*s))",
        VV_ARG(vv_buf_str(&few)), VV_ARG(vv_buf_str(&many)), VV_ARG(vv_buf_str(&many)),
        VV_ARG(vv_buf_str(&few)));
    return CHECK_OK(op, vv_session_int64(op, twins->session, vv_buf_str(&sql), &others)) &&
           CHECK_INT(others, 0);
}

/* A file of another writer with the rows of the newest version, so that keys are there twice. */
static bool plant(struct table_fixture *fixture, int step)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    char key[32];
    vv_buf_adds(&sql, "SELECT * REPLACE (CASE WHEN k = 2 THEN NULL ELSE l END AS l) FROM ");
    if (!add_select(fixture, &sql))
        return false;
    (void)snprintf(key, sizeof(key), "twice-%d.parquet", step);
    int64_t bytes = table_foreign_file(fixture, key, vv_buf_str(&sql).ptr);
    struct vv_str line = vv_arena_format(&fixture->op.arena,
        "{\"add\":{\"path\":\"%s\",\"size\":%" PRId64
        ",\"modificationTime\":5,\"dataChange\":true,\"partitionValues\":{}}}\n",
        key, bytes);
    return bytes >= 0 && table_foreign_commit(fixture, line.ptr);
}

static bool alter(struct table_fixture *fixture, enum vv_alter_kind kind, const char *name,
    const char *text)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_alter_request request = {
        .kind = kind, .name = vv_str_of(name), .text = vv_str_of(text), .upgrade = true};
    struct vv_alter_result result = {0};
    vv_op_init(&op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    bool is_done = CHECK_OK(&op, vv_alter(&op, fixture->table, &request, &result)) &&
                   CHECK(result.is_changed);
    vv_alter_result_done(&result);
    return is_done;
}

/* From here on the files have another name for a column, or a narrower type. */
static bool change(struct twins *twins, char *letters)
{
    char *renamed = strchr(letters, 'y');
    if (prop_chance(twins->prop, 25) && renamed != NULL) {
        *renamed = 'u';
        return alter(&twins->few, VV_ALTER_RENAME_COLUMN, "y", "u") &&
               alter(&twins->many, VV_ALTER_RENAME_COLUMN, "y", "u");
    }
    if (prop_chance(twins->prop, 10) && !twins->is_widened) {
        twins->is_widened = true;
        return alter(&twins->few, VV_ALTER_WIDEN, "h", "int") &&
               alter(&twins->many, VV_ALTER_WIDEN, "h", "int");
    }
    return true;
}

static bool step(struct twins *twins, const char *letters, bool order_is_time)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_upsert_result few = {0}, many = {0};
    struct vv_input inputs[2];
    if (prop_chance(twins->prop, 15))
        twins->columns_added++;
    add_rows(twins, letters, order_is_time, &text);
    return table_input(VV_INPUT_NDJSON, "rows", vv_buf_str(&text), &inputs[0]) &&
           table_input(VV_INPUT_NDJSON, "none", VV_STR(""), &inputs[1]) &&
           upsert(&twins->few, inputs, 1, &few) && upsert(&twins->many, inputs, 2, &many) &&
           same_results(&few, &many) && same_rows(twins);
}

static bool run_twins(struct twins *twins, struct vv_engine *engine, size_t seed)
{
    size_t kind = seed % VV_COUNT(schemas);
    const struct vv_pair vectors = {VV_STR("delta.enableDeletionVectors"),
        prop_chance(twins->prop, 50) ? VV_STR("true") : VV_STR("false")};
    const struct table_words words = {.schema = schemas[kind],
        .properties = &vectors,
        .properties_len = 1,
        .partition_by = partitions[prop_choose(twins->prop, VV_COUNT(partitions))],
        .key = keys[prop_choose(twins->prop, VV_COUNT(keys))],
        .order_by = prop_chance(twins->prop, 80) ? "o" : NULL};
    char letters[] = "byhlfdstznpm";
    if (kind != 2)
        letters[strlen(letters) - 1] = '\0';
    for (const char *letter = words.key; *letter != '\0'; letter++)
        if (*letter != ',')
            twins->has_key[*letter - 'a'] = true;
    bool good =
        table_fixture_open(&twins->few, engine, &words) &&
        table_fixture_open(&twins->many, engine, &words) &&
        CHECK_OK(&twins->few.op, vv_session_open(&twins->few.op, engine, &twins->session));
    for (int i = 0; good && i < STEPS; i++) {
        test_clock_add(&twins->few.clock, i);
        test_clock_add(&twins->many.clock, i);
        if (i > 0)
            good = change(twins, letters);
        bool can_plant = words.partition_by == NULL && strchr(letters, 'y') != NULL;
        if (good && can_plant && i > 0 && prop_chance(twins->prop, 30))
            good = plant(&twins->few, i) && plant(&twins->many, i);
        good = good && step(twins, letters, kind == 0);
    }
    if (!good)
        printf("# seed %zu, key %s, partitioned by %s, vectors %s\n", seed, words.key,
            words.partition_by != NULL ? words.partition_by : "nothing", vectors.value.ptr);
    vv_session_close(&twins->session);
    table_fixture_close(&twins->few);
    table_fixture_close(&twins->many);
    return good;
}

TEST_SECONDS(upsert_few, in_memory_and_by_a_statement_are_the_same, 300)
{
    const struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op op;
    struct prop seeds = prop_start();
    bool good = true;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    for (size_t i = 0; good && i < SEEDS; i++) {
        struct prop prop = {prop_u64(&seeds)};
        struct twins twins = {.prop = &prop};
        good = run_twins(&twins, engine, i);
    }
    vv_engine_close(&engine);
    vv_op_done(&op);
}

/* What the log has on record of a file is held against it before its rows are believed. */
TEST(upsert_few, a_file_that_was_altered_is_refused)
{
    const struct table_words words = {.schema = "k int not null, s string", .key = "k"};
    struct table_fixture fixture;
    struct vv_upsert_result result;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    struct vv_op *op = &fixture.op;
    REQUIRE(table_upsert(&fixture, "{\"k\":1,\"s\":\"before\"}\n", &result));
    REQUIRE(table_upsert(&fixture, "{\"k\":1,\"s\":\"before\"}\n", &result));
    CHECK_INT(result.unchanged, 1);
    struct vv_str key = fixture.table->snapshot->files[0]->key;
    struct vv_str bytes = VV_STR_NONE;
    REQUIRE_OK(op, vv_store_get(op, fixture.table->store, &op->arena, key, &bytes));
    VV_CLEANUP(vv_buf_done) struct vv_buf other = VV_BUF_INIT(VV_BUF_MAX);
    const char *found = memmem(bytes.ptr, bytes.len, "before", strlen("before"));
    REQUIRE(found != NULL);
    size_t at = (size_t)(found - bytes.ptr);
    vv_buf_add(&other, vv_str_first(bytes, at));
    vv_buf_adds(&other, "BEFORE");
    vv_buf_add(&other, vv_str_skip(bytes, at + strlen("before")));
    REQUIRE_OK(op, vv_store_remove(op, fixture.table->store, key));
    REQUIRE(table_foreign_bytes(&fixture, vv_arena_str(&op->arena, key).ptr,
        vv_buf_str(&other)));
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_input input;
    REQUIRE(table_input(VV_INPUT_NDJSON, "rows", VV_STR("{\"k\":1,\"s\":\"after\"}\n"),
        &input));
    CHECK_INT(vv_upsert(op, fixture.table, &input, 1, &options, &result), VARVE_ECORRUPT);
    CHECK(strstr(op->error.message, "SHA-256") != NULL);
    vv_forgive(op);
    table_fixture_close(&fixture);
}
