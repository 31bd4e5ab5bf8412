/*
 * Files that hold a key: written once, never replaced; a private one is for its owner alone.
 */
#ifndef VV_STORE_KEY_FILE_H
#define VV_STORE_KEY_FILE_H

#include "base/op.h"

#define VV_KEY_FILE_BYTES_MAX 4096 /* a PEM file of an Ed25519 key has about 120 */

/* A new file, durable; none where it fails. EUSAGE: there is one of that name. */
varve_status vv_key_file_write(struct vv_op *op, const char *path, bool is_private,
    struct vv_str bytes);
/* One that was written in vain. */
void vv_key_file_remove(const char *path);
/* What messages call the file: its path, but not where a key itself was given in its place. */
const char *vv_key_file_name(const char *path);
/*
 * EUSAGE: a key in place of a path; too long, a public one where a private is asked for, or a private one that others may
 * read. ENOTFOUND: no such file.
 */
varve_status vv_key_file_read(struct vv_op *op, const char *path, bool is_private,
    char out[VV_KEY_FILE_BYTES_MAX], size_t *out_len);
/* Whether something of that name is there. */
bool vv_key_file_is_there(const char *path);

#endif
