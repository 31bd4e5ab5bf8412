/* Opening, reading and listing of the local store. */
#include "store/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/seam.h"
#include "fixture.h"
#include "harness/clock_fake.h"
#include "harness/proc.h"

static const struct vv_store_options existing = {.sync = true, .create = false};
static const struct vv_store_options creating = {.sync = true, .create = true};

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* The real path of the case's folder: the system's temporary folder may be behind a link. */
static struct vv_str real_dir(struct vv_op *op)
{
    char real[PATH_MAX];
    CHECK(realpath(test_dir(), real) != NULL);
    return vv_arena_str(&op->arena, vv_str_of(real));
}

TEST(local, finds_the_key_that_a_path_leads_to)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "t", true));
    REQUIRE(mkdir(test_path("t"), 0777) == 0 && mkdir(test_path("t/a"), 0777) == 0 &&
            mkdir(test_path("t2"), 0777) == 0);
    REQUIRE(symlink("t", test_path("top")) == 0 && symlink("t/a", test_path("deep")) == 0);
    REQUIRE(symlink("../t2/x", test_path("t/out")) == 0);
    REQUIRE(symlink("a", test_path("t/in")) == 0 && symlink("../t2", test_path("t/away")) == 0);
    const struct {
        const char *path; /* %s: the folder of the case */
        const char *key;  /* NULL: elsewhere */
    } cases[] = {{"%s/t/a/x", "a/x"}, {"%s/top/a/x", "a/x"}, {"%s/top/x", "x"},
        {"%s/deep/x", "a/x"}, {"%s/top/out", "out"}, {"%s/t/none/x", "none/x"},
        {"%s/t/in/x", "a/x"}, {"%s/t/a/../x", "x"}, {"%s/t//a/./x", "a/x"},
        {"%s/t/away/x", NULL}, {"%s/t2/x", NULL}, {"%s/t", NULL}, {"%s/top", NULL},
        {"%s/none/x", NULL}, {"/x", NULL}, {"a/x", NULL}, {"s3://%s/t/a/x", NULL}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_op *op = &fixture.op;
        struct vv_str here = real_dir(op);
        struct vv_str key = VV_STR_NONE;
        size_t folder = vv_str_find(vv_str_of(cases[i].path), '%');
        struct vv_str path = vv_str_of(cases[i].path);
        if (folder < path.len)
            path = vv_arena_format(&op->arena, "%.*s%.*s%s", (int)folder, cases[i].path,
                VV_ARG(here), cases[i].path + folder + 2);
        CHECK_OK(op, vv_store_key_of_path(op, &op->arena, fixture.store, path, &key));
        if (cases[i].key == NULL)
            CHECK(key.ptr == NULL);
        else
            CHECK_STR(key, cases[i].key);
    }
}

TEST(local, finds_the_key_that_a_key_leads_to)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    VV_CLEANUP(vv_store_close) struct vv_store *linked = NULL;
    REQUIRE(mkdir(test_path("real"), 0777) == 0 && symlink("real", test_path("t")) == 0);
    REQUIRE(fixture_open_local(&fixture, ".", true));
    REQUIRE_OK(op, vv_store_at(op, fixture.store, VV_STR("t"), &linked));
    put(&fixture, "real/a/x", "x");
    put(&fixture, "other/x", "x");
    REQUIRE(symlink("a", test_path("real/in")) == 0 &&
            symlink("a/x", test_path("real/y")) == 0);
    REQUIRE(symlink("../other", test_path("real/out")) == 0);
    REQUIRE(symlink("none", test_path("real/none")) == 0);
    const struct {
        const char *key, *real; /* NULL: elsewhere or nowhere */
    } cases[] = {{"a/x", "a/x"}, {"a", "a"}, {"in", "a"}, {"in/x", "a/x"}, {"y", "a/x"},
        {"out", NULL}, {"out/x", NULL}, {"none", NULL}, {"b", NULL}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_str real = VV_STR_NONE;
        CHECK_OK(op, vv_store_real_key(op, &op->arena, linked, vv_str_of(cases[i].key), &real));
        if (cases[i].real == NULL)
            CHECK(real.ptr == NULL);
        else
            CHECK_STR(real, cases[i].real);
    }
}

