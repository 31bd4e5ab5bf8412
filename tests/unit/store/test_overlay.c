/* A view: what is written to it is in nobody's store, what comes after it in a frozen folder is not in it. */
#include "harness/test.h"
#include "store/store.h"

struct view {
    struct vv_op op;
    struct vv_store *lower; /* owned by `store` once that is open */
    struct vv_store *store;
};

static void view_done(struct view *view)
{
    vv_store_close(&view->store);
    vv_op_done(&view->op);
}

static bool put(struct vv_op *op, struct vv_store *store, const char *key, const char *bytes)
{
    return CHECK_OK(op, vv_store_put(op, store, vv_str_of(key), vv_str_of(bytes)));
}

static bool view_open(struct view *view)
{
    struct vv_op *op = &view->op;
    *view = (struct view){.store = NULL};
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(op, vv_store_open_memory(op, &view->lower)) &&
           put(op, view->lower, "log/0", "zero") && put(op, view->lower, "log/1", "one") &&
           put(op, view->lower, "other/a", "lower a") &&
           CHECK_OK(op, vv_store_open_overlay(op, view->lower, VV_STR("log"), VV_STR("log/1"),
                            &view->store));
}

static struct vv_str get(struct view *view, const char *key)
{
    struct vv_str bytes = VV_STR_NONE;
    struct vv_op *op = &view->op;
    varve_status status = vv_store_get(op, view->store, &op->arena, vv_str_of(key), &bytes);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VV_STR("none");
    }
    CHECK_OK(op, status);
    return bytes;
}

/* The keys of a folder, parted by blanks. */
static struct vv_str list(struct view *view, struct vv_store *store, const char *folder,
    size_t max)
{
    struct vv_op *op = &view->op;
    struct vv_objects objects = {0};
    struct vv_str text = VV_STR("");
    if (!CHECK_OK(op, vv_store_list(op, store, &op->arena, vv_str_of(folder), VV_STR_NONE, max,
                          &objects)))
        return VV_STR("failed");
    for (size_t i = 0; i < objects.len; i++)
        text = vv_arena_format(&op->arena, "%.*s%s%.*s", VV_ARG(text), i > 0 ? " " : "",
            VV_ARG(objects.items[i].key));
    return text;
}

TEST(overlay, what_is_written_stays_above)
{
    VV_CLEANUP(view_done) struct view view;
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    REQUIRE(view_open(&view));
    struct vv_op *op = &view.op;
    CHECK_STR(get(&view, "other/a"), "lower a");
    REQUIRE(put(op, view.store, "other/a", "upper a") &&
            put(op, view.store, "other/b", "upper b"));
    REQUIRE_OK(op,
        vv_store_put_if_absent(op, view.store, VV_STR("log/2"), VV_STR("two"), 0, &outcome));
    CHECK_INT(outcome, VV_PUT_CREATED);
    REQUIRE_OK(op,
        vv_store_put_if_absent(op, view.store, VV_STR("log/2"), VV_STR("x"), 0, &outcome));
    CHECK_INT(outcome, VV_PUT_EXISTS);
    REQUIRE_OK(op,
        vv_store_put_if_absent(op, view.store, VV_STR("log/1"), VV_STR("x"), 0, &outcome));
    CHECK_INT(outcome, VV_PUT_EXISTS);
    CHECK_STR(get(&view, "other/a"), "upper a");
    CHECK_STR(get(&view, "log/2"), "two");
    CHECK_STR(list(&view, view.store, "log", 0), "log/0 log/1 log/2");
    CHECK_STR(list(&view, view.store, "log", 2), "log/0 log/1");
    CHECK_STR(list(&view, view.store, "other", 0), "other/a other/b");
    REQUIRE_OK(op, vv_store_remove(op, view.store, VV_STR("other/a")));
    CHECK_STR(get(&view, "other/a"), "lower a");
    CHECK_STR(list(&view, view.lower, "log", 0), "log/0 log/1");
    CHECK_STR(list(&view, view.lower, "other", 0), "other/a");
}

