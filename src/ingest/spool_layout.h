/*
 * Numbers of the spool's files, all little-endian, and the names of the files. What they mean
 * byte by byte: docs/format-spool.md.
 */
#ifndef VV_INGEST_SPOOL_LAYOUT_H
#define VV_INGEST_SPOOL_LAYOUT_H

#include <endian.h>
#include <string.h>

#include "base/common.h"

#define VV_SPOOL_FORMAT 1
#define VV_SPOOL_KEY_BYTES 16
/* What a disk may tear in one piece: slots of one file never share one. */
#define VV_SPOOL_PAGE_BYTES 4096
/* A slot: fields, and their checksum at its end. */
#define VV_SPOOL_SLOT_BYTES 128
#define VV_SPOOL_SLOT_SUM_AT (VV_SPOOL_SLOT_BYTES - 8)

static inline void vv_put64(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static inline uint64_t vv_get64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static inline void vv_put32(unsigned char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static inline uint32_t vv_get32(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static inline void vv_put16(unsigned char *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof(value));
}

static inline uint16_t vv_get16(const unsigned char *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return le16toh(value);
}

#endif
