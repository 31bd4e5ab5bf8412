#include "delta/stats_names.h"

#include "delta/schema.h"

/* One name of a dotted path, back-quoted where it holds a dot or a comma. */
static bool take_name(struct vv_op *op, struct vv_str *rest, struct vv_str *out)
{
    char *name = vv_new(&op->arena, char, rest->len + 1);
    bool is_quoted = rest->len > 0 && rest->ptr[0] == '`';
    size_t at = is_quoted ? 1 : 0;
    size_t len = 0;

    if (!name)
        return false;
    for (; at < rest->len; at++) {
        bool is_quote = rest->ptr[at] == '`';

        if (!is_quoted && (rest->ptr[at] == '.' || rest->ptr[at] == ','))
            break;
        if (is_quoted && is_quote) {
            at++;
            if (at == rest->len || rest->ptr[at] != '`')
                break;
        }
        name[len++] = rest->ptr[at];
    }
    *rest = vv_str_skip(*rest, at);
    *out = is_quoted ? (struct vv_str){name, len} : vv_str_trim((struct vv_str){name, len});
    return true;
}

/* Names parted by dots; those below the deepest column that can be lead nowhere and are dropped. */
static varve_status read_name_path(struct vv_op *op, struct vv_str *rest,
    struct vv_name_path *path)
{
    for (;;) {
        struct vv_str name;

        if (!take_name(op, rest, &name))
            return vv_fail_memory(op);
        if (path->len <= VV_SCHEMA_DEPTH_MAX)
            path->names[path->len++] = name;
        *rest = vv_str_trim(*rest);
        if (rest->len == 0 || rest->ptr[0] != '.')
            return VARVE_OK;
        *rest = vv_str_skip(*rest, 1);
    }
}

varve_status vv_stats_names_read(struct vv_op *op, struct vv_str text,
    const struct vv_name_path **out, size_t *out_len)
{
    struct vv_name_path *paths;
    size_t len = 0;

    VV_NEW(op, &paths, struct vv_name_path, text.len + 1);
    while (text.len > 0) {
        struct vv_name_path *path = &paths[len++];

        text = vv_str_trim(text);
        VV_NEW(op, &path->names, struct vv_str, VV_SCHEMA_DEPTH_MAX + 1);
        VV_TRY(read_name_path(op, &text, path));
        text = vv_str_skip(text, vv_str_find(text, ',') + 1);
    }
    *out = paths;
    *out_len = len;
    return VARVE_OK;
}

static bool is_bare(struct vv_str name)
{
    for (size_t index = 0; index < name.len; index++) {
        char byte = name.ptr[index];

        if (byte != '_' && !(byte >= '0' && byte <= '9') &&
            !((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'))
            return false;
    }
    return name.len > 0;
}

void vv_stats_names_write(const struct vv_name_path *paths, size_t len, struct vv_buf *out)
{
    for (size_t index = 0; index < len; index++) {
        for (size_t part = 0; part < paths[index].len; part++) {
            struct vv_str name = paths[index].names[part];

            vv_buf_adds(out, part > 0 ? "." : index > 0 ? "," : "");
            if (is_bare(name)) {
                vv_buf_add(out, name);
                continue;
            }
            vv_buf_addc(out, '`');
            for (size_t at = 0; at < name.len; at++) {
                if (name.ptr[at] == '`')
                    vv_buf_addc(out, '`');
                vv_buf_addc(out, name.ptr[at]);
            }
            vv_buf_addc(out, '`');
        }
    }
}
