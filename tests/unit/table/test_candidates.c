#include "table/read/candidates.h"

#include <math.h>
#include <stdio.h>

#include "harness/test.h"
#include "table/read/known_bounds.h"

/* The fields of add lines: a day, the bounds of ts and x, and who wrote it. */
#define DAY INT64_C(86400000000)
#define STATS(low, high, nulls)                                                          \
    "{\"numRecords\":5,\"minValues\":{\"ts\":\"" low "\"},\"maxValues\":{\"ts\":\"" high \
    "\"},\"nullCount\":{\"ts\":" nulls "}}"
#define X_STATS(low, high)                                                            \
    "{\"numRecords\":5,\"minValues\":{\"x\":" low "},\"maxValues\":{\"x\":" high "}," \
    "\"nullCount\":{\"x\":0}}"
#define NO_NAN "[\"x\"]"

struct fixture {
    struct vv_op op;
    struct vv_metadata metadata;
    struct vv_snapshot snapshot;
    struct vv_str partition;
    struct vv_pair property[2];
    struct vv_rules rules;
    struct vv_known_bounds known;
};

/* A table of ts, x, d, amount and date; ptr NULL where a property is absent. */
static bool start(struct fixture *fixture, const char *key, const char *partition,
    const char *from)
{
    struct vv_op *op = &fixture->op;
    *fixture = (struct fixture){.partition = vv_str_of(partition)};
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    vv_known_bounds_init(&fixture->known);
    fixture->property[0] = (struct vv_pair){VV_STR(VV_PROPERTY_KEY), vv_str_of(key)};
    fixture->property[1] =
        (struct vv_pair){VV_STR(VV_PROPERTY_PARTITION_FROM), vv_str_of(from)};
    fixture->metadata = (struct vv_metadata){.configuration = {fixture->property, 2},
        .partition_columns = &fixture->partition,
        .partition_columns_len = partition != NULL};
    fixture->snapshot.metadata = &fixture->metadata;
    return CHECK_OK(op, vv_schema_parse_ddl(op, &op->arena,
                            VV_STR("ts timestamp, x double, amount decimal(10,2), date date, "
                                   "s string"),
                            &fixture->snapshot.schema)) &&
           CHECK_OK(op,
               vv_rules_read(op, &op->arena, &fixture->snapshot, false, &fixture->rules));
}

static bool can_hold(struct fixture *fixture, const struct vv_file *file,
    const struct vv_key_group *group)
{
    bool hit = false;
    struct vv_candidates found = {0};
    const struct vv_file *files[] = {file};
    struct vv_op *op = &fixture->op;
    fixture->snapshot.files = files;
    fixture->snapshot.files_len = 1;
    CHECK_OK(op,
        vv_candidates_can_hold(op, file, &fixture->snapshot, &fixture->rules, group, 1, &hit));
    CHECK_OK(op, vv_candidates_find(op, &op->arena, &fixture->snapshot, &fixture->rules, group,
                     1, &found));
    CHECK_INT(found.files_len, hit); /* both ways of asking agree */
    const struct vv_key_groups groups = {group, 1};
    size_t known_before = fixture->known.by_key.len;
    for (int again = 0; again < 2; again++) {
        CHECK_OK(op, vv_candidates_find_known(op, &op->arena, &fixture->snapshot,
                         &fixture->rules, &groups, &fixture->known, &found));
        CHECK_INT(found.files_len, hit); /* and so does what is known */
        CHECK(again == 0 || fixture->known.hits == fixture->known.asked);
        CHECK(fixture->known.by_key.len <= known_before + 1);
    }
    return hit;
}

struct dated {
    const char *what, *date, *stats;
    bool by_varve, undated, hit;
};

