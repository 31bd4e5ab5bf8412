/*
 * The third outcome of a put: no answer.
 */
#include "commit_fixture.h"

/* Fails the puts `first` to `last` (1 = the first), and nothing else. */
struct put_faults {
    struct vv_fault_plan *plan;
    uint64_t puts, first, last;
};

static void fail_puts(void *data, const char *call, struct vv_str key)
{
    struct put_faults *faults = data;
    (void)key;
    faults->plan->at = 0;
    if (strcmp(call, "put_if_absent") != 0)
        return;
    faults->puts++;
    if (faults->puts >= faults->first && faults->puts <= faults->last)
        faults->plan->at = faults->plan->calls + 1;
}

static void plan_put_faults(struct fixture *fixture, struct put_faults *faults,
    enum vv_fault_kind kind, uint64_t first, uint64_t last)
{
    *faults = (struct put_faults){.plan = &fixture->plan, .first = first, .last = last};
    fixture->plan.kind = kind;
    fixture->plan.before = fail_puts;
    fixture->plan.before_data = faults;
}

TEST(commit_doubt, reply_lost_finds_its_own_commit)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct put_faults faults;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    plan_put_faults(&f, &faults, VV_FAULT_LOSE_REPLY, 1, 1);
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 1);
    CHECK_INT(result.attempts, 1);
    CHECK_INT(w.judged_len, 0);
    CHECK(!has_version(&f, 2));
    CHECK_INT(faults.puts, 1);
}

TEST(commit_doubt, in_doubt_with_an_empty_slot_puts_again)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct put_faults faults;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    plan_put_faults(&f, &faults, VV_FAULT_IN_DOUBT, 1, 3);
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 1);
    CHECK_INT(result.attempts, 1);
    CHECK_INT(faults.puts, 4);
}

TEST(commit_doubt, in_doubt_for_good_says_unknown)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct put_faults faults;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    plan_put_faults(&f, &faults, VV_FAULT_IN_DOUBT, 1, 1000);
    varve_status status = vv_commit(&f.op, &f.log, &w.request, &result);
    CHECK(strstr(f.op.error.message, "may have been written") != NULL);
    CHECK_INT(f.op.error.retryable, 1);
    CHECK_FAILS(&f.op, status, VARVE_EUNKNOWN);
}

/* After the first put nothing answers any more. */
static void lose_reply_then_refuse(void *data, const char *call, struct vv_str key)
{
    struct put_faults *faults = data;
    (void)key;
    if (faults->puts > 0) {
        faults->plan->kind = VV_FAULT_REFUSE;
        faults->plan->at = faults->plan->calls + 1;
    } else if (strcmp(call, "put_if_absent") == 0) {
        faults->puts++;
        faults->plan->at = faults->plan->calls + 1;
    }
}

TEST(commit_doubt, reply_lost_then_refused_says_unknown)
{
    static const enum vv_fault_kind kinds[] = {VV_FAULT_LOSE_REPLY, VV_FAULT_IN_DOUBT};
    for (size_t i = 0; i < VV_COUNT(kinds); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct writer w;
        struct vv_commit_result result;
        REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
        struct put_faults faults = {.plan = &f.plan};
        f.plan.kind = kinds[i];
        f.plan.before = lose_reply_then_refuse;
        f.plan.before_data = &faults;
        CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_EUNKNOWN);
        f.plan = (struct vv_fault_plan){0};
        CHECK_INT(has_version(&f, 1), kinds[i] == VV_FAULT_LOSE_REPLY);
    }
}

TEST(commit_doubt, refused_says_that_nothing_was_written)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    struct put_faults faults;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    plan_put_faults(&f, &faults, VV_FAULT_REFUSE, 1, 1);
    varve_status status = vv_commit(&f.op, &f.log, &w.request, &result);
    CHECK(strstr(f.op.error.message, "nothing was written") != NULL);
    CHECK_FAILS(&f.op, status, VARVE_EIO);
    CHECK(!has_version(&f, 1));
    CHECK_INT(faults.puts, 1);
}

/* The put is not answered, and before the slot is read somebody else has taken it. */
static void let_rival_in_after_doubt(void *data, const char *call, struct vv_str key)
{
    struct rival *rival = data;
    (void)key;
    if (rival->busy)
        return;
    rival->busy = true;
    if (strcmp(call, "put_if_absent") == 0 && rival->next == 1) {
        rival->fixture->plan.at = rival->fixture->plan.calls + 1;
        rival->busy = false;
        return;
    }
    rival->fixture->plan.at = 0;
    if (strcmp(call, "get") == 0 && rival->next <= rival->last)
        (void)put_commit(rival->fixture, rival->next++, FOREIGN_LINE ADD_LINE("r"));
    rival->busy = false;
}

