#include "base/json.h"
#include "commit_fixture.h"
#include "delta/ledger.h"

TEST(commit, creates_the_next_version)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    w.request.user_metadata = VV_STR("why \"not\"");
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.outcome, VV_COMMIT_DONE);
    CHECK_INT(result.version, 1);
    CHECK_INT(result.attempts, 1);
    CHECK_INT(result.timestamp_ms, NOW_MS);
    const struct vv_commit_info *info = info_of(&f, 1);
    CHECK_INT(info->timestamp_ms, NOW_MS);
    CHECK_INT(info->in_commit_timestamp_ms, VV_NO_TIME);
    CHECK_STR(info->operation, "WRITE");
    CHECK_STR(info->user_name, "alice");
    CHECK_STR(info->user_metadata, "why \"not\"");
    CHECK_STR(info->engine_info, "Varve/0.1.0");
    CHECK_STR(info->isolation_level, "Serializable");
    CHECK_INT(info->read_version, 0);
    CHECK(info->is_blind_append);
    CHECK_INT(info->txn_id.len, 36);
    CHECK_STR(vv_json_text(vv_json_get(info->parameters, "mode")), "Append");
    CHECK_STR(vv_json_text(vv_json_get(info->metrics, "numFiles")), "1");
    struct vv_str text = text_of(&f, 1);
    CHECK(vv_str_starts(text, VV_STR("{\"commitInfo\":")));
    CHECK(text.ptr[text.len - 1] == '\n');
    struct vv_object object;
    CHECK_OK(&f.op, vv_store_head(&f.op, f.store, vv_log_commit_key(&f.op.arena, 1), &object));
    CHECK_INT(object.modified_us, NOW_US);
}

TEST(commit, without_a_user_says_who_runs_the_process)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    w.request.user_name = VV_STR_NONE;
    REQUIRE(commit(&w, &result));
    CHECK(info_of(&f, 1)->user_name.len > 0);
    CHECK(info_of(&f, 1)->user_metadata.ptr == NULL);
}

/* The actions that create a table, beside the file that the writer adds. */
static void make_creating(struct writer *writer, struct vv_protocol *protocol,
    struct vv_metadata *metadata, const struct vv_pairs *configuration)
{
    static const struct vv_str features[] = {{"inCommitTimestamp", 17}};
    *protocol = (struct vv_protocol){.min_reader = 1,
        .min_writer = 7,
        .has_writer_features = true,
        .writer_features = features,
        .writer_features_len = 1};
    *metadata = (struct vv_metadata){.id = VV_STR("11111111-2222-3333-4444-555555555555"),
        .format_provider = VV_STR("parquet"),
        .schema_json = VV_STR("{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":"
                              "\"long\",\"nullable\":true,\"metadata\":{}}]}"),
        .configuration = *configuration,
        .created_ms = NOW_MS};
    writer->actions.protocol = protocol;
    writer->actions.metadata = metadata;
}

TEST(commit, creates_a_table_that_can_be_loaded)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct vv_protocol protocol;
    struct vv_metadata metadata;
    struct vv_pair pair = {VV_STR("delta.enableInCommitTimestamps"), VV_STR("true")};
    REQUIRE(fixture_init(&f) && writer_init(&w, &f, NULL, "a"));
    make_creating(&w, &protocol, &metadata, &(struct vv_pairs){&pair, 1});
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 0);
    const struct vv_commit_info *info = info_of(&f, 0);
    CHECK_INT(info->read_version, VV_NO_VERSION);
    CHECK_INT(info->in_commit_timestamp_ms, NOW_MS);
    CHECK(info->prev_hash.ptr == NULL);
    CHECK_INT(vv_chain_check(0, info, VV_STR_NONE), VV_CHAIN_HOLDS);
    REQUIRE_OK(&f.op, vv_snapshot_load(&f.op, &f.log, VV_NO_VERSION, &snapshot));
    CHECK_INT(snapshot->files_len, 1);
    CHECK_INT(snapshot->metadata->configuration.len, 1); /* from the start: no enablement */
    /* A second creation of the same table is a conflict, whatever the judge would say. */
    struct writer second;
    REQUIRE(writer_init(&second, &f, NULL, "b"));
    make_creating(&second, &protocol, &metadata, &(struct vv_pairs){&pair, 1});
    varve_status status = vv_commit(&f.op, &f.log, &second.request, &result);
    CHECK(strstr(f.op.error.message, "created the table") != NULL);
    CHECK_FAILS(&f.op, status, VARVE_ECONFLICT);
    CHECK_INT(second.judged_len, 0);
}

