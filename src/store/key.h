/*
 * Keys and folders as callers name them, checked once for all stores.
 */
#ifndef VV_STORE_KEY_H
#define VV_STORE_KEY_H

#include "store/store.h"

/* EUSAGE with the fault in the message. */
varve_status vv_key_check(struct vv_op *op, struct vv_str key);
/* The same, but "" is the root. */
varve_status vv_key_check_folder(struct vv_op *op, struct vv_str folder);

/* "a/b" of "a/b/c", "" of "c". */
struct vv_str vv_key_folder(struct vv_str key);
/*
 * The part of `after` that names directly in `folder` must exceed for their keys to exceed
 * `after`; VV_STR_NONE where all do. False where none can.
 */
bool vv_key_after_in(struct vv_str folder, struct vv_str after, struct vv_str *out_name);

#endif
