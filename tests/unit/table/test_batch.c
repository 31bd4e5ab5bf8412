#include "table/batch/batch.h"

#include <stdio.h>
#include <unistd.h>

#include "base/seam.h"
#include "batch_fixture.h"
#include "engine/duck.h"
#include "harness/prop.h"
#include "table/batch/rejects.h"

#define TIME "2025-01-30T10:00:00Z"
#define EARLY "2025-01-30T09:00:00Z"
#define LATE "2025-01-30T11:00:00Z"

/* ---- Fill ------------------------------------------------------------------------------------ */

TEST(batch, fills_order_and_date_and_knows_whose_the_order_is)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV,
                                "timestamp,symbol,date,ingested_at\n" TIME ",A,,\n" TIME
                                ",B,2025-01-30," EARLY "\n2025-01-30T23:30:00-01:00,C,,\n"));
    CHECK_STR(batch_query(&fixture, "SELECT _own, c1, c4, c5 FROM batch ORDER BY _row"),
        "false|A|2025-01-30|2025-01-30 10:00:00+00\n"
        "true|B|2025-01-30|2025-01-30 09:00:00+00\n"
        "false|C|2025-01-31|2025-01-30 10:00:00+00\n");
    CHECK_INT(fixture.batch.now_us, FIXTURE_NOW_US);
    CHECK_INT(fixture.batch.rows_in, 3);
    CHECK_INT(fixture.batch.rows, 3);
    CHECK_STR(batch_query(&fixture, "SELECT column_name, column_type FROM (DESCRIBE SELECT * "
                                    "EXCLUDE (_bad) FROM batch)"),
        "_row|BIGINT\n_own|BOOLEAN\nc0|TIMESTAMP WITH TIME ZONE\nc1|VARCHAR\nc2|DOUBLE\n"
        "c3|INTEGER\nc4|DATE\nc5|TIMESTAMP WITH TIME ZONE\n");
    batch_fixture_close(&fixture);
}

TEST(batch, order_is_filled_in_its_own_type)
{
    const struct batch_spec naive = {
        .schema = "k long, o timestamp_ntz", .key = "k", .order_by = "o"};
    const struct batch_spec number = {.schema = "k long, o long", .key = "k", .order_by = "o"};
    const struct batch_spec small = {
        .schema = "k long, o integer", .key = "k", .order_by = "o"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &naive));
    CHECK_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "k\n1\n"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"),
        "1|false|1|2025-01-30 10:00:00\n");
    REQUIRE(batch_fixture_table(&fixture, &number));
    CHECK_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "k\n1\n"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"),
        "1|false|1|1738231200000000\n");
    REQUIRE(batch_fixture_table(&fixture, &small));
    CHECK_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "k,o\n1,7\n"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"), "1|true|1|7\n");
    batch_fixture_close(&fixture);
}

/* ---- Dedupe ---------------------------------------------------------------------------------- */

static const struct {
    const char *content;
    const char *kept; /* _row, _own */
} duplicates[] = {
    /* the greatest O, wherever it stands */
    {TIME ",A," EARLY "\n" TIME ",A," LATE "\n" TIME ",A," TIME "\n", "2|true\n"},
    /* none of its own is above all, even above one that is later than now */
    {TIME ",A,\n" TIME ",A," LATE "\n", "1|false\n"},
    /* on equal rank the last in the input */
    {TIME ",A,\n" TIME ",A," LATE "\n" TIME ",A,\n", "3|false\n"},
    {TIME ",A," LATE "\n" TIME ",A," LATE "\n", "2|true\n"},
    /* equal to the clock is not: none of its own */
    {TIME ",A,\n" TIME ",A," TIME "\n", "1|false\n"},
    /* other keys stay out of it */
    {TIME ",A,\n" TIME ",a,\n" LATE ",A,\n", "1|false\n2|false\n3|false\n"},
    /* one instant in two spellings is one key */
    {TIME ",A," EARLY "\n2025-01-30T11:00:00+01:00,A," LATE "\n", "2|true\n"},
};