TEST(local, tells_which_of_what_it_lists_are_links)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    struct vv_objects found = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "a", "content");
    put(&fixture, "d/x", "x");
    REQUIRE(symlink("a", test_path("root/b")) == 0 && symlink("d", test_path("root/c")) == 0);
    REQUIRE_OK(op,
        vv_store_list(op, fixture.store, &op->arena, VV_STR(""), VV_STR_NONE, 0, &found));
    REQUIRE(found.len == 2);
    CHECK(!found.items[0].is_link && found.items[1].is_link && found.items[1].bytes == 7);
    REQUIRE_OK(op, vv_store_list_folders(op, fixture.store, &op->arena, VV_STR(""), &found));
    REQUIRE(found.len == 2);
    CHECK_STR(found.items[0].key, "c");
    CHECK(found.items[0].is_link && !found.items[1].is_link);
}

TEST(local, opens_paths_and_file_urls)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(mkdir(test_path("a b"), 0777) == 0 && mkdir(test_path("a b/c:d"), 0777) == 0);
    REQUIRE(mkdir(test_path("s3:"), 0777) == 0 && mkdir(test_path("50%"), 0777) == 0);
    REQUIRE(symlink("a b", test_path("link")) == 0);
    REQUIRE(mkdir(test_path("c:"), 0777) == 0 && mkdir(test_path("c:/a b"), 0777) == 0);
    REQUIRE(chdir(test_dir()) == 0);
    struct vv_str here = real_dir(&op);
    const struct {
        const char *location; /* %s: the folder of the case */
        const char *below;    /* the location that results, below that folder */
    } cases[] = {
        {"%s/a b", "/a b"},
        {"%s/a b/", "/a b"},
        {"%s//a b/./c:d//", "/a b/c:d"},
        {"%s/a b/../a b", "/a b"},
        {"%s/link/c:d", "/a b/c:d"},
        {"file://%s/a%%20b/c%%3ad", "/a b/c:d"},
        {"FILE://localhost%s/a%%20b", "/a b"},
        {"file:%s/50%%25", "/50%"},
        {".", ""},
        {"a b", "/a b"},
        {"a b/c:d", "/a b/c:d"},
        {"s3:", "/s3:"},
        {"c://a b", "/c:/a b"},
        {"50%%", "/50%"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_buf location = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str pattern = vv_str_of(cases[i].location);
        for (size_t at = 0; at < pattern.len; at++) {
            bool is_escape = pattern.ptr[at] == '%';
            if (is_escape && pattern.ptr[++at] == 's')
                vv_buf_adds(&location, test_dir());
            else
                vv_buf_addc(&location, pattern.ptr[at]);
        }
        struct vv_store *store = NULL;
        if (CHECK_OK(&op, vv_store_open(&op, vv_buf_str(&location), &existing, &store)))
            CHECK_STR(store->location,
                vv_arena_format(&op.arena, "%.*s%s", VV_ARG(here), cases[i].below));
        vv_store_close(&store);
        vv_buf_done(&location);
    }
}

TEST(local, opens_the_root_of_the_file_system)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(op, vv_store_open(op, VV_STR("/"), &existing, &fixture.store));
    CHECK_STR(fixture.store->location, "/");
    char key[PATH_MAX];
    REQUIRE(realpath(test_dir(), key) != NULL);
    REQUIRE(test_file_write(test_path("file"), VV_STR("x")));
    CHECK_STR(list(&fixture, key + 1, NULL, 0),
        vv_arena_format(&op->arena, "%s/file ", key + 1));
    struct vv_store *below = NULL;
    REQUIRE_OK(op, vv_store_at(op, fixture.store, vv_str_of(key + 1), &below));
    CHECK_STR(below->location, key);
    CHECK_OK(op, vv_store_put(op, below, VV_STR("new/f"), VV_STR("y")));
    vv_store_close(&below);
}

