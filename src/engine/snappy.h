/*
 * Snappy, the raw format that Parquet pages are compressed with by Spark and others.
 */
#ifndef VV_ENGINE_SNAPPY_H
#define VV_ENGINE_SNAPPY_H

#include "base/common.h"
#include "base/str.h"

/*
 * Fills exactly `out_bytes` bytes. False where `bytes` is not Snappy, or of another length: no
 * byte is read or written out of bounds.
 */
bool vv_snappy_unpack(struct vv_str bytes, char *out, size_t out_bytes);

#endif
