#include "delta/path.h"

#include "base/hash.h"

#define PATH_BYTES_MAX 4096 /* as of a key of a store, and of Linux */
#define NAME_BYTES_MAX 255  /* of a file or folder, on most file systems */

#define DEFAULT_PARTITION "__HIVE_DEFAULT_PARTITION__"

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* The set that Hive escapes in folder names; blanks and non-ASCII stay as they are. */
static bool is_hive_escaped(unsigned char byte)
{
    return is_control(byte) || strchr("\"#%'*/:=?\\{[]^", byte) != NULL;
}

/* What may not stand in the path of a URI; non-ASCII stays raw, as every writer leaves it. */
static bool is_uri_escaped(unsigned char byte)
{
    return is_control(byte) || strchr(" \"#%<>?[\\]^`{|}", byte) != NULL;
}

static void add_percent(unsigned char byte, struct vv_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    vv_buf_addc(out, '%');
    vv_buf_addc(out, digits[byte >> 4]);
    vv_buf_addc(out, digits[byte & 15]);
}

static void add_hive(struct vv_str text, struct vv_buf *out)
{
    for (size_t index = 0; index < text.len; index++) {
        if (is_hive_escaped((unsigned char)text.ptr[index]))
            add_percent((unsigned char)text.ptr[index], out);
        else
            vv_buf_addc(out, text.ptr[index]);
    }
}

void vv_path_partition_folder(struct vv_str column, struct vv_str value, struct vv_buf *out_key)
{
    size_t start = out_key->len;
    add_hive(column, out_key);
    vv_buf_addc(out_key, '=');
    if (value.len == 0)
        vv_buf_adds(out_key, DEFAULT_PARTITION);
    else
        add_hive(value, out_key);
    if (!vv_buf_ok(out_key) || out_key->len - start <= NAME_BYTES_MAX)
        return;
    uint64_t hash = vv_xxh3(vv_str_skip(vv_buf_str(out_key), start));
    vv_buf_cut(out_key, start);
    vv_buf_addf(out_key, "%016" PRIx64, hash);
}