TEST(local, refuses_other_locations_and_says_why)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(test_file_write(test_path("file"), VV_STR("x")) && chdir(test_dir()) == 0);
    const struct {
        struct vv_str location;
        varve_status code;
        const char *message; /* a part of it */
    } cases[] = {
        {VV_STR(""), VARVE_EUSAGE, "is empty"},
        {VV_STR("a\0b"), VARVE_EUSAGE, "NUL byte"},
        {VV_STR("file://"), VARVE_EUSAGE, "is empty"},
        {VV_STR("file:///a%2"), VARVE_EUSAGE, "%25"},
        {VV_STR("file:///a%zz"), VARVE_EUSAGE, "%25"},
        {VV_STR("file:///a%00"), VARVE_EUSAGE, "NUL byte"},
        {VV_STR("file://server/share"), VARVE_EUNSUPPORTED, "another machine"},
        {VV_STR("s3://bucket/table"), VARVE_EUNSUPPORTED, "\"s3:\""},
        {VV_STR("abfss://x@y/z"), VARVE_EUNSUPPORTED, "\"abfss:\""},
        {VV_STR("none"), VARVE_ENOTFOUND, "there is no folder"},
        {VV_STR("file"), VARVE_EIO, "Not a directory"},
        {VV_STR("file/below"), VARVE_EIO, "Not a directory"},
        {VV_STR("none/../x"), VARVE_EUSAGE, "\"..\""},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_store *store = NULL;
        CHECK_INT(vv_store_open(&op, cases[i].location, &existing, &store), cases[i].code);
        if (!CHECK(strstr(op.error.message, cases[i].message) != NULL))
            printf("# %s\n", op.error.message);
        CHECK(store == NULL);
        vv_forgive(&op);
    }
}

TEST(local, makes_its_folders_at_the_first_write)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "new/er/root", true));
    CHECK(get(&fixture, "a").ptr == NULL);
    CHECK_STR(list(&fixture, "", NULL, 0), "");
    CHECK(!is_there(test_path("new")));
    put(&fixture, "d/a", "x");
    CHECK_STR(test_file_read(test_path("new/er/root/d/a")), "x");
    VV_CLEANUP(fixture_done) struct fixture dotted = {0};
    REQUIRE(fixture_open_local(&dotted, "other/.//er/", true));
    CHECK(vv_str_ends(dotted.store->location, VV_STR("/other/er")));
}

TEST(local, never_makes_a_root_anew_that_was_there)
{
    REQUIRE(mkdir(test_path("root"), 0777) == 0);
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(op, vv_store_open(op, vv_str_of(test_path("root")), &creating, &fixture.store));
    REQUIRE(rmdir(test_path("root")) == 0);
    struct vv_str path;
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("a"), VV_STR("x")), VARVE_ENOTFOUND);
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("d/e/a"), VV_STR("x")),
        VARVE_ENOTFOUND);
    CHECK_FAILS(op, vv_store_stage(op, fixture.store, &op->arena, VV_STR("d/f"), &path),
        VARVE_ENOTFOUND);
    CHECK(!is_there(test_path("root")));
}

TEST(local, says_that_a_file_is_where_a_folder_should_be)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "a", "x");
    CHECK_INT(put_if_absent(&fixture, "a/b/c", "x"), -1);
    CHECK_STATUS(op, VARVE_EIO);
    CHECK(strstr(op->error.message, "is a file, not a folder") != NULL);
    vv_forgive(op);
    /* A link that leads nowhere is no folder and no loop. */
    REQUIRE(symlink("nowhere", test_path("root/link")) == 0);
    CHECK_INT(put_if_absent(&fixture, "link/b/c", "x"), -1);
    vv_forgive(op);
}

TEST(local, reads_regular_files_only)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "file", "content");
    REQUIRE(mkfifo(test_path("root/pipe"), 0666) == 0);
    REQUIRE(symlink("file", test_path("root/link")) == 0);
    REQUIRE(symlink("nowhere", test_path("root/dangling")) == 0);
    REQUIRE(symlink("loop", test_path("root/loop")) == 0);
    put(&fixture, "folder/file", "x");
    REQUIRE(symlink("folder", test_path("root/to_folder")) == 0);
    CHECK_STR(list_folders(&fixture, ""), "folder to_folder ");
    struct vv_str out;
    /* A pipe would keep a reader waiting for ever. */
    CHECK_FAILS(op, vv_store_get(op, fixture.store, &op->arena, VV_STR("pipe"), &out),
        VARVE_ENOTFOUND);
    CHECK_STR(get(&fixture, "link"), "content");
    CHECK(get(&fixture, "dangling").ptr == NULL);
    CHECK_STR(list(&fixture, "", NULL, 0), "file link ");
    /* What cannot be listed does not count towards `max`. */
    CHECK_STR(list(&fixture, "", "a", 2), "file link ");
    CHECK_INT(put_if_absent(&fixture, "dangling", "x"), VV_PUT_EXISTS);
}

static int read_as_nobody(void *data)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_store *store = data;
    struct vv_str content;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    if (setuid(65534) != 0)
        return 2;
    return vv_store_get(&op, store, &op.arena, VV_STR("file"), &content) == VARVE_OK ? 0 : 1;
}

