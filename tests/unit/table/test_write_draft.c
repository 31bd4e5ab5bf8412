/*
 * Rows that lie in memory as they are to lie in their files are written by a statement that stays
 * prepared, under the one name of its draft. The same rows from two inputs go through tables, and
 * through statements that are planned for each file: the files must be the same, byte by byte.
 */
#include "base/time.h"
#include "delta/stats.h"
#include "harness/prop.h"
#include "table_fixture.h"

#define ROWS 300
#define ROUNDS 6
#define VECTORS "delta.enableDeletionVectors"
#define DAY_US INT64_C(86400000000)

static const struct table_words dated = {
    .schema = "ts timestamp not null, s string not null, date date, d double, f float, "
              "m decimal(12,3), b boolean, x binary, a array<int>, o struct<p:int,q:string>, "
              "i int, l bigint, v bigint",
    .partition_by = "date",
    .key = "ts,s",
    .order_by = "v",
    .partition_from_date = "ts"};

static const struct table_words loose = {.schema = "k bigint not null, p string, d double, "
                                                   "v bigint",
    .partition_by = "p",
    .key = "k",
    .order_by = "v"};

static const struct vv_pair vectors[] = {{{VECTORS, sizeof(VECTORS) - 1}, {"true", 4}}};

static const char *one_of(struct prop *prop, const char *const *texts, size_t len)
{
    return texts[prop_choose(prop, len)];
}
#define ONE_OF(prop, texts) one_of(prop, texts, VV_COUNT(texts))

/* Values that files and statistics have a way of their own with; now and then none. */
static void add_values(struct vv_buf *out, struct prop *prop)
{
    static const char *const doubles[] = {
        "\"NaN\"", "-0.0", "0.0", "1.5", "-3e300", "null", "\"Infinity\""};
    static const char *const floats[] = {"\"NaN\"", "-0.0", "0.0", "1.5", "-3e30", "null"};
    static const char *const texts[] = {"\"\"", "\"\xc3\xa4\"", "\"plain\"", "null"};
    vv_buf_addf(out, ",\"d\":%s,\"f\":%s,\"l\":null", ONE_OF(prop, doubles),
        ONE_OF(prop, floats));
    vv_buf_addf(out, ",\"m\":\"%zu.125\",\"b\":%s,\"x\":\"AAEC\"", prop_choose(prop, 1000),
        prop_chance(prop, 50) ? "true" : "null");
    vv_buf_addf(out, ",\"a\":[%zu,null],\"o\":{\"p\":%zu,\"q\":%s},\"i\":%zu",
        prop_choose(prop, 9), prop_choose(prop, 9), ONE_OF(prop, texts),
        prop_choose(prop, 100));
}

/* Row `number` of a batch of the round; a third of a later one corrects rows of the one before. */
static void add_row(struct vv_buf *out, struct prop *prop, const struct table_words *words,
    int64_t round, int64_t number)
{
    static const char *const parts[] = {"\"a\"", "\"b=/ c\"", "null"};
    int64_t id = round * ROWS * 2 / 3 + number;
    if (words == &loose) {
        vv_buf_addf(out, "{\"k\":%" PRId64 ",\"p\":%s,\"d\":%zu.5", id,
            parts[id * 3 / ROWS % 3], prop_choose(prop, 9));
    } else {
        char time[32];
        int64_t us = NOW_US + number * 3 / ROWS * DAY_US + id * 1000001;
        size_t len = vv_time_format_us(us, time);
        vv_buf_addf(out, "{\"ts\":\"%.*s\",\"s\":\"s%02d\"", (int)len, time, (int)(id % 7));
        add_values(out, prop);
    }
    vv_buf_addf(out, ",\"v\":%" PRId64 "}\n", round);
}

/* The lines of a batch as two inputs: in order, backwards, or in none. */
static void make_batch(struct prop *prop, const struct table_words *words, int64_t round,
    struct vv_buf halves[2])
{
    int64_t numbers[ROWS];
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i] = round % 3 == 1 ? ROWS - 1 - i : i;
    if (round % 3 == 2)
        prop_shuffle(prop, numbers, ROWS, sizeof(numbers[0]));
    vv_buf_clear(&halves[0]);
    vv_buf_clear(&halves[1]);
    for (size_t i = 0; i < ROWS; i++)
        add_row(&halves[i >= ROWS / 2], prop, words, round, numbers[i]);
}