TEST(batch, keeps_one_row_a_key)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    for (size_t index = 0; index < VV_COUNT(duplicates); index++) {
        struct vv_str content = vv_arena_format(&fixture.op.arena,
            "timestamp,symbol,ingested_at\n%s", duplicates[index].content);
        CHECK_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, content.ptr));
        CHECK_STR(batch_query(&fixture, "SELECT _row, _own FROM batch ORDER BY _row"),
            duplicates[index].kept);
        CHECK_INT(fixture.batch.rows + fixture.batch.rows_duplicate, fixture.batch.rows_in);
        CHECK_STR(batch_query(&fixture,
                      "SELECT count(*) FROM (DESCRIBE SELECT * EXCLUDE (_bad) FROM batch)"),
            "8\n");
    }
    batch_fixture_close(&fixture);
}

TEST(batch, keeps_all_rows_where_dedupe_is_off)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    fixture.options.dedupe = false;
    CHECK_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_CSV, "timestamp,symbol\n" TIME ",A\n" TIME ",A\n"));
    CHECK_INT(fixture.batch.rows, 2);
    CHECK_INT(fixture.batch.rows_duplicate, 0);
    batch_fixture_close(&fixture);
}

TEST(batch, dedupe_without_a_key_is_bad_usage)
{
    const struct batch_spec spec = {.schema = "k long"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    fixture.options.dedupe = true;
    CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "k\n1\n"), VARVE_EUSAGE);
    CHECK(strstr(fixture.op.error.message, "varve alter lake/regimes set varve.key=") != NULL);
    batch_fixture_close(&fixture);
}

static struct vv_input file_input(enum vv_input_format format, const char *name,
    const char *content)
{
    test_file_write(test_path(name), vv_str_of(content));
    return (struct vv_input){.format = format,
        .path = vv_str_of(test_path(name)),
        .fd = -1,
        .name = vv_str_of(name)};
}

/* A row as the model knows it. Keys are equal by IS NOT DISTINCT FROM. */
struct model_row {
    size_t number; /* index into key_texts: NaN, zeros of both signs, others */
    char letter;
    bool own;
    int64_t order;
};

static const struct {
    const char *text;
    int value; /* equal ones are one key */
} key_texts[] = {{"NaN", 0}, {"nan", 0}, {"-nan", 0}, {"0.0", 1}, {"-0.0", 1}, {"0", 1},
    {"1.5", 2}, {"15e-1", 2}, {"-1.5", 3}, {"inf", 4}, {"-Infinity", 5}, {"1e-320", 6}};

static bool same_key(const struct model_row *a, const struct model_row *b)
{
    return key_texts[a->number].value == key_texts[b->number].value && a->letter == b->letter;
}

/* Whether `later`, which comes behind in the input, takes the place of `earlier`. */
static bool model_replaces(const struct model_row *earlier, const struct model_row *later,
    bool has_order)
{
    if (!has_order || !later->own)
        return true;
    return earlier->own && later->order >= earlier->order;
}

