/* What every store does alike. */
#include "store/store.h"

#include <pthread.h>
#include <unistd.h>

#include "base/seam.h"
#include "fixture.h"
#include "harness/clock_fake.h"
#include "harness/prop.h"

STORE_TEST(gives_back_what_was_put)
{
    const struct {
        const char *key;
        struct vv_str bytes;
    } cases[] = {
        {"a", VV_STR("one")},
        {"empty", VV_STR("")},
        {"none", VV_STR_NONE},
        {"deep/er/and/deeper", VV_STR("x")},
        {"d=1/k=%3A/p q.json", VV_STR("{\"a\":\"\\n\"}\n")},
        {"nul", VV_STR("before\0behind")},
        {".dot", VV_STR("y")},
        {"\xc3\xa9", VV_STR("\xff\xfe")},
    };
    struct vv_op *op = &fixture->op;
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_OK(op, vv_store_put(op, fixture->store, vv_str_of(cases[i].key), cases[i].bytes));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_str bytes = get(fixture, cases[i].key);
        REQUIRE(bytes.ptr != NULL);
        CHECK(vv_str_eq(bytes, cases[i].bytes));
        struct vv_object object;
        REQUIRE_OK(op, vv_store_head(op, fixture->store, vv_str_of(cases[i].key), &object));
        CHECK_STR(object.key, cases[i].key);
        CHECK_INT(object.bytes, cases[i].bytes.len);
    }
}

STORE_TEST(holds_large_objects)
{
    struct vv_op *op = &fixture->op;
    size_t len = ((size_t)5 << 20) + 13;
    char *bytes = vv_new(&op->arena, char, len);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7 + i / 4096);
    struct vv_str large = {bytes, len};
    CHECK_OK(op, vv_store_put(op, fixture->store, VV_STR("large"), large));
    CHECK(vv_str_eq(get(fixture, "large"), large));
    enum vv_put_outcome outcome;
    CHECK_OK(op, vv_store_put_if_absent(op, fixture->store, VV_STR("l2"), large, 0, &outcome));
    CHECK(vv_str_eq(get(fixture, "l2"), large));
}

STORE_TEST(replaces_with_put)
{
    put(fixture, "a/b", "old and longer");
    put(fixture, "a/b", "new");
    CHECK_STR(get(fixture, "a/b"), "new");
    CHECK_STR(list(fixture, "a", NULL, 0), "a/b ");
}

STORE_TEST(gives_a_staged_file_another_key)
{
    struct vv_op *op = &fixture->op;
    struct vv_str path = VV_STR_NONE;
    REQUIRE(stage(fixture, "draft", "rows") != NULL);
    REQUIRE_OK(op, vv_store_restage(op, fixture->store, VV_STR("draft"), VV_STR("d=1/a")));
    REQUIRE_OK(op, publish(fixture, "d=1/a"));
    REQUIRE_OK(op, vv_store_fetch(op, fixture->store, &op->arena, VV_STR("d=1/a"), &path));
    CHECK_STR(test_file_read(path.ptr), "rows");
    /* The name is free again, and what has the other one keeps it. */
    REQUIRE(stage(fixture, "draft", "others") != NULL);
    CHECK_FAILS(op, vv_store_restage(op, fixture->store, VV_STR("draft"), VV_STR("d=1/a")),
        VARVE_EIO);
    REQUIRE_OK(op, vv_store_restage(op, fixture->store, VV_STR("draft"), VV_STR("d=1/b")));
    REQUIRE_OK(op, publish(fixture, "d=1/b"));
    CHECK_STR(get(fixture, "d=1/a"), "rows");
    CHECK_STR(get(fixture, "d=1/b"), "others");
    CHECK_FAILS(op, vv_store_restage(op, fixture->store, VV_STR("draft"), VV_STR("d=1/c")),
        VARVE_ENOTFOUND);
}

STORE_TEST(says_what_is_not_there)
{
    struct vv_op *op = &fixture->op;
    put(fixture, "folder/file", "x");
    static const char *const absent[] = {
        "none", "none/of/these", "folder", "folder/none", "folder/file/below"};
    for (size_t i = 0; i < VV_COUNT(absent); i++) {
        struct vv_str key = vv_str_of(absent[i]);
        struct vv_str out = VV_STR("untouched");
        struct vv_object object = {.bytes = 77};
        CHECK_FAILS(op, vv_store_get(op, fixture->store, &op->arena, key, &out),
            VARVE_ENOTFOUND);
        CHECK_FAILS(op, vv_store_head(op, fixture->store, key, &object), VARVE_ENOTFOUND);
        CHECK_FAILS(op, vv_store_fetch(op, fixture->store, &op->arena, key, &out),
            VARVE_ENOTFOUND);
        CHECK_STR(out, "untouched");
        CHECK_INT(object.bytes, 77);
    }
}