/* Where the file is somebody else's the system does not allow it, and it is read all the same. */
TEST(local, names_a_file_that_does_not_fit_in_memory)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    struct vv_op *op = &fixture.op;
    struct vv_str bytes = VV_STR_NONE;
    REQUIRE(fixture_open_local(&fixture, "t", true));
    REQUIRE_OK(op, vv_store_put(op, fixture.store, VV_STR("large"), VV_STR("")));
    REQUIRE(truncate(test_path("t/large"), (off_t)5 << 30) == 0);
    varve_status status = vv_store_get(op, fixture.store, &arena, VV_STR("large"), &bytes);
    CHECK(strstr(op->error.message, "t/large (5368709120 bytes)") != NULL);
    CHECK_FAILS(op, status, VARVE_ELIMIT);
}

TEST(local, reads_without_a_trace)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_str content;
    struct stat status;
    struct test_proc proc;
    const struct timespec times[] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const char *path = test_path("file");
    test_file_write(path, VV_STR("content"));
    REQUIRE(chmod(test_dir(), 0755) == 0 && chmod(path, 0644) == 0);
    REQUIRE(utimensat(AT_FDCWD, path, times, 0) == 0);
    REQUIRE_OK(&op, vv_store_open(&op, vv_str_of(test_dir()), &existing, &store));
    CHECK_OK(&op, vv_store_get(&op, store, &op.arena, VV_STR("file"), &content));
    CHECK(stat(path, &status) == 0 && status.st_atim.tv_sec == 1000);
    if (geteuid() == 0 && test_proc_fork(&proc, read_as_nobody, store))
        CHECK_INT(test_proc_wait(&proc, 5000), 0);
}

TEST(local, shows_no_temporary_files)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    static const struct {
        const char *name;
        bool is_temp;
    } cases[] = {
        {".tmp-0a1b2c3d-0000-4000-8000-0123456789ab", true},
        {".tmp-0A1B2C3D-0000-4000-8000-0123456789ab", false},
        {".tmp-0a1b2c3d-0000-4000-8000-0123456789a", false},
        {".tmp-0a1b2c3d-0000-4000-8000-0123456789abc", false},
        {".tmp-0a1b2c3d-0000-4000-8000-0123456789ax", false},
        {".tmp-", false},
        {".00000.json.crc", false},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        CHECK_INT(vv_temp_is_name(vv_str_of(cases[i].name)), cases[i].is_temp);
        put(&fixture, cases[i].name, "x");
        struct vv_str expected = cases[i].is_temp
                                     ? VV_STR("")
                                     : vv_arena_format(&fixture.op.arena, "%s ", cases[i].name);
        CHECK_STR(list(&fixture, "", NULL, 0), expected);
        CHECK_OK(&fixture.op,
            vv_store_remove(&fixture.op, fixture.store, vv_str_of(cases[i].name)));
    }
}

TEST(local, sweeps_temporary_files_that_are_old_enough)
{
    static const char *const temp = "d/.tmp-0a1b2c3d-0000-4000-8000-0123456789ab";
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, temp, "half");
    put(&fixture, "d/.tmp-other", "x");
    REQUIRE(mkdir(test_path("root/d/.tmp-11111111-0000-4000-8000-0123456789ab"), 0777) == 0);
    /* The time that a commit is to have says nothing about the age of its file. */
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    REQUIRE(utimensat(AT_FDCWD, test_path(vv_arena_format(&op->arena, "root/%s", temp).ptr),
                long_ago, 0) == 0);
    size_t removed = 77;
    CHECK_OK(op, vv_store_sweep(op, fixture.store, VV_STR("d"), INT64_C(3600000000), &removed));
    CHECK_INT(removed, 0);
    CHECK_STR(get(&fixture, temp), "half");
    CHECK_OK(op, vv_store_sweep(op, fixture.store, VV_STR("d"), 0, &removed));
    CHECK_INT(removed, 1);
    CHECK(get(&fixture, temp).ptr == NULL);
    CHECK_STR(get(&fixture, "d/.tmp-other"), "x");
}

