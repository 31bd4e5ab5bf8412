/*
 * A verify while others commit and clean up: what they do between two of its reads is no alarm, and
 * what is taken from the middle of the log still is.
 */
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "table/audit/verify.h"
#include "table_fixture.h"

static const struct table_words words = {.schema = "k bigint not null, v string", .key = "k"};

enum deed {
    COMMIT,   /* one more commit, and all of the log into the ledger */
    CLEAN_UP, /* the two oldest commits go from the log, behind being kept */
    TAKE_ONE  /* the second commit goes, which no clean-up does */
};

struct beside {
    struct table_fixture fixture;
    enum deed deed;
    const char *call, *key; /* before which it happens; key: how it begins */
    bool is_done;
};

static void keep_and_remove(struct beside *beside, int64_t first, int64_t count)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_log_list list = {0};
    vv_op_init(&op, &beside->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_store_at(&op, beside->fixture.plain, VV_STR("t"), &store));
    const struct vv_log_handle log = {store, beside->fixture.engine};
    REQUIRE_OK(&op, vv_log_list_read(&op, &log, 0, &op.arena, &list));
    REQUIRE_OK(&op, vv_ledger_keep(&op, &log, &list, vv_log_list_last(&list) + 1, NULL));
    for (int64_t version = first; version < first + count; version++)
        REQUIRE_OK(&op, vv_store_remove(&op, store, vv_log_commit_key(&op.arena, version)));
}

static void commit_one(struct beside *beside)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *other = NULL;
    struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_upsert_result result;
    struct vv_input input;
    vv_op_init(&op, &beside->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    if (table_handle(&op, &beside->fixture, beside->fixture.plain, &other) &&
        table_input(VV_INPUT_NDJSON, "other.ndjson", VV_STR("{\"k\":99}\n"), &input))
        CHECK_OK(&op, vv_upsert(&op, other, &input, 1, &options, &result));
    vv_table_close(&other);
}

static void meanwhile(void *data, const char *call, struct vv_str key)
{
    struct beside *beside = data;
    if (beside->is_done || strcmp(call, beside->call) != 0 ||
        !vv_str_starts(key, vv_str_of(beside->key)))
        return;
    beside->is_done = true;
    if (beside->deed == COMMIT)
        commit_one(beside);
    keep_and_remove(beside, beside->deed == TAKE_ONE ? 1 : 0,
        beside->deed == COMMIT     ? 0
        : beside->deed == TAKE_ONE ? 1
                                   : 2);
}

static bool verify(struct beside *beside, struct vv_verify_result *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_op *op = &beside->fixture.op;
    const struct vv_verify_request request = {.table = VV_STR("t"), .threads = 1};
    beside->fixture.plan = (struct vv_fault_plan){.before = meanwhile, .before_data = beside};
    bool is_done =
        CHECK_OK(op, vv_verify(op, &beside->fixture.table->log, &request, out, &report));
    beside->fixture.plan = (struct vv_fault_plan){0};
    if (is_done && out->wrong > 0)
        (void)printf("# %.*s\n", VV_ARG(vv_buf_str(&report)));
    return is_done && CHECK(beside->is_done);
}

static bool open_four(struct beside *beside)
{
    struct vv_upsert_result result;
    bool ok = table_fixture_open(&beside->fixture, NULL, &words);
    for (int i = 0; i < 3 && ok; i++)
        ok =
            table_upsert(&beside->fixture, i % 2 == 0 ? "{\"k\":1}\n" : "{\"k\":2}\n", &result);
    return ok;
}

static void close_it(struct beside *beside)
{
    vv_table_close(&beside->fixture.table); /* its log was cut on purpose */
    table_fixture_close(&beside->fixture);
}

TEST(verify_beside, a_commit_that_the_ledger_has_and_the_listing_had_not)
{
    struct beside beside = {.deed = COMMIT, .call = "list", .key = VV_LEDGER_FOLDER};
    struct vv_verify_result result;
    REQUIRE(open_four(&beside));
    REQUIRE(verify(&beside, &result));
    CHECK_INT(result.wrong, 0);
    close_it(&beside);
}

TEST(verify_beside, commits_that_are_cleaned_up_before_they_are_read)
{
    struct beside beside = {
        .deed = CLEAN_UP, .call = "get", .key = "_delta_log/00000000000000000000.json"};
    struct vv_verify_result result;
    REQUIRE(open_four(&beside));
    REQUIRE(verify(&beside, &result));
    CHECK_INT(result.wrong, 0);
    close_it(&beside);
}

TEST(verify_beside, a_commit_that_is_taken_from_the_middle_is_an_alarm)
{
    struct beside beside = {
        .deed = TAKE_ONE, .call = "get", .key = "_delta_log/00000000000000000001.json"};
    struct vv_verify_result result;
    REQUIRE(open_four(&beside));
    REQUIRE(verify(&beside, &result));
    CHECK(result.wrong > 0);
    close_it(&beside);
}
