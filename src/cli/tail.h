/*
 * A file that others append to and rotate, by its name, and the place in it up to which it was
 * read. A mark tells the file from another that took its name, and a copy of it from a stranger:
 * by the bytes at its head and those before the place.
 */
#ifndef VV_CLI_TAIL_H
#define VV_CLI_TAIL_H

#include <sys/stat.h>

#include "cli/text.h"

#define VV_MARK_HEAD_BYTES 1024
#define VV_MARK_BEFORE_BYTES 256

struct vv_mark {
    uint64_t inode;
    uint64_t offset;
    uint64_t head_len, head_hash;     /* of the first bytes, all of them before `offset` */
    uint64_t before_len, before_hash; /* of the bytes that end at `offset` */
};

/* FNV-1a. */
uint64_t vv_hash_bytes(const char *bytes, size_t len);

/* Of an open file. False: it can't be read. */
bool vv_mark_make(int fd, uint64_t offset, struct vv_mark *out);
/* Whether the file is what it was up to the mark's place; its inode has no say. */
bool vv_mark_fits(const struct vv_mark *mark, int fd);

/* Opens the file of that name, or what has its inode. -1 with errno. */
int vv_tail_open(const char *path, struct stat *out);
/*
 * The file of the mark, wherever rotation has put it: under its name, under another one of its
 * folder that begins with it, or as a copy with such a name. -1: it is gone.
 */
int vv_tail_find(const char *path, const struct vv_mark *mark);
/*
 * The file that took the name after `fd` lost it: the oldest of those that were written to since,
 * or the one of that name now. -1: there is none yet. `*out_packed`: some of them are compressed,
 * and can't be read.
 */
int vv_tail_next(const char *path, int fd, bool *out_packed);

#endif