static void model_run(struct batch_fixture *fixture, struct prop *prop, bool has_order)
{
    struct model_row rows[40];
    size_t len = 1 + prop_choose(prop, VV_COUNT(rows));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf expected = VV_BUF_INIT(1 << 20);
    vv_buf_adds(&content, "x,letter,o\n");
    for (size_t index = 0; index < len; index++) {
        rows[index] = (struct model_row){prop_choose(prop, VV_COUNT(key_texts)),
            (char)('a' + prop_choose(prop, 2)), prop_chance(prop, 60), prop_int(prop, -3, 3)};
        if (!has_order)
            rows[index].own = false;
        vv_buf_addf(&content, "%s,%c,", key_texts[rows[index].number].text, rows[index].letter);
        if (rows[index].own)
            vv_buf_addf(&content, "%" PRId64, rows[index].order);
        vv_buf_addc(&content, '\n');
    }
    size_t kept = 0;
    for (size_t index = 0; index < len; index++) {
        bool stays = true;
        for (size_t other = 0; other < len; other++) {
            if (other == index || !same_key(&rows[index], &rows[other]))
                continue;
            stays = stays &&
                    (other < index ? model_replaces(&rows[other], &rows[index], has_order)
                                   : !model_replaces(&rows[index], &rows[other], has_order));
        }
        if (!stays)
            continue;
        kept++;
        vv_buf_addf(&expected, "%zu|%s\n", index + 1, rows[index].own ? "true" : "false");
    }
    /* One small input stays in memory, two go through tables: the same rules, written twice. */
    bool in_memory = prop_chance(prop, 50);
    const struct vv_input inputs[] = {
        file_input(VV_INPUT_CSV, "rows.csv", vv_buf_str(&content).ptr),
        file_input(VV_INPUT_NDJSON, "nothing.ndjson", "")};
    REQUIRE_OK(&fixture->op, batch_read(fixture, inputs, in_memory ? 1 : 2));
    CHECK((fixture->batch.few != NULL) == in_memory);
    if (!CHECK_STR(batch_query(fixture, "SELECT _row, _own FROM batch ORDER BY _row"),
            vv_buf_str(&expected)))
        CHECK_STR(vv_buf_str(&content), "fails");
    CHECK_INT(fixture->batch.rows_in, len);
    CHECK_INT(fixture->batch.rows, kept);
    CHECK_INT(fixture->batch.rows_duplicate, len - kept);
}

TEST_SECONDS(batch, keeps_what_the_model_keeps, 300)
{
    const struct batch_spec ordered = {
        .schema = "x double, letter string, o long", .key = "letter,x", .order_by = "o"};
    const struct batch_spec unordered = {
        .schema = "x double, letter string, o long", .key = "letter,x"};
    struct prop prop = prop_start();
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &ordered));
    for (int i = 0; i < 60; i++)
        model_run(&fixture, &prop, true);
    REQUIRE(batch_fixture_table(&fixture, &unordered));
    for (int i = 0; i < 30; i++)
        model_run(&fixture, &prop, false);
    batch_fixture_close(&fixture);
}

/* ---- Several inputs, rejects, and again -------------------------------------------------------- */

TEST(batch, several_inputs_are_one_batch)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    const struct vv_input inputs[] = {
        file_input(VV_INPUT_CSV, "a.csv", "timestamp,symbol,count\n" TIME ",A,\n" TIME ",B,\n"),
        file_input(VV_INPUT_CSV, "empty.csv", "symbol,timestamp\n"),
        file_input(VV_INPUT_NDJSON, "b.ndjson",
            "\n{\"symbol\":\"A\",\"timestamp\":\"" TIME "\",\"confidence\":1}\n"),
        file_input(VV_INPUT_CSV, "c.csv", "confidence,symbol,timestamp\n0.5,C," TIME "\n"),
    };
    REQUIRE_OK(&fixture.op, batch_read(&fixture, inputs, VV_COUNT(inputs)));
    CHECK_STR(batch_query(&fixture, "SELECT _row, c1, c2 FROM batch ORDER BY _row"),
        "2|B|NULL\n3|A|1.0\n4|C|0.5\n");
    CHECK_INT(fixture.batch.rows_in, 4);
    CHECK_INT(fixture.batch.rows_duplicate, 1);
    batch_fixture_close(&fixture);
}

TEST(batch, error_in_one_of_several_inputs_names_it)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    const struct vv_input inputs[] = {
        file_input(VV_INPUT_CSV, "a.csv",
            "timestamp,symbol,confidence\n" TIME ",A,7\n" TIME ",B,1\n"),
        file_input(VV_INPUT_NDJSON, "b.ndjson",
            "\n{\"symbol\":\"A\",\"timestamp\":\"" TIME "\"}\n\n{\"symbol\":\"A\",\"x\":1}\n"),
        file_input(VV_INPUT_CSV, "c.csv", "symbol,timestamp\n\nC," TIME "\nD,never\n"),
    };
    CHECK_FAILS(&fixture.op, batch_read(&fixture, inputs, VV_COUNT(inputs)), VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail,
        "row 1 (a.csv line 2): confidence = 7 breaks confidence_range "
        "(confidence IS NULL OR (confidence >= 0 AND confidence <= 1))\n"
        "row 4 (b.ndjson line 4): x = 1 is in no column of the table\n"
        "row 4 (b.ndjson line 4): timestamp must not be NULL, it is part of the key\n"
        "row 6 (c.csv line 4): timestamp = 'never' does not fit type timestamp");
    CHECK(strstr(fixture.op.error.message, "3 of 6 rows rejected") != NULL);
    batch_fixture_close(&fixture);
}