TEST(local, lists_twenty_thousand_objects)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", false));
    put(&fixture, "log/00000.json", "x");
    for (int i = 1; i < 20000; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s/log/%05d.json", fixture.store->location.ptr, i);
        int fd = open(name, O_WRONLY | O_CREAT, 0666);
        REQUIRE(fd >= 0 && close(fd) == 0);
    }
    struct vv_objects found;
    REQUIRE_OK(op,
        vv_store_list(op, fixture.store, &op->arena, VV_STR("log"), VV_STR_NONE, 0, &found));
    REQUIRE(found.len == 20000);
    for (size_t i = 1; i < found.len; i++)
        CHECK(vv_str_cmp(found.items[i - 1].key, found.items[i].key) < 0);
    CHECK_STR(list(&fixture, "log", "log/19997.json", 0), "log/19998.json log/19999.json ");

    /* Only what is returned costs the caller memory, and what is left out next to none. */
    VV_CLEANUP(vv_arena_done) struct vv_arena small = VV_ARENA_INIT(4096);
    CHECK_OK(op,
        vv_store_list(op, fixture.store, &small, VV_STR("log"), VV_STR_NONE, 3, &found));
    CHECK_INT(found.len, 3);
    CHECK_FAILS(op,
        vv_store_list(op, fixture.store, &small, VV_STR("log"), VV_STR_NONE, 0, &found),
        VARVE_ELIMIT);
    VV_CLEANUP(vv_op_done) struct vv_op tight;
    vv_op_init(&tight, NULL, (size_t)64 << 10);
    CHECK_OK(&tight, vv_store_list(&tight, fixture.store, &tight.arena, VV_STR("log"),
                         VV_STR("log/19990"), 0, &found));
    CHECK_INT(found.len, 10);
}

TEST(local, stops_a_list_that_is_cancelled)
{
    struct test_clock clock;
    test_clock_init(&clock, 0);
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    REQUIRE(fixture_open_local(&fixture, "root", false));
    put(&fixture, "log/a", "x");
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &clock.env, VV_OP_BYTES_DEFAULT);
    atomic_store(&clock.cancel, true);
    struct vv_objects found;
    CHECK_FAILS(&op,
        vv_store_list(&op, fixture.store, &op.arena, VV_STR("log"), VV_STR_NONE, 0, &found),
        VARVE_EINTERRUPTED);
    /* Also where there is much to read and nothing to return. */
    CHECK_FAILS(&op,
        vv_store_list(&op, fixture.store, &op.arena, VV_STR("log"), VV_STR("log/z"), 0, &found),
        VARVE_EINTERRUPTED);
}

TEST(local, says_which_call_failed_on_reading)
{
    static const struct {
        const char *seam;
        const char *message;
    } cases[] = {
        {"fail=store.open", "cannot read "},
        {"fail=store.read", "cannot read "},
    };
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/a", "x");
    struct vv_str out;
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        vv_seam_set(cases[i].seam);
        CHECK_INT(vv_store_get(op, fixture.store, &op->arena, VV_STR("log/a"), &out),
            VARVE_EIO);
        CHECK(strstr(op->error.message, cases[i].message) != NULL);
        CHECK(strstr(op->error.message, "/root/log/a (look at the disk") != NULL);
        vv_forgive(op);
    }
    struct vv_objects found;
    vv_seam_set("fail=store.readdir:2");
    CHECK_FAILS(op,
        vv_store_list(op, fixture.store, &op->arena, VV_STR("log"), VV_STR_NONE, 0, &found),
        VARVE_EIO);
    vv_seam_set("fail=store.unlink");
    CHECK_FAILS(op, vv_store_remove(op, fixture.store, VV_STR("log/a")), VARVE_EIO);
    vv_seam_set(NULL);
    CHECK_STR(list(&fixture, "log", NULL, 0), "log/a ");
}

/* Leaves the process without a free descriptor. */
static void use_up_descriptors(void)
{
    struct rlimit few;
    CHECK(getrlimit(RLIMIT_NOFILE, &few) == 0);
    few.rlim_cur = 64; /* its ceiling is valgrind's own matter */
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (dup(STDERR_FILENO) >= 0)
        continue;
    CHECK_INT(errno, EMFILE);
}

TEST(local, says_that_too_many_files_are_open)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "a", "x");
    REQUIRE(stage(&fixture, "d/file", "rows") != NULL);
    use_up_descriptors();
    struct vv_str out;
    CHECK_INT(vv_store_get(op, fixture.store, &op->arena, VV_STR("a"), &out), VARVE_EIO);
    CHECK(strstr(op->error.message, "ulimit -n") != NULL);
    CHECK_INT(op->error.os_errno, EMFILE);
    CHECK_INT(op->error.retryable, 1);
    vv_forgive(op);
    CHECK_INT(put_if_absent(&fixture, "b", "x"), -1);
    CHECK_STATUS(op, VARVE_EIO);
    vv_forgive(op);
    CHECK_FAILS(op, publish(&fixture, "d/file"), VARVE_EIO);
    struct stat status;
    CHECK(stat(test_path("root/b"), &status) != 0);
    /* Nothing was synced and lost: the same file may be published once there are descriptors.
     */
    for (int fd = 10; fd < 64; fd++)
        (void)close(fd);
    CHECK_OK(op, publish(&fixture, "d/file"));
}