TEST(commit, that_enables_in_commit_timestamps_says_since_when)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct vv_protocol protocol;
    struct vv_metadata metadata;
    struct vv_pair pairs[] = {{VV_STR("a"), VV_STR("b")},
        {VV_STR("delta.enableInCommitTimestamps"), VV_STR("true")},
        {VV_STR("delta.inCommitTimestampEnablementVersion"), VV_STR("999")}};
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    make_creating(&w, &protocol, &metadata, &(struct vv_pairs){pairs, VV_COUNT(pairs)});
    REQUIRE(put_commit(&f, 1, ADD_LINE("c"))); /* a race is lost: version and time move on */
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 2);
    struct vv_snapshot *fresh = NULL;
    REQUIRE_OK(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh));
    const struct vv_pairs *configuration = &fresh->metadata->configuration;
    CHECK_INT(configuration->len, 4);
    CHECK_STR(vv_pairs_get(configuration, VV_STR("a")), "b");
    CHECK_STR(vv_pairs_get(configuration, VV_STR("delta.inCommitTimestampEnablementVersion")),
        "2");
    struct vv_str since = vv_arena_format(&f.op.arena, "%" PRId64, result.timestamp_ms);
    CHECK_STR(vv_pairs_get(configuration, VV_STR("delta.inCommitTimestampEnablementTimestamp")),
        since);
    CHECK_INT(info_of(&f, 2)->in_commit_timestamp_ms, result.timestamp_ms);
    vv_snapshot_release(&fresh);
}

#define ICT_PROTOCOL_LINE                                           \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7," \
    "\"writerFeatures\":[\"inCommitTimestamp\"]}}\n"
#define ICT_METADATA_LINE METADATA_LINE_WITH("\"delta.enableInCommitTimestamps\":\"true\"")
#define ICT_TABLE ICT_PROTOCOL_LINE ICT_METADATA_LINE ADD_LINE("a")
/* The property alone says nothing; once the feature is there, it counts from that commit on. */
TEST(commit, has_an_in_commit_timestamp_where_the_table_has_the_feature)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *fresh = NULL;
    static const struct vv_str features[] = {{"inCommitTimestamp", 17}};
    const struct vv_protocol protocol = {.min_reader = 1,
        .min_writer = 7,
        .has_writer_features = true,
        .writer_features = features,
        .writer_features_len = 1};
    struct writer w;
    struct writer second;
    struct vv_commit_result result;
    REQUIRE(fixture_init(&f));
    REQUIRE(put_commit(&f, 0, PROTOCOL_LINE ICT_METADATA_LINE ADD_LINE("a")));
    REQUIRE_OK(&f.op, vv_snapshot_load(&f.op, &f.log, VV_NO_VERSION, &snapshot));
    REQUIRE(writer_init(&w, &f, snapshot, "b") && commit(&w, &result));
    CHECK_INT(info_of(&f, 1)->in_commit_timestamp_ms, VV_NO_TIME);
    REQUIRE_OK(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh));
    REQUIRE(writer_init(&second, &f, fresh, "c"));
    second.actions.protocol = &protocol;
    REQUIRE(commit(&second, &result));
    CHECK_INT(info_of(&f, 2)->in_commit_timestamp_ms, result.timestamp_ms);
    static const char since[] = "EnablementVersion\":\"2\"";
    struct vv_str text = text_of(&f, 2);
    CHECK(memmem(text.ptr, text.len, since, sizeof(since) - 1) != NULL);
}

#define ICT_LINE(ms) "{\"commitInfo\":{\"inCommitTimestamp\":" ms ",\"timestamp\":3}}\n"

/* In the version that is read, and in one that wins a race against ours. */
TEST(commit, is_refused_where_no_time_is_left_for_it)
{
    static const struct {
        const char *ms, *words;
    } cases[] = {{"9223372036854775807", "outside the years 1 to 9999"},
        {"-9223372036854775807", "outside the years 1 to 9999"},
        {"253402300799999", "at the end of the year 9999"}};
    for (size_t i = 0; i < 2 * VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct writer w;
        struct vv_commit_result result;
        struct vv_op *op = &f.op;
        bool loses = i % 2 == 1;
        REQUIRE(fixture_init(&f));
        struct vv_str second = vv_arena_format(&op->arena,
            "{\"commitInfo\":{\"inCommitTimestamp\":%s,\"timestamp\":3}}\n", cases[i / 2].ms);
        REQUIRE(put_commit(&f, 0, ICT_LINE("5") ICT_TABLE));
        REQUIRE(loses || put_commit(&f, 1, second.ptr));
        REQUIRE_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &snapshot));
        REQUIRE(!loses || put_commit(&f, 1, second.ptr));
        REQUIRE(writer_init(&w, &f, snapshot, "b"));
        varve_status status = vv_commit(op, &f.log, &w.request, &result);
        printf("# %s\n", op->error.message);
        CHECK(strstr(op->error.message, "00000000000000000001.json") != NULL);
        CHECK(strstr(op->error.message, cases[i / 2].words) != NULL);
        CHECK_FAILS(op, status, VARVE_ECORRUPT);
    }
}

