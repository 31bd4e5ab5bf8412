#include <string.h>

#include "base/seam.h"
#include "delta/log.h"
#include "ingest/spool_row.h"
#include "ingest/writer_state.h"
#include "table/input/convert.h"
#include "table/values.h"

#define BLIND_US INT64_C(1000000) /* so long a table that can't be read is not tried anew */
#define NAME_BYTES_MAX 255        /* of a folder */

static struct vv_writer_table *find(struct vv_writer *writer, struct vv_str name)
{
    pthread_rwlock_rdlock(&writer->tables_lock);
    struct vv_writer_table *table = vv_map_get(&writer->tables_by_name, name);
    pthread_rwlock_unlock(&writer->tables_lock);
    return table;
}

/* A path would lead out of the lake, and rows come from anywhere. */
static varve_status check_name(struct vv_op *op, struct vv_str name)
{
    if (name.len > 0 && name.len <= NAME_BYTES_MAX && name.ptr[0] != '.' &&
        name.ptr[0] != '_' && vv_str_find(name, '/') == name.len &&
        vv_str_find(name, '\\') == name.len && vv_str_find(name, '\0') == name.len &&
        vv_utf8_valid(name))
        return VARVE_OK;
    return vv_fail(op, VARVE_ENOTFOUND, "\"%.*s\" can't be the name of a table in the lake",
        VV_ARG(vv_str_first(name, 80)));
}

/* Adds it to what is known, or drops it where somebody was faster. */
static varve_status publish(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table **table)
{
    bool is_ours = false;
    pthread_rwlock_wrlock(&writer->tables_lock);
    struct vv_writer_table *there = vv_map_get(&writer->tables_by_name, (*table)->name);
    if (there == NULL) {
        (*table)->name = vv_arena_str(&writer->arena, (*table)->name);
        is_ours = (*table)->name.ptr != NULL &&
                  vv_map_put(&writer->tables_by_name, (*table)->name, *table, NULL);
    }
    pthread_rwlock_unlock(&writer->tables_lock);
    if (is_ours) {
        pthread_mutex_lock(&writer->lock);
        (*table)->next = writer->tables;
        writer->tables = *table;
        pthread_mutex_unlock(&writer->lock);
        return VARVE_OK;
    }
    vv_writer_table_close(*table);
    *table = there;
    return there != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_writer_table_known(struct vv_op *op, struct vv_writer *writer,
    struct vv_str name, struct vv_writer_table **out)
{
    *out = find(writer, name);
    if (*out != NULL)
        return VARVE_OK;
    struct vv_writer_table *table = vv_malloc_zeroed(sizeof(*table));
    if (table == NULL)
        return vv_fail_memory(op);
    table->name = name;
    table->version = VV_NO_VERSION;
    VV_TRY(publish(op, writer, &table));
    *out = table;
    return VARVE_OK;
}

/* Rows of a table without a key could never be flushed. */
static varve_status check_key(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table *table)
{
    pthread_rwlock_rdlock(&writer->tables_lock);
    size_t key_len = table->shape->key_len;
    pthread_rwlock_unlock(&writer->tables_lock);
    if (key_len > 0)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s has no key to upsert by: declare one with `varve alter %.*s set "
        "varve.key=A,B`",
        VV_ARG(table->name), VV_ARG(table->name));
}

