#include "table/record.h"

#include <stdio.h>

void vv_record_metric(struct vv_json_writer *writer, const char *name, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, value);
    vv_jw_key_string(writer, name, (struct vv_str){text, (size_t)len});
}

varve_status vv_record_keep(struct vv_op *op, struct vv_arena *arena, const struct vv_buf *buf,
    struct vv_str *out)
{
    *out = vv_arena_str(arena, vv_buf_str(buf));
    return vv_buf_ok(buf) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_record_write(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const char *mode, struct vv_str predicate,
    struct vv_str released, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&names);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_array(&list);
    for (size_t i = 0; i < snapshot->metadata->partition_columns_len; i++)
        vv_jw_string(&list, snapshot->metadata->partition_columns[i]);
    vv_jw_end(&list);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "mode", vv_str_of(mode));
    vv_jw_key_string(&writer, "partitionBy", vv_buf_str(&names));
    if (predicate.len > 0)
        vv_jw_key_string(&writer, "predicate", predicate);
    if (released.len > 0)
        vv_jw_key_string(&writer, "quarantine", released);
    vv_jw_end(&writer);
    return vv_buf_ok(&names) ? vv_record_keep(op, arena, &json, out) : vv_fail_memory(op);
}
