#include "store/key.h"

#define KEY_BYTES_MAX 4096

const char *vv_key_fault(struct vv_str key)
{
    if (key.len == 0)
        return "is empty";
    if (key.len > KEY_BYTES_MAX)
        return "is longer than 4096 bytes";
    if (vv_str_find(key, '\0') < key.len)
        return "holds a NUL byte";
    if (key.ptr[0] == '/')
        return "starts with \"/\": it must be relative";
    if (key.ptr[key.len - 1] == '/')
        return "ends with \"/\"";

    struct vv_str rest = key;
    struct vv_str part;
    while (vv_str_split(&rest, '/', &part)) {
        if (part.len == 0)
            return "has an empty part";
        if (vv_str_eq(part, VV_STR(".")))
            return "has a part \".\"";
        if (vv_str_eq(part, VV_STR("..")))
            return "has a part \"..\"";
    }
    return NULL;
}

varve_status vv_key_check(struct vv_op *op, struct vv_str key)
{
    const char *fault = vv_key_fault(key);
    if (fault != NULL)
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is no key of a store: it %s", VV_ARG(key),
            fault);
    return VARVE_OK;
}

varve_status vv_key_check_folder(struct vv_op *op, struct vv_str folder)
{
    return folder.len == 0 ? VARVE_OK : vv_key_check(op, folder);
}

struct vv_str vv_key_folder(struct vv_str key)
{
    size_t len = key.len;
    while (len > 0 && key.ptr[len - 1] != '/')
        len--;
    return vv_str_first(key, len > 0 ? len - 1 : 0);
}

bool vv_key_after_in(struct vv_str folder, struct vv_str after, struct vv_str *out_name)
{
    *out_name = VV_STR_NONE;
    if (folder.len == 0) {
        if (after.len > 0)
            *out_name = after;
        return true;
    }
    /* All keys start with the folder and a slash, so these decide unless `after` has them too.
     */
    struct vv_str head = vv_str_first(after, folder.len);
    int order = vv_str_cmp(folder, head);
    if (order == 0 && after.len > folder.len) {
        unsigned char next = (unsigned char)after.ptr[folder.len];
        order = (next < '/') - (next > '/');
        if (order == 0 && after.len > folder.len + 1)
            *out_name = vv_str_skip(after, folder.len + 1);
    }
    return order >= 0;
}
