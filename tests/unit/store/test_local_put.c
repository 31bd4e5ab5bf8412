/* Writing to the local store: what is there after failures, races and crashes. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/seam.h"
#include "fixture.h"
#include "harness/proc.h"
#include "store/local.h"

#define FIRST_WRITE "new/log/0"

/* Entries of the folder, temporary files included; -1 where it is not there. */
static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -1;
    int count = -2; /* "." and ".." */
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

TEST(local_put, fails_for_certain_before_the_link)
{
    static const char *const seams[] = {"fail=store.open", "fail=store.write",
        "fail=store.fsync", "fail=store.close", "fail=store.fsync_parents", "fail=store.link",
        "fail=store.link_missing,fail=store.rename_new"};
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "root%zu", i);
        fixture_done(&fixture);
        REQUIRE(fixture_open_local(&fixture, name, true));
        vv_seam_set(seams[i]);
        if (!CHECK_INT(put_if_absent(&fixture, "log/0", "bytes"), -1))
            printf("# %s\n", seams[i]);
        vv_seam_set(NULL);
        CHECK_STATUS(&fixture.op, VARVE_EIO);
        vv_forgive(&fixture.op);
        CHECK(get(&fixture, "log/0").ptr == NULL);
        CHECK(count_entries(test_path(name)) < 2);
        (void)snprintf(name, sizeof(name), "root%zu/log", i);
        CHECK(count_entries(test_path(name)) <= 0);
        CHECK_INT(put_if_absent(&fixture, "log/0", "bytes"), VV_PUT_CREATED);
        CHECK_INT(count_entries(test_path(name)), 1);
    }
}

TEST(local_put, leaves_the_old_object_where_it_cannot_replace)
{
    static const char *const seams[] = {"fail=store.open", "fail=store.write",
        "fail=store.fsync", "fail=store.close", "fail=store.rename"};
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/last", "old");
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        vv_seam_set(seams[i]);
        CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("log/last"), VV_STR("new")),
            VARVE_EIO);
        vv_seam_set(NULL);
        CHECK_STR(get(&fixture, "log/last"), "old");
        CHECK_INT(count_entries(test_path("root/log")), 1);
    }
    vv_seam_set("fail=store.fsync_folder");
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("log/last"), VV_STR("new")),
        VARVE_EIO);
}

/* Replies of the file system that do not tell what happened. */
TEST(local_put, finds_out_what_a_failed_link_did)
{
    static const struct {
        const char *seam;
        int outcome; /* of put_if_absent where the name is free */
    } cases[] = {
        {"fail=store.link_reply", VV_PUT_CREATED},
        {"fail=store.link_reply_eexist", VV_PUT_CREATED},
        {"fail=store.link_missing", VV_PUT_CREATED},
        {"fail=store.link_missing,fail=store.rename_new_reply", VV_PUT_CREATED},
        /* The first look is at the object, the second at the folder that is anchored already.
         */
        {"fail=store.link_reply,fail=store.stat:3", -1},
        {"fail=store.link_reply,fail=store.stat:4", -1},
        {"fail=store.link_reply_eexist,fail=store.stat:4", -1},
        {"fail=store.link_missing,fail=store.rename_new_reply,fail=store.stat:3", -1},
        /* It happened, but the file system does not show it yet. */
        {"fail=store.link_reply,fail=store.stat_absent:4", -1},
        {"fail=store.fsync_folder", -1},
    };
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/first", "x");
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_str key = vv_arena_format(&op->arena, "log/%zu", i);
        vv_seam_set(cases[i].seam);
        if (!CHECK_INT(put_if_absent(&fixture, key.ptr, "mine"), cases[i].outcome))
            printf("# %s\n", cases[i].seam);
        vv_seam_set(NULL);
        if (cases[i].outcome < 0) {
            CHECK_STATUS(op, VARVE_EUNKNOWN);
            CHECK_INT(op->error.retryable, 1);
            CHECK(strstr(op->error.message, "may or may not be stored; read it back") != NULL);
            vv_forgive(op);
        }
        CHECK_STR(get(&fixture, key.ptr), "mine");
        CHECK_INT(count_entries(test_path("root/log")), i + 2);
        /* A sync that failed is told of once: none that comes behind it is believed. */
        if (strcmp(cases[i].seam, "fail=store.fsync_folder") == 0)
            CHECK_FAILS(op, publish(&fixture, key.ptr), VARVE_EIO);
        else
            CHECK_OK(op, publish(&fixture, key.ptr));
    }
}

