/*
 * Stores to test, and short ways to call them. A case of STORE_TEST runs once over each kind.
 */
#ifndef VARVE_TEST_STORE_FIXTURE_H
#define VARVE_TEST_STORE_FIXTURE_H

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "harness/test.h"
#include "store/store.h"

enum kind {
    KIND_LOCAL,
    KIND_LOCAL_UNSYNCED,
    KIND_MEMORY,
    KIND_FAULTY,
    KIND_NONE
};

struct fixture {
    struct vv_op op;
    struct vv_store *store;
    struct vv_fault_plan plan; /* of KIND_FAULTY, which passes all on to one in memory */
};

static inline void fixture_done(struct fixture *fixture)
{
    vv_store_close(&fixture->store);
    vv_op_done(&fixture->op);
}

/* The folder `name` of the case, made at the first write. */
static inline bool fixture_open_local(struct fixture *fixture, const char *name, bool sync)
{
    const struct vv_store_options options = {.sync = sync, .create = true};
    *fixture = (struct fixture){0};
    vv_op_init(&fixture->op, NULL, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(&fixture->op,
        vv_store_open(&fixture->op, vv_str_of(test_path(name)), &options, &fixture->store));
}

static inline bool fixture_open(struct fixture *fixture, enum kind kind)
{
    if (kind == KIND_LOCAL || kind == KIND_LOCAL_UNSYNCED)
        return fixture_open_local(fixture, kind == KIND_LOCAL ? "synced" : "unsynced",
            kind == KIND_LOCAL);
    *fixture = (struct fixture){0};
    struct vv_op *op = &fixture->op;
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    bool is_open = CHECK_OK(op, vv_store_open_memory(op, &fixture->store));
    if (is_open && kind == KIND_FAULTY)
        is_open = CHECK_OK(op,
            vv_store_open_faulty(op, fixture->store, &fixture->plan, &fixture->store));
    return is_open;
}

static inline void fixture_run_all(void (*check)(struct fixture *fixture))
{
    static const char *const names[] = {"local", "local, unsynced", "memory", "faulty"};
    for (int kind = KIND_LOCAL; kind < KIND_NONE; kind++) {
        printf("# %s\n", names[kind]);
        VV_CLEANUP(fixture_done) struct fixture fixture = {0};
        if (fixture_open(&fixture, (enum kind)kind))
            check(&fixture);
    }
}

#define STORE_TEST(name_)                               \
    static void check_##name_(struct fixture *fixture); \
    TEST(store, name_)                                  \
    {                                                   \
        fixture_run_all(check_##name_);                 \
    }                                                   \
    static void check_##name_(struct fixture *fixture)

static inline void put(struct fixture *fixture, const char *key, const char *bytes)
{
    CHECK_OK(&fixture->op,
        vv_store_put(&fixture->op, fixture->store, vv_str_of(key), vv_str_of(bytes)));
}

/* The content of an object; VV_STR_NONE where there is none. */
static inline struct vv_str get(struct fixture *fixture, const char *key)
{
    struct vv_op *op = &fixture->op;
    struct vv_str bytes = VV_STR_NONE;
    if (vv_store_get(op, fixture->store, &op->arena, vv_str_of(key), &bytes) == VARVE_OK)
        return bytes;
    CHECK_STATUS(op, VARVE_ENOTFOUND);
    vv_forgive(op);
    return VV_STR_NONE;
}

/* -1 where the call fails; the failure stays recorded. */
static inline int put_if_absent(struct fixture *fixture, const char *key, const char *bytes)
{
    enum vv_put_outcome outcome;
    if (vv_store_put_if_absent(&fixture->op, fixture->store, vv_str_of(key), vv_str_of(bytes),
            0, &outcome) != VARVE_OK)
        return -1;
    return (int)outcome;
}

/* All keys of a list, each with a blank behind it. */
static inline struct vv_str keys_of(struct fixture *fixture, const struct vv_objects *objects)
{
    struct vv_str text = VV_STR("");
    for (size_t i = 0; i < objects->len; i++)
        text = vv_arena_format(&fixture->op.arena, "%.*s%.*s ", VV_ARG(text),
            VV_ARG(objects->items[i].key));
    return text;
}

static inline struct vv_str list(struct fixture *fixture, const char *folder, const char *after,
    size_t max)
{
    struct vv_op *op = &fixture->op;
    struct vv_objects found = {0};
    CHECK_OK(op, vv_store_list(op, fixture->store, &op->arena, vv_str_of(folder),
                     vv_str_of(after), max, &found));
    return keys_of(fixture, &found);
}

static inline struct vv_str list_folders(struct fixture *fixture, const char *folder)
{
    struct vv_op *op = &fixture->op;
    struct vv_objects found = {0};
    CHECK_OK(op,
        vv_store_list_folders(op, fixture->store, &op->arena, vv_str_of(folder), &found));
    return keys_of(fixture, &found);
}

/* Stages a key and writes its file; the path, or NULL. */
static inline const char *stage(struct fixture *fixture, const char *key, const char *bytes)
{
    struct vv_op *op = &fixture->op;
    struct vv_str path;
    if (!CHECK_OK(op, vv_store_stage(op, fixture->store, &op->arena, vv_str_of(key), &path)))
        return NULL;
    return test_file_write(path.ptr, vv_str_of(bytes)) ? path.ptr : NULL;
}

static inline varve_status publish(struct fixture *fixture, const char *key)
{
    struct vv_str keys[] = {vv_str_of(key)};
    return vv_store_publish(&fixture->op, fixture->store, keys, 1);
}

/* A file system of our own at "<test_dir()>/mnt", gone with the process. False: not permitted.
 */
static inline bool mount_tmpfs(const char *options)
{
    return mkdir(test_path("mnt"), 0777) == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", test_path("mnt"), "tmpfs", 0, options) == 0;
}

#endif