varve_status vv_writer_table(struct vv_op *op, struct vv_writer *writer, struct vv_str name,
    struct vv_writer_table **out)
{
    struct vv_writer_table *table = find(writer, name);
    if (table == NULL) {
        VV_TRY(check_name(op, name));
        table = vv_malloc_zeroed(sizeof(*table));
        if (table == NULL)
            return vv_fail_memory(op);
        table->name = name;
        table->version = VV_NO_VERSION;
        varve_status status = vv_writer_table_refresh(op, writer, table);
        /* Where another thread has put rows meanwhile, what is recorded may be ours. */
        if (status == VARVE_OK && find(writer, name) == NULL)
            status = vv_writer_claim(op, writer, name, table->handle->snapshot);
        if (status != VARVE_OK) {
            vv_writer_table_close(table);
            return status;
        }
        VV_TRY(publish(op, writer, &table));
    }
    pthread_rwlock_rdlock(&writer->tables_lock);
    bool is_seen = table->shape != NULL;
    pthread_rwlock_unlock(&writer->tables_lock);
    if (!is_seen) {
        /* Its rows were in the spool when the writer was opened: its handle is another thread's. */
        VV_CLEANUP(vv_table_close) struct vv_table *handle = NULL;
        struct vv_writer_table view = {.name = table->name};
        varve_status status = vv_writer_table_refresh(op, writer, &view);
        handle = view.handle;
        VV_TRY(status);
        pthread_rwlock_rdlock(&writer->tables_lock);
        is_seen = table->shape != NULL;
        pthread_rwlock_unlock(&writer->tables_lock);
        if (!is_seen)
            VV_TRY(vv_writer_claim(op, writer, name, handle->snapshot));
        pthread_rwlock_wrlock(&writer->tables_lock);
        if (table->shape == NULL)
            table->shape = view.shape;
        pthread_rwlock_unlock(&writer->tables_lock);
    }
    VV_TRY(check_key(op, writer, table));
    *out = table;
    return VARVE_OK;
}

/* What is wrong with the table's state, and not with the row. */
static bool is_tables_own(varve_status status)
{
    return status == VARVE_ECORRUPT || status == VARVE_EIO || status == VARVE_EUNSUPPORTED ||
           status == VARVE_EFAILED;
}

/* A name that anybody may send is a table's only where the lake has such a folder. */
static varve_status has_folder(struct vv_op *op, struct vv_writer *writer, struct vv_str name,
    bool *out)
{
    struct vv_objects folders = {0};
    pthread_mutex_lock(&writer->lake_use);
    varve_status status =
        vv_store_list_folders(op, writer->lake->store, &op->arena, VV_STR(""), &folders);
    pthread_mutex_unlock(&writer->lake_use);
    VV_TRY(status);
    *out = false;
    for (size_t i = 0; i < folders.len && !*out; i++)
        *out = vv_str_eq(folders.items[i].key, name);
    return VARVE_OK;
}

varve_status vv_writer_table_of_row(struct vv_op *op, struct vv_writer *writer,
    struct vv_str name, struct vv_writer_table **out)
{
    *out = find(writer, name);
    if (*out != NULL && atomic_load(&(*out)->blind_until_us) > vv_now_us(op))
        return VARVE_OK;
    bool was_known = *out != NULL;
    varve_status status = vv_writer_table(op, writer, name, out);
    if (!is_tables_own(status))
        return status;
    const varve_error why = op->error;
    bool is_there = false;
    vv_forgive(op);
    VV_TRY(has_folder(op, writer, name, &is_there));
    if (!is_there) /* rows of what is no table would wait in the spool for ever */
        return vv_fail(op, VARVE_ENOTFOUND, "%s", why.message);
    if (!was_known) /* once; its flushes tell the rest */
        vv_log(op, VV_LOG_WARN, "writer.blind", "table %.*s: rows are kept in the spool: %s",
            VV_ARG(name), why.message);
    VV_TRY(vv_writer_table_known(op, writer, name, out));
    atomic_store(&(*out)->blind_until_us, vv_now_us(op) + BLIND_US);
    return VARVE_OK;
}

/* Whether an upsert fills in the column, where a row does not say it. */
static bool is_filled(const struct vv_field *field, const struct vv_rules *rules,
    int32_t column)
{
    bool is_derived = false;
    for (size_t i = 0; i < rules->partition_from_len; i++)
        is_derived = is_derived || rules->partition_from[i].partition == column;
    return is_derived || vv_field_default(field).ptr != NULL ||
           vv_field_generated(field).ptr != NULL;
}

/* Its name is the snapshot's. */
static struct vv_writer_key key_of(const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, size_t at)
{
    const struct vv_field *field = &snapshot->schema.fields[rules->key[at]];
    return (struct vv_writer_key){.name = field->name,
        .is_float = vv_type_is_float(&field->type),
        .is_filled = is_filled(field, rules, rules->key[at])};
}

