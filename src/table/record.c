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