TEST(overlay, what_others_add_to_a_frozen_folder_is_not_seen)
{
    VV_CLEANUP(view_done) struct view view;
    struct vv_object object;
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    REQUIRE(view_open(&view));
    struct vv_op *op = &view.op;
    REQUIRE(put(op, view.lower, "log/2", "others") &&
            put(op, view.lower, "other/b", "others") &&
            put(op, view.lower, "logs/2", "of another folder"));
    CHECK_STR(get(&view, "log/2"), "none");
    CHECK_FAILS(op, vv_store_head(op, view.store, VV_STR("log/2"), &object), VARVE_ENOTFOUND);
    CHECK_STR(list(&view, view.store, "log", 0), "log/0 log/1");
    CHECK_STR(get(&view, "other/b"), "others");
    CHECK_STR(get(&view, "logs/2"), "of another folder");
    REQUIRE_OK(op,
        vv_store_put_if_absent(op, view.store, VV_STR("log/2"), VV_STR("ours"), 0, &outcome));
    CHECK_INT(outcome, VV_PUT_CREATED);
    CHECK_STR(get(&view, "log/2"), "ours");
}

/* Files that an engine has written above, and those of the table below. */
TEST(overlay, data_files_come_from_where_they_are)
{
    VV_CLEANUP(view_done) struct view view;
    struct vv_str keys[] = {VV_STR("data/new")};
    struct vv_str path;
    REQUIRE(view_open(&view));
    struct vv_op *op = &view.op;
    REQUIRE_OK(op, vv_store_stage(op, view.store, &op->arena, keys[0], &path));
    REQUIRE(test_file_write(path.ptr, VV_STR("bytes")));
    REQUIRE_OK(op, vv_store_publish(op, view.store, keys, 1));
    REQUIRE_OK(op, vv_store_fetch(op, view.store, &op->arena, keys[0], &path));
    CHECK_STR(get(&view, "data/new"), "bytes");
    CHECK_STR(list(&view, view.lower, "data", 0), "");
    REQUIRE_OK(op, vv_store_stage(op, view.lower, &op->arena, VV_STR("data/old"), &path));
    REQUIRE(test_file_write(path.ptr, VV_STR("old bytes")));
    keys[0] = VV_STR("data/old");
    REQUIRE_OK(op, vv_store_publish(op, view.lower, keys, 1));
    REQUIRE_OK(op, vv_store_fetch(op, view.store, &op->arena, keys[0], &path));
    CHECK_STR(list(&view, view.store, "data", 0), "data/new data/old");
}

TEST(overlay, folders_are_those_of_both_but_for_what_a_frozen_one_got_since)
{
    VV_CLEANUP(view_done) struct view view;
    struct vv_objects folders = {0};
    REQUIRE(view_open(&view));
    struct vv_op *op = &view.op;
    REQUIRE(put(op, view.lower, "other/both/a", "x") &&
            put(op, view.lower, "other/low/a", "x") && put(op, view.lower, "log/2/late", "x") &&
            put(op, view.store, "other/both/b", "x") && put(op, view.store, "other/up/a", "x"));
    REQUIRE_OK(op,
        vv_store_list_folders(op, view.store, &op->arena, VV_STR("other"), &folders));
    REQUIRE(CHECK_INT(folders.len, 3));
    CHECK_STR(folders.items[0].key, "other/both");
    CHECK_STR(folders.items[1].key, "other/low");
    CHECK_STR(folders.items[2].key, "other/up");
    REQUIRE_OK(op, vv_store_list_folders(op, view.store, &op->arena, VV_STR("log"), &folders));
    CHECK_INT(folders.len, 0);
}

/* A view changes nothing below, not even what a killed process left there; and it is one table. */
TEST(overlay, does_not_sweep_below_and_has_no_store_of_a_part)
{
    static const char *const temp = "log/.tmp-0a1b2c3d-0000-4000-8000-0123456789ab";
    const struct vv_store_options options = {.create = true};
    VV_CLEANUP(view_done) struct view view = {.store = NULL};
    struct vv_op *op = &view.op;
    struct vv_store *part = NULL;
    size_t removed = 77;
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(op, vv_store_open(op, vv_str_of(test_path("root")), &options, &view.lower));
    REQUIRE(put(op, view.lower, temp, "half"));
    REQUIRE_OK(op,
        vv_store_open_overlay(op, view.lower, VV_STR("log"), VV_STR("log/1"), &view.store));
    REQUIRE_OK(op, vv_store_sweep(op, view.store, VV_STR("log"), 0, &removed));
    CHECK_INT(removed, 0);
    CHECK_STR(test_file_read(test_path(vv_arena_format(&op->arena, "root/%s", temp).ptr)),
        "half");
    CHECK_FAILS(op, vv_store_at(op, view.store, VV_STR("log"), &part), VARVE_EFAILED);
    CHECK(part == NULL);
}
