/*
 * A store that fails where its plan says. Every call is counted before it is passed on; a call
 * whose reply is lost is passed on and then fails, so its outputs are taken back.
 */
#include "base/seam.h"
#include "store/store.h"

struct faulty {
    struct vv_store store; /* the first member */
    struct vv_store *inner;
    struct vv_fault_plan *plan;
};

/* What becomes of one call. */
enum fate {
    FATE_PASS,
    FATE_REFUSE,
    FATE_LOSE_REPLY,
    FATE_IN_DOUBT
};

static struct faulty *faulty_of(struct vv_store *store)
{
    return (struct faulty *)store;
}

static enum fate count(const struct faulty *faulty, const char *call, struct vv_str key)
{
    struct vv_fault_plan *plan = faulty->plan;
    if (plan->before != NULL)
        plan->before(plan->before_data, call, key);
    /* Threads may share the store; the plan is plain memory of the test. */
    uint64_t number = __atomic_add_fetch(&plan->calls, 1, __ATOMIC_RELAXED);
    uint64_t in_a_row = plan->count != 0 ? plan->count : 1;
    if (plan->at == 0 || number < plan->at || number - plan->at >= in_a_row)
        return FATE_PASS;
    switch (plan->kind) {
    case VV_FAULT_LOSE_REPLY:
        return FATE_LOSE_REPLY;
    case VV_FAULT_IN_DOUBT:
        return FATE_IN_DOUBT;
    case VV_FAULT_REFUSE:
        break;
    }
    return FATE_REFUSE;
}

static varve_status refuse(struct vv_op *op, const char *call, struct vv_str key)
{
    return vv_fail(op, VARVE_EIO, "%s of \"%.*s\" is refused by the test", call, VV_ARG(key));
}

static varve_status lose(struct vv_op *op, const char *call, struct vv_str key)
{
    return vv_fail(op, VARVE_EIO, "the reply to %s of \"%.*s\" is lost by the test", call,
        VV_ARG(key));
}

/* What comes before and after passing on a call, for all but put_if_absent. */
static varve_status admit(struct vv_op *op, struct vv_store *store, const char *call,
    struct vv_str key, enum fate *out)
{
    *out = count(faulty_of(store), call, key);
    if (*out == FATE_REFUSE || *out == FATE_IN_DOUBT)
        return refuse(op, call, key);
    return VARVE_OK;
}

static varve_status reply(struct vv_op *op, enum fate fate, const char *call, struct vv_str key)
{
    return fate == FATE_LOSE_REPLY ? lose(op, call, key) : VARVE_OK;
}

static varve_status faulty_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out)
{
    struct vv_str result;
    enum fate fate;
    VV_TRY(admit(op, store, "get", key, &fate));
    VV_TRY(vv_store_get(op, faulty_of(store)->inner, arena, key, &result));
    VV_TRY(reply(op, fate, "get", key));
    *out = result;
    return VARVE_OK;
}

static varve_status faulty_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    struct vv_object result;
    enum fate fate;
    VV_TRY(admit(op, store, "head", key, &fate));
    VV_TRY(vv_store_head(op, faulty_of(store)->inner, key, &result));
    VV_TRY(reply(op, fate, "head", key));
    *out = result;
    return VARVE_OK;
}

static varve_status faulty_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes)
{
    enum fate fate;
    VV_TRY(admit(op, store, "put", key, &fate));
    VV_TRY(vv_store_put(op, faulty_of(store)->inner, key, bytes));
    return reply(op, fate, "put", key);
}

static varve_status faulty_put_if_absent(struct vv_op *op, struct vv_store *store,
    struct vv_str key, struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out)
{
    enum fate fate = count(faulty_of(store), "put_if_absent", key);
    if (fate == FATE_REFUSE)
        return refuse(op, "put_if_absent", key);
    enum vv_put_outcome result = VV_PUT_EXISTS;
    if (fate != FATE_IN_DOUBT)
        VV_TRY(vv_store_put_if_absent(op, faulty_of(store)->inner, key, bytes, modified_us,
            &result));
    if (fate == FATE_PASS) {
        *out = result;
        return VARVE_OK;
    }
    (void)lose(op, "put_if_absent", key);
    return vv_recode(op, VARVE_EUNKNOWN);
}

static varve_status faulty_list(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_str after, size_t max,
    struct vv_objects *out)
{
    struct vv_objects result;
    enum fate fate;
    VV_TRY(admit(op, store, "list", folder, &fate));
    VV_TRY(vv_store_list(op, faulty_of(store)->inner, arena, folder, after, max, &result));
    VV_TRY(reply(op, fate, "list", folder));
    *out = result;
    return VARVE_OK;
}

