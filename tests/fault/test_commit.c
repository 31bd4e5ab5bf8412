/*
 * A writer opens a table, meets a rival, and commits, while one call of the store after the other
 * fails in each of three ways, and then one allocation after the other. Whatever happens, the
 * table must be at a version that some order of the two writers explains, and what the writer
 * was told must be true.
 */
#include "../unit/delta/log_fixture.h"
#include "base/seam.h"
#include "fault/step.h"

/* How often the fault may strike in a row: once, and for as long as anybody tries again. */
static const uint64_t strikes[] = {1, 3, 100};

struct story {
    struct fixture fixture;
    bool rival_came;
    uint64_t fail_load_at, fail_commit_at; /* allocations; 0 = none */
    varve_status status;
    struct vv_commit_result result;
    char message[VARVE_ERROR_MESSAGE_BYTES];
};

static varve_status rebase(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    (void)op;
    (void)data;
    (void)winner;
    *out = VV_VERDICT_REBASE;
    return VARVE_OK;
}

/* The rival takes version 1 right before our first put. Its call is not counted. */
static void let_rival_in(void *data, const char *call, struct vv_str key)
{
    struct story *story = data;
    (void)key;
    if (story->rival_came || strcmp(call, "put_if_absent") != 0)
        return;
    story->rival_came = true;
    struct vv_fault_plan plan = story->fixture.plan;
    story->fixture.plan = (struct vv_fault_plan){0};
    CHECK(put_commit(&story->fixture, 1, FOREIGN_LINE ADD_LINE("theirs")));
    story->fixture.plan = plan;
}

static varve_status write_ours(struct story *story)
{
    struct fixture *fixture = &story->fixture;
    struct vv_op op;
    struct vv_actions actions = {0};
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    vv_op_init(&op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    vv_seam_fail_allocation(story->fail_load_at);
    varve_status status = vv_snapshot_load(&op, &fixture->log, VV_NO_VERSION, &snapshot);
    struct vv_file *file = status == VARVE_OK ? vv_actions_new_add(&actions, &op.arena) : NULL;
    if (status == VARVE_OK && file == NULL)
        status = vv_fail_memory(&op);
    if (status == VARVE_OK) {
        *file = (struct vv_file){.path = VV_STR("ours"),
            .key = VV_STR("ours"),
            .dv_id = VV_STR(""),
            .base_row_id = -1,
            .row_commit_version = -1};
        const struct vv_commit_request request = {.read = snapshot,
            .actions = &actions,
            .operation = VV_STR("WRITE"),
            .attempts_max = 5,
            .judge = rebase};
        if (story->fail_commit_at > 0)
            let_rival_in(story, "put_if_absent", VV_STR_NONE);
        vv_seam_fail_allocation(story->fail_commit_at);
        status = vv_commit(&op, &fixture->log, &request, &story->result);
    }
    vv_seam_fail_allocation(0);
    CHECK_INT(op.failed, status != VARVE_OK);
    (void)snprintf(story->message, sizeof(story->message), "%s",
        op.failed ? op.error.message : "");
    vv_op_done(&op);
    return status;
}

/* Versions in which the log holds our file: none, or exactly one. */
static void check_truth(struct story *story, bool may_be_in_doubt)
{
    struct fixture *fixture = &story->fixture;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    fixture->plan = (struct vv_fault_plan){0};
    REQUIRE_OK(&fixture->op,
        vv_snapshot_load(&fixture->op, &fixture->log, VV_NO_VERSION, &snapshot));
    const struct vv_file *ours = file_of(snapshot, "ours");
    int64_t expected_version = (story->rival_came ? 1 : 0) + (ours != NULL ? 1 : 0);
    CHECK(file_of(snapshot, "a") != NULL);
    CHECK_INT(file_of(snapshot, "theirs") != NULL, story->rival_came);
    CHECK_INT(snapshot->version, expected_version);
    if (story->status == VARVE_OK) {
        REQUIRE(ours != NULL);
        CHECK_INT(ours->added_version, story->result.version);
    } else if (story->status == VARVE_EUNKNOWN) {
        CHECK(may_be_in_doubt);
    } else {
        CHECK(ours == NULL);
    }
}

static bool start(struct story *story)
{
    *story = (struct story){0};
    return fixture_init(&story->fixture) && put_first_commit(&story->fixture);
}

TEST_SECONDS(commit, tells_the_truth_whichever_call_of_the_store_fails, 240)
{
    static const enum vv_fault_kind kinds[] = {
        VV_FAULT_REFUSE, VV_FAULT_LOSE_REPLY, VV_FAULT_IN_DOUBT};
    size_t outcomes[3] = {0}; /* done, unknown, failed */
    for (size_t i = 0; i < VV_COUNT(kinds) * VV_COUNT(strikes); i++) {
        enum vv_fault_kind kind = kinds[i % VV_COUNT(kinds)];
        uint64_t count = strikes[i / VV_COUNT(kinds)];
        bool struck = true;
        for (uint64_t at = 1; struck; at += STEP(at)) {
            struct story story;
            REQUIRE(start(&story));
            story.fixture.plan = (struct vv_fault_plan){.kind = kind,
                .at = at,
                .count = count,
                .before = let_rival_in,
                .before_data = &story};
            story.status = write_ours(&story);
            struck = story.fixture.plan.calls >= at;
            printf("# kind %d, %" PRIu64 " calls from %" PRIu64 ": %s %s\n", (int)kind, count,
                at, varve_status_name(story.status), story.message);
            outcomes[story.status == VARVE_OK ? 0 : story.status == VARVE_EUNKNOWN ? 1 : 2]++;
            check_truth(&story, kind != VV_FAULT_REFUSE);
            fixture_done(&story.fixture);
        }
    }
    /* A run in which nothing is ever in doubt would prove nothing. */
    CHECK(outcomes[0] > 0 && outcomes[1] > 0 && outcomes[2] > 0);
}

/* Fails one allocation after the other, of the load or of the commit, until none is left. */
static void fail_allocations(bool in_commit)
{
    bool failed = true;
    uint64_t nth = 0;
    while (failed) {
        struct story story;
        REQUIRE(start(&story));
        nth++;
        story.fail_load_at = in_commit ? 0 : nth;
        story.fail_commit_at = in_commit ? nth : 0;
        story.status = write_ours(&story);
        failed = story.status != VARVE_OK;
        if (failed)
            CHECK_INT(story.status, VARVE_ELIMIT);
        check_truth(&story, false);
        fixture_done(&story.fixture);
    }
    printf("# %" PRIu64 " allocations\n", nth - 1);
    CHECK(nth > 10);
}

TEST(commit, tells_the_truth_whichever_allocation_of_the_load_fails)
{
    fail_allocations(false);
}

TEST(commit, tells_the_truth_whichever_allocation_of_the_commit_fails)
{
    fail_allocations(true);
}