STORE_TEST(creates_once_and_never_replaces)
{
    CHECK_INT(put_if_absent(fixture, "log/0.json", "first"), VV_PUT_CREATED);
    CHECK_INT(put_if_absent(fixture, "log/0.json", "second"), VV_PUT_EXISTS);
    CHECK_STR(get(fixture, "log/0.json"), "first");
    put(fixture, "log/1.json", "by put");
    CHECK_INT(put_if_absent(fixture, "log/1.json", "second"), VV_PUT_EXISTS);
    CHECK_STR(get(fixture, "log/1.json"), "by put");
    CHECK_STR(list(fixture, "log", NULL, 0), "log/0.json log/1.json ");
}

STORE_TEST(sets_the_time_of_a_created_object)
{
    static const int64_t times_us[] = {
        INT64_C(1738231200123456), 1, INT64_C(-1500001), INT64_C(4102444800000000)};
    struct vv_op *op = &fixture->op;
    for (size_t i = 0; i < VV_COUNT(times_us); i++) {
        struct vv_str key = vv_arena_format(&op->arena, "t/%zu", i);
        enum vv_put_outcome outcome;
        struct vv_object object;
        CHECK_OK(op, vv_store_put_if_absent(op, fixture->store, key, VV_STR("x"), times_us[i],
                         &outcome));
        CHECK_OK(op, vv_store_head(op, fixture->store, key, &object));
        CHECK_INT(object.modified_us, times_us[i]);
        struct vv_objects found;
        CHECK_OK(op,
            vv_store_list(op, fixture->store, &op->arena, VV_STR("t"), VV_STR_NONE, 0, &found));
        REQUIRE(found.len == i + 1);
        CHECK_INT(found.items[i].modified_us, times_us[i]);
    }
    /* Without one it is now, up to the grain of the file system's clock. */
    CHECK_INT(put_if_absent(fixture, "now", "x"), VV_PUT_CREATED);
    struct vv_object object;
    REQUIRE_OK(op, vv_store_head(op, fixture->store, VV_STR("now"), &object));
    int64_t age_us = vv_now_us(op) - object.modified_us;
    CHECK(age_us >= 0 && age_us < 10 * INT64_C(1000000));
}

STORE_TEST(lists_a_folder_in_byte_order)
{
    static const char *const keys[] = {"log/b", "log/a", "log/B", "log/a.b", "log/a!", "log/.x",
        "log/\xc3\xa9", "log/sub/z", "log!", "log0", "loga/x", "top"};
    for (size_t i = 0; i < VV_COUNT(keys); i++)
        put(fixture, keys[i], "four");
    CHECK_STR(list(fixture, "log", NULL, 0),
        "log/.x log/B log/a log/a! log/a.b log/b log/\xc3\xa9 ");
    CHECK_STR(list(fixture, "", NULL, 0), "log! log0 top ");
    CHECK_STR(list(fixture, "log/sub", NULL, 0), "log/sub/z ");
    CHECK_STR(list(fixture, "none", NULL, 0), "");
    CHECK_STR(list(fixture, "none/at/all", NULL, 0), "");
    CHECK_STR(list(fixture, "top", NULL, 0), "");

    CHECK_STR(list(fixture, "log", "log/a", 0), "log/a! log/a.b log/b log/\xc3\xa9 ");
    CHECK_STR(list(fixture, "log", "log/a", 2), "log/a! log/a.b ");
    CHECK_STR(list(fixture, "log", NULL, 1), "log/.x ");
    CHECK_STR(list(fixture, "log", "log/\xc3\xa9", 0), "");
    CHECK_STR(list(fixture, "log", "log", 2), "log/.x log/B ");
    CHECK_STR(list(fixture, "log", "log0", 0), "");
    CHECK_STR(list(fixture, "log", "kog/zzz", 1), "log/.x ");
    CHECK_STR(list(fixture, "", "log!", 0), "log0 top ");

    struct vv_op *op = &fixture->op;
    struct vv_objects found;
    REQUIRE_OK(op, vv_store_list(op, fixture->store, &op->arena, VV_STR("log"), VV_STR("log/a"),
                       1, &found));
    REQUIRE(found.len == 1);
    CHECK_INT(found.items[0].bytes, 4);
    CHECK_INT(found.items[0].key.ptr[found.items[0].key.len], '\0');
}

