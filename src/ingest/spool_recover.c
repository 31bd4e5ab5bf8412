/*
 * What a spool makes of the files that it finds.
 *
 * First everything is read and judged (spool_found.c), and nothing changed; damage ends it there.
 * Then what was not sealed is written anew, sealed, into a file of the next generation: recovery
 * never goes on in a file that a crash has left, since a sync of pages that an earlier sync failed
 * on proves nothing. Whatever it is killed at, the next recovery finds the same rows.
 */
#include "base/number.h"
#include "base/seam.h"
#include "ingest/spool_found.h"

/* The records that stay, sealed, in a file of their own. */
static varve_status write_anew(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_find *find)
{
    size_t bytes = find->end + VV_SEGMENT_END_BYTES;
    struct vv_str name = vv_spool_segment_name(&op->arena, find->number, find->generation + 1);
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
    VV_TRY(vv_journal_remove(op, spool->journal, name));
    VV_TRY(vv_journal_create(op, spool->journal, name, bytes, &file));
    memcpy(file.bytes + VV_SEGMENT_HEAD_BYTES, find->file.bytes + VV_SEGMENT_HEAD_BYTES,
        find->end - VV_SEGMENT_HEAD_BYTES);
    vv_segment_write_end(file.bytes, find->end, vv_segment_seed(find->head.key, find->number),
        &find->counts);
    vv_crash_point("spool.recover_copied");
    VV_TRY(vv_journal_sync(op, &file));
    VV_TRY(vv_journal_sync_folder(op, spool->journal));
    /* The slot makes it the one that counts, so nothing of it may be lost any more. */
    find->head.generation++;
    find->head.turn++;
    find->head.state = VV_SEGMENT_OPEN;
    find->head.durable_bytes = bytes;
    find->head.capacity = bytes;
    vv_segment_head_write(&find->head, file.bytes);
    vv_crash_point("spool.recover_slotted");
    VV_TRY(vv_journal_sync(op, &file));
    /* "Sealed" may be said of what is durable alone, the slot above included. */
    find->head.turn++;
    find->head.state = VV_SEGMENT_SEALED;
    vv_segment_head_write(&find->head, file.bytes);
    vv_crash_point("spool.recover_sealed");
    VV_TRY(vv_journal_remove(op, spool->journal, find->name));
    find->generation++;
    find->name = name;
    find->end = bytes;
    return VARVE_OK;
}

static varve_status add_segment(struct vv_op *op, struct vv_spool *spool,
    const struct vv_spool_find *find)
{
    struct vv_spool_segment *segment = vv_malloc_zeroed(sizeof(*segment));
    if (segment == NULL)
        return vv_fail_memory(op);
    segment->number = find->number;
    segment->generation = find->generation;
    segment->oldest_generation = find->generation;
    segment->stage = VV_STAGE_SEALED;
    segment->capacity = find->end;
    segment->used_bytes = find->end;
    segment->durable_bytes = find->end;
    segment->counts = find->counts;
    if (spool->last != NULL)
        spool->last->next = segment;
    else
        spool->first = segment;
    spool->last = segment;
    spool->bytes += (int64_t)find->end;
    return VARVE_OK;
}

/* The later first, each for good before the next: no row may be found without those before it. */
static varve_status remove_all(struct vv_op *op, const struct vv_spool *spool,
    const struct vv_spool_finds *finds, enum vv_spool_fate fate)
{
    struct vv_journal *journal = spool->journal;
    for (size_t i = finds->len; i-- > 0;) {
        if (finds->items[i].fate != fate)
            continue;
        VV_TRY(vv_journal_remove(op, journal, finds->items[i].name));
        VV_TRY(vv_journal_sync_folder(op, journal));
        vv_crash_point("spool.recover_dropped");
    }
    return VARVE_OK;
}

/*
 * What goes goes first: while a cut segment is still as the crash left it, the next recovery cuts
 * it and drops what followed it again. Of the files of one number the one that counts goes last,
 * lest another be taken for it; and one that was replaced stays until what is copied from memory
 * is durable, since the disk may have nothing else.
 */
static varve_status carry_out(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_finds *finds, int64_t *out_rows)
{
    for (size_t i = finds->len; i-- > 1;) {
        struct vv_spool_find *older = &finds->items[i - 1];
        const struct vv_spool_find *find = &finds->items[i];
        bool goes = find->fate == VV_FATE_DROP || find->fate == VV_FATE_DROP_FIRST;
        if (older->number == find->number && older->fate == VV_FATE_REPLACED && goes)
            older->fate = VV_FATE_DROP_FIRST;
    }
    VV_TRY(remove_all(op, spool, finds, VV_FATE_DROP_FIRST));
    VV_TRY(remove_all(op, spool, finds, VV_FATE_DROP));
    for (size_t i = 0; i < finds->len; i++) {
        struct vv_spool_find *find = &finds->items[i];
        VV_TRY(vv_check_cancel(op)); /* the next recovery goes on from here, as after a kill */
        if (find->fate == VV_FATE_COPY)
            VV_TRY(write_anew(op, spool, find));
        if (find->fate != VV_FATE_COPY && find->fate != VV_FATE_KEEP)
            continue;
        VV_TRY(add_segment(op, spool, find));
        *out_rows += (int64_t)find->counts.rows;
    }
    return remove_all(op, spool, finds, VV_FATE_REPLACED);
}

varve_status vv_spool_recover(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_recovery *out_recovery)
{
    VV_CLEANUP(vv_spool_finds_done) struct vv_spool_finds finds = {0};
    int64_t rows = 0;
    VV_TRY(vv_spool_finds_read(op, spool, &finds));
    VV_TRY(vv_spool_finds_check(op, spool, &finds));
    VV_TRY(carry_out(op, spool, &finds, &rows));
    spool->next_sequence = spool->header.next_sequence;
    spool->newest_arrival_us = spool->header.newest_arrival_us;
    for (const struct vv_spool_segment *segment = spool->first; segment != NULL;
         segment = segment->next) {
        if (segment->counts.last_sequence >= spool->next_sequence)
            spool->next_sequence = segment->counts.last_sequence + 1;
        if (segment->counts.last_arrival_us > spool->newest_arrival_us)
            spool->newest_arrival_us = segment->counts.last_arrival_us;
    }
    if (finds.rows_cut > 0)
        vv_log(op, VV_LOG_WARN, "spool.tail_cut",
            "%s: a power cut tore the log; %" PRId64
            " row%s behind the tear, accepted but never synced, %s cut (%" PRId64 " bytes)",
            spool->journal->location.ptr, finds.rows_cut, vv_plural(finds.rows_cut),
            finds.rows_cut == 1 ? "is" : "are", finds.bytes_cut);
    *out_recovery = (struct vv_spool_recovery){
        .rows = rows, .bytes_cut = finds.bytes_cut, .rows_cut = finds.rows_cut};
    return VARVE_OK;
}