TEST(commit_doubt, in_doubt_and_overtaken_is_a_lost_race)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    struct rival rival = {.fixture = &f, .next = 1, .last = 1};
    f.plan.kind = VV_FAULT_IN_DOUBT;
    f.plan.before = let_rival_in_after_doubt;
    f.plan.before_data = &rival;
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 2);
    CHECK_INT(w.judged_len, 1);
    check_chain(&f, 2);
}

/* Cancels when the put is made. */
static void cancel_at_put(void *data, const char *call, struct vv_str key)
{
    struct fixture *fixture = data;
    (void)key;
    if (strcmp(call, "put_if_absent") == 0)
        atomic_store(&fixture->clock.cancel, true);
}

TEST(commit_doubt, cancelled_while_in_doubt_still_finds_out)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    f.plan = (struct vv_fault_plan){
        .kind = VV_FAULT_LOSE_REPLY, .at = 1, .before = cancel_at_put, .before_data = &f};
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 1);
    /* Cancelled before the first put: nothing is written. */
    REQUIRE(writer_init(&w, &f, snapshot, "c"));
    CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_EINTERRUPTED);
    CHECK(!has_version(&f, 2));
}

/* Which call fails, and how: by the name of the call, in order. */
struct script_line {
    const char *call;
    enum vv_fault_kind kind;
};

struct script {
    struct vv_fault_plan *plan;
    const struct script_line *lines;
    size_t len, next;
};

static void follow_script(void *data, const char *call, struct vv_str key)
{
    struct script *script = data;
    (void)key;
    script->plan->at = 0;
    if (script->next == script->len || strcmp(call, script->lines[script->next].call) != 0)
        return;
    script->plan->kind = script->lines[script->next].kind;
    script->plan->at = script->plan->calls + 1;
    script->next++;
}

static void plan_script(struct fixture *fixture, struct script *script,
    const struct script_line *lines, size_t len)
{
    *script = (struct script){.plan = &fixture->plan, .lines = lines, .len = len};
    fixture->plan.before = follow_script;
    fixture->plan.before_data = script;
}

TEST(commit_doubt, goes_on_through_a_refusal_to_the_answer)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const struct script_line lines[] = {{"put_if_absent", VV_FAULT_IN_DOUBT},
        {"put_if_absent", VV_FAULT_REFUSE}, {"get", VV_FAULT_REFUSE}, {"get", VV_FAULT_REFUSE}};
    struct writer w;
    struct vv_commit_result result;
    struct script script;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    plan_script(&f, &script, lines, VV_COUNT(lines));
    REQUIRE(commit(&w, &result));
    CHECK_INT(script.next, VV_COUNT(lines));
    CHECK_INT(result.version, 1);
    CHECK_INT(result.attempts, 1);
}

TEST(commit_doubt, lasts_until_what_was_found_is_synced)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const struct script_line lines[] = {
        {"put_if_absent", VV_FAULT_LOSE_REPLY}, {"publish", VV_FAULT_REFUSE}};
    struct writer w;
    struct vv_commit_result result;
    struct script script;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    plan_script(&f, &script, lines, VV_COUNT(lines));
    CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_EUNKNOWN);
    CHECK_INT(script.next, VV_COUNT(lines));
    CHECK(has_version(&f, 1));
}

TEST(commit_doubt, ends_with_the_slot_it_was_about)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct writer w;
    struct vv_commit_result result;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    /* A rival has version 1, which our unanswered put can't change; version 2 is refused. */
    static const struct script_line lines[] = {
        {"put_if_absent", VV_FAULT_IN_DOUBT}, {"put_if_absent", VV_FAULT_REFUSE}};
    struct script script;
    REQUIRE(put_commit(&f, 1, FOREIGN_LINE ADD_LINE("r")));
    plan_script(&f, &script, lines, VV_COUNT(lines));
    CHECK_FAILS(&f.op, vv_commit(&f.op, &f.log, &w.request, &result), VARVE_EIO);
    CHECK_INT(script.next, VV_COUNT(lines));
    CHECK_INT(w.judged_len, 1);
    CHECK(!has_version(&f, 2));
}

TEST(commit_doubt, does_not_arise_from_a_winner_that_is_hard_to_read)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const struct script_line lines[] = {
        {"get", VV_FAULT_REFUSE}, {"get", VV_FAULT_REFUSE}, {"get", VV_FAULT_REFUSE}};
    struct writer w;
    struct vv_commit_result result;
    struct script script;
    REQUIRE(table_init(&f, &snapshot) && writer_init(&w, &f, snapshot, "b"));
    REQUIRE(put_commit(&f, 1, FOREIGN_LINE ADD_LINE("r")));
    plan_script(&f, &script, lines, VV_COUNT(lines));
    REQUIRE(commit(&w, &result));
    CHECK_INT(result.version, 2);
    CHECK_INT(script.next, VV_COUNT(lines));
}
