/* Calls that fail below a spool: nothing that was acknowledged is lost, and it goes on. */
#include <unistd.h>

#include "base/seam.h"
#include "spool_folder.h"

#define ROWS 30

static void init(struct spool_fixture *f)
{
    spool_fixture_init(f);
    f->options.segment_bytes = 12288;
    f->options.sync_interval_us = 60000000;
}

static bool has_file(const char *start)
{
    struct folder folder;
    return folder_read(&folder, test_path("spool")) && folder_find(&folder, start) != NULL;
}

/*
 * One durable row, and the spool's thread at rest: it makes a spare segment when it begins, and the
 * sync of that one would be the call that fails.
 */
static bool begin_at_rest(struct spool_fixture *f)
{
    if (!CHECK(put_rows(f, "a", 1, 1)))
        return false;
    for (int tries = 0; tries < 50000 && !has_file("00000000000000000002.1.vs"); tries++)
        (void)usleep(1000);
    return CHECK(has_file("00000000000000000002.1.vs")) &&
           CHECK_OK(&f->op, vv_spool_wait_durable(&f->op, f->spool, 1));
}

TEST(spool_fault, a_sync_that_fails_once_costs_a_new_file_and_nothing_else)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    init(&f);
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(begin_at_rest(&f));
    REQUIRE(put_rows(&f, "a", 2, ROWS - 1));
    vv_seam_set("fail=journal.sync:1");
    CHECK_OK(&f.op, vv_spool_wait_durable(&f.op, f.spool, ROWS));
    vv_seam_set(NULL);
    CHECK(has_file("00000000000000000001.2.vs"));
    CHECK(!has_file("00000000000000000001.1.vs"));
    REQUIRE(put_rows(&f, "a", ROWS + 1, ROWS));
    uint64_t number = 0;
    CHECK_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
    struct rows_seen seen = see_sealed(&f);
    CHECK(seen.in_order);
    CHECK_INT(seen.rows, 2 * ROWS);
}

TEST(spool_fault, while_no_sync_succeeds_nothing_is_durable_and_puts_fail)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    struct vv_spool_stats stats;
    init(&f);
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(begin_at_rest(&f));
    REQUIRE(put_rows(&f, "a", 2, ROWS - 1));
    vv_seam_set("fail=journal.sync:1,fail=journal.sync:2");
    CHECK_FAILS(&f.op, vv_spool_wait_durable(&f.op, f.spool, ROWS), VARVE_EIO);
    vv_spool_stats(f.spool, &stats);
    CHECK_INT(stats.sequence_durable, 1);
    if (try_put(&f, "a", ROWS + 1) == 0) { /* unless it has been tried again meanwhile */
        CHECK_INT(f.op.error.code, VARVE_EIO);
        vv_forgive(&f.op);
        vv_seam_set(NULL);
        uint64_t number = 0;
        CHECK_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
        CHECK_INT(see_sealed(&f).rows, ROWS);
        CHECK(put_rows(&f, "a", ROWS + 1, 1));
    }
    vv_seam_set(NULL);
}

TEST(spool_fault, a_full_disk_is_met_by_a_put_that_says_so)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    init(&f);
    REQUIRE(spool_open(&f, "spool"));
    uint64_t rows = 1;
    REQUIRE(put_rows(&f, "a", 1, 1));
    vv_seam_set("fail=journal.allocate:1,fail=journal.allocate:2,fail=journal.allocate:3,"
                "fail=journal.allocate:4");
    while (rows < 1000 && try_put(&f, "a", rows + 1) > 0)
        rows++;
    vv_seam_set(NULL);
    if (rows < 1000) {
        CHECK_INT(f.op.error.code, VARVE_EIO);
        CHECK_INT(f.op.error.retryable, 1);
        CHECK(strstr(f.op.error.message, "free some space") != NULL);
        vv_forgive(&f.op);
    }
    CHECK(put_rows(&f, "a", rows + 1, 200));
    uint64_t number = 0;
    CHECK_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
    struct rows_seen seen = see_sealed(&f);
    CHECK(seen.in_order);
    CHECK_INT(seen.rows, rows + 200);
}