TEST(batch, rejected_rows_are_left_out_and_kept_apart)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    fixture.options.reject_rows = true;
    const struct vv_input inputs[] = {
        file_input(VV_INPUT_CSV, "a.csv",
            "timestamp,symbol,confidence,ingested_at\n" TIME ",A,1," EARLY "\n" TIME
            ",A,x," LATE "\n" TIME ",A,0," TIME "\n"),
        file_input(VV_INPUT_NDJSON, "b.ndjson", "{\"symbol\":\"A\",\"timestamp\":1}\n"),
    };
    REQUIRE_OK(&fixture.op, batch_read(&fixture, inputs, VV_COUNT(inputs)));
    CHECK_INT(fixture.batch.rows_in, 4);
    CHECK_INT(fixture.batch.rows_rejected, 2);
    CHECK_INT(fixture.batch.rows_duplicate, 1);
    CHECK_INT(fixture.batch.rows, 1);
    /* The bad row with the greatest O does not shadow the good one. */
    CHECK_STR(batch_query(&fixture, "SELECT _row, c2 FROM batch"), "3|0.0\n");
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_breach) FROM " VV_REJECTS_TABLE
                                    " ORDER BY _row, _breach"),
        "2|0|2|confidence|x|does not fit type double\n"
        "4|2|1|timestamp|1|does not fit type timestamp\n");
    /* All of them, not the first twenty. */
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(1 << 20);
    vv_buf_adds(&content, "timestamp,symbol,count\n");
    for (int row = 0; row < 100; row++)
        vv_buf_addf(&content, "%s,S%d,1\n", TIME, row);
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, vv_buf_str(&content).ptr));
    CHECK_INT(fixture.batch.rows, 0);
    CHECK_INT(fixture.batch.rows_rejected, 100);
    CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM " VV_REJECTS_TABLE), "100\n");
    batch_fixture_close(&fixture);
}

/* What a lost race against a change of the table asks for: the same input, other rules. */
TEST(batch, is_prepared_again_for_a_changed_table)
{
    const struct batch_spec before = {.schema = "k long, v string", .key = "k"};
    const struct batch_spec wider = {
        .schema = "k long, v string, w integer, o timestamp", .key = "k", .order_by = "o"};
    const struct batch_spec narrower = {.schema = "k long, w integer"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &before));
    CHECK_FAILS(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON, "{\"k\":1,\"w\":7}\n{\"k\":1,\"w\":8}\n"),
        VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "w = 7 is in no column") != NULL);
    REQUIRE(batch_fixture_table(&fixture, &wider));
    unlink(test_path("rows.ndjson"));
    test_clock_add(&fixture.clock, 1000000);
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(&fixture.op,
            vv_batch_prepare(&fixture.op, fixture.work, fixture.source, &fixture.table,
                &fixture.rules, &fixture.options, &fixture.batch));
        CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"),
            "2|false|1|NULL|8|2025-01-30 10:00:00+00\n");
        CHECK_INT(fixture.batch.rows_in, 2);
    }
    REQUIRE(batch_fixture_table(&fixture, &narrower));
    fixture.options.dedupe = false;
    REQUIRE_OK(&fixture.op,
        vv_batch_prepare(&fixture.op, fixture.work, fixture.source, &fixture.table,
            &fixture.rules, &fixture.options, &fixture.batch));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch ORDER BY _row"),
        "1|false|1|7\n2|false|1|8\n");
    batch_fixture_close(&fixture);
}