TEST(local_put, is_in_doubt_where_the_object_cannot_be_looked_at)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/first", "x");
    vv_seam_set("fail=store.link,fail=store.stat:4");
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), -1);
    CHECK_STATUS(&fixture.op, VARVE_EUNKNOWN);
    vv_forgive(&fixture.op);
    vv_seam_set(NULL);
    CHECK(get(&fixture, "log/0").ptr == NULL);
}

TEST(local_put, loses_to_a_rival_by_link_and_by_rename)
{
    static const char *const seams[] = {
        "fail=store.stat", "fail=store.stat,fail=store.link_missing"};
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/0", "rival");
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        /* The first look fails, so that the object is found only at the step. */
        vv_seam_set(seams[i]);
        CHECK_INT(put_if_absent(&fixture, "log/0", "mine"), VV_PUT_EXISTS);
        vv_seam_set(NULL);
        CHECK_STR(get(&fixture, "log/0"), "rival");
        CHECK_INT(count_entries(test_path("root/log")), 1);
    }
}

TEST(local_put, refuses_a_file_system_that_can_only_overwrite)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    vv_seam_set("fail=store.link_missing,fail=store.rename_new_missing");
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), -1);
    CHECK_STATUS(&fixture.op, VARVE_EUNSUPPORTED);
    CHECK(strstr(fixture.op.error.message, "would overwrite each other") != NULL);
    vv_forgive(&fixture.op);
    CHECK_INT(count_entries(test_path("root/log")), 0);
}

enum {
    RACES = 200
};

/* Exit status 0 when each put ended in CREATED or EXISTS. */
static int race(void *data)
{
    const char *name = data;
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    if (!fixture_open_local(&fixture, "root", true))
        return 1;
    while (access(test_path("go"), F_OK) != 0)
        (void)usleep(100);
    FILE *won = fopen(test_path(name), "w");
    if (won == NULL)
        return 1;
    for (int i = 0; i < RACES; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "log/%03d", i);
        int outcome = put_if_absent(&fixture, key, name);
        if (outcome < 0)
            return 1;
        if (outcome == VV_PUT_CREATED)
            fprintf(won, "%s %s\n", key, name);
    }
    return fclose(won) == 0 ? 0 : 1;
}

static bool holds_line(struct vv_str text, struct vv_str line)
{
    struct vv_str found;
    while (vv_str_split(&text, '\n', &found)) {
        if (vv_str_eq(found, line))
            return true;
    }
    return false;
}

TEST(local_put, lets_one_process_of_two_create_an_object)
{
    static char names[2][2] = {"a", "b"};
    struct test_proc procs[2];
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    for (int i = 0; i < 2; i++)
        REQUIRE(test_proc_fork(&procs[i], race, names[i]));
    REQUIRE(test_file_write(test_path("go"), VV_STR("")));
    struct vv_str won[2];
    for (int i = 0; i < 2; i++) {
        CHECK_INT(test_proc_wait(&procs[i], 30000), 0);
        won[i] = test_file_read(test_path(names[i]));
    }
    CHECK(won[0].len > 0 && won[1].len > 0); /* or else they did not meet */
    for (int i = 0; i < RACES; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "log/%03d", i);
        struct vv_str bytes = get(&fixture, key);
        int winners = 0;
        for (int p = 0; p < 2; p++) {
            struct vv_str line = vv_arena_format(&fixture.op.arena, "%s %s", key, names[p]);
            if (!holds_line(won[p], line))
                continue;
            winners++;
            CHECK_STR(bytes, names[p]);
        }
        CHECK_INT(winners, 1);
    }
    CHECK_INT(count_entries(test_path("root/log")), RACES);
}

