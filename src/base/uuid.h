#ifndef VV_BASE_UUID_H
#define VV_BASE_UUID_H

#include "base/op.h"

#define VV_UUID_BYTES 37 /* 36 characters and a NUL */

/* A random (version 4) UUID in lower case; fails with EIO when the system has no randomness. */
varve_status vv_uuid(struct vv_op *op, char out[VV_UUID_BYTES]);
/* Fails as vv_uuid does. */
varve_status vv_random_bytes(struct vv_op *op, void *out, size_t bytes);
/* 64 random bits, for jitter; never fails. */
uint64_t vv_random64(void);

#endif