TEST(batch, empty_inputs_make_an_empty_batch)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON, ""));
    CHECK_INT(fixture.batch.rows_in, 0);
    CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM batch"), "0\n");
    CHECK_STR(batch_query(&fixture,
                  "SELECT count(*) FROM (DESCRIBE SELECT * EXCLUDE (_bad) FROM batch)"),
        "8\n");
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "symbol,timestamp\n"));
    CHECK_INT(fixture.batch.rows, 0);
    CHECK_FAILS(&fixture.op, batch_read(&fixture, NULL, 0), VARVE_EUSAGE);
    batch_fixture_close(&fixture);
}

/* A rule by which a file is written over when it is asked for the nth time. */
struct meddler {
    const char *path;
    struct vv_str content;
    int64_t asked, nth;
};

static void meddle(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct meddler *meddler = duckdb_scalar_function_get_extra_info(info);
    bool *holds = duckdb_vector_get_data(output);
    memset(holds, 1, duckdb_data_chunk_get_size(input));
    if (++meddler->asked == meddler->nth)
        test_file_write(meddler->path, meddler->content);
}

static bool add_meddle(struct batch_fixture *fixture, struct meddler *meddler)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type truth = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_name(function, "meddle");
    duckdb_scalar_function_add_parameter(function, number);
    duckdb_scalar_function_set_return_type(function, truth);
    duckdb_scalar_function_set_extra_info(function, meddler, NULL);
    duckdb_scalar_function_set_function(function, meddle);
    return CHECK_OK(&fixture->op,
        vv_duck_register_scalar(&fixture->op, fixture->session->connection, &function));
}

static struct vv_str make_parquet(struct batch_fixture *fixture, const char *select)
{
    struct vv_str sql = vv_arena_format(&fixture->op.arena,
        "COPY (%s) TO '%s' (FORMAT parquet)", select, test_path("rows.parquet"));
    CHECK_OK(&fixture->op, vv_session_exec(&fixture->op, fixture->session, sql));
    return test_file_read(test_path("rows.parquet"));
}

/*
 * Each of the eight bad rows is kept as it was, or nothing is taken: however late the file changes.
 * `value`: what the quarantine has of a bad row.
 */
static void check_meddled(struct batch_fixture *fixture, struct meddler *meddler,
    const struct vv_input *input, struct vv_str bad, const char *value)
{
    size_t refused = 0;
    bool is_meddled = true;
    fixture->options.reject_rows = true;
    for (meddler->nth = 1; is_meddled; meddler->nth++) {
        test_file_write(meddler->path, bad);
        meddler->asked = 0;
        varve_status status = batch_read(fixture, input, 1);
        is_meddled = meddler->asked >= meddler->nth;
        if (status != VARVE_OK) {
            CHECK_STATUS(&fixture->op, VARVE_EINVALID);
            CHECK(strstr(fixture->op.error.message, " was written to while") != NULL);
            vv_forgive(&fixture->op);
            refused++;
            continue;
        }
        size_t kept = 0;
        const char *at = fixture->batch.rejects.ptr;
        for (; (at = strstr(at, value)) != NULL; at++)
            kept++;
        CHECK_INT(fixture->batch.rows_rejected, 8);
        CHECK_INT(kept, 8);
    }
    CHECK(refused > 1);
}