TEST(commit, never_holds_what_no_reader_takes)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct vv_str bytes = VV_STR_NONE;
    struct vv_op *op = &f.op;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(add_file(&w, "b"));
    CHECK_FAILS(op, vv_commit(op, &f.log, &w.request, &result), VARVE_ECORRUPT);
    CHECK(strstr(op->error.message, "added twice") != NULL);
    CHECK(strstr(op->error.message, "nothing was written") != NULL);
    vv_forgive(op);
    CHECK_FAILS(op, vv_log_read(op, &f.log, 1, &op->arena, &bytes), VARVE_ENOTFOUND);
}

TEST(commit, has_a_time_after_the_one_before_even_if_the_clock_goes_back)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot));
    for (int64_t version = 1; version <= 3; version++) {
        struct writer w;
        struct vv_snapshot *fresh = NULL;
        REQUIRE(writer_init(&w, &f, snapshot, "b"));
        test_clock_add(&f.clock, -INT64_C(86400000000));
        REQUIRE(commit(&w, &result));
        CHECK_INT(result.timestamp_ms, NOW_MS - 1000 + version);
        struct vv_object object;
        struct vv_str key = vv_log_commit_key(&f.op.arena, version);
        REQUIRE_OK(&f.op, vv_store_head(&f.op, f.store, key, &object));
        CHECK_INT(object.modified_us, result.timestamp_ms * 1000);
        REQUIRE_OK(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh));
        CHECK_INT(fresh->timestamp_ms, result.timestamp_ms);
        vv_snapshot_release(&snapshot);
        snapshot = fresh;
    }
}

TEST(commit, rebases_over_all_winners_oldest_first)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, FOREIGN_LINE ADD_LINE("c") ADD_LINE("d")));
    REQUIRE(put_commit(&f, 2, FOREIGN_LINE ADD_LINE("e")));
    REQUIRE(put_commit_at(&f, 3, FOREIGN_LINE, NOW_MS + 5000));
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.outcome, VV_COMMIT_DONE);
    CHECK_INT(result.version, 4);
    CHECK_INT(result.attempts, 2);
    CHECK_INT(result.timestamp_ms, NOW_MS + 5001); /* above the winner's file time */
    REQUIRE(w.judged_len == 3);
    CHECK_INT(w.judged[0], 1);
    CHECK_INT(w.judged[2], 3);
    CHECK_INT(w.adds_seen, 3);
    CHECK_INT(info_of(&f, 4)->read_version, 0); /* what was read has not changed */
    check_chain(&f, 4);
}

TEST(commit, replans_when_a_winner_matters)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, ADD_LINE("c")));
    w.verdict = VV_VERDICT_REPLAN;
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.outcome, VV_COMMIT_REPLAN);
    CHECK_INT(result.attempts, 1);
    CHECK(!has_version(&f, 2));
    /* Without a judge every winner matters. */
    w.request.judge = NULL;
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.outcome, VV_COMMIT_REPLAN);
}

/* A commit that vanishes while others come behind it is not made up for by ours. */
TEST(commit, does_not_fill_the_place_of_a_commit_that_is_missing)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct vv_object object;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, ADD_LINE("c")) && put_commit(&f, 3, ADD_LINE("d")));
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.outcome, VV_COMMIT_REPLAN);
    CHECK_INT(w.judged_len, 1);
    CHECK_FAILS(&f.op,
        vv_store_head(&f.op, f.store, vv_log_commit_key(&f.op.arena, 2), &object),
        VARVE_ENOTFOUND);
    struct vv_snapshot *fresh = NULL;
    CHECK_FAILS(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh), VARVE_ECORRUPT);
}

static varve_status refuse_to_judge(struct vv_op *op, void *data,
    const struct vv_actions *winner, enum vv_verdict *out)
{
    (void)data;
    (void)out;
    return vv_fail(op, VARVE_EUNSUPPORTED, "cannot judge version %" PRId64, winner->version);
}