/* Under tables_lock, whose arena it is made in. */
static struct vv_writer_shape *shape_new(struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    struct vv_writer_shape *shape = vv_new(arena, struct vv_writer_shape, 1);
    struct vv_writer_key *key = vv_new(arena, struct vv_writer_key, rules->key_len + 1);
    if (shape == NULL || key == NULL)
        return NULL;
    shape->schema_json = vv_arena_str(arena, snapshot->metadata->schema_json);
    shape->key = key;
    shape->key_len = rules->key_len;
    bool is_ok = shape->schema_json.ptr != NULL;
    for (size_t i = 0; i < rules->key_len; i++) {
        key[i] = key_of(snapshot, rules, i);
        key[i].name = vv_arena_str(arena, key[i].name);
        is_ok = is_ok && key[i].name.ptr != NULL;
    }
    if (rules->order >= 0) {
        const struct vv_field *field = &snapshot->schema.fields[rules->order];
        if (vv_type_is_time(&field->type) || field->type.kind == VV_TYPE_LONG)
            shape->order = vv_arena_str(arena, field->name);
    }
    return is_ok ? shape : NULL;
}

static bool shape_fits(const struct vv_writer_shape *shape, const struct vv_snapshot *snapshot,
    const struct vv_rules *rules)
{
    struct vv_str order = VV_STR_NONE;
    if (shape == NULL || shape->key_len != rules->key_len ||
        !vv_str_eq(shape->schema_json, snapshot->metadata->schema_json))
        return false;
    for (size_t i = 0; i < rules->key_len; i++) {
        struct vv_writer_key key = key_of(snapshot, rules, i);
        if (!vv_str_eq(shape->key[i].name, key.name) ||
            shape->key[i].is_filled != key.is_filled)
            return false;
    }
    if (rules->order >= 0)
        order = snapshot->schema.fields[rules->order].name;
    return shape->order.len == 0 || vv_str_eq(shape->order, order);
}

static varve_status shape_update(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table *table)
{
    const struct vv_snapshot *snapshot = table->handle->snapshot;
    struct vv_rules rules;
    VV_TRY(vv_rules_read(op, &op->arena, snapshot, false, &rules));
    pthread_rwlock_wrlock(&writer->tables_lock);
    bool is_ok = true;
    if (!shape_fits(table->shape, snapshot, &rules)) {
        struct vv_writer_shape *shape = shape_new(&writer->arena, snapshot, &rules);
        is_ok = shape != NULL;
        if (is_ok) {
            shape->older = table->shape;
            table->shape = shape;
        }
    }
    pthread_rwlock_unlock(&writer->tables_lock);
    return is_ok ? VARVE_OK : vv_fail_memory(op);
}

void vv_writer_table_note_commit(struct vv_op *op, struct vv_writer_table *table)
{
    struct vv_str key = vv_log_commit_key(&op->arena, table->handle->snapshot->version);
    table->commit = (struct vv_object){.bytes = -1};
    if (key.ptr != NULL &&
        vv_store_head(op, table->handle->store, key, &table->commit) != VARVE_OK) {
        vv_forgive(op);
        table->commit = (struct vv_object){.bytes = -1}; /* opened anew the next time */
    }
    table->commit.key = VV_STR_NONE;
}

/*
 * Whether the log is still the one that the handle has read. A table that was dropped and made anew
 * under its name has another commit, or none, where our newest one was; to go on from our snapshot
 * would write into the middle of nothing.
 */
static bool is_current(struct vv_op *op, struct vv_writer_table *table)
{
    struct vv_object there = {.bytes = -1};
    struct vv_str key = vv_log_commit_key(&op->arena, table->handle->snapshot->version);
    if (key.ptr == NULL || table->commit.bytes < 0)
        return false;
    if (vv_store_head(op, table->handle->store, key, &there) != VARVE_OK) {
        vv_forgive(op);
        return false;
    }
    return there.bytes == table->commit.bytes && there.modified_us == table->commit.modified_us;
}

varve_status vv_writer_table_refresh(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table *table)
{
    if (table->handle != NULL && is_current(op, table))
        VV_TRY(vv_table_refresh(op, table->handle));
    else
        vv_table_close(&table->handle);
    if (table->handle == NULL) {
        pthread_mutex_lock(&writer->lake_use);
        varve_status status = vv_lake_table(op, writer->lake, table->name, &table->handle);
        pthread_mutex_unlock(&writer->lake_use);
        VV_TRY(status);
    }
    vv_writer_table_note_commit(op, table);
    return shape_update(op, writer, table);
}