/* The batch has ts from 10:00 to 11:00 of 2025-01-30, all of it under that date. */
static const struct dated dated[] = {
    {"ours, same date, no statistics", "2025-01-30", NULL, true, false, true},
    {"ours, another date", "2025-01-29", NULL, true, false, false},
    {"ours, another date, bounds that overlap", "2025-01-29",
        STATS("2025-01-30T09:00:00.000Z", "2025-01-30T12:00:00.000Z", "0"), true, false, false},
    {"ours with copies, another date, no statistics", "2025-01-29", NULL, true, true, true},
    {"ours with copies, bounds within their date", "2025-01-29",
        STATS("2025-01-29T09:00:00.000Z", "2025-01-29T12:00:00.000Z", "0"), true, true, false},
    {"theirs, another date, no statistics", "2025-01-29", NULL, false, false, true},
    {"theirs, wrong date by local time", "2025-01-29",
        STATS("2025-01-29T22:00:00.000Z", "2025-01-30T10:30:00.000Z", "0"), false, false, true},
    {"theirs, another date, within it", "2025-01-29",
        STATS("2025-01-29T00:00:00.000Z", "2025-01-29T23:59:59.999Z", "0"), false, false,
        false},
    {"theirs, same date, before", "2025-01-30",
        STATS("2025-01-30T08:00:00.000Z", "2025-01-30T09:00:00.000Z", "0"), false, false,
        false},
    {"theirs, same date, a maximum cut to milliseconds", "2025-01-30",
        STATS("2025-01-30T08:00:00.000Z", "2025-01-30T09:59:59.999Z", "0"), false, false, true},
    {"theirs, same date, begins later", "2025-01-30",
        STATS("2025-01-30T11:00:01.001Z", "2025-01-30T12:00:00.000Z", "0"), false, false,
        false},
    {"theirs, same date, a minimum that is late", "2025-01-30",
        STATS("2025-01-30T11:00:01.000Z", "2025-01-30T12:00:00.000Z", "0"), false, false, true},
    {"ours with copies, same date, a minimum that is not late", "2025-01-30",
        STATS("2025-01-30T11:00:01.000Z", "2025-01-30T12:00:00.000Z", "0"), true, false, false},
    {"theirs, no date at all", NULL, NULL, false, false, true},
    {"theirs, a date that is none", "soon", NULL, false, false, true},
};

TEST(candidates, are_found_under_any_date_unless_the_file_obeys)
{
    struct fixture fixture;
    REQUIRE(start(&fixture, "ts", "date", "date=ts"));
    /* One microsecond early, so that only the widened maximum of one case reaches it. */
    struct vv_value date = {.kind = VV_VALUE_INT, .integer = 20118};
    struct vv_value low = {.kind = VV_VALUE_INT, .integer = 20118 * DAY + 10 * (DAY / 24) - 1};
    struct vv_value high = {.kind = VV_VALUE_INT, .integer = 20118 * DAY + 11 * (DAY / 24)};
    bool has_null = false;
    struct vv_key_group group = {
        .partition = &date, .min = &low, .max = &high, .has_null = &has_null, .rows = 1};
    for (size_t i = 0; i < VV_COUNT(dated); i++) {
        struct vv_pair partition = {VV_STR("date"), vv_str_of(dated[i].date)};
        struct vv_pair tag = {VV_STR(VV_TAG_UNDATED), VV_STR("true")};
        struct vv_file file = {.key = VV_STR("f"),
            .partition_values = {&partition, 1},
            .tags = {&tag, dated[i].undated},
            .stats = vv_str_of(dated[i].stats),
            .by_varve = dated[i].by_varve};
        if (!CHECK_INT(can_hold(&fixture, &file, &group), dated[i].hit))
            printf("# %s\n", dated[i].what);
    }
    vv_known_bounds_done(&fixture.known);
    vv_op_done(&fixture.op);
}

/* Many files under few dates, which each have to get what their own date says. */
#define FILES 4000

