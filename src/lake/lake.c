#include "lake/lake.h"

#include "base/nearest.h"
#include "base/seam.h"
#include "base/time.h"
#include "engine/held.h"
#include "engine/sql.h"
#include "store/spill_folder.h"

static struct vv_str keep(struct vv_lake *lake, struct vv_str text)
{
    return text.ptr == NULL ? VV_STR_NONE : vv_arena_str(&lake->arena, text);
}

static varve_status open_root(struct vv_op *op, struct vv_str location,
    const struct vv_lake_options *options, struct vv_lake *lake)
{
    struct vv_store_options store = options->store;
    varve_status status = vv_store_open(op, location, &store, &lake->store);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    lake->is_missing = true;
    store.create = true; /* makes nothing before the first write, which nobody may ask for */
    return vv_store_open(op, location, &store, &lake->store);
}

/* A lake that was not there, and still has no table, is told as what it is: a wrong folder. */
static varve_status check_is_there(struct vv_op *op, const struct vv_lake *lake, size_t tables)
{
    if (!lake->is_missing || tables > 0)
        return VARVE_OK;
    return vv_fail(op, VARVE_ENOTFOUND,
        "there is no lake at %.*s (varve init makes one; --lake says which)",
        VV_ARG(lake->store->location));
}

static varve_status make_spill(struct vv_op *op, struct vv_str parent, void **out_folder,
    struct vv_str *out_path)
{
    struct vv_spill_folder *folder = NULL;
    VV_TRY(vv_spill_folder_make(op, parent, &folder));
    *out_folder = folder;
    if (folder != NULL)
        *out_path = vv_spill_folder_path(folder);
    return VARVE_OK;
}

static void keep_spill(void *folder)
{
    vv_spill_folder_keep(folder);
}

static void remove_spill(void *folder)
{
    struct vv_spill_folder *removed = folder;
    vv_spill_folder_remove(&removed);
}

static const struct vv_engine_spill spill_folders = {make_spill, keep_spill, remove_spill};

varve_status vv_lake_open(struct vv_op *op, struct vv_str location,
    const struct vv_lake_options *options, struct vv_lake **out)
{
    struct vv_lake *lake = vv_malloc(sizeof(*lake));
    if (lake == NULL)
        return vv_fail_memory(op);
    *lake = (struct vv_lake){.arena = VV_ARENA_INIT(1 << 20),
        .store_options = options->store,
        .engine_options = options->engine};
    lake->user = keep(lake, options->user);
    lake->message = keep(lake, options->message);
    lake->engine_options.temp_folder = keep(lake, options->engine.temp_folder);
    lake->engine_options.spill = &spill_folders;
    varve_status status = open_root(op, location, options, lake);
    if (status == VARVE_OK && options->held_bytes > 0)
        status = vv_held_new(op, options->held_bytes, &lake->held);
    lake->engine_options.held = lake->held;
    if (status != VARVE_OK) {
        vv_lake_close(&lake);
        return status;
    }
    *out = lake;
    return VARVE_OK;
}

void vv_lake_close(struct vv_lake **lake)
{
    if (*lake == NULL)
        return;
    vv_engine_close(&(*lake)->engine);
    vv_engine_close(&(*lake)->sandbox);
    vv_held_release(&(*lake)->held);
    vv_store_close(&(*lake)->store);
    vv_arena_done(&(*lake)->arena);
    vv_free(*lake);
    *lake = NULL;
}

void vv_lake_leave(struct vv_lake **lake)
{
    if (*lake == NULL)
        return;
    vv_engine_leave(&(*lake)->engine);
    vv_engine_leave(&(*lake)->sandbox);
    vv_lake_close(lake);
}

varve_status vv_lake_engine(struct vv_op *op, struct vv_lake *lake, struct vv_engine **out)
{
    if (lake->engine == NULL)
        VV_TRY(vv_engine_open(op, &lake->engine_options, &lake->engine));
    *out = lake->engine;
    return VARVE_OK;
}

/* One of the names that nearly every log has: a log of any length is then not listed for one. */
static varve_status has_usual_name(struct vv_op *op, struct vv_lake *lake, struct vv_str log,
    bool *out)
{
    static const char *const names[] = {"00000000000000000000.json", "_last_checkpoint"};
    *out = false;
    for (size_t i = 0; i < VV_COUNT(names) && !*out; i++) {
        struct vv_object object = {0};
        struct vv_str key = vv_arena_format(&op->arena, "%.*s/%s", VV_ARG(log), names[i]);
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        varve_status status = vv_store_head(op, lake->store, key, &object);
        if (status != VARVE_OK && status != VARVE_ENOTFOUND)
            return status;
        *out = status == VARVE_OK;
        if (status == VARVE_ENOTFOUND)
            vv_forgive(op);
    }
    return VARVE_OK;
}

varve_status vv_lake_has_table(struct vv_op *op, struct vv_lake *lake, struct vv_str folder,
    bool *out)
{
    struct vv_objects objects = {0};
    struct vv_str log = vv_arena_format(&op->arena, "%.*s/_delta_log", VV_ARG(folder));
    *out = false;
    if (log.ptr == NULL)
        return vv_fail_memory(op);
    if (lake->store->lists_whole)
        VV_TRY(has_usual_name(op, lake, log, out));
    if (*out)
        return VARVE_OK;
    VV_TRY(vv_store_list(op, lake->store, &op->arena, log, VV_STR_NONE, 1, &objects));
    *out = objects.len > 0;
    return VARVE_OK;
}

