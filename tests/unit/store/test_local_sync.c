/* What is synced, and what a failed sync means. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/seam.h"
#include "fixture.h"
#include "store/local.h"

/* How many of the seams passed since the last call have the name. */
static int passed(const char *seam)
{
    static size_t seen;
    struct vv_str text = test_file_read(test_path("seams"));
    struct vv_str rest = vv_str_skip(text, seen);
    struct vv_str name;
    int count = 0;
    while (vv_str_split(&rest, '\n', &name))
        count += vv_str_eq(name, vv_str_of(seam));
    seen = text.len;
    return count;
}

/* The same since `watch`. */
static int passed_at_all(const char *seam)
{
    struct vv_str rest = test_file_read(test_path("seams"));
    struct vv_str name;
    int count = 0;
    while (vv_str_split(&rest, '\n', &name))
        count += vv_str_eq(name, vv_str_of(seam));
    return count;
}

static void watch(struct vv_op *op)
{
    CHECK(test_file_write(test_path("seams"), VV_STR("")));
    vv_seam_set(vv_arena_format(&op->arena, "list=%s", test_path("seams")).ptr);
}

TEST(local_sync, anchors_a_folder_once)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "new/root", true));
    watch(&fixture.op);
    /* The folder of the case held "new" or not, "new" the root, the root the log. */
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), VV_PUT_CREATED);
    CHECK_INT(passed("store.fsync_parents"), 4);
    CHECK_INT(put_if_absent(&fixture, "log/1", "x"), VV_PUT_CREATED);
    CHECK_INT(passed("store.fsync_parents"), 0);
    CHECK_INT(put_if_absent(&fixture, "log/2", "x"), VV_PUT_CREATED);
    CHECK_INT(passed("store.fsync_folder"), 1);
    /* Another folder of the root: the root alone holds a new entry. */
    put(&fixture, "other/0", "x");
    CHECK_INT(passed("store.fsync_parents"), 1);
    /* Files in folders at two levels: they, and the root for the first of them. */
    REQUIRE(stage(&fixture, "d=1/e=1/f", "x") != NULL &&
            stage(&fixture, "d=1/e=2/f", "x") != NULL);
    struct vv_str keys[] = {VV_STR("d=1/e=1/f"), VV_STR("d=1/e=2/f")};
    CHECK_OK(&fixture.op, vv_store_publish(&fixture.op, fixture.store, keys, 2));
    CHECK_INT(passed("store.fsync_parents"), 4);
    CHECK_OK(&fixture.op, vv_store_publish(&fixture.op, fixture.store, keys, 2));
    CHECK_INT(passed("store.fsync_parents"), 2);
}

TEST(local_sync, anchors_what_another_process_may_have_made)
{
    VV_CLEANUP(fixture_done) struct fixture first = {0};
    VV_CLEANUP(fixture_done) struct fixture second = {0};
    REQUIRE(fixture_open_local(&first, "root", true));
    REQUIRE(stage(&first, "d=1/a", "x") != NULL); /* makes d=1, and syncs nothing yet */
    REQUIRE(fixture_open_local(&second, "root", true));
    REQUIRE(stage(&second, "d=1/b", "x") != NULL);
    watch(&second.op);
    CHECK_OK(&second.op, publish(&second, "d=1/b"));
    CHECK_INT(passed("store.fsync_parents"), 3);
}

TEST(local_sync, anchors_a_folder_anew_that_was_made_anew)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "d/a", "x");
    REQUIRE(rename(test_path("root/d"), test_path("root/moved")) == 0);
    watch(&fixture.op);
    put(&fixture, "d/a", "x");
    CHECK_INT(passed("store.fsync_parents"), 1);
    put(&fixture, "d/a", "y");
    CHECK_INT(passed("store.fsync_parents"), 0);
}

TEST(local_sync, syncs_nothing_with_durability_off)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", false));
    watch(&fixture.op);
    put(&fixture, "d/a", "x");
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), VV_PUT_CREATED);
    struct vv_str keys[70];
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        keys[i] = vv_arena_format(&fixture.op.arena, "d/%zu", i);
        REQUIRE(stage(&fixture, keys[i].ptr, "x") != NULL);
    }
    CHECK_OK(&fixture.op, vv_store_publish(&fixture.op, fixture.store, keys, VV_COUNT(keys)));
    struct vv_store *below = NULL;
    REQUIRE_OK(&fixture.op, vv_store_at(&fixture.op, fixture.store, VV_STR("t"), &below));
    CHECK_OK(&fixture.op, vv_store_put(&fixture.op, below, VV_STR("d/a"), VV_STR("x")));
    vv_store_close(&below);
    static const char *const syncs[] = {"store.fsync", "store.fsync_folder",
        "store.fsync_parents", "store.publish.fsync", "store.syncfs"};
    for (size_t i = 0; i < VV_COUNT(syncs); i++)
        CHECK_INT(passed_at_all(syncs[i]), 0);
    CHECK_INT(passed_at_all("store.put.folder_synced"), 3); /* the watch is on */
}

TEST(local_sync, syncs_many_files_by_their_file_system)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    struct vv_str keys[65];
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        keys[i] = vv_arena_format(&op->arena, "d=%zu/f", i);
        REQUIRE(stage(&fixture, keys[i].ptr, "x") != NULL);
    }
    watch(op);
    CHECK_OK(op, vv_store_publish(op, fixture.store, keys, 64));
    CHECK_INT(passed("store.publish.fsync"), 64);
    CHECK_OK(op, vv_store_publish(op, fixture.store, keys, 65));
    CHECK_INT(passed_at_all("store.syncfs"), 1);
    CHECK_INT(passed_at_all("store.publish.fsync"), 64);
    /* That covers the folders too; only what is above the root may lie on another device. */
    CHECK_INT(passed_at_all("store.fsync_parents"), 67);
}

