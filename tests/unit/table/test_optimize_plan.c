#include "table/maintain/optimize_plan.h"

#include <stdio.h>

#include "harness/test.h"
#include "table/read/candidates.h"

#define FILES_MAX 16

struct fixture {
    struct vv_op op;
    struct vv_metadata metadata;
    struct vv_snapshot snapshot;
    struct vv_str partition;
    struct vv_pair property[2];
    struct vv_rules rules;
    struct vv_file files[FILES_MAX];
    struct vv_pair values[FILES_MAX];
    struct vv_pair tags[FILES_MAX];
    struct vv_deletion_vector dv;
    const struct vv_file *list[FILES_MAX];
    size_t len;
};

static bool start(struct fixture *fixture)
{
    struct vv_op *op = &fixture->op;
    *fixture = (struct fixture){.partition = VV_STR("date"), .dv = {.cardinality = 2}};
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    fixture->property[0] = (struct vv_pair){VV_STR(VV_PROPERTY_KEY), VV_STR("x")};
    fixture->property[1] =
        (struct vv_pair){VV_STR(VV_PROPERTY_PARTITION_FROM), VV_STR("date=ts")};
    fixture->metadata = (struct vv_metadata){.configuration = {fixture->property, 2},
        .partition_columns = &fixture->partition,
        .partition_columns_len = 1};
    fixture->snapshot.metadata = &fixture->metadata;
    return CHECK_OK(op,
               vv_schema_parse_ddl(op, &op->arena, VV_STR("ts timestamp, x int, date date"),
                   &fixture->snapshot.schema)) &&
           CHECK_OK(op,
               vv_rules_read(op, &op->arena, &fixture->snapshot, false, &fixture->rules));
}

/* A file of ten rows with x from `least` on; `tag` NULL: none. */
static struct vv_file *add(struct fixture *fixture, const char *date, int64_t bytes, int least,
    const char *tag, const char *value)
{
    size_t i = fixture->len++;
    struct vv_arena *arena = &fixture->op.arena;
    fixture->values[i] = (struct vv_pair){VV_STR("date"), vv_str_of(date)};
    fixture->tags[i] = (struct vv_pair){vv_str_of(tag), vv_str_of(value)};
    fixture->files[i] = (struct vv_file){.path = vv_arena_format(arena, "f%zu", i),
        .key = vv_arena_format(arena, "f%zu", i),
        .partition_values = {&fixture->values[i], 1},
        .bytes = bytes,
        .stats = vv_arena_format(arena,
            "{\"numRecords\":10,\"minValues\":{\"x\":%d},\"maxValues\":{\"x\":%d}}", least,
            least + 9),
        .tags = {&fixture->tags[i], tag != NULL},
        .by_varve = true};
    fixture->list[i] = &fixture->files[i];
    return &fixture->files[i];
}

static void plan(struct fixture *fixture, const char *zorder, struct vv_optimize_plan *out)
{
    struct vv_op *op = &fixture->op;
    const struct vv_optimize_spec spec = {.target_bytes = 100,
        .zorder = vv_str_of(zorder),
        .sort_column = 1,
        .files = fixture->list,
        .files_len = fixture->len};
    *out = (struct vv_optimize_plan){0};
    CHECK_OK(op,
        vv_optimize_plan(op, &op->arena, &fixture->snapshot, &fixture->rules, &spec, out));
}

/* "f2 f0 | f1": the files of each bin. */
static struct vv_str bins_text(struct fixture *fixture, const struct vv_optimize_plan *plan)
{
    struct vv_str text = VV_STR("");
    for (size_t i = 0; i < plan->bins_len; i++)
        for (size_t f = 0; f < plan->bins[i].files_len; f++)
            text = vv_arena_format(&fixture->op.arena, "%.*s%s%.*s", VV_ARG(text),
                text.len == 0 ? "" : (f == 0 ? " | " : " "),
                VV_ARG(plan->bins[i].files[f]->path));
    return text;
}

TEST(optimize_plan, packs_neighbours_up_to_the_target_partition_by_partition)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-31", 30, 50, NULL, NULL);
    add(&fixture, "2025-01-30", 40, 30, NULL, NULL);
    add(&fixture, "2025-01-30", 40, 10, NULL, NULL);
    add(&fixture, "2025-01-30", 40, 20, NULL, NULL);
    add(&fixture, "2025-01-30", 30, 40, NULL, NULL);
    add(&fixture, "2025-01-30", 100, 35, NULL, NULL); /* of the target's size: left */
    plan(&fixture, "", &out);
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f2 f3 | f1 f4"));
    CHECK_INT(out.bytes, 150);
    CHECK_INT(out.bins[0].rows, 20);
    CHECK(!out.bins[0].is_undated);
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, does_not_pack_what_it_packed_among_itself)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-30", 40, 10, VV_TAG_PACKED, "100");
    add(&fixture, "2025-01-30", 40, 20, VV_TAG_PACKED, "100");
    plan(&fixture, "", &out);
    CHECK_INT(out.bins_len, 0);
    add(&fixture, "2025-01-30", 10, 30, VV_TAG_PACKED, "99"); /* for another target */
    plan(&fixture, "", &out);
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f0 f1 f2"));
    vv_op_done(&fixture.op);
}

