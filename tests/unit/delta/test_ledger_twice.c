/*
 * Two writers of the ledger at once: files that have the same commits, and a commit that the other one
 * takes out of the log.
 */
#include "base/buf.h"
#include "delta/log_name.h"
#include "ledger_fixture.h"

/* Turns a bit of a file, a byte from its end. */
static bool turn_bit(struct fixture *f, struct vv_str key)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf copy = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str file = VV_STR_NONE;
    struct vv_op *op = &f->op;
    if (!CHECK_OK(op, vv_store_get(op, f->store, &op->arena, key, &file)))
        return false;
    vv_buf_add(&copy, file);
    copy.private_ptr[copy.len - 12] ^= 1;
    return CHECK_OK(op, vv_store_put(op, f->store, key, vv_buf_str(&copy)));
}

TEST(ledger, gives_what_another_file_has_where_one_is_damaged)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_list log = {0};
    struct vv_log_list list = {0};
    struct vv_str bytes[7];
    struct vv_str file = VV_STR_NONE;
    char sha256[VV_SHA256_HEX_BYTES] = "";
    char right[VV_SHA256_HEX_BYTES];
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 9) && keep(&f, 7, 7));
    /* As two writers at once leave it: 0 to 4, and 0 to 6. */
    REQUIRE_OK(op,
        vv_store_get(op, f.store, &op->arena, VV_STR(LEDGER_FILE("000", "006")), &file));
    REQUIRE_OK(op, vv_store_remove(op, f.store, VV_STR(LEDGER_FILE("000", "006"))));
    REQUIRE(keep(&f, 5, 5));
    REQUIRE_OK(op, vv_store_put(op, f.store, VV_STR(LEDGER_FILE("000", "006")), file));
    REQUIRE(turn_bit(&f, VV_STR(LEDGER_FILE("000", "004"))));
    for (int64_t i = 0; i < 7; i++)
        CHECK_OK(op, vv_log_read(op, &f.log, i, &op->arena, &bytes[i]));
    REQUIRE_OK(op, vv_log_list_read(op, &f.log, 0, &op->arena, &log));
    CHECK_OK(op, vv_ledger_check(op, &f.log, &log, 7));
    REQUIRE(remove_commits(&f, 0, 6) && list_all(&f, &list) && CHECK_INT(list.commits.len, 10));
    CHECK_STR(list.commits.items[4].ledger_key, LEDGER_FILE("000", "004"));
    for (size_t i = 0; i < 7; i++) {
        struct vv_str again = VV_STR_NONE;
        CHECK_OK(op,
            vv_log_read_listed(op, &f.log, NULL, &list.commits.items[i], &op->arena, &again));
        CHECK(vv_str_eq(again, bytes[i]));
        CHECK_OK(op, vv_ledger_sha256(op, &f.log, (int64_t)i, sha256));
        CHECK_OK(op, vv_sha256(op, bytes[i], right));
        CHECK_STR(vv_str_of(sha256), vv_str_of(right));
    }
    CHECK_OK(op, vv_ledger_sha256(op, &f.log, 7, sha256));
    CHECK_STR(vv_str_of(sha256), VV_STR(""));
}

TEST(ledger, is_no_keeper_where_its_first_whole_file_has_other_bytes)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_list list = {0};
    struct vv_str file = VV_STR_NONE;
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 5) && keep(&f, 4, 4));
    REQUIRE_OK(op,
        vv_store_get(op, f.store, &op->arena, VV_STR(LEDGER_FILE("000", "003")), &file));
    REQUIRE_OK(op, vv_store_remove(op, f.store, VV_STR(LEDGER_FILE("000", "003"))));
    REQUIRE(remove_commits(&f, 2, 2) && put_commit_at(&f, 2, FOREIGN_LINE "\n", NOW_MS));
    REQUIRE(keep(&f, 3, 3) && remove_commits(&f, 2, 2) &&
            put_numbered(&f, 2, NOW_MS - 98 * 1000));
    REQUIRE_OK(op, vv_store_put(op, f.store, VV_STR(LEDGER_FILE("000", "003")), file));
    REQUIRE_OK(op, vv_log_list_read(op, &f.log, 0, &op->arena, &list));
    CHECK_OK(op, vv_ledger_check(op, &f.log, &list, 2));
    varve_status status = vv_ledger_check(op, &f.log, &list, 4);
    CHECK(strstr(op->error.message, LEDGER_FILE("000", "002")) != NULL);
    CHECK_FAILS(op, status, VARVE_ECORRUPT);
}

/* Another clean-up, which is done before a commit that this one has listed is read. */
struct faster {
    struct fixture *f;
    int64_t first, last; /* are kept, those from 0 on removed */
    bool keeps, is_done;
};

static void clean_first(void *data, const char *call, struct vv_str key)
{
    struct faster *faster = data;
    struct fixture *f = faster->f;
    struct vv_log_list list = {0};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &f->clock.env, VV_OP_BYTES_DEFAULT);
    if (faster->is_done || strcmp(call, "get") != 0 ||
        !vv_str_starts(key, VV_STR(VV_LOG_FOLDER)))
        return;
    faster->is_done = true;
    CHECK_OK(&op, vv_log_list_read(&op, &f->log, faster->first, &op.arena, &list));
    if (faster->keeps)
        CHECK_OK(&op, vv_ledger_keep(&op, &f->log, &list, faster->last + 1, NULL));
    (void)remove_commits(f, 0, faster->last);
}

TEST(ledger, is_looked_at_again_where_another_clean_up_was_faster)
{
    static const struct {
        int64_t first, last;
        size_t kept;
        bool keeps;
    } cases[] = {{0, 5, 2, true}, {0, 7, 0, true}, {0, 3, 0, false}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        struct faster faster = {&f, cases[i].first, cases[i].last, cases[i].keeps, false};
        struct vv_log_list list = {0};
        struct vv_op *op = &f.op;
        size_t kept = 0;
        REQUIRE(fixture_init(&f) && put_many(&f, 0, 11));
        REQUIRE_OK(op, vv_log_list_read(op, &f.log, 0, &op->arena, &list));
        f.plan.before = clean_first;
        f.plan.before_data = &faster;
        varve_status status = vv_ledger_keep(op, &f.log, &list, 8, &kept);
        f.plan.before = NULL;
        if (!cases[i].keeps) {
            CHECK_FAILS(op, status, VARVE_ENOTFOUND);
            REQUIRE(put_many(&f, 0, 3));
            continue;
        }
        CHECK_OK(op, status);
        CHECK_INT(kept, cases[i].kept);
        REQUIRE(list_all(&f, &list) && CHECK_INT(list.commits.len, 12));
        CHECK_OK(op, vv_ledger_check(op, &f.log, &list, 8));
    }
}