STORE_TEST(lists_the_folders_of_a_folder)
{
    static const char *const keys[] = {
        "d=2/x", "d=1/x", "d=1/y", "d=1!/x", "d=10/a/b/c", "file"};
    for (size_t i = 0; i < VV_COUNT(keys); i++)
        put(fixture, keys[i], "");
    CHECK_STR(list_folders(fixture, ""), "d=1 d=1! d=10 d=2 ");
    CHECK_STR(list_folders(fixture, "d=10"), "d=10/a ");
    CHECK_STR(list_folders(fixture, "d=10/a"), "d=10/a/b ");
    CHECK_STR(list_folders(fixture, "d=1"), "");
    CHECK_STR(list_folders(fixture, "none"), "");
}

STORE_TEST(removes_what_is_there_or_not)
{
    struct vv_op *op = &fixture->op;
    put(fixture, "a/b", "x");
    put(fixture, "a/c", "x");
    CHECK_OK(op, vv_store_remove(op, fixture->store, VV_STR("a/b")));
    CHECK_OK(op, vv_store_remove(op, fixture->store, VV_STR("a/b")));
    CHECK_OK(op, vv_store_remove(op, fixture->store, VV_STR("none/of/these")));
    CHECK_OK(op, vv_store_remove(op, fixture->store, VV_STR("a/c/below")));
    CHECK_STR(list(fixture, "a", NULL, 0), "a/c ");
    CHECK_INT(put_if_absent(fixture, "a/b", "again"), VV_PUT_CREATED);
    CHECK_STR(get(fixture, "a/b"), "again");
}

STORE_TEST(publishes_staged_files)
{
    struct vv_op *op = &fixture->op;
    const char *path = stage(fixture, "d=1/e=x y/1.parquet", "rows");
    REQUIRE(path != NULL && access(path, F_OK) == 0);
    CHECK_OK(op, publish(fixture, "d=1/e=x y/1.parquet"));
    CHECK_STR(get(fixture, "d=1/e=x y/1.parquet"), "rows");
    CHECK_STR(list(fixture, "d=1/e=x y", NULL, 0), "d=1/e=x y/1.parquet ");
    CHECK_STR(list_folders(fixture, "d=1"), "d=1/e=x y ");
    struct vv_object object;
    CHECK_OK(op, vv_store_head(op, fixture->store, VV_STR("d=1/e=x y/1.parquet"), &object));
    CHECK_INT(object.bytes, 4);
    CHECK(vv_now_us(op) - object.modified_us < 10 * INT64_C(1000000));
    CHECK_OK(op, publish(fixture, "d=1/e=x y/1.parquet"));

    CHECK_OK(op, vv_store_remove(op, fixture->store, VV_STR("d=1/e=x y/1.parquet")));
    CHECK(get(fixture, "d=1/e=x y/1.parquet").ptr == NULL);
    CHECK(access(path, F_OK) != 0);
    CHECK_STR(list(fixture, "d=1/e=x y", NULL, 0), "");
}

STORE_TEST(publishes_more_files_than_it_syncs_one_by_one)
{
    struct vv_op *op = &fixture->op;
    struct vv_str keys[100];
    for (size_t i = 0; i < VV_COUNT(keys); i++) {
        keys[i] = vv_arena_format(&op->arena, "d=%zu/%zu.parquet", i % 10, i);
        REQUIRE(stage(fixture, keys[i].ptr, keys[i].ptr) != NULL);
    }
    CHECK_OK(op, vv_store_publish(op, fixture->store, keys, VV_COUNT(keys)));
    for (size_t i = 0; i < VV_COUNT(keys); i++)
        CHECK_STR(get(fixture, keys[i].ptr), keys[i]);
    CHECK_OK(op, vv_store_publish(op, fixture->store, NULL, 0));
}

