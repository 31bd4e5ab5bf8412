/*
 * Records that are at fault, and streams that records can't be read of: what is told of them.
 */
#include <signal.h>
#include <stdio.h>

#include "api/record.h"
#include "base/seam.h"
#include "harness/test.h"
#include "varve/inspect.h"
#include "varve/market.h"
#include "varve/quarantine.h"
#include "varve/query.h"

#define T0 INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */
#define ROWS 5

struct lake {
    varve_lake *lake;
    varve_table *table;
    varve_error err;
    varve_market_regime rows[ROWS];
    varve_upsert_result result;
};

static void lake_done(struct lake *lake)
{
    vv_seam_set(NULL);
    varve_table_close(lake->table);
    varve_lake_close(lake->lake);
}

static bool lake_open(struct lake *lake)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    *lake = (struct lake){0};
    options.create = 1;
    options.threads = 1;
    for (size_t i = 0; i < ROWS; i++) {
        lake->rows[i] = (varve_market_regime)VARVE_MARKET_REGIME_INIT;
        lake->rows[i].timestamp = T0 + (int64_t)i;
        lake->rows[i].symbol = "SPY";
        lake->rows[i].regime = "bullish_low";
    }
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &lake->lake, &lake->err),
               0) &&
           CHECK_INT(varve_lake_init(lake->lake, NULL, NULL, &lake->err), 0) &&
           CHECK_INT(varve_table_open(lake->lake, "market_regimes", &lake->table, &lake->err),
               0);
}

static varve_status upsert(struct lake *lake, const varve_upsert_options *options)
{
    lake->result = (varve_upsert_result){.version = -7};
    return varve_table_upsert_regimes(lake->table, lake->rows, ROWS, options, &lake->result,
        &lake->err);
}

static varve_lake *interrupted;

static void interrupt(int number)
{
    (void)number;
    varve_lake_interrupt(interrupted);
}

TEST(records, an_interrupt_while_they_are_copied_ends_the_call)
{
    VV_CLEANUP(lake_done) struct lake lake;
    int64_t version = -1;
    REQUIRE(lake_open(&lake));
    interrupted = lake.lake;
    REQUIRE(signal(SIGINT, interrupt) != SIG_ERR);
    vv_seam_set("interrupt=records.copy:1");
    CHECK_INT(upsert(&lake, NULL), VARVE_EINTERRUPTED);
    vv_seam_set(NULL);
    CHECK_STR(lake.err.table, "market_regimes");
    REQUIRE(CHECK_INT(varve_table_refresh(lake.table, &version, &lake.err), 0));
    CHECK_INT(version, 0);
    CHECK_INT(upsert(&lake, NULL), 0);
    CHECK_INT(lake.result.inserted, ROWS);
}

static atomic_bool cancelled;

static void cancel(int number)
{
    (void)number;
    atomic_store(&cancelled, true);
}

TEST(records, copying_many_of_them_does_not_go_on_to_its_end_then)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_env env = *vv_env_system();
    const varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    struct ArrowArrayStream stream = {.release = NULL};
    env.cancel = &cancelled;
    atomic_store(&cancelled, false);
    vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
    REQUIRE(signal(SIGINT, cancel) != SIG_ERR);
    vv_seam_set("interrupt=records.copy:1");
    CHECK_INT(vv_records_stream(&op, &vv_record_regime, &row, 1, &stream), VARVE_EINTERRUPTED);
    vv_seam_set(NULL);
    CHECK(stream.release == NULL);
}

TEST(records, what_no_table_could_take_is_named_like_what_breaks_a_rule)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    lake.rows[1].source = "a\xFFz";
    lake.rows[2].timestamp = INT64_MAX;
    lake.rows[4].regime = "sideways";
    REQUIRE(CHECK_INT(upsert(&lake, NULL), VARVE_EINVALID));
    CHECK_STR(lake.err.table, "market_regimes");
    if (!CHECK(strstr(lake.err.message, "row 2") != NULL) ||
        !CHECK(strstr(lake.err.detail, "row 2: source is not valid UTF-8: {") != NULL) ||
        !CHECK(strstr(lake.err.detail, "row 3: timestamp is out of range: ") != NULL) ||
        !CHECK(strstr(lake.err.detail, ": {\"timestamp\":9223372036854775807,") != NULL) ||
        !CHECK(strstr(lake.err.detail, "row 5: ") != NULL))
        printf("  %s\n%s\n", lake.err.message, lake.err.detail);
    CHECK(strstr(lake.err.detail, "must not be NULL") == NULL); /* the timestamp: it is none */
    CHECK(strstr(lake.err.detail, "row 1") == NULL && strstr(lake.err.detail, "row 4") == NULL);
    CHECK_INT(lake.result.version, -7);
}