void vv_path_encode(struct vv_str key, struct vv_buf *out_path)
{
    bool in_first_segment = true;

    for (size_t index = 0; index < key.len; index++) {
        unsigned char byte = (unsigned char)key.ptr[index];

        /* "a:b/c" would be read as a URL with the scheme "a". */
        if (is_uri_escaped(byte) || (byte == ':' && in_first_segment))
            add_percent(byte, out_path);
        else
            vv_buf_addc(out_path, key.ptr[index]);
        if (byte == '/')
            in_first_segment = false;
    }
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* Length of "scheme:" at the start where a "/" follows, else 0: "a:b.parquet" is a plain name. */
static size_t scheme_len(struct vv_str path)
{
    size_t len = 0;

    while (len < path.len) {
        char byte = path.ptr[len];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool is_other =
            (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '.';

        if (!is_letter && (len == 0 || !is_other))
            break;
        len++;
    }
    if (len == 0 || len + 1 >= path.len || path.ptr[len] != ':' || path.ptr[len + 1] != '/')
        return 0;
    return len + 1;
}

static varve_status fail_path(struct vv_op *op, struct vv_str path, const char *reason)
{
    return vv_fail(op, VARVE_ECORRUPT, "path \"%.*s\" in the log %s", VV_ARG(path), reason);
}

/* Undoes the URI escapes of `part` into `out`, which has room for part.len bytes. */
static varve_status undo_percent(struct vv_op *op, struct vv_str path, struct vv_str part,
    char *out, size_t *out_len)
{
    size_t len = 0;

    for (size_t index = 0; index < part.len; index++) {
        char byte = part.ptr[index];

        if (byte == '%') {
            int high = index + 2 < part.len ? hex_digit(part.ptr[index + 1]) : -1;
            int low = index + 2 < part.len ? hex_digit(part.ptr[index + 2]) : -1;

            if (high < 0 || low < 0)
                return fail_path(op, path, "has a '%' without two hexadecimal digits");
            byte = (char)(unsigned char)(high * 16 + low);
            index += 2;
        }
        if (byte == '\0')
            return fail_path(op, path, "holds a zero byte");
        out[len++] = byte;
    }
    if (!vv_utf8_valid((struct vv_str){out, len}))
        return fail_path(op, path, "is not UTF-8");
    *out_len = len;
    return VARVE_OK;
}

/* Takes ".", ".." and empty segments out, in place. `text` keeps its leading "/" if it has one. */
static varve_status normalise(struct vv_op *op, struct vv_str path, char *text, size_t *len)
{
    size_t root = *len > 0 && text[0] == '/' ? 1 : 0;
    struct vv_str rest = {text + root, *len - root};
    struct vv_str segment;
    size_t done = root;

    while (vv_str_split(&rest, '/', &segment)) {
        if (segment.len == 0 || vv_str_eq(segment, VV_STR(".")))
            continue;
        if (vv_str_eq(segment, VV_STR(".."))) {
            if (done == root)
                return fail_path(op, path, "leads out of its root with \"..\"");
            while (done > root && text[done - 1] != '/')
                done--;
            done -= done > root ? 1 : 0;
            continue;
        }
        if (done > root)
            text[done++] = '/';
        memmove(text + done, segment.ptr, segment.len);
        done += segment.len;
    }
    if (done == root)
        return fail_path(op, path, "names no file");
    text[done] = '\0';
    *len = done;
    return VARVE_OK;
}

/* Almost every path: nothing to decode, nothing to normalise. */
static bool is_plain(struct vv_str path)
{
    if (path.len == 0 || path.ptr[0] == '/' || path.ptr[path.len - 1] == '/')
        return false;
    if (memchr(path.ptr, '%', path.len) || memchr(path.ptr, ':', path.len) ||
        memchr(path.ptr, '\0', path.len))
        return false;
    for (size_t index = 0; index < path.len; index++) {
        bool starts_segment = index == 0 || path.ptr[index - 1] == '/';

        if (starts_segment && (path.ptr[index] == '/' || path.ptr[index] == '.'))
            return false;
    }
    return true;
}

/* "s3://bucket/a%20b": an object's key is what it is, "//" and ".." included. */
static varve_status decode_url(struct vv_op *op, struct vv_arena *arena, struct vv_str path,
    size_t scheme, struct vv_str *out_key)
{
    char *text = vv_new(arena, char, path.len + 1);
    size_t len = 0;

    if (!text)
        return vv_fail_memory(op);
    for (size_t index = 0; index < scheme; index++) {
        char byte = path.ptr[index];

        text[index] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    VV_TRY(undo_percent(op, path, vv_str_skip(path, scheme), text + scheme, &len));
    *out_key = (struct vv_str){text, scheme + len};
    return VARVE_OK;
}

/* No file of such a name can be there: the store would take it for a mistake of its caller. */
static varve_status check_length(struct vv_op *op, size_t len)
{
    if (len <= PATH_BYTES_MAX)
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT, "a path of %zu bytes; no file has more than %d", len,
        PATH_BYTES_MAX);
}

varve_status vv_path_decode(struct vv_op *op, struct vv_arena *arena, struct vv_str path,
    struct vv_str *out_key, bool *out_absolute)
{
    if (is_plain(path)) {
        VV_TRY(check_length(op, path.len));
        *out_key = path;
        *out_absolute = false;
        return VARVE_OK;
    }

    size_t scheme = scheme_len(path);
    struct vv_str local = path;
    bool is_file_url =
        scheme > 0 && vv_str_eq_nocase(vv_str_first(path, scheme), VV_STR("file:"));

    if (is_file_url) {
        local = vv_str_skip(path, scheme);
        if (vv_str_starts(local, VV_STR("//localhost/")))
            local = vv_str_skip(local, strlen("//localhost"));
        else if (vv_str_starts(local, VV_STR("//")) && !vv_str_starts(local, VV_STR("///")))
            is_file_url = false; /* another host's file */
    }
    if (scheme > 0 && !is_file_url) {
        VV_TRY(decode_url(op, arena, path, scheme, out_key));
        *out_absolute = true;
        return VARVE_OK;
    }

    char *text = vv_new(arena, char, local.len + 1);
    size_t len = 0;

    if (!text)
        return vv_fail_memory(op);
    VV_TRY(undo_percent(op, path, local, text, &len));
    VV_TRY(normalise(op, path, text, &len));
    VV_TRY(check_length(op, len));
    *out_key = (struct vv_str){text, len};
    *out_absolute = text[0] == '/';
    return VARVE_OK;
}