TEST(candidates, of_many_files_cost_no_memory_but_for_their_places)
{
    static const char *const dates[] = {"2025-01-29", "2025-01-30", "", "2025-01-31"};
    static struct vv_pair partitions[FILES];
    static struct vv_file files[FILES];
    static const struct vv_file *pointers[FILES];
    struct fixture fixture;
    REQUIRE(start(&fixture, "ts", "date", "date=ts"));
    struct vv_value date = {.kind = VV_VALUE_INT, .integer = 20118};
    struct vv_value low = {.kind = VV_VALUE_INT, .integer = 20118 * DAY};
    struct vv_value high = {.kind = VV_VALUE_INT, .integer = 20118 * DAY + DAY / 24};
    bool has_null = false;
    const struct vv_key_group group = {
        .partition = &date, .min = &low, .max = &high, .has_null = &has_null, .rows = 1};
    for (size_t i = 0; i < FILES; i++) {
        partitions[i] = (struct vv_pair){VV_STR("date"), vv_str_of(dates[i % VV_COUNT(dates)])};
        files[i] = (struct vv_file){
            .key = VV_STR("f"), .partition_values = {&partitions[i], 1}, .by_varve = true};
        pointers[i] = &files[i];
    }
    fixture.snapshot.files = pointers;
    fixture.snapshot.files_len = FILES;
    struct vv_candidates found = {0};
    struct vv_arena arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
    struct vv_op *op = &fixture.op;
    CHECK_OK(op,
        vv_candidates_find(op, &arena, &fixture.snapshot, &fixture.rules, &group, 1, &found));
    CHECK_INT(found.files_len, FILES / VV_COUNT(dates));
    for (size_t i = 0; i < found.files_len; i++)
        CHECK(found.files[i] == pointers[i * VV_COUNT(dates) + 1]);
    date.integer = 20000; /* under which there is none, so that no statistics are read */
    size_t before = op->arena.bytes;
    CHECK_OK(op,
        vv_candidates_find(op, &arena, &fixture.snapshot, &fixture.rules, &group, 1, &found));
    CHECK_INT(found.files_len, 0);
    CHECK(op->arena.bytes - before < FILES); /* not a byte a file */
    vv_arena_done(&arena);
    vv_known_bounds_done(&fixture.known);
    vv_op_done(&fixture.op);
}

TEST(candidates, are_found_by_key_alone_where_partitions_say_nothing_of_it)
{
    struct fixture fixture;
    REQUIRE(start(&fixture, "ts", "s", NULL));
    struct vv_value s = {.kind = VV_VALUE_TEXT, .text = VV_STR("a")};
    struct vv_value ts = {.kind = VV_VALUE_INT, .integer = 20118 * DAY};
    bool has_null = false;
    struct vv_key_group group = {
        .partition = &s, .min = &ts, .max = &ts, .has_null = &has_null, .rows = 1};
    struct vv_pair partition = {VV_STR("s"), VV_STR("b")};
    struct vv_file file = {
        .key = VV_STR("f"), .partition_values = {&partition, 1}, .by_varve = true};
    CHECK(can_hold(&fixture, &file, &group));
    file.stats = VV_STR(STATS("2025-01-30T00:00:00.000Z", "2025-01-30T00:00:00.000Z", "0"));
    CHECK(can_hold(&fixture, &file, &group));
    file.stats = VV_STR(STATS("2025-01-30T00:00:00.001Z", "2025-01-31T00:00:00.000Z", "0"));
    CHECK(!can_hold(&fixture, &file, &group));
    vv_known_bounds_done(&fixture.known);
    vv_op_done(&fixture.op);
}

