/*
 * Where rows come from: a file or descriptor outside the lake, that is read from its start, more
 * than once, and by the engine too.
 *
 * What cannot be read twice (a pipe, a socket, a file that was read in part) is copied first, to
 * a file without a name in the system's temporary folder; it is gone when the source is closed.
 */
#ifndef VV_STORE_SOURCE_H
#define VV_STORE_SOURCE_H

#include "base/op.h"
#include "store/store.h"

struct vv_source {
    int fd; /* -1: closed */
    bool owned;
    bool is_copy;         /* which nobody else can write to */
    int64_t bytes;        /* when it was opened */
    int64_t written_us;   /* and when it was last written to then */
    char engine_path[32]; /* at which this process, and only this one, can open it again */
    const struct vv_str *lines; /* these, without line ends, and no file; NULL: a file */
    size_t lines_len;
};

#define VV_SOURCE_NONE ((struct vv_source){.fd = -1})

/*
 * `fd` >= 0: from there to its end, and it stays open, else the file at `path`. `name` is for
 * messages. ENOTFOUND: no such file; EINVALID: a folder.
 */
varve_status vv_source_open(struct vv_op *op, struct vv_str path, int fd, struct vv_str name,
    struct vv_source *out);
/*
 * The file at `path`, of which more than `bytes_max` are none that the caller wants: of a pipe or a device,
 * which may have no end, no more is copied than tells so. `bytes` is greater then; who asks looks.
 */
varve_status vv_source_open_short(struct vv_op *op, struct vv_str path, int64_t bytes_max,
    struct vv_source *out);
/* Bytes that the process has: a file without a name, too, since the engine reads files. */
varve_status vv_source_open_bytes(struct vv_op *op, struct vv_str bytes, struct vv_source *out);
/*
 * Lines that the process has, and keeps until the source is closed: to be taken one by one
 * (table/input/lines.h). There are no bytes to be read, and the engine can't open them.
 */
void vv_source_open_lines(const struct vv_str *lines, size_t lines_len, struct vv_source *out);
void vv_source_close(struct vv_source *source);
/* Whether nobody has written to it since it was opened, as far as its size and time tell. */
bool vv_source_is_same(const struct vv_source *source);

/* Whether what a log names is an absolute path here, no key of a store and no URL. */
bool vv_source_is_path(struct vv_str name);
/* Size and time of the file at an absolute path. ENOTFOUND: there is none. */
varve_status vv_source_head(struct vv_op *op, struct vv_str path, struct vv_object *out);

/* Whether no part of an absolute path is a symbolic link; false also where it leads nowhere. */
bool vv_source_is_direct(struct vv_op *op, struct vv_str path);

/* The bytes at an offset, as many as there are, at most `bytes_max`. 0: the end. */
varve_status vv_source_read(struct vv_op *op, const struct vv_source *source, int64_t offset,
    char *out, size_t bytes_max, size_t *out_bytes);

#endif
