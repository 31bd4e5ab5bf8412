/*
 * Writing JSON into a buffer: begin, append, end; commas and escapes by themselves.
 *
 *     struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
 *     vv_jw_object(&w);
 *     vv_jw_key(&w, "path");
 *     vv_jw_string(&w, path);
 *     vv_jw_key_int(&w, "size", size);
 *     vv_jw_end(&w);
 *
 * A buffer that fails is the only way this can fail: ask vv_buf_ok at the end. Unbalanced calls
 * are defects and assert.
 */
#ifndef VV_BASE_JSON_WRITE_H
#define VV_BASE_JSON_WRITE_H

#include "base/buf.h"
#include "base/json.h"

#define VV_JSON_WRITER_DEPTH_MAX 64

struct vv_json_writer {
    struct vv_buf *buf;
    uint32_t depth;
    uint64_t has_member; /* bit per depth: a comma is due */
    uint64_t is_object;  /* bit per depth */
    bool after_key;
};

#define VV_JSON_WRITER_INIT(target) ((struct vv_json_writer){.buf = (target)})

void vv_jw_object(struct vv_json_writer *writer);
void vv_jw_array(struct vv_json_writer *writer);
void vv_jw_end(struct vv_json_writer *writer); /* closes the innermost */
void vv_jw_key(struct vv_json_writer *writer, const char *name);
void vv_jw_key_str(struct vv_json_writer *writer, struct vv_str name);
/* A byte that is not UTF-8 becomes U+FFFD: check what must survive with vv_utf8_valid. */
void vv_jw_string(struct vv_json_writer *writer, struct vv_str text);
void vv_jw_int(struct vv_json_writer *writer, int64_t value);
/* Shortest text that reads back as the same double; null for NaN and infinities. */
void vv_jw_double(struct vv_json_writer *writer, double value);
void vv_jw_bool(struct vv_json_writer *writer, bool value);
void vv_jw_null(struct vv_json_writer *writer);
/* Text that is JSON already. */
void vv_jw_raw(struct vv_json_writer *writer, struct vv_str json);

/* A value that was read, as it was: numbers by their own digits. NULL is null. */
void vv_jw_json(struct vv_json_writer *writer, const struct vv_json *json);
/* Key and value in one. A text with ptr NULL becomes null. */
void vv_jw_key_string(struct vv_json_writer *writer, const char *name, struct vv_str text);
void vv_jw_key_int(struct vv_json_writer *writer, const char *name, int64_t value);
void vv_jw_key_bool(struct vv_json_writer *writer, const char *name, bool value);

#endif