static bool upsert(struct table_fixture *fixture, const struct vv_buf halves[2], bool as_one,
    struct vv_upsert_result *out)
{
    struct vv_op *op = &fixture->op;
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_input inputs[2];
    struct vv_str first = vv_buf_str(&halves[0]);
    struct vv_str second = vv_buf_str(&halves[1]);
    struct vv_str all = vv_arena_format(&op->arena, "%.*s%.*s", VV_ARG(first), VV_ARG(second));
    bool is_there = table_input(VV_INPUT_NDJSON, as_one ? "all" : "first", as_one ? all : first,
                        &inputs[0]) &&
                    table_input(VV_INPUT_NDJSON, "second", second, &inputs[1]);
    return is_there &&
           CHECK_OK(op, vv_upsert(op, fixture->table, inputs, as_one ? 1 : 2, &options, out));
}

static struct vv_str tag_of(const struct vv_file *file)
{
    return vv_pairs_get(&file->tags, VV_STR(VV_TAG_SHA256));
}

static const struct vv_file *twin_of(const struct vv_file *file,
    const struct vv_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->files_len; i++)
        if (vv_str_eq(tag_of(snapshot->files[i]), tag_of(file)))
            return snapshot->files[i];
    return NULL;
}

static bool same_files(const struct vv_snapshot *a, const struct vv_snapshot *b)
{
    bool is_same = CHECK_INT(a->files_len, b->files_len);
    for (size_t i = 0; i < a->files_len && is_same; i++) {
        const struct vv_file *file = a->files[i];
        const struct vv_file *twin = twin_of(file, b);
        is_same = CHECK(twin != NULL) && CHECK(vv_str_eq(file->stats, twin->stats)) &&
                  CHECK_INT(file->bytes, twin->bytes) &&
                  CHECK_INT(file->tags.len, twin->tags.len) &&
                  CHECK(vv_str_eq(file->partition_values.items[0].value,
                      twin->partition_values.items[0].value)) &&
                  CHECK_INT(file->dv != NULL ? file->dv->cardinality : 0,
                      twin->dv != NULL ? twin->dv->cardinality : 0);
    }
    return is_same;
}

static void same_by_both(const struct table_words *words, bool has_vectors)
{
    struct prop prop = prop_start();
    struct table_words as = *words;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    as.properties = vectors;
    as.properties_len = has_vectors ? 1 : 0;
    const struct vv_engine_options options = {.threads = 2}; /* files by one, or by each */
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = NULL;
    VV_CLEANUP(table_fixture_close) struct table_fixture one = {.table = NULL};
    VV_CLEANUP(table_fixture_close) struct table_fixture two = {.table = NULL};
    VV_CLEANUP(vv_buf_done) struct vv_buf first = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf second = VV_BUF_INIT(VV_BUF_MAX);
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    REQUIRE(table_fixture_open(&one, engine, &as));
    REQUIRE(table_fixture_open(&two, engine, &as));
    for (int64_t round = 0; round < ROUNDS; round++) {
        struct vv_upsert_result of_one;
        struct vv_upsert_result of_two;
        struct vv_buf halves[2] = {first, second};
        make_batch(&prop, words, round, halves);
        REQUIRE(upsert(&one, halves, true, &of_one) && upsert(&two, halves, false, &of_two));
        first = halves[0];
        second = halves[1];
        CHECK_INT(of_one.inserted, of_two.inserted);
        CHECK_INT(of_one.updated, of_two.updated);
        CHECK_INT(of_one.updated > 0, round > 0 && words == &loose);
        REQUIRE(same_files(one.table->snapshot, two.table->snapshot));
        REQUIRE(one.table->work != NULL);
        CHECK(one.table->work->draft.key[0] != '\0');
    }
}

TEST(write_draft, files_are_the_same_as_by_a_statement_of_their_own)
{
    same_by_both(&dated, false);
}

TEST(write_draft, files_beside_deletion_vectors_are_the_same)
{
    same_by_both(&loose, true);
}

TEST(write_draft, rewritten_files_are_the_same)
{
    same_by_both(&loose, false);
}
