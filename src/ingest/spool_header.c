#include "ingest/spool_header.h"

#include "base/hash.h"

#define MAGIC "VARVESPL"

static uint64_t sum_of(const unsigned char *slot)
{
    return vv_xxh3((struct vv_str){(const char *)slot, VV_SPOOL_SLOT_SUM_AT});
}

static bool slot_read(const unsigned char *slot, struct vv_spool_header *out)
{
    if (memcmp(slot, MAGIC, 8) != 0 || vv_get64(slot + VV_SPOOL_SLOT_SUM_AT) != sum_of(slot) ||
        vv_get32(slot + 8) != VV_SPOOL_FORMAT)
        return false;
    *out = (struct vv_spool_header){
        .turn = vv_get64(slot + 48),
        .next_number = vv_get64(slot + 56),
        .next_sequence = vv_get64(slot + 64),
        .newest_arrival_us = (int64_t)vv_get64(slot + 72),
        .file = {vv_get64(slot + 80), (int64_t)vv_get64(slot + 88)},
    };
    memcpy(out->id, slot + 16, sizeof(out->id));
    memcpy(out->key, slot + 32, sizeof(out->key));
    return true;
}

bool vv_spool_header_read(struct vv_str file, struct vv_spool_header *out)
{
    bool is_found = false;
    const unsigned char *bytes = (const unsigned char *)file.ptr;
    for (size_t i = 0; i < VV_SPOOL_HEADER_SLOTS; i++) {
        struct vv_spool_header slot;
        size_t at = i * VV_SPOOL_PAGE_BYTES;
        if (file.len < at + VV_SPOOL_SLOT_BYTES || !slot_read(bytes + at, &slot))
            continue;
        if (!is_found || slot.turn > out->turn)
            *out = slot;
        is_found = true;
    }
    return is_found;
}

void vv_spool_header_write(const struct vv_spool_header *header, unsigned char *file)
{
    unsigned char slot[VV_SPOOL_SLOT_BYTES] = {0};
    memcpy(slot, MAGIC, 8);
    vv_put32(slot + 8, VV_SPOOL_FORMAT);
    memcpy(slot + 16, header->id, sizeof(header->id));
    memcpy(slot + 32, header->key, sizeof(header->key));
    vv_put64(slot + 48, header->turn);
    vv_put64(slot + 56, header->next_number);
    vv_put64(slot + 64, header->next_sequence);
    vv_put64(slot + 72, (uint64_t)header->newest_arrival_us);
    vv_put64(slot + 80, header->file.inode);
    vv_put64(slot + 88, (uint64_t)header->file.born_ns);
    vv_put64(slot + VV_SPOOL_SLOT_SUM_AT, sum_of(slot));
    memcpy(file + header->turn % VV_SPOOL_HEADER_SLOTS * VV_SPOOL_PAGE_BYTES, slot,
        sizeof(slot));
}