/* The rows of a stream, which is released. */
static int64_t count(struct ArrowArrayStream *stream)
{
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray array = {.release = NULL};
        if (!CHECK_INT(stream->get_next(stream, &array), 0) || array.release == NULL)
            break;
        rows += array.length;
        array.release(&array);
    }
    stream->release(stream);
    return rows;
}

TEST(records, what_no_table_could_take_is_set_aside_by_itself)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    REQUIRE(lake_open(&lake));
    options.quarantine = 1;
    for (int turn = 0; turn < 2; turn++) { /* a table that is open remembers columns */
        lake.rows[1].symbol = "\xC3(";
        lake.rows[3].ingested_at = INT64_MIN + 1;
        REQUIRE(CHECK_INT(upsert(&lake, &options), 0));
        CHECK_INT(lake.result.rejected, 2);
        CHECK_INT(lake.result.inserted + lake.result.unchanged + lake.result.updated +
                      lake.result.stale,
            ROWS - 2);
        lake.rows[1].symbol = "SPY";
        lake.rows[3].ingested_at = VARVE_NO_TIME;
        REQUIRE(CHECK_INT(upsert(&lake, &options), 0));
        CHECK_INT(lake.result.rejected, 0);
    }
    REQUIRE(CHECK_INT(varve_table_quarantine_show(lake.table, NULL, &stream, &lake.err), 0));
    CHECK_INT(count(&stream), 2); /* the same ones are there once */
}

/* What reading the rows of a query as regimes ends with. */
static varve_status read_rows(struct lake *lake, const char *sql, varve_market_regime **out,
    size_t *out_len)
{
    struct ArrowArrayStream stream = {0};
    if (!CHECK_INT(varve_lake_query(lake->lake, sql, NULL, &stream, &lake->err), 0)) {
        printf("  %s\n", lake->err.message);
        return VARVE_EFAILED;
    }
    varve_status status = varve_read_regimes(&stream, out, out_len, &lake->err);
    CHECK(stream.release == NULL);
    return status;
}

/* What is kept of such a text is another one: a release must not take it for the row. */
TEST(records, those_that_are_set_aside_stay_whole_and_are_not_released_as_others)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_release_result released;
    struct ArrowArrayStream stream = {0};
    varve_market_regime *back = NULL;
    size_t len = 0;
    REQUIRE(lake_open(&lake));
    options.quarantine = 1;
    lake.rows[1].symbol = "a\xFF"; /* two keys, which are not one */
    lake.rows[2].symbol = "a\xFE";
    lake.rows[2].source = "b\xFE";
    lake.rows[3].ingested_at = INT64_MAX;
    REQUIRE(CHECK_INT(upsert(&lake, &options), 0));
    CHECK_INT(lake.result.rejected, 3);
    REQUIRE(CHECK_INT(varve_table_quarantine_release(lake.table, NULL, 0, NULL, &released,
                          &lake.err),
        0));
    CHECK_INT(released.upsert.inserted, 0);
    CHECK_INT(released.upsert.rejected, 3);
    REQUIRE(CHECK_INT(varve_table_quarantine_show(lake.table, NULL, &stream, &lake.err), 0));
    CHECK_INT(count(&stream), 3);
    REQUIRE(CHECK_INT(read_rows(&lake, "SELECT symbol FROM market_regimes", &back, &len), 0));
    CHECK_INT(len, ROWS - 3);
    varve_free(back);
}

TEST(records, columns_are_found_in_any_case_and_once)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_market_regime *back = NULL;
    size_t len = 0;
    REQUIRE(lake_open(&lake));
    REQUIRE(CHECK_INT(read_rows(&lake, "SELECT 'SPY' AS \"SYMBOL\", 12.5::DOUBLE AS \"Vix\"",
                          &back, &len),
        0));
    REQUIRE(CHECK_INT(len, 1));
    CHECK_STR(back[0].symbol, "SPY");
    CHECK(back[0].vix == 12.5);
    varve_free(back);
    CHECK_INT(read_rows(&lake, "SELECT 'a' AS symbol, 'b' AS regime, 'c' AS \"Symbol\"", &back,
                  &len),
        VARVE_EUSAGE);
    CHECK_STR(lake.err.message, "there are two columns symbol");
    CHECK_INT(read_rows(&lake, "SELECT 'SPY'::ENUM('SPY', 'QQQ') AS symbol", &back, &len),
        VARVE_EUSAGE);
    CHECK(strstr(lake.err.message, "column symbol is an enum") != NULL);
}

TEST(records, a_text_that_c_would_cut_is_refused)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_market_regime *back = NULL;
    size_t len = 0;
    REQUIRE(lake_open(&lake));
    CHECK_INT(read_rows(&lake,
                  "SELECT if(n = 2100, 'A' || chr(0) || 'B', 'A') AS source FROM range(1, "
                  "3000) "
                  "AS r(n) ORDER BY n",
                  &back, &len),
        VARVE_EINVALID);
    CHECK_STR(lake.err.message,
        "row 2100: the text in column source holds a NUL, which a C text can't");
}