TEST(local_sync, tries_a_failed_anchor_again)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    vv_seam_set("fail=store.fsync_parents:2");
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), -1);
    CHECK_STATUS(&fixture.op, VARVE_EIO);
    CHECK(strstr(fixture.op.error.message, "cannot sync the folder ") != NULL);
    vv_forgive(&fixture.op);
    watch(&fixture.op);
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), VV_PUT_CREATED);
    CHECK_INT(passed("store.fsync_parents"), 3);
}

TEST(local_sync, hastens_what_will_be_synced_and_fails_nothing_by_it)
{
    VV_CLEANUP(fixture_done) struct fixture synced = {0};
    VV_CLEANUP(fixture_done) struct fixture unsynced = {0};
    REQUIRE(fixture_open_local(&synced, "synced", true));
    REQUIRE(fixture_open_local(&unsynced, "unsynced", false));
    const char *path = stage(&synced, "d/f", "x");
    const char *other = stage(&unsynced, "d/f", "x");
    REQUIRE(path != NULL && other != NULL);
    watch(&synced.op);
    vv_store_hasten(synced.store, path);
    CHECK_INT(passed("store.hasten"), 1);
    vv_store_hasten(unsynced.store, other);
    vv_store_hasten(synced.store, test_path("synced/d/none"));
    CHECK_INT(passed("store.hasten"), 0);
    CHECK_OK(&synced.op, publish(&synced, "d/f"));
    CHECK_INT(passed_at_all("store.publish.fsync"), 1); /* it is no sync */
}

TEST(local_sync, never_publishes_a_file_that_a_sync_failed_on)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    struct vv_str keys[] = {VV_STR("d/0"), VV_STR("d/1"), VV_STR("d/2")};
    for (size_t i = 0; i < VV_COUNT(keys); i++)
        REQUIRE(stage(&fixture, keys[i].ptr, "x") != NULL);
    vv_seam_set("fail=store.publish.fsync:2");
    CHECK_FAILS(op, vv_store_publish(op, fixture.store, keys, 3), VARVE_EIO);
    vv_seam_set(NULL);
    CHECK_INT(publish(&fixture, "d/1"), VARVE_EIO);
    CHECK(strstr(op->error.message, "an earlier sync of it failed; write it anew") != NULL);
    vv_forgive(op);
    CHECK_OK(op, publish(&fixture, "d/0"));
    CHECK_OK(op, publish(&fixture, "d/2"));
    REQUIRE(stage(&fixture, "d/3", "x") != NULL);
    CHECK_OK(op, publish(&fixture, "d/3"));
}

TEST(local_sync, gives_up_all_files_that_a_failed_sync_may_have_hit)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    struct vv_str keys[70];
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        keys[i] = vv_arena_format(&op->arena, "d/%zu", i);
        REQUIRE(stage(&fixture, keys[i].ptr, "x") != NULL);
    }
    vv_seam_set("fail=store.syncfs");
    CHECK_FAILS(op, vv_store_publish(op, fixture.store, keys, 66), VARVE_EIO);
    vv_seam_set(NULL);
    CHECK_FAILS(op, publish(&fixture, "d/0"), VARVE_EIO);
    CHECK_FAILS(op, publish(&fixture, "d/65"), VARVE_EIO);
    vv_seam_set("fail=store.fsync_parents");
    CHECK_FAILS(op, publish(&fixture, "d/66"), VARVE_EIO);
    vv_seam_set(NULL);
    CHECK_FAILS(op, publish(&fixture, "d/66"), VARVE_EIO);
    CHECK_OK(op, publish(&fixture, "d/67"));
}

TEST(local_sync, leaves_the_folder_above_alone_where_it_has_no_right_to_it)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(mkdir(test_path("outer"), 0777) == 0 && mkdir(test_path("outer/root"), 0777) == 0);
    REQUIRE(chmod(test_path("outer/root"), 0777) == 0 && chmod(test_dir(), 0755) == 0);
    REQUIRE(chmod(test_path("outer"), 0311) == 0);
    /* To root all is permitted; the process of this case is used up by the change. */
    if (geteuid() == 0)
        REQUIRE(seteuid(65534) == 0);
    if (fixture_open_local(&fixture, "outer/root", true))
        CHECK_INT(put_if_absent(&fixture, "log/0", "x"), VV_PUT_CREATED);
    if (getuid() == 0)
        CHECK(seteuid(0) == 0);
    CHECK(chmod(test_path("outer"), 0755) == 0);
}

TEST(local_sync, stops_at_a_mount_point)
{
    if (!mount_tmpfs("size=1m"))
        SKIP("no right to mount a file system");
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "mnt", true));
    watch(&fixture.op);
    put(&fixture, "d/a", "x");
    CHECK_INT(passed("store.fsync_parents"), 1);
}

TEST(local_sync, syncs_what_is_on_another_device_file_by_file)
{
    if (!mount_tmpfs("size=1m"))
        SKIP("no right to mount a file system");
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "first", "x");
    REQUIRE(symlink(test_path("mnt"), test_path("root/d=69")) == 0);
    struct vv_str keys[70];
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        keys[i] = vv_arena_format(&op->arena, "d=%zu/f", i);
        REQUIRE(stage(&fixture, keys[i].ptr, "x") != NULL);
    }
    watch(op);
    CHECK_OK(op, vv_store_publish(op, fixture.store, keys, VV_COUNT(keys)));
    CHECK_INT(passed_at_all("store.syncfs"), 1);
    CHECK_INT(passed_at_all("store.publish.fsync"), 1);
    CHECK_INT(passed_at_all("store.fsync_parents"), 1);
}
