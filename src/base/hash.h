/*
 * Hashes, by libcrypto, zlib and xxHash.
 */
#ifndef VV_BASE_HASH_H
#define VV_BASE_HASH_H

#include "base/op.h"

#define VV_SHA256_HEX_BYTES 65 /* 64 digits and a NUL */

/* Lower-case hexadecimal SHA-256 of the bytes. */
varve_status vv_sha256(struct vv_op *op, struct vv_str bytes,
    char out_hex[VV_SHA256_HEX_BYTES]);
/* Of a file, read in pieces from its start. `out_bytes` may be NULL. */
varve_status vv_sha256_file(struct vv_op *op, const char *path,
    char out_hex[VV_SHA256_HEX_BYTES], int64_t *out_bytes);
/* Lower-case hexadecimal MD5, for the checksum of `_last_checkpoint` (a protocol matter). */
varve_status vv_md5(struct vv_op *op, struct vv_str bytes, char out_hex[33]);
uint32_t vv_crc32(struct vv_str bytes); /* zlib's */
uint64_t vv_xxh3(struct vv_str bytes);
uint64_t vv_xxh3_seeded(struct vv_str bytes, uint64_t seed);

#endif