TEST(commit, ends_with_the_judges_failure)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, ADD_LINE("c")));
    w.request.judge = refuse_to_judge;
    CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_EUNSUPPORTED);
    CHECK(!has_version(&f, 2));
}

TEST(commit, names_a_torn_winner)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, "{\"add\":"));
    varve_status status = vv_commit(&f.op, &f.log, &w.request, &result);
    CHECK(strstr(f.op.error.message, "00000000000000000001.json") != NULL);
    CHECK_INT(f.op.error.version, 1);
    CHECK_FAILS(&f.op, status, VARVE_ECORRUPT);
    CHECK_INT(w.judged_len, 0);
}

TEST(commit, refuses_to_follow_an_empty_commit)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, ADD_LINE("c")) && put_commit(&f, 2, ""));
    CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_ECORRUPT);
    CHECK(!has_version(&f, 3));
}

static void take_slot_first(void *data, const char *call, struct vv_str key)
{
    struct rival *rival = data;
    (void)key;
    if (rival->busy || strcmp(call, "put_if_absent") != 0 || rival->next > rival->last)
        return;
    rival->busy = true;
    (void)put_commit_at(rival->fixture, rival->next++, FOREIGN_LINE ADD_LINE("r"), 7);
    rival->busy = false;
}

TEST(commit, that_always_loses_is_a_conflict_and_backs_off_longer_each_time)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct rival rival = {.fixture = &f, .next = 1, .last = 1000};
    f.plan.before = take_slot_first;
    f.plan.before_data = &rival;
    w.request.attempts_max = 6;
    w.request.attempts_used = 1;
    varve_status status = vv_commit(&f.op, &f.log, &w.request, &result);
    CHECK(strstr(f.op.error.message, "nothing was written") != NULL);
    CHECK_INT(f.op.error.retryable, 1);
    CHECK_FAILS(&f.op, status, VARVE_ECONFLICT);
    CHECK_INT(rival.next, 6);   /* five slots were tried */
    CHECK_INT(w.judged_len, 4); /* the last winner need not be judged */
    /* 20, 40, 80, 160 ms, each at least half, in pieces */
    CHECK(f.clock.slept_us >= 150000 && f.clock.slept_us <= 300000);
}

static void sleep_and_cancel(void *data, int64_t us)
{
    struct test_clock *clock = data;
    atomic_fetch_add(&clock->slept_us, us);
    atomic_store(&clock->cancel, atomic_load(&clock->slept_us) > 400000);
}

TEST(commit, that_loses_hears_a_cancel_while_it_backs_off)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct rival rival = {.fixture = &f, .next = 1, .last = 1000};
    f.plan.before = take_slot_first;
    f.plan.before_data = &rival;
    f.clock.env.sleep_us = sleep_and_cancel;
    w.request.attempts_max = 20;
    CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_EINTERRUPTED);
    CHECK(f.clock.slept_us <= 450000);
    CHECK(!has_version(&f, rival.next)); /* the last slot that was taken is a rival's */
}

TEST(commit, wins_in_the_end_and_chains_to_the_last_winner)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct rival rival = {.fixture = &f, .next = 1, .last = 4};
    f.plan.before = take_slot_first;
    f.plan.before_data = &rival;
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 5);
    CHECK_INT(result.attempts, 5);
    check_chain(&f, 5);
}

/* The hash of two hexadecimal texts, one behind the other. */
static void fold(struct vv_op *op, struct vv_str chain, struct vv_str sha256, char *out)
{
    struct vv_str both = vv_arena_format(&op->arena, "%.*s%.*s", VV_ARG(chain), VV_ARG(sha256));
    REQUIRE_OK(op, vv_sha256(op, both, out));
}