void vv_writer_table_close(struct vv_writer_table *table)
{
    vv_table_close(&table->handle);
    while (table->warnings != NULL) {
        struct vv_writer_warning *warning = table->warnings;
        table->warnings = warning->next;
        vv_free(warning);
    }
    vv_free(table);
}

/* The places of columns in a schema; -1 where it lacks one. */
static int32_t place_of(const struct vv_writer_lane *lane, struct vv_str column)
{
    for (size_t i = 0; i < lane->columns_len; i++)
        if (vv_str_eq_nocase(lane->columns[i], column))
            return (int32_t)i;
    return -1;
}

/* Under tables_lock. */
static bool lane_fit(struct vv_arena *arena, struct vv_writer_lane *lane)
{
    const struct vv_writer_shape *shape = lane->table->shape;
    int32_t *places = vv_new(arena, int32_t, shape->key_len + 1);
    if (places == NULL)
        return false;
    for (size_t i = 0; i < shape->key_len; i++)
        places[i] = place_of(lane, shape->key[i].name);
    lane->key_places = places;
    lane->order_place = shape->order.len > 0 ? place_of(lane, shape->order) : -1;
    lane->shape = shape;
    return true;
}

varve_status vv_writer_lane_refit(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_lane *lane)
{
    pthread_rwlock_wrlock(&writer->tables_lock);
    bool is_ok = lane_fit(&writer->arena, lane);
    pthread_rwlock_unlock(&writer->tables_lock);
    return is_ok ? VARVE_OK : vv_fail_memory(op);
}

static struct vv_writer_lane *lane_find(struct vv_writer_table *table, struct vv_str payload)
{
    for (struct vv_writer_lane *lane = table->lanes; lane != NULL; lane = lane->next)
        if (vv_str_eq(lane->schema_payload, payload))
            return lane;
    return NULL;
}

static struct vv_writer_lane *lane_new(struct vv_arena *arena, struct vv_writer_table *table,
    const struct vv_row_schema *schema, struct vv_str payload)
{
    struct vv_writer_lane *lane = vv_new(arena, struct vv_writer_lane, 1);
    size_t len = (size_t)schema->type.children_len;
    if (lane == NULL)
        return NULL;
    lane->table = table;
    lane->columns = vv_new(arena, struct vv_str, len + 1);
    lane->columns_len = len;
    lane->schema_payload = vv_arena_str(arena, payload);
    bool is_ok = lane->columns != NULL && lane->schema_payload.ptr != NULL;
    for (size_t i = 0; i < len && is_ok; i++) {
        lane->columns[i] = vv_arena_str(arena, schema->type.children[i].name);
        is_ok = lane->columns[i].ptr != NULL;
    }
    return is_ok && lane_fit(arena, lane) ? lane : NULL;
}

varve_status vv_writer_lane(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    struct vv_str schema_payload, struct vv_writer_lane **out)
{
    struct vv_writer_table *owner = NULL;
    struct vv_row_schema schema;
    VV_TRY(vv_writer_check(op, writer));
    VV_TRY(vv_writer_table(op, writer, table, &owner));
    VV_TRY(vv_row_schema_read(op, schema_payload, &schema));
    pthread_rwlock_wrlock(&writer->tables_lock);
    struct vv_writer_lane *lane = lane_find(owner, schema_payload);
    if (lane == NULL) {
        lane = lane_new(&writer->arena, owner, &schema, schema_payload);
        if (lane != NULL) {
            lane->next = owner->lanes;
            owner->lanes = lane;
        }
    }
    struct vv_str absent = VV_STR_NONE;
    for (size_t i = 0; lane != NULL && i < lane->shape->key_len; i++)
        if (lane->key_places[i] < 0 && !lane->shape->key[i].is_filled)
            absent = lane->shape->key[i].name;
    pthread_rwlock_unlock(&writer->tables_lock);
    if (lane == NULL)
        return vv_fail_memory(op);
    if (absent.ptr != NULL)
        return vv_fail(op, VARVE_EINVALID,
            "column \"%.*s\" is absent, and it is part of the key of table %.*s",
            VV_ARG(absent), VV_ARG(table));
    *out = lane;
    return VARVE_OK;
}