static varve_status faulty_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out)
{
    struct vv_objects result;
    enum fate fate;
    VV_TRY(admit(op, store, "list_folders", folder, &fate));
    VV_TRY(vv_store_list_folders(op, faulty_of(store)->inner, arena, folder, &result));
    VV_TRY(reply(op, fate, "list_folders", folder));
    *out = result;
    return VARVE_OK;
}

static varve_status faulty_remove(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    enum fate fate;
    VV_TRY(admit(op, store, "remove", key, &fate));
    VV_TRY(vv_store_remove(op, faulty_of(store)->inner, key));
    return reply(op, fate, "remove", key);
}

static varve_status faulty_settle(struct vv_op *op, struct vv_store *store,
    struct vv_str folder)
{
    enum fate fate;
    VV_TRY(admit(op, store, "settle", folder, &fate));
    VV_TRY(vv_store_settle(op, faulty_of(store)->inner, folder));
    return reply(op, fate, "settle", folder);
}

static varve_status faulty_sweep(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t age_us, size_t *out_removed)
{
    size_t result = 0;
    enum fate fate;
    VV_TRY(admit(op, store, "sweep", folder, &fate));
    VV_TRY(vv_store_sweep(op, faulty_of(store)->inner, folder, age_us, &result));
    VV_TRY(reply(op, fate, "sweep", folder));
    *out_removed = result;
    return VARVE_OK;
}

static varve_status faulty_stage(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct vv_str result;
    enum fate fate;
    VV_TRY(admit(op, store, "stage", key, &fate));
    VV_TRY(vv_store_stage(op, faulty_of(store)->inner, arena, key, &result));
    VV_TRY(reply(op, fate, "stage", key));
    *out_path = result;
    return VARVE_OK;
}

static varve_status faulty_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key)
{
    enum fate fate;
    VV_TRY(admit(op, store, "restage", new_key, &fate));
    VV_TRY(vv_store_restage(op, faulty_of(store)->inner, key, new_key));
    return reply(op, fate, "restage", new_key);
}

static varve_status faulty_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len)
{
    struct vv_str first = keys_len > 0 ? keys[0] : VV_STR_NONE;
    enum fate fate;
    VV_TRY(admit(op, store, "publish", first, &fate));
    VV_TRY(vv_store_publish(op, faulty_of(store)->inner, keys, keys_len));
    return reply(op, fate, "publish", first);
}

static varve_status faulty_fetch(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct vv_str result;
    enum fate fate;
    VV_TRY(admit(op, store, "fetch", key, &fate));
    VV_TRY(vv_store_fetch(op, faulty_of(store)->inner, arena, key, &result));
    VV_TRY(reply(op, fate, "fetch", key));
    *out_path = result;
    return VARVE_OK;
}

static varve_status faulty_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out)
{
    struct vv_store *inner;
    VV_TRY(vv_store_at(op, faulty_of(store)->inner, prefix, &inner));
    return vv_store_open_faulty(op, inner, faulty_of(store)->plan, out);
}

static void faulty_close(struct vv_store *store)
{
    vv_store_close(&faulty_of(store)->inner);
    vv_free(store);
}

static const struct vv_store_ops faulty_ops = {
    .get = faulty_get,
    .head = faulty_head,
    .put = faulty_put,
    .put_if_absent = faulty_put_if_absent,
    .list = faulty_list,
    .list_folders = faulty_list_folders,
    .remove = faulty_remove,
    .settle = faulty_settle,
    .sweep = faulty_sweep,
    .stage = faulty_stage,
    .restage = faulty_restage,
    .publish = faulty_publish,
    .fetch = faulty_fetch,
    .at = faulty_at,
    .close = faulty_close,
};

varve_status vv_store_open_faulty(struct vv_op *op, struct vv_store *inner,
    struct vv_fault_plan *plan, struct vv_store **out)
{
    struct faulty *faulty = vv_malloc(sizeof(*faulty));
    if (faulty == NULL) {
        vv_store_close(&inner);
        return vv_fail_memory(op);
    }
    *faulty = (struct faulty){.inner = inner, .plan = plan};
    faulty->store.ops = &faulty_ops;
    faulty->store.location = inner->location;
    faulty->store.lists_whole = inner->lists_whole;
    *out = &faulty->store;
    return VARVE_OK;
}