TEST(commit, behind_a_run_of_others_covers_all_of_it)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    char sha256[4][VV_SHA256_HEX_BYTES];
    char chain[VV_SHA256_HEX_BYTES];
    struct vv_op *op = &f.op;
    REQUIRE(table_init(&f, &snapshot));
    REQUIRE(put_commit(&f, 1, FOREIGN_LINE ADD_LINE("one")));
    REQUIRE(put_commit(&f, 2, FOREIGN_LINE ADD_LINE("two")));
    vv_snapshot_release(&snapshot);
    REQUIRE_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &snapshot));
    REQUIRE(writer_init(&w, &f, snapshot, "b"));
    /* One more of them comes while this commit is under way. */
    struct rival rival = {.fixture = &f, .next = 3, .last = 3};
    f.plan.before = take_slot_first;
    f.plan.before_data = &rival;
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 4);
    check_chain(&f, 4);
    for (int i = 0; i < 4; i++)
        REQUIRE_OK(op, vv_sha256(op, text_of(&f, i), sha256[i]));
    fold(op, vv_str_of(sha256[0]), vv_str_of(sha256[1]), chain);
    fold(op, vv_str_of(chain), vv_str_of(sha256[2]), chain);
    fold(op, vv_str_of(chain), vv_str_of(sha256[3]), chain);
    const struct vv_commit_info *info = info_of(&f, 4);
    CHECK_STR(info->prev_chain, chain);
    CHECK_INT(info->chain_from, 0);
    /* Behind a commit with a link there is no run. */
    vv_snapshot_release(&snapshot);
    REQUIRE_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &snapshot));
    REQUIRE(writer_init(&w, &f, snapshot, "c"));
    REQUIRE(commit(&w, &result));
    CHECK(info_of(&f, 5)->prev_chain.ptr == NULL);
    check_chain(&f, 5);
    /* The next run is counted from there. */
    REQUIRE(put_commit(&f, 6, FOREIGN_LINE ADD_LINE("six")));
    vv_snapshot_release(&snapshot);
    REQUIRE_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &snapshot));
    REQUIRE(writer_init(&w, &f, snapshot, "d"));
    REQUIRE(commit(&w, &result));
    CHECK_INT(info_of(&f, 7)->chain_from, 5);
}

TEST(commit, chains_even_if_the_snapshot_does_not_know_the_hash)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct vv_snapshot forgetful = *snapshot;
    forgetful.commit_sha256[0] = '\0';
    w.request.read = &forgetful;
    REQUIRE(commit(&w, &result));
    check_chain(&f, 1);
}

TEST(commit, says_that_the_commit_before_is_missing)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct vv_snapshot forgetful = *snapshot;
    forgetful.commit_sha256[0] = '\0';
    w.request.read = &forgetful;
    REQUIRE_OK(&f.op, vv_store_remove(&f.op, f.store, vv_log_commit_key(&f.op.arena, 0)));
    REQUIRE(commit(&w, &result));
    const struct vv_commit_info *info = info_of(&f, 1);
    CHECK(info->prev_hash.ptr == NULL);
    CHECK_STR(info->prev_from, "missing");
    CHECK_INT(info->prev_version, 0);
    CHECK_INT(vv_chain_check(1, info, VV_STR_NONE), VV_CHAIN_UNPROVEN);
}

TEST(commit, takes_the_hash_of_a_cleaned_up_commit_from_the_ledger)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_log_list list = {0};
    struct writer w;
    struct vv_commit_result result;
    struct vv_op *op = &f.op;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct vv_snapshot forgetful = *snapshot;
    forgetful.commit_sha256[0] = '\0';
    w.request.read = &forgetful;
    REQUIRE_OK(op, vv_log_list_read(op, &f.log, 0, &op->arena, &list));
    REQUIRE_OK(op, vv_ledger_keep(op, &f.log, &list, 1, NULL));
    REQUIRE_OK(op, vv_store_remove(op, f.store, vv_log_commit_key(&op->arena, 0)));
    REQUIRE(commit(&w, &result));
    const struct vv_commit_info *info = info_of(&f, 1);
    CHECK_STR(info->prev_hash, snapshot->commit_sha256);
    CHECK_STR(info->prev_from, "ledger");
    CHECK_INT(vv_chain_check(1, info, vv_str_of(snapshot->commit_sha256)), VV_CHAIN_HOLDS);
}

TEST(commit, of_two_writers_both_get_in_and_the_chain_holds)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer a;
    struct writer b;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot));
    REQUIRE(writer_init(&a, &f, snapshot, "from-a") && writer_init(&b, &f, snapshot, "from-b"));
    REQUIRE(commit(&a, &result));
    CHECK_INT(result.version, 1);
    REQUIRE(commit(&b, &result));
    CHECK_INT(result.version, 2);
    CHECK_INT(b.judged_len, 1);
    CHECK(!vv_str_eq(info_of(&f, 1)->txn_id, info_of(&f, 2)->txn_id));
    check_chain(&f, 1);
    check_chain(&f, 2);
    struct vv_snapshot *fresh = NULL;
    REQUIRE_OK(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh));
    CHECK(file_of(fresh, "from-a") != NULL && file_of(fresh, "from-b") != NULL);
    vv_snapshot_release(&fresh);
}
