#include "base/json.h"
#include "base/json_write.h"
#include "base/time.h"
#include "table/maintain/maintain_run.h"

#define STATE_KEY VV_MAINTAIN_FOLDER "/state.json"

static int64_t moment(const struct vv_json *object, const char *name)
{
    int64_t ms = 0;
    if (!vv_json_int64(vv_json_get(object, name), &ms) || ms < 0 ||
        ms > INT64_MAX / VV_US_PER_MS)
        return 0;
    return ms * VV_US_PER_MS;
}

varve_status vv_maintain_state_read(struct vv_op *op, const struct vv_table *table,
    struct vv_maintain_state *out)
{
    struct vv_str bytes = VV_STR_NONE;
    const struct vv_json *json = NULL;
    *out = (struct vv_maintain_state){0};
    varve_status status = vv_store_get(op, table->store, &op->arena, VV_STR(STATE_KEY), &bytes);
    if (status != VARVE_OK && status != VARVE_ENOTFOUND)
        return status;
    if (status == VARVE_OK)
        status = vv_json_parse(op, &op->arena, bytes, &json);
    if (status != VARVE_OK) {
        vv_forgive(op);
        return VARVE_OK;
    }
    *out = (struct vv_maintain_state){
        .log_us = moment(json, "log"), .vacuum_us = moment(json, "vacuum")};
    return VARVE_OK;
}

varve_status vv_maintain_state_write(struct vv_op *op, const struct vv_table *table,
    const struct vv_maintain_state *state)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 10);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&text);
    vv_jw_object(&writer);
    vv_jw_key_int(&writer, "varveMaintain", 1);
    vv_jw_key_int(&writer, "log", state->log_us / VV_US_PER_MS);
    vv_jw_key_int(&writer, "vacuum", state->vacuum_us / VV_US_PER_MS);
    vv_jw_end(&writer);
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    return vv_store_put(op, table->store, VV_STR(STATE_KEY), vv_buf_str(&text));
}
