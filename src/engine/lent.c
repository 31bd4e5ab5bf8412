#include "engine/lent.h"

#include <stdio.h>

#include "base/seam.h"
#include "base/uuid.h"

void vv_lent_release(void *object)
{
    struct vv_lent *lent = object;
    if (lent == NULL || atomic_fetch_sub(&lent->uses, 1) > 1)
        return;
    lent->release_object(lent->object);
    vv_free(lent);
}

void *vv_lent_retain(void *object)
{
    struct vv_lent *lent = object;
    atomic_fetch_add(&lent->uses, 1);
    return lent;
}

struct vv_lent *vv_lent_find(struct vv_engine *engine, enum vv_lent_kind kind, uint64_t id)
{
    pthread_mutex_lock(&engine->lent_lock);
    struct vv_lent *lent = engine->lent;
    while (lent != NULL && (lent->id != id || lent->kind != kind))
        lent = lent->next;
    if (lent != NULL)
        (void)vv_lent_retain(lent);
    pthread_mutex_unlock(&engine->lent_lock);
    return lent;
}

const void *vv_lent_bind(duckdb_bind_info info, enum vv_lent_kind kind, const char *function)
{
    char message[128];
    duckdb_value value = duckdb_bind_get_parameter(info, 0);
    struct vv_engine *engine = duckdb_bind_get_extra_info(info);
    struct vv_lent *lent = vv_lent_find(engine, kind, (uint64_t)duckdb_get_int64(value));
    duckdb_destroy_value(&value);
    if (lent == NULL) {
        (void)snprintf(message, sizeof(message), "%s is for Varve's own statements", function);
        duckdb_bind_set_error(info, message);
        return NULL;
    }
    duckdb_bind_set_bind_data(info, lent, vv_lent_release);
    return lent->object;
}

static void take_out(void *object)
{
    struct vv_lent *lent = object;
    struct vv_engine *engine = VV_MOVE(lent->engine);
    pthread_mutex_lock(&engine->lent_lock);
    struct vv_lent **link = &engine->lent;
    while (*link != lent)
        link = &(*link)->next;
    *link = lent->next;
    pthread_mutex_unlock(&engine->lent_lock);
    vv_lent_release(lent);
    vv_engine_close(&engine);
}

varve_status vv_engine_lend(struct vv_op *op, struct vv_engine *engine, enum vv_lent_kind kind,
    void *object, void (*release)(void *object), uint64_t *out_id)
{
    struct vv_lent *lent = vv_malloc(sizeof(*lent));
    if (lent == NULL) {
        release(object);
        return vv_fail_memory(op);
    }
    *lent = (struct vv_lent){.uses = 1,
        .id = vv_random64() >> 1,
        .kind = kind,
        .object = object,
        .release_object = release,
        .engine = engine};
    atomic_fetch_add(&engine->uses, 1);
    pthread_mutex_lock(&engine->lent_lock);
    lent->next = engine->lent;
    engine->lent = lent;
    pthread_mutex_unlock(&engine->lent_lock);
    *out_id = lent->id;
    return vv_op_keep(op, lent, take_out);
}

varve_status vv_lent_register(struct vv_op *op, struct vv_session *session,
    const struct vv_lent_function *function)
{
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function made = duckdb_create_table_function();
    duckdb_table_function_set_name(made, function->name);
    duckdb_table_function_add_parameter(made, id);
    duckdb_table_function_set_extra_info(made, session->engine, NULL);
    duckdb_table_function_set_bind(made, function->bind);
    duckdb_table_function_set_init(made, function->begin);
    duckdb_table_function_set_local_init(made, function->begin_thread);
    duckdb_table_function_set_function(made, function->run);
    duckdb_table_function_supports_projection_pushdown(made, true);
    duckdb_state state = duckdb_register_table_function(session->connection, made);
    duckdb_destroy_table_function(&made);
    return state == DuckDBSuccess
               ? VARVE_OK
               : vv_fail(op, VARVE_EFAILED, "the engine takes no function %s", function->name);
}