/* What one run came to before something failed. */
struct run {
    uint64_t accepted, removed;
    bool has_failed;
};

static bool go_on(struct spool_fixture *f, struct run *run, varve_status status)
{
    if (status == VARVE_OK)
        return true;
    CHECK(status == VARVE_EIO || status == VARVE_ELIMIT || status == VARVE_ENOTFOUND);
    vv_forgive(&f->op);
    run->has_failed = true;
    return false;
}

static bool run_rows(struct spool_fixture *f, struct run *run, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (try_put(f, i % 2 == 0 ? "a" : "b", run->accepted + 1) == 0)
            return go_on(f, run, f->op.error.code);
        run->accepted++;
    }
    return true;
}

/* A bit of everything; ends at the first failure. */
static void run_all(struct spool_fixture *f, struct run *run)
{
    uint64_t number = 0;
    struct vv_str folder = vv_str_of(test_path("spool"));
    if (!go_on(f, run, vv_spool_open(&f->op, folder, &f->options, &f->recovery, &f->spool)) ||
        !run_rows(f, run, ROWS) ||
        !go_on(f, run, vv_spool_wait_durable(&f->op, f->spool, run->accepted)) ||
        !go_on(f, run, vv_spool_seal(&f->op, f->spool, &number)))
        return;
    run->removed = run->accepted; /* may be, from here on */
    if (!go_on(f, run, vv_spool_remove(&f->op, f->spool, number)) ||
        !run_rows(f, run, 3 * ROWS))
        return;
    (void)go_on(f, run, vv_spool_seal(&f->op, f->spool, &number));
}

/* Afterwards all is well again, and every accepted row that was not removed is there. */
static void check_after(struct spool_fixture *f, const struct run *run)
{
    if (f->spool != NULL && vv_spool_close(&f->op, &f->spool) != VARVE_OK)
        vv_forgive(&f->op);
    if (!spool_open(f, "spool"))
        return;
    struct rows_seen seen = see_sealed(f);
    CHECK(seen.in_order);
    CHECK_INT(seen.rows > 0 ? seen.last : run->removed, run->accepted);
    CHECK(seen.rows == 0 || seen.first <= run->removed + 1);
    CHECK_INT(try_put(f, "a", 0), run->accepted + 1);
    (void)spool_close(f);
}

static void begin_anew(void)
{
    struct folder nothing = {.len = 0};
    (void)snprintf(nothing.path, sizeof(nothing.path), "%s", test_path("spool"));
    (void)folder_restore(&nothing);
}

TEST_SECONDS(spool_fault, any_call_to_the_disk_may_fail_at_any_time, 240)
{
    static const char *const seams[] = {"journal.sync", "journal.allocate", "journal.map",
        "journal.cut", "store.open", "store.unlink", "store.stat", "store.read",
        "store.fsync_parents"};
    unsigned failures = 0;
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        for (unsigned nth = 1; nth <= 12; nth++) {
            struct spool_fixture f;
            struct run run = {0};
            char seam[64];
            init(&f);
            begin_anew();
            (void)snprintf(seam, sizeof(seam), "fail=%s:%u", seams[i], nth);
            vv_seam_set(seam);
            run_all(&f, &run);
            vv_seam_set(NULL);
            check_after(&f, &run);
            failures += run.has_failed;
            spool_fixture_done(&f);
        }
    }
    CHECK(failures > 10);
}

TEST_SECONDS(spool_fault, any_allocation_may_fail, 240)
{
    unsigned failures = 0;
    for (uint64_t nth = 1; nth < 120; nth++) {
        struct spool_fixture f;
        struct run run = {0};
        init(&f);
        begin_anew();
        vv_seam_fail_allocation(nth);
        run_all(&f, &run);
        vv_seam_fail_allocation(0);
        check_after(&f, &run);
        failures += run.has_failed;
        spool_fixture_done(&f);
    }
    CHECK(failures > 10);
}