/* What a child does before it is killed: one of each way to write. */
static int write_all_ways(void *data)
{
    const char *seams = data;
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    if (!fixture_open_local(&fixture, "root", true))
        return 1;
    vv_seam_set(seams);
    struct vv_op *op = &fixture.op;
    struct vv_store *store = fixture.store;
    struct vv_str path;
    struct vv_str keys[70];
    enum vv_put_outcome outcome;
    VV_TRY(vv_store_put_if_absent(op, store, VV_STR("log/0"), VV_STR("whole"), 5, &outcome));
    VV_TRY(vv_store_put(op, store, VV_STR("log/last"), VV_STR("whole")));
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        keys[i] = vv_arena_format(&op->arena, "d=%zu/file", i);
        VV_TRY(vv_store_stage(op, store, &op->arena, keys[i], &path));
        FILE *file = fopen(path.ptr, "w");
        if (file == NULL || fclose(file) != 0)
            return 1;
    }
    VV_TRY(vv_store_publish(op, store, keys, 2));
    VV_TRY(vv_store_publish(op, store, keys, VV_COUNT(keys)));
    return 0;
}

/* The seams that a run passes, each once, without its count. */
static size_t list_seams(struct vv_op *op, struct vv_str *out, size_t out_max)
{
    struct test_proc proc;
    struct vv_str spec = vv_arena_format(&op->arena, "list=%s", test_path("seams"));
    char text[512];
    (void)snprintf(text, sizeof(text), "%s", spec.ptr);
    if (!test_proc_fork(&proc, write_all_ways, text) ||
        !CHECK_INT(test_proc_wait(&proc, 30000), 0))
        return 0;
    struct vv_str rest = test_file_read(test_path("seams"));
    struct vv_str name;
    size_t len = 0;
    while (vv_str_split(&rest, '\n', &name)) {
        bool known = name.len == 0;
        for (size_t i = 0; i < len; i++)
            known |= vv_str_eq(out[i], name);
        if (!known && CHECK(len < out_max))
            out[len++] = name;
    }
    return len;
}

/* Whatever the moment: the object is whole or not there, and nothing else shows. */
static void check_after_crash(int run)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    if (!fixture_open_local(&fixture, "root", true))
        return;
    static const char *const keys[] = {"log/0", "log/last"};
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        struct vv_str bytes = get(&fixture, keys[i]);
        CHECK(bytes.ptr == NULL || vv_str_eq(bytes, VV_STR("whole")));
    }
    struct vv_str names = list(&fixture, "log", NULL, 0);
    CHECK(names.len == 0 || vv_str_eq(names, VV_STR("log/0 ")) ||
          vv_str_eq(names, VV_STR("log/0 log/last ")));
    size_t removed = 0;
    CHECK_OK(op, vv_store_sweep(op, fixture.store, VV_STR("log"), 0, &removed));
    CHECK(removed <= 1);
    CHECK_INT(put_if_absent(&fixture, "log/0", "whole") >= 0, 1);
    CHECK_OK(op, publish(&fixture, "log/0"));
    put(&fixture, "log/last", "whole");
    CHECK_INT(count_entries(test_path("root/log")), 2);
    char moved[32];
    (void)snprintf(moved, sizeof(moved), "after%d", run);
    CHECK(rename(test_path("root"), test_path(moved)) == 0);
}

TEST(local_put, leaves_whole_objects_when_killed_at_any_point)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_str seams[64];
    size_t len = list_seams(&op, seams, VV_COUNT(seams));
    REQUIRE(rename(test_path("root"), test_path("listed")) == 0);
    int kills = 0;
    int runs = 0;
    for (size_t i = 0; i < len; i++) {
        bool was_killed = true;
        for (int nth = 1; nth <= 2 && was_killed; nth++) {
            char spec[300];
            (void)snprintf(spec, sizeof(spec), "crash=%.*s:%d", VV_ARG(seams[i]), nth);
            struct test_proc proc;
            REQUIRE(test_proc_fork(&proc, write_all_ways, spec));
            int status = test_proc_wait(&proc, 30000);
            CHECK(status == 0 || status == 128 + SIGKILL);
            was_killed = status == 128 + SIGKILL;
            kills += was_killed;
            check_after_crash(runs++);
        }
    }
    /* Nine points, of which a run passes three only once; not those where calls may fail. */
    CHECK_INT(kills, 15);
}
