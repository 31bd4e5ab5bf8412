/*
 * A path of the log, and a value on its way into one.
 */
#include "fuzz.h"

#include "delta/path.h"

static void check_path(struct vv_str path)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf encoded = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str key = VV_STR_NONE;
    struct vv_str again = VV_STR_NONE;
    bool is_absolute = false;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (vv_path_decode(&op, &op.arena, path, &key, &is_absolute) != VARVE_OK) {
        VV_PRE(op.error.code == VARVE_ECORRUPT);
        return;
    }
    VV_PRE(key.len > 0 && memchr(key.ptr, '\0', key.len) == NULL);
    if (is_absolute)
        return;
    VV_PRE(key.ptr[0] != '/' && !vv_str_starts(key, VV_STR("../")));
    vv_path_encode(key, &encoded);
    varve_status status =
        vv_path_decode(&op, &op.arena, vv_buf_str(&encoded), &again, &is_absolute);
    VV_PRE(status == VARVE_OK && !is_absolute && vv_str_eq(again, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf folder = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str text = {(const char *)data, size};

    if (!vv_utf8_valid(text))
        return 0; /* JSON strings are */
    check_path(text);
    vv_path_partition_folder(VV_STR("c"), text, &folder);
    VV_PRE(vv_str_find(vv_buf_str(&folder), '/') == folder.len);
    vv_path_encode(vv_buf_str(&folder), &path);
    check_path(vv_buf_str(&path));
    return 0;
}