TEST_SECONDS(batch, parquet_that_changes_loses_no_bad_row, 300)
{
    static const struct vv_check check = {FIXTURE_TEXT("meddled"),
        FIXTURE_TEXT("confidence < 1"),
        FIXTURE_TEXT("meddle(\"confidence\") AND \"confidence\" < 1")};
    static const struct batch_spec spec = {.schema = "k integer not null, confidence double",
        .key = "k",
        .checks = &check,
        .checks_len = 1};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    struct vv_str good = make_parquet(&fixture,
        "SELECT CAST(range AS INTEGER) AS k, 0.5::DOUBLE AS confidence FROM range(9)");
    struct vv_str bad = make_parquet(&fixture,
        "SELECT CAST(range AS INTEGER) AS k, 7.5::DOUBLE AS confidence FROM range(8)");
    struct meddler meddler = {.path = test_path("rows.parquet"), .content = good};
    struct vv_input input = {.format = VV_INPUT_PARQUET,
        .path = vv_str_of(meddler.path),
        .fd = -1,
        .name = VV_STR("rows.parquet")};
    REQUIRE(bad.len != good.len);
    REQUIRE(add_meddle(&fixture, &meddler));
    check_meddled(&fixture, &meddler, &input, bad, "\"confidence\":\"7.5\"");
    batch_fixture_close(&fixture);
}

TEST_SECONDS(batch, ndjson_that_changes_loses_no_bad_row, 300)
{
    static const struct vv_check check = {FIXTURE_TEXT("meddled"),
        FIXTURE_TEXT("confidence < 1"),
        FIXTURE_TEXT("meddle(\"confidence\") AND \"confidence\" < 1")};
    static const struct batch_spec spec = {.schema = "k integer not null, confidence double",
        .key = "k",
        .checks = &check,
        .checks_len = 1};
    VV_CLEANUP(vv_buf_done) struct vv_buf bad = VV_BUF_INIT(1 << 10);
    VV_CLEANUP(vv_buf_done) struct vv_buf good = VV_BUF_INIT(1 << 10);
    for (int k = 0; k < 8; k++) {
        vv_buf_addf(&bad, "{\"k\":%d,\"confidence\":7.5}\n", k);
        vv_buf_addf(&good, "{\"k\":%d,\"confidence\":0.25}\n", k);
    }
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    struct meddler meddler = {.path = test_path("rows.ndjson"), .content = vv_buf_str(&good)};
    struct vv_input input = {.format = VV_INPUT_NDJSON,
        .path = vv_str_of(meddler.path),
        .fd = -1,
        .name = VV_STR("rows.ndjson")};
    REQUIRE(add_meddle(&fixture, &meddler));
    check_meddled(&fixture, &meddler, &input, vv_buf_str(&bad), "\"confidence\":\"7.5\"");
    batch_fixture_close(&fixture);
}

/* Every failure of memory and of the engine on the way is an error, and leaves nothing behind. */
TEST_SECONDS(batch, fails_cleanly_wherever_it_fails, 300)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    const char *content = "{\"timestamp\":\"" TIME "\",\"symbol\":\"A\"}\n"
                          "{\"timestamp\":\"" TIME "\",\"symbol\":\"A\"}\n";
    test_file_write(test_path("rows.ndjson"), vv_str_of(content));
    struct vv_input input = {
        .format = VV_INPUT_NDJSON, .path = vv_str_of(test_path("rows.ndjson")), .fd = -1};
    varve_status status = VARVE_EFAILED;
    uint64_t nth = 0;
    while (status != VARVE_OK && nth < 100000) {
        vv_seam_fail_allocation(++nth);
        status = batch_read(&fixture, &input, 1);
        vv_seam_fail_allocation(0);
        if (status != VARVE_OK)
            CHECK_STATUS(&fixture.op, VARVE_ELIMIT);
        vv_forgive(&fixture.op);
    }
    CHECK(nth > 2); /* how many there are depends on the arena: one each, or blocks */
    status = VARVE_EFAILED;
    for (nth = 1; status != VARVE_OK && nth < 100; nth++) {
        char spec[64];
        snprintf(spec, sizeof(spec), "fail=engine.query:%d", (int)nth);
        vv_seam_set(spec);
        status = batch_read(&fixture, &input, 1);
        vv_seam_set(NULL);
        if (status != VARVE_OK)
            CHECK_STATUS(&fixture.op, VARVE_EIO);
        vv_forgive(&fixture.op);
    }
    CHECK(nth > 2);
    CHECK_STR(batch_query(&fixture, "SELECT _row FROM batch"), "2\n");
    batch_fixture_close(&fixture);
}
