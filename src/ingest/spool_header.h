/*
 * The file `spool`: what outlives all segments. Three slots, each in a page of its own, written in
 * turn, so that the one before is whole whatever becomes of a write.
 */
#ifndef VV_INGEST_SPOOL_HEADER_H
#define VV_INGEST_SPOOL_HEADER_H

#include "base/str.h"
#include "ingest/spool_layout.h"
#include "store/journal.h"

#define VV_SPOOL_HEADER_NAME "spool"
#define VV_SPOOL_HEADER_SLOTS 3
#define VV_SPOOL_HEADER_BYTES ((size_t)(VV_SPOOL_HEADER_SLOTS + 1) * VV_SPOOL_PAGE_BYTES)

struct vv_spool_header {
    unsigned char id[VV_SPOOL_KEY_BYTES];  /* of its transactions; a new one at adoption */
    unsigned char key[VV_SPOOL_KEY_BYTES]; /* in the checksums; for ever */
    uint64_t turn;                         /* the greatest is the newest */
    uint64_t next_number;                  /* greater than that of every segment ever used */
    uint64_t known_number;                 /* when read: what the slot had for next_number */
    uint64_t next_sequence;          /* greater than that of every row in a segment gone */
    int64_t newest_arrival_us;       /* not less than that of such a row */
    bool is_disowned;                /* another has used the id: refused until adopted */
    struct vv_journal_identity file; /* of the file itself: a copy has another */
};

/*
 * The newest slot that is whole; false where none is. A slot that is not whole may have been torn
 * by a power cut, or have been newer and gone bad since; then numbers that it may have given out
 * are left out, since none may be used twice.
 */
bool vv_spool_header_read(struct vv_str file, struct vv_spool_header *out);
/* The format that a whole slot names, whatever this version reads; 0: there is none. */
uint32_t vv_spool_header_format(struct vv_str file);
/* Into the slot of its turn. */
void vv_spool_header_write(const struct vv_spool_header *header, unsigned char *file);

#endif
