#include "ingest/spool_header.h"

#include "base/hash.h"

static const struct vv_str magic = {"VARVESPL", 8};
/* More than one slot can have given out in any case. */
#define NUMBERS_LEFT_OUT (UINT64_C(1) << 16)
#define SEQUENCES_LEFT_OUT (UINT64_C(1) << 40)

static uint64_t sum_of(const unsigned char *slot)
{
    return vv_xxh3((struct vv_str){(const char *)slot, VV_SPOOL_SLOT_SUM_AT});
}

/* 0: the slot is not whole. */
static uint32_t format_of(const unsigned char *slot)
{
    bool is_whole = memcmp(slot, magic.ptr, magic.len) == 0 &&
                    vv_get64(slot + VV_SPOOL_SLOT_SUM_AT) == sum_of(slot);
    return is_whole ? vv_get32(slot + 8) : 0;
}

static bool slot_read(const unsigned char *slot, struct vv_spool_header *out)
{
    if (format_of(slot) != VV_SPOOL_FORMAT)
        return false;
    *out = (struct vv_spool_header){
        .turn = vv_get64(slot + 48),
        .next_number = vv_get64(slot + 56),
        .next_sequence = vv_get64(slot + 64),
        .newest_arrival_us = (int64_t)vv_get64(slot + 72),
        .file = {vv_get64(slot + 80), (int64_t)vv_get64(slot + 88)},
        .is_disowned = vv_get32(slot + 96) != 0,
    };
    memcpy(out->id, slot + 16, sizeof(out->id));
    memcpy(out->key, slot + 32, sizeof(out->key));
    return true;
}

static bool is_blank(const unsigned char *slot)
{
    static const unsigned char zeros[VV_SPOOL_SLOT_BYTES] = {0};
    return memcmp(slot, zeros, sizeof(zeros)) == 0;
}

bool vv_spool_header_read(struct vv_str file, struct vv_spool_header *out)
{
    unsigned whole = 0;
    unsigned blank = 0;
    const unsigned char *bytes = (const unsigned char *)file.ptr;
    for (size_t i = 0; i < VV_SPOOL_HEADER_SLOTS; i++) {
        struct vv_spool_header slot;
        size_t at = i * VV_SPOOL_PAGE_BYTES;
        if (file.len < at + VV_SPOOL_SLOT_BYTES)
            continue;
        blank += is_blank(bytes + at);
        if (!slot_read(bytes + at, &slot))
            continue;
        if (whole++ == 0 || slot.turn > out->turn)
            *out = slot;
    }
    if (whole == 0)
        return false;
    /* In the first turns the others were never written. */
    unsigned lost = VV_SPOOL_HEADER_SLOTS - whole;
    if (out->turn < VV_SPOOL_HEADER_SLOTS)
        lost -= blank;
    out->known_number = out->next_number;
    out->next_number += lost * NUMBERS_LEFT_OUT;
    out->next_sequence += lost * SEQUENCES_LEFT_OUT;
    return true;
}

uint32_t vv_spool_header_format(struct vv_str file)
{
    uint32_t newest = 0;
    for (size_t i = 0; i < VV_SPOOL_HEADER_SLOTS; i++) {
        size_t at = i * VV_SPOOL_PAGE_BYTES;
        if (file.len < at + VV_SPOOL_SLOT_BYTES)
            continue;
        uint32_t format = format_of((const unsigned char *)file.ptr + at);
        newest = format > newest ? format : newest;
    }
    return newest;
}

void vv_spool_header_write(const struct vv_spool_header *header, unsigned char *file)
{
    unsigned char slot[VV_SPOOL_SLOT_BYTES] = {0};
    memcpy(slot, magic.ptr, magic.len);
    vv_put32(slot + 8, VV_SPOOL_FORMAT);
    memcpy(slot + 16, header->id, sizeof(header->id));
    memcpy(slot + 32, header->key, sizeof(header->key));
    vv_put64(slot + 48, header->turn);
    vv_put64(slot + 56, header->next_number);
    vv_put64(slot + 64, header->next_sequence);
    vv_put64(slot + 72, (uint64_t)header->newest_arrival_us);
    vv_put64(slot + 80, header->file.inode);
    vv_put64(slot + 88, (uint64_t)header->file.born_ns);
    vv_put32(slot + 96, header->is_disowned ? 1 : 0);
    vv_put64(slot + VV_SPOOL_SLOT_SUM_AT, sum_of(slot));
    memcpy(file + header->turn % VV_SPOOL_HEADER_SLOTS * VV_SPOOL_PAGE_BYTES, slot,
        sizeof(slot));
}