TEST(candidates, keep_files_whose_maximum_leaves_nan_out)
{
    static const struct {
        const char *stats, *no_nan;
        double low, high;
        bool hit;
    } cases[] = {
        {X_STATS("1.0", "2.0"), NULL, 3.0, 4.0, true},
        {X_STATS("1.0", "2.0"), NO_NAN, 3.0, 4.0, false},
        {X_STATS("1.0", "2.0"), NULL, 0.0, 0.5, false},
        {X_STATS("1.0", "2.0"), NULL, (double)NAN, (double)NAN, true},
        {X_STATS("1.0", "2.0"), NO_NAN, (double)NAN, (double)NAN, false},
        {X_STATS("0.0", "2.0"), NO_NAN, -1.0, -0.0, true},
        {X_STATS("-1.0", "-0.0"), NO_NAN, 0.0, 1.0, true},
        {X_STATS("1.0", "\"NaN\""), NULL, 3.0, 4.0, true},
        {X_STATS("\"one\"", "2.0"), NULL, 0.0, 0.5, true},
    };
    struct fixture fixture;
    REQUIRE(start(&fixture, "x", NULL, NULL));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_value low = {.kind = VV_VALUE_DOUBLE, .number = cases[i].low};
        struct vv_value high = {.kind = VV_VALUE_DOUBLE, .number = cases[i].high};
        bool has_null = false;
        struct vv_key_group group = {
            .min = &low, .max = &high, .has_null = &has_null, .rows = 1};
        struct vv_pair tag = {VV_STR(VV_TAG_NO_NAN), vv_str_of(cases[i].no_nan)};
        struct vv_file file = {.key = VV_STR("f"),
            .stats = vv_str_of(cases[i].stats),
            .tags = {&tag, 1},
            .by_varve = true};
        if (!CHECK_INT(can_hold(&fixture, &file, &group), cases[i].hit))
            printf("# case %zu\n", i);
    }
    vv_known_bounds_done(&fixture.known);
    vv_op_done(&fixture.op);
}

TEST(candidates, take_equal_partition_values_for_one)
{
    const struct {
        const char *column, *in_file;
        struct vv_value of_batch;
        bool hit;
    } cases[] = {
        {"x", "0.0", {.kind = VV_VALUE_DOUBLE, .number = -0.0}, true},
        {"x", "-0.0", {.kind = VV_VALUE_DOUBLE, .number = 0.0}, true},
        {"x", "NaN", {.kind = VV_VALUE_DOUBLE, .number = (double)NAN}, true},
        {"x", "NaN", {.kind = VV_VALUE_DOUBLE, .number = 1.0}, false},
        {"amount", "1.5", {.kind = VV_VALUE_DECIMAL, .text = VV_STR("1.50")}, true},
        {"amount", "-0", {.kind = VV_VALUE_DECIMAL, .text = VV_STR("0.00")}, true},
        {"amount", "1.51", {.kind = VV_VALUE_DECIMAL, .text = VV_STR("1.50")}, false},
        {"s", "a", {.kind = VV_VALUE_TEXT, .text = VV_STR("a")}, true},
        {"s", "a", {.kind = VV_VALUE_TEXT, .text = VV_STR("A")}, false},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct fixture fixture;
        REQUIRE(start(&fixture, cases[i].column, cases[i].column, NULL));
        struct vv_value value = cases[i].of_batch;
        bool has_null = false;
        struct vv_key_group group = {.partition = &value,
            .min = &value,
            .max = &value,
            .has_null = &has_null,
            .rows = 1};
        struct vv_pair partition = {vv_str_of(cases[i].column), vv_str_of(cases[i].in_file)};
        struct vv_file file = {
            .key = VV_STR("f"), .partition_values = {&partition, 1}, .by_varve = true};
        if (!CHECK_INT(can_hold(&fixture, &file, &group), cases[i].hit))
            printf("# case %zu\n", i);
        vv_known_bounds_done(&fixture.known);
        vv_op_done(&fixture.op);
    }
}

TEST(candidates, with_null_in_the_key_need_a_file_that_may_have_one)
{
    struct fixture fixture;
    REQUIRE(start(&fixture, "ts", NULL, NULL));
    struct vv_value null = {.kind = VV_VALUE_NULL};
    bool has_null = true;
    struct vv_key_group group = {.min = &null, .max = &null, .has_null = &has_null, .rows = 1};
    struct vv_file file = {.key = VV_STR("f")};
    CHECK(can_hold(&fixture, &file, &group));
    file.stats = VV_STR(STATS("2025-01-30T00:00:00.000Z", "2025-01-30T00:00:00.000Z", "0"));
    CHECK(!can_hold(&fixture, &file, &group));
    file.stats = VV_STR(STATS("2025-01-30T00:00:00.000Z", "2025-01-30T00:00:00.000Z", "1"));
    CHECK(can_hold(&fixture, &file, &group));
    vv_known_bounds_done(&fixture.known);
    vv_op_done(&fixture.op);
}