/* A size of 100 makes everything below 50 one tier. */
TEST(optimize_plan, takes_enough_loose_files_of_one_tier)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    struct vv_optimize_spec spec = {.target_bytes = 100, .tier_files = 3, .sort_column = 1};
    struct vv_op *op = &fixture.op;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-30", 10, 30, NULL, NULL);
    add(&fixture, "2025-01-30", 50, 0, NULL, NULL); /* full */
    add(&fixture, "2025-01-30", 10, 10, NULL, NULL);
    add(&fixture, "2025-01-30", 10, 20, VV_TAG_PACKED, "7"); /* laid out, whatever for */
    add(&fixture, "2025-01-31", 10, 20, NULL, NULL);         /* of another partition */
    spec.files = fixture.list;
    spec.files_len = fixture.len;
    CHECK_OK(op,
        vv_optimize_plan(op, &op->arena, &fixture.snapshot, &fixture.rules, &spec, &out));
    CHECK_INT(out.bins_len, 0);
    add(&fixture, "2025-01-30", 10, 40, NULL, NULL);
    add(&fixture, "2025-01-30", 60, 50, VV_TAG_ZORDER, "x")->dv = &fixture.dv;
    fixture.files[1].dv = &fixture.dv;
    fixture.dv.cardinality = 3; /* of both: many enough */
    spec.files_len = fixture.len;
    CHECK_OK(op,
        vv_optimize_plan(op, &op->arena, &fixture.snapshot, &fixture.rules, &spec, &out));
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f2 f0 f5 | f1 | f6"));
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, tiers_leave_what_another_engine_has_clustered)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    struct vv_optimize_spec spec = {.target_bytes = 100, .tier_files = 3, .sort_column = 1};
    struct vv_op *op = &fixture.op;
    REQUIRE(start(&fixture));
    for (int i = 0; i < 3; i++)
        add(&fixture, "2025-01-30", 10, i, NULL, NULL)->clustering_provider = VV_STR("liquid");
    fixture.files[0].dv = &fixture.dv;
    fixture.dv.cardinality = 9; /* of ten */
    spec.files = fixture.list;
    spec.files_len = fixture.len;
    CHECK_OK(op,
        vv_optimize_plan(op, &op->arena, &fixture.snapshot, &fixture.rules, &spec, &out));
    CHECK_INT(out.bins_len, 0);
    for (int i = 0; i < 3; i++)
        fixture.files[i].clustering_provider = VV_STR("varve");
    CHECK_OK(op,
        vv_optimize_plan(op, &op->arena, &fixture.snapshot, &fixture.rules, &spec, &out));
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f0 f1 f2"));
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, a_deletion_vector_is_worth_a_bin_of_one_file)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-30", 500, 10, VV_TAG_PACKED, "100")->dv = &fixture.dv;
    add(&fixture, "2025-01-30", 500, 10, NULL, NULL);
    plan(&fixture, "", &out);
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f0"));
    CHECK_INT(out.bins[0].rows, 8);
    CHECK_INT(out.bins[0].vectors, 1);
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, one_file_of_others_makes_a_bin_undated)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-30", 10, 10, NULL, NULL);
    add(&fixture, "2025-01-30", 10, 10, NULL, NULL)->by_varve = false;
    plan(&fixture, "", &out);
    REQUIRE(out.bins_len == 1);
    CHECK(out.bins[0].is_undated);
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, a_partition_that_is_clustered_whole_is_left_alone)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-30", 90, 10, VV_TAG_ZORDER, "x,ts");
    add(&fixture, "2025-01-30", 90, 10, VV_TAG_ZORDER, "x,ts");
    plan(&fixture, "x,ts", &out);
    CHECK_INT(out.bins_len, 0);
    plan(&fixture, "ts,x", &out);
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f0 f1"));
    add(&fixture, "2025-01-30", 5, 10, NULL, NULL);
    plan(&fixture, "x,ts", &out);
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f0 f1 f2"));
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, what_was_clustered_long_ago_is_not_written_anew)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    REQUIRE(start(&fixture));
    add(&fixture, "2025-01-30", 100 * VV_CUBE_FILES, 10, VV_TAG_ZORDER, "x");
    add(&fixture, "2025-01-30", 50, 10, NULL, NULL);
    plan(&fixture, "x", &out);
    CHECK_STR(bins_text(&fixture, &out), VV_STR("f1"));
    vv_op_done(&fixture.op);
}

TEST(optimize_plan, a_partition_value_that_is_none_names_the_file)
{
    struct fixture fixture;
    struct vv_optimize_plan out;
    const struct vv_optimize_spec spec = {
        .target_bytes = 100, .sort_column = -1, .files = fixture.list, .files_len = 1};
    REQUIRE(start(&fixture));
    add(&fixture, "soon", 10, 10, NULL, NULL);
    CHECK_INT(vv_optimize_plan(&fixture.op, &fixture.op.arena, &fixture.snapshot,
                  &fixture.rules, &spec, &out),
        VARVE_ECORRUPT);
    CHECK(strstr(fixture.op.error.message, "f0") != NULL);
    vv_forgive(&fixture.op);
    vv_op_done(&fixture.op);
}