varve_status vv_lake_list(struct vv_op *op, struct vv_lake *lake, struct vv_arena *arena,
    struct vv_str **out, size_t *out_len)
{
    struct vv_objects folders = {0};
    VV_TRY(vv_store_list_folders(op, lake->store, &op->arena, VV_STR(""), &folders));
    struct vv_str *names = vv_new(arena, struct vv_str, folders.len + 1);
    size_t len = 0;
    if (names == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < folders.len; i++) {
        bool is_table = false;
        VV_TRY(vv_lake_has_table(op, lake, folders.items[i].key, &is_table));
        if (!is_table)
            continue;
        names[len] = vv_arena_str(arena, folders.items[i].key);
        if (names[len++].ptr == NULL)
            return vv_fail_memory(op);
    }
    VV_TRY(check_is_there(op, lake, len));
    *out = names;
    *out_len = len;
    return VARVE_OK;
}

bool vv_lake_is_path(struct vv_str name)
{
    return vv_str_find(name, '/') < name.len || vv_str_eq(name, VV_STR(".")) ||
           vv_str_eq(name, VV_STR(".."));
}

struct vv_str vv_lake_lasting_name(struct vv_str name, const struct vv_store *store)
{
    return vv_lake_is_path(name) ? store->location : name;
}

static varve_status no_such_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf there = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_lake_list(op, lake, &op->arena, &names, &len));
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&there, "%s%.*s", i == 0 ? "" : ", ", VV_ARG(names[i]));
    if (len == 0)
        return vv_fail(op, VARVE_ENOTFOUND,
            "no table %.*s: the lake %.*s has no table yet (varve init creates the market "
            "tables)",
            VV_ARG(name), VV_ARG(lake->store->location));
    struct vv_str nearest = vv_nearest_name(name, names, len);
    return vv_fail(op, VARVE_ENOTFOUND,
        "no table %.*s in the lake %.*s%s%.*s%s there are: %.*s", VV_ARG(name),
        VV_ARG(lake->store->location), nearest.len > 0 ? "; did you mean " : ";",
        VV_ARG(nearest), nearest.len > 0 ? "?" : "", VV_ARG(vv_buf_str(&there)));
}

varve_status vv_lake_log(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_log_handle *out)
{
    struct vv_store *store = NULL;
    struct vv_engine *engine = NULL;
    if (vv_lake_is_path(name)) {
        struct vv_store_options options = lake->store_options;
        options.create = false;
        VV_TRY(vv_store_open(op, name, &options, &store));
    } else {
        bool is_table = false;
        const char *fault = vv_key_fault(name);
        if (fault != NULL)
            return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" can't be a table's name: it %s",
                VV_ARG(name), fault);
        VV_TRY(vv_lake_has_table(op, lake, name, &is_table));
        if (!is_table)
            return no_such_table(op, lake, name);
        VV_TRY(vv_store_at(op, lake->store, name, &store));
    }
    varve_status status = vv_lake_engine(op, lake, &engine);
    if (status != VARVE_OK) {
        vv_store_close(&store);
        return status;
    }
    *out = (struct vv_log_handle){store, engine};
    return VARVE_OK;
}

varve_status vv_lake_table_for_any(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_table **out)
{
    struct vv_log_handle log = {0};
    VV_TRY(vv_lake_log(op, lake, name, &log));
    VV_TRY(vv_table_open_for_any(op, name, log.store, log.engine, out));
    (*out)->known = &lake->known;
    (*out)->checkpoints_elsewhere = lake->checkpoints_elsewhere;
    return VARVE_OK;
}

varve_status vv_lake_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_table **out)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    VV_TRY(vv_lake_table_for_any(op, lake, name, &table));
    if (table->snapshot == NULL)
        VV_TRY(vv_table_refresh(op, table)); /* says what is wrong with it */
    *out = VV_MOVE(table);
    return VARVE_OK;
}

varve_status vv_known_at_read(struct vv_op *op, struct vv_str time, int64_t *out_us)
{
    if (vv_time_parse_human(time, vv_now_us(op), out_us))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "\"%.*s\" is not a time: say 2025-01-30T10:00:00Z, now or -2h", VV_ARG(time));
}

int64_t vv_lake_now_us(const struct vv_op *op, const struct vv_lake *lake)
{
    return lake->known.is_set ? lake->known.us : vv_now_us(op);
}

static varve_status check_name(struct vv_op *op, struct vv_str name)
{
    bool ok = name.len > 0 && name.len <= 128 && name.ptr[0] != '_' && name.ptr[0] != '.';
    for (size_t i = 0; i < name.len && ok; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == '.' || c >= 0x80;
    }
    if (ok && vv_utf8_valid(name))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "\"%.*s\" can't be a table's name: letters, digits, '_', '-' and '.', not starting "
        "with '_' or '.'",
        VV_ARG(name));
}

/* A table within a table is data files to the one, and nothing to its vacuum. */
static varve_status check_no_table(struct vv_op *op, const struct vv_lake *lake,
    struct vv_engine *engine)
{
    const struct vv_log_handle log = {lake->store, engine};
    struct vv_log_segment segment;
    varve_status status = vv_log_find(op, &log, VV_NO_VERSION, INT64_MAX, &op->arena, &segment);
    if (status == VARVE_OK)
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s is a table, and no table may lie within another: take the folder above it",
            VV_ARG(lake->store->location));
    if (status == VARVE_ENOTFOUND)
        vv_forgive(op);
    return status == VARVE_ENOTFOUND ? VARVE_OK : status;
}

varve_status vv_lake_create_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_table_spec *spec, bool *out_created)
{
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_engine *engine = NULL;
    VV_TRY(check_name(op, name));
    VV_TRY(vv_store_at(op, lake->store, name, &store));
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(check_no_table(op, lake, engine));
    spec->user_name = lake->user;
    if (spec->user_metadata.ptr == NULL)
        spec->user_metadata = lake->message;
    return vv_table_create(op, store, engine, spec, out_created);
}