STORE_TEST(refuses_to_stage_a_key_that_is_taken)
{
    struct vv_op *op = &fixture->op;
    struct vv_str path = VV_STR("untouched");
    put(fixture, "a/taken", "x");
    CHECK_FAILS(op, vv_store_stage(op, fixture->store, &op->arena, VV_STR("a/taken"), &path),
        VARVE_EIO);
    REQUIRE(stage(fixture, "a/file", "x") != NULL);
    CHECK_FAILS(op, vv_store_stage(op, fixture->store, &op->arena, VV_STR("a/file"), &path),
        VARVE_EIO);
    CHECK_STR(path, "untouched");
}

STORE_TEST(publishes_only_what_is_there)
{
    struct vv_op *op = &fixture->op;
    struct vv_str path;
    CHECK_FAILS(op, publish(fixture, "none"), VARVE_ENOTFOUND);
    CHECK_OK(op, vv_store_stage(op, fixture->store, &op->arena, VV_STR("d/never"), &path));
    CHECK_FAILS(op, publish(fixture, "d/never"), VARVE_ENOTFOUND);
    CHECK_FAILS(op, publish(fixture, "d"), VARVE_ENOTFOUND);
    /* An object that was put is as good as any: this settles one in doubt. */
    CHECK_INT(put_if_absent(fixture, "log/0", "x"), VV_PUT_CREATED);
    CHECK_OK(op, publish(fixture, "log/0"));
}

STORE_TEST(fetches_by_a_path)
{
    struct vv_op *op = &fixture->op;
    struct vv_str path;
    REQUIRE(stage(fixture, "d/file", "rows") != NULL);
    REQUIRE_OK(op, publish(fixture, "d/file"));
    REQUIRE_OK(op, vv_store_fetch(op, fixture->store, &op->arena, VV_STR("d/file"), &path));
    CHECK_STR(test_file_read(path.ptr), "rows");
    put(fixture, "d/object", "put");
    REQUIRE_OK(op, vv_store_fetch(op, fixture->store, &op->arena, VV_STR("d/object"), &path));
    CHECK_STR(test_file_read(path.ptr), "put");
    put(fixture, "d/object", "replaced");
    REQUIRE_OK(op, vv_store_fetch(op, fixture->store, &op->arena, VV_STR("d/object"), &path));
    CHECK_STR(test_file_read(path.ptr), "replaced");
    CHECK_STR(list(fixture, "", NULL, 0), "");
    CHECK_STR(list_folders(fixture, ""), "d ");
}