TEST(local, says_that_a_folder_may_not_be_written)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/a", "x");
    REQUIRE(chmod(test_path("root/log"), 0555) == 0 && chmod(test_dir(), 0755) == 0);
    /* To root all is permitted; the process of this case is used up by the change. */
    if (geteuid() == 0)
        REQUIRE(seteuid(65534) == 0);
    CHECK_INT(put_if_absent(&fixture, "log/b", "x"), -1);
    CHECK_STATUS(op, VARVE_EIO);
    CHECK(strstr(op->error.message, "/root/log (give the user") != NULL);
    CHECK(strstr(op->error.message, "Permission denied") != NULL);
    vv_forgive(op);
    CHECK_STR(get(&fixture, "log/a"), "x");
    if (getuid() == 0)
        CHECK(seteuid(0) == 0);
    CHECK(chmod(test_path("root/log"), 0755) == 0);
}

TEST(local, leaves_nothing_behind_on_a_full_disk)
{
    if (!mount_tmpfs("size=64k"))
        SKIP("no right to mount a file system");
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "mnt", true));
    char *large = vv_new(&op->arena, char, (size_t)100 << 10);
    REQUIRE(large != NULL);
    struct vv_str bytes = {large, (size_t)100 << 10};
    put(&fixture, "log/0", "x");
    enum vv_put_outcome outcome;
    CHECK_INT(vv_store_put_if_absent(op, fixture.store, VV_STR("log/1"), bytes, 0, &outcome),
        VARVE_EIO);
    CHECK_INT(op->error.os_errno, ENOSPC);
    CHECK(strstr(op->error.message, "free some space") != NULL);
    vv_forgive(op);
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("log/0"), bytes), VARVE_EIO);
    CHECK_STR(get(&fixture, "log/0"), "x");
    size_t removed = 77;
    CHECK_OK(op, vv_store_sweep(op, fixture.store, VV_STR("log"), 0, &removed));
    CHECK_INT(removed, 0);
    /* The space is free again, so smaller ones fit. */
    bytes.len = (size_t)40 << 10;
    CHECK_OK(op,
        vv_store_put_if_absent(op, fixture.store, VV_STR("log/1"), bytes, 0, &outcome));
    CHECK_STR(list(&fixture, "log", NULL, 0), "log/0 log/1 ");
}

TEST(local, says_that_a_file_system_is_read_only)
{
    if (!mount_tmpfs("size=64k"))
        SKIP("no right to mount a file system");
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open_local(&fixture, "mnt", true));
    put(&fixture, "log/0", "x");
    REQUIRE(mount("none", test_path("mnt"), "none", MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK_INT(put_if_absent(&fixture, "log/1", "x"), -1);
    CHECK_STATUS(op, VARVE_EIO);
    CHECK_INT(op->error.os_errno, EROFS);
    CHECK(strstr(op->error.message, "mount it for writing") != NULL);
    vv_forgive(op);
    CHECK_STR(get(&fixture, "log/0"), "x");
}

TEST(local, gives_an_object_another_time)
{
    VV_CLEANUP(fixture_done) struct fixture fixture;
    struct vv_object object = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    struct vv_op *op = &fixture.op;
    put(&fixture, "a/b", "text");
    REQUIRE_OK(op, vv_store_touch(op, fixture.store, VV_STR("a/b"), INT64_C(1738231200123456)));
    REQUIRE_OK(op, vv_store_head(op, fixture.store, VV_STR("a/b"), &object));
    CHECK_INT(object.modified_us, INT64_C(1738231200123456));
    CHECK_STR(get(&fixture, "a/b"), "text");
    CHECK_FAILS(op, vv_store_touch(op, fixture.store, VV_STR("a/c"), 1), VARVE_ENOTFOUND);
    CHECK_FAILS(op, vv_store_touch(op, fixture.store, VV_STR("../b"), 1), VARVE_EUSAGE);
}