STORE_TEST(has_stores_below_it)
{
    struct vv_op *op = &fixture->op;
    put(fixture, "t/first", "1");
    struct fixture below = {0};
    vv_op_init(&below.op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(op, vv_store_at(op, fixture->store, VV_STR("t"), &below.store));
    put(&below, "second", "2");
    CHECK_INT(put_if_absent(&below, "log/0", "3"), VV_PUT_CREATED);
    CHECK_STR(get(&below, "first"), "1");
    CHECK_STR(get(fixture, "t/log/0"), "3");
    CHECK_STR(list(&below, "", NULL, 0), "first second ");
    CHECK_STR(list(&below, "", "first", 0), "second ");
    CHECK_STR(list_folders(&below, ""), "log ");
    REQUIRE(stage(&below, "d/file", "rows") != NULL);
    CHECK_OK(&below.op, publish(&below, "d/file"));
    CHECK_STR(get(fixture, "t/d/file"), "rows");
    CHECK(vv_str_ends(below.store->location, VV_STR("t")) ||
          vv_str_ends(below.store->location, VV_STR("t/")));

    struct fixture deeper = {0};
    vv_op_init(&deeper.op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(op, vv_store_at(op, below.store, VV_STR("not/there"), &deeper.store));
    CHECK_STR(list(&deeper, "", NULL, 0), "");
    /* Each is closed on its own, whichever first. */
    fixture_done(&below);
    put(&deeper, "x", "4");
    CHECK_STR(get(fixture, "t/not/there/x"), "4");
    fixture_done(&deeper);
}

STORE_TEST(refuses_what_is_no_key)
{
    static const char *const bad[] = {"", "/a", "a/", "../a", "a/../../b", "a//b", "./a"};
    struct vv_op *op = &fixture->op;
    struct vv_store *store = fixture->store;
    for (size_t i = 0; i < VV_COUNT(bad); i++) {
        struct vv_str key = vv_str_of(bad[i]);
        struct vv_str out;
        struct vv_object object;
        struct vv_objects objects;
        enum vv_put_outcome outcome;
        struct vv_store *below;
        size_t removed;
        CHECK_FAILS(op, vv_store_get(op, store, &op->arena, key, &out), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_head(op, store, key, &object), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_put(op, store, key, VV_STR("x")), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_put_if_absent(op, store, key, VV_STR("x"), 0, &outcome),
            VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_remove(op, store, key), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_stage(op, store, &op->arena, key, &out), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_publish(op, store, &key, 1), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_fetch(op, store, &op->arena, key, &out), VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_at(op, store, key, &below), VARVE_EUSAGE);
        if (key.len == 0)
            continue; /* as a folder it is the root */
        CHECK_FAILS(op, vv_store_list(op, store, &op->arena, key, VV_STR_NONE, 0, &objects),
            VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_list_folders(op, store, &op->arena, key, &objects),
            VARVE_EUSAGE);
        CHECK_FAILS(op, vv_store_sweep(op, store, key, 0, &removed), VARVE_EUSAGE);
    }
}

STORE_TEST(sweeps_nothing_that_is_an_object)
{
    struct vv_op *op = &fixture->op;
    put(fixture, "d/a", "x");
    put(fixture, "d/.tmp-mine", "x");
    size_t removed = 77;
    CHECK_OK(op, vv_store_sweep(op, fixture->store, VV_STR("d"), 0, &removed));
    CHECK_INT(removed, 0);
    CHECK_OK(op, vv_store_sweep(op, fixture->store, VV_STR("none"), 0, &removed));
    CHECK_STR(list(fixture, "d", NULL, 0), "d/.tmp-mine d/a ");
}

enum {
    RACERS = 4,
    RACES = 40
};

struct racer {
    struct vv_store *store;
    pthread_barrier_t *barrier;
    char id;
    bool won[RACES];
    bool failed;
};

static void *race(void *data)
{
    struct racer *racer = data;
    struct fixture mine = {.store = racer->store};
    vv_op_init(&mine.op, NULL, VV_OP_BYTES_DEFAULT);
    for (int i = 0; i < RACES; i++) {
        char key[32];
        char bytes[2] = {racer->id, '\0'};
        (void)snprintf(key, sizeof(key), "race/%d", i);
        (void)pthread_barrier_wait(racer->barrier);
        int outcome = put_if_absent(&mine, key, bytes);
        racer->won[i] = outcome == VV_PUT_CREATED;
        racer->failed |= outcome < 0;
    }
    vv_op_done(&mine.op);
    return NULL;
}

STORE_TEST(lets_one_thread_of_many_create_an_object)
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    pthread_barrier_t barrier;
    REQUIRE(pthread_barrier_init(&barrier, NULL, RACERS) == 0);
    for (int i = 0; i < RACERS; i++) {
        racers[i] =
            (struct racer){.store = fixture->store, .barrier = &barrier, .id = (char)('a' + i)};
        REQUIRE(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (int i = 0; i < RACERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(!racers[i].failed);
    }
    for (int i = 0; i < RACES; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "race/%d", i);
        struct vv_str bytes = get(fixture, key);
        int winners = 0;
        for (int r = 0; r < RACERS; r++) {
            winners += racers[r].won[i];
            if (racers[r].won[i])
                CHECK(vv_str_eq(bytes, (struct vv_str){&racers[r].id, 1}));
        }
        CHECK_INT(winners, 1);
    }
    (void)pthread_barrier_destroy(&barrier);
}

TEST(store, in_memory_leaves_no_files_behind)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct fixture fixture;
    REQUIRE(fixture_open(&fixture, KIND_MEMORY));
    struct vv_str path = vv_arena_str(&op.arena, vv_str_of(stage(&fixture, "d/file", "rows")));
    CHECK(access(path.ptr, F_OK) == 0);
    fixture_done(&fixture);
    CHECK(access(path.ptr, F_OK) != 0);
}

TEST(store, in_memory_goes_by_the_clock_of_the_operation)
{
    struct test_clock clock;
    test_clock_init(&clock, INT64_C(1738231200000000));
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    vv_op_init(&fixture.op, &clock.env, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&fixture.op, vv_store_open_memory(&fixture.op, &fixture.store));
    put(&fixture, "a", "x");
    struct vv_object object;
    REQUIRE_OK(&fixture.op, vv_store_head(&fixture.op, fixture.store, VV_STR("a"), &object));
    CHECK_INT(object.modified_us, INT64_C(1738231200000000));
}

/* One step of the same random history in both stores. */
static void step(struct prop *prop, struct fixture *a, struct fixture *b)
{
    static const char *const keys[] = {
        "p", "q", "x/1", "x/2", "x/10", "x/y/1", "x/y/2", "z!/1", "z/1", "z/.tmp-q"};
    static const char *const folders[] = {"", "x", "x/y", "z", "z!", "none"};
    const char *key = keys[prop_choose(prop, VV_COUNT(keys))];
    const char *folder = folders[prop_choose(prop, VV_COUNT(folders))];
    char text[16];
    struct vv_str bytes = prop_str(prop, text, sizeof(text) - 1, "abc");
    text[bytes.len] = '\0';
    size_t max = prop_choose(prop, 4);
    switch (prop_choose(prop, 6)) {
    case 0:
        put(a, key, text);
        put(b, key, text);
        break;
    case 1:
        CHECK_INT(put_if_absent(a, key, text), put_if_absent(b, key, text));
        break;
    case 2:
        CHECK_OK(&a->op, vv_store_remove(&a->op, a->store, vv_str_of(key)));
        CHECK_OK(&b->op, vv_store_remove(&b->op, b->store, vv_str_of(key)));
        break;
    case 3:
        CHECK_STR(list(a, folder, key, max), list(b, folder, key, max));
        break;
    case 4:
        CHECK_STR(list(a, folder, NULL, max), list(b, folder, NULL, max));
        break;
    default:
        CHECK_STR(get(a, key), get(b, key));
        break;
    }
}

TEST(store, in_memory_and_local_agree_on_any_history)
{
    struct prop prop = prop_start();
    VV_CLEANUP(fixture_done) struct fixture local = {0};
    VV_CLEANUP(fixture_done) struct fixture memory = {0};
    REQUIRE(fixture_open(&local, KIND_LOCAL_UNSYNCED));
    REQUIRE(fixture_open(&memory, KIND_MEMORY));
    for (int i = 0; i < 5000; i++)
        step(&prop, &local, &memory);
}

/* All that a store does, each step of which may run out of memory. */
static varve_status do_everything(struct fixture *fixture, struct vv_arena *arena)
{
    struct vv_op *op = &fixture->op;
    struct vv_store *store = fixture->store;
    struct vv_str out;
    struct vv_object object;
    struct vv_objects objects;
    enum vv_put_outcome outcome;
    struct vv_store *below = NULL;
    VV_TRY(vv_store_put(op, store, VV_STR("d/a"), VV_STR("x")));
    VV_TRY(vv_store_put_if_absent(op, store, VV_STR("e/b"), VV_STR("y"), 5, &outcome));
    VV_TRY(vv_store_get(op, store, arena, VV_STR("d/a"), &out));
    VV_TRY(vv_store_head(op, store, VV_STR("d/a"), &object));
    VV_TRY(vv_store_list(op, store, arena, VV_STR("d"), VV_STR_NONE, 0, &objects));
    VV_TRY(vv_store_list_folders(op, store, arena, VV_STR(""), &objects));
    VV_TRY(vv_store_fetch(op, store, arena, VV_STR("e/b"), &out));
    VV_TRY(vv_store_at(op, store, VV_STR("d"), &below));
    vv_store_close(&below);
    VV_TRY(vv_store_publish(op, store, &VV_STR("e/b"), 1));
    return vv_store_remove(op, store, VV_STR("e/b"));
}

STORE_TEST(survives_each_allocation_failing)
{
    uint64_t failures = 0;
    for (uint64_t nth = 1; nth < 1000; nth++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT((size_t)1 << 20);
        /* Afresh, so that it has no memory left from the time before. */
        vv_op_done(&fixture->op);
        vv_op_init(&fixture->op, NULL, VV_OP_BYTES_DEFAULT);
        vv_seam_fail_allocation(nth);
        varve_status status = do_everything(fixture, &arena);
        vv_seam_fail_allocation(0);
        if (status == VARVE_OK)
            break;
        failures++;
        CHECK_STATUS(&fixture->op, VARVE_ELIMIT);
        vv_forgive(&fixture->op);
        CHECK_STR(list(fixture, "d", NULL, 0), get(fixture, "d/a").ptr ? "d/a " : "");
    }
    CHECK(failures > 0 && failures < 900);
}
