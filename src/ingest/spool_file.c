/*
 * What is done to the files of a spool, and in which order, so that a crash at any moment leaves
 * something that recovery tells apart (docs/format-spool.md has the argument for each).
 *
 *   make     the file, whole and synced, its name synced, and only then the header with a number
 *            above it: a file whose number the header does not know never held a record
 *   sync     the records, then (not synced before the next time) how far they are durable
 *   seal     once the records with their end are durable, a slot says so; neither it nor the
 *            length is synced: nothing rests on them. So a slot that says "sealed" is true of the
 *            disk, also where the process that wrote it lived on after a failed sync
 *   remove   the header knows the last sequence and arrival, then the name goes
 *   replace  after a failed sync, which is never repeated on the same file: the new file is synced
 *            but for its slot; the slot makes it the one that counts, and is synced; then the old
 *            name goes, for good before the new one may
 */
#include "ingest/spool_state.h"

#include <errno.h>

#include "base/seam.h"

#define REPLACEMENTS_MAX 3
#define MB ((size_t)1000000)
/* Written ahead of the records, so that append meets no fault; each sync writes them once more. */
#define WARM_BYTES ((size_t)256 << 10)

void vv_spool_segment_free(struct vv_spool_segment *segment)
{
    if (segment != NULL)
        vv_journal_shut(&segment->file);
    vv_free(segment);
}

varve_status vv_spool_header_sync(struct vv_op *op, struct vv_spool *spool)
{
    /* The slots of the last two turns may be torn by now; the one before them must stay. */
    if (spool->header_failures >= VV_SPOOL_HEADER_SLOTS - 1)
        return vv_fail(op, VARVE_EIO,
            "the file \"spool\" of %s could not be synced twice in a row: look at the disk, "
            "then "
            "open the spool anew",
            spool->journal->location.ptr);
    spool->header.turn++;
    vv_spool_header_write(&spool->header, spool->header_file.bytes);
    vv_crash_point("spool.header_written");
    if (vv_journal_sync(op, &spool->header_file) != VARVE_OK) {
        spool->header_failures++;
        return vv_note(op, "header of the spool");
    }
    spool->header_failures = 0;
    vv_crash_point("spool.header_synced");
    return VARVE_OK;
}

static varve_status name_of(struct vv_op *op, const struct vv_spool_segment *segment,
    uint32_t generation, struct vv_str *out)
{
    struct vv_str name = vv_spool_segment_name(&op->arena, segment->number, generation);
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    *out = name;
    return VARVE_OK;
}

/* Removes a file that nothing rests on; the error that is recorded stays the one that counts. */
static void discard(struct vv_op *op, struct vv_spool *spool, struct vv_str name)
{
    VV_CLEANUP(vv_op_done) struct vv_op other;
    vv_op_init(&other, op->env, VV_OP_BYTES_DEFAULT);
    if (vv_journal_remove(&other, spool->journal, name) != VARVE_OK)
        vv_log(&other, VV_LOG_WARN, "spool.leftover", "%s", other.error.message);
}

static varve_status make_durable(struct vv_op *op, struct vv_spool *spool,
    struct vv_journal_file *file)
{
    VV_TRY(vv_journal_sync(op, file));
    return vv_journal_sync_folder(op, spool->journal);
}

varve_status vv_spool_segment_make(struct vv_op *op, struct vv_spool *spool, size_t capacity,
    struct vv_spool_segment **out)
{
    struct vv_spool_segment *segment = vv_malloc_zeroed(sizeof(*segment));
    struct vv_str name;
    if (segment == NULL)
        return vv_fail_memory(op);
    capacity = (capacity + VV_SPOOL_PAGE_BYTES - 1) / VV_SPOOL_PAGE_BYTES * VV_SPOOL_PAGE_BYTES;
    segment->number = spool->header.next_number;
    segment->generation = 1;
    segment->oldest_generation = 1;
    segment->seed = vv_segment_seed(spool->header.key, segment->number);
    segment->capacity = capacity;
    segment->used_bytes = VV_SEGMENT_HEAD_BYTES;
    segment->durable_bytes = VV_SEGMENT_HEAD_BYTES;
    segment->counts = VV_SEGMENT_COUNTS_INIT;
    segment->head = (struct vv_segment_head){
        .state = VV_SEGMENT_OPEN,
        .generation = 1,
        .number = segment->number,
        .durable_bytes = VV_SEGMENT_HEAD_BYTES,
        .capacity = capacity,
    };
    memcpy(segment->head.key, spool->header.key, sizeof(segment->head.key));
    memcpy(segment->head.boot, spool->boot, sizeof(segment->head.boot));

    varve_status status = name_of(op, segment, 1, &name);
    if (status == VARVE_OK)
        status = vv_journal_create(op, spool->journal, name, capacity, &segment->file);
    if (status != VARVE_OK && op->error.os_errno == ENOSPC)
        vv_note(op,
            "the spool needs two files of %zu MB on its disk, less with a smaller --max-bytes "
            "or --max-spool",
            (capacity + MB - 1) / MB);
    if (status != VARVE_OK) {
        vv_spool_segment_free(segment);
        return status;
    }
    vv_segment_head_write(&segment->head, segment->file.bytes);
    vv_crash_point("spool.made");
    status = make_durable(op, spool, &segment->file);
    if (status == VARVE_OK) {
        vv_crash_point("spool.made_durable");
        /* After a failure the number is not used again: it may have become durable. */
        spool->header.next_number++;
        status = vv_spool_header_sync(op, spool);
    }
    if (status != VARVE_OK) {
        discard(op, spool, name);
        vv_spool_segment_free(segment);
        return status;
    }
    vv_journal_warm(&segment->file, VV_SEGMENT_HEAD_BYTES, VV_SEGMENT_HEAD_BYTES + WARM_BYTES);
    *out = segment;
    return VARVE_OK;
}

/* Whether what was copied is what was written: pages of a bad disk may have been read anew. */
static varve_status check_copy(struct vv_op *op, const struct vv_spool *spool,
    const struct vv_spool_segment *segment, const struct vv_journal_file *file, size_t bytes)
{
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    struct vv_str content = {(const char *)file->bytes, bytes};
    vv_segment_cursor_init(&cursor, content, spool->header.key, segment->number);
    while (cursor.at < bytes) {
        enum vv_segment_step step = vv_segment_next(&cursor, &record);
        if (step != VV_SEGMENT_STEP_RECORD && step != VV_SEGMENT_STEP_END)
            return vv_fail(op, VARVE_ECORRUPT,
                "segment %" PRIu64
                " of %s can't be read back at offset %zu after a failed sync",
                segment->number, spool->journal->location.ptr, cursor.at);
    }
    return VARVE_OK;
}

/* Fills the new file with what there is at the moment; *out_bytes: so much. */
static varve_status copy_most(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment, struct vv_journal_file *file, size_t *out_bytes)
{
    pthread_mutex_lock(&spool->lock);
    size_t bytes = segment->used_bytes;
    pthread_mutex_unlock(&spool->lock);
    memcpy(file->bytes + VV_SEGMENT_HEAD_BYTES, segment->file.bytes + VV_SEGMENT_HEAD_BYTES,
        bytes - VV_SEGMENT_HEAD_BYTES);
    VV_TRY(check_copy(op, spool, segment, file, bytes));
    VV_TRY(make_durable(op, spool, file));
    *out_bytes = bytes;
    return VARVE_OK;
}

/* From here on appends go to the new file, and recovery takes it for the segment. */
static void switch_over(struct vv_spool *spool, struct vv_spool_segment *segment,
    struct vv_journal_file *file, size_t copied_bytes)
{
    segment->head.generation++;
    segment->head.turn++;
    segment->head.durable_bytes = copied_bytes;
    segment->head_is_dirty = true;
    segment->is_spoiled = false;
    pthread_mutex_lock(&spool->lock);
    memcpy(file->bytes + copied_bytes, segment->file.bytes + copied_bytes,
        segment->used_bytes - copied_bytes);
    vv_segment_head_write(&segment->head, file->bytes);
    struct vv_journal_file old = segment->file;
    segment->file = *file;
    segment->generation = segment->head.generation;
    pthread_mutex_unlock(&spool->lock);
    *file = old;
}

/* Puts the content of a segment whose file a sync has failed on into a new file. */
static varve_status replace(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment)
{
    struct vv_str name;
    size_t copied_bytes;
    pthread_mutex_lock(&spool->lock);
    size_t bytes = segment->stage == VV_STAGE_OPEN ? segment->capacity : segment->used_bytes;
    pthread_mutex_unlock(&spool->lock);
    VV_TRY(name_of(op, segment, segment->generation + 1, &name));
    VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
    /* A try before this one may have left its file. */
    VV_TRY(vv_journal_remove(op, spool->journal, name));
    VV_TRY(vv_journal_create(op, spool->journal, name, bytes, &file));
    vv_crash_point("spool.replacement_made");
    if (copy_most(op, spool, segment, &file, &copied_bytes) != VARVE_OK) {
        discard(op, spool, name);
        return op->error.code;
    }
    vv_crash_point("spool.replacement_copied");
    switch_over(spool, segment, &file, copied_bytes);
    vv_crash_point("spool.replacement_used");
    vv_log(op, VV_LOG_WARN, "spool.replaced",
        "a sync of segment %" PRIu64 " failed; its content is in a new file, %.*s",
        segment->number, VV_ARG(name));
    return VARVE_OK;
}

/* What was replaced goes, for good: it must not be found once the segment itself is gone. */
static varve_status drop_replaced(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment)
{
    for (uint32_t old = segment->oldest_generation; old < segment->generation; old++) {
        struct vv_str name;
        VV_TRY(name_of(op, segment, old, &name));
        VV_TRY(vv_journal_remove(op, spool->journal, name));
    }
    if (segment->oldest_generation == segment->generation)
        return VARVE_OK;
    vv_crash_point("spool.replaced_removed");
    VV_TRY(vv_journal_sync_folder(op, spool->journal));
    segment->oldest_generation = segment->generation;
    return VARVE_OK;
}

/* Syncs the file, in a new one after a failure, and that again in another. */
static varve_status sync_or_replace(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment)
{
    for (unsigned i = 0;; i++) {
        if (!segment->is_spoiled && vv_journal_sync(op, &segment->file) == VARVE_OK)
            break;
        segment->is_spoiled = true;
        if (op->failed && i == REPLACEMENTS_MAX)
            return vv_note(op, "segment %" PRIu64, segment->number);
        if (op->failed) {
            vv_log(op, VV_LOG_ERROR, "spool.sync_failed", "segment %" PRIu64 ": %s",
                segment->number, op->error.message);
            vv_forgive(op);
        }
        VV_TRY(replace(op, spool, segment));
    }
    if (drop_replaced(op, spool, segment) != VARVE_OK) {
        vv_log(op, VV_LOG_WARN, "spool.leftover", "%s", op->error.message);
        vv_forgive(op); /* tried again before the segment goes */
    }
    return VARVE_OK;
}

varve_status vv_spool_segment_sync(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment)
{
    pthread_mutex_lock(&spool->lock);
    size_t bytes = segment->used_bytes;
    uint64_t sequence = segment->counts.last_sequence;
    pthread_mutex_unlock(&spool->lock);
    vv_crash_point("spool.sync");
    VV_TRY(sync_or_replace(op, spool, segment));
    vv_crash_point("spool.synced");
    segment->head_is_dirty = false;
    if (segment->head.durable_bytes < bytes) {
        segment->head.durable_bytes = bytes;
        segment->head.turn++;
        vv_segment_head_write(&segment->head, segment->file.bytes);
        segment->head_is_dirty = true;
    }
    pthread_mutex_lock(&spool->lock);
    spool->syncs++;
    if (bytes > segment->durable_bytes)
        segment->durable_bytes = bytes;
    if (sequence > spool->durable_sequence)
        spool->durable_sequence = sequence;
    bool is_open = segment->stage == VV_STAGE_OPEN;
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
    if (is_open)
        vv_journal_warm(&segment->file, bytes, bytes + WARM_BYTES);
    return VARVE_OK;
}

void vv_spool_segment_seal(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment)
{
    size_t bytes = segment->used_bytes; /* nobody writes to it any more */
    segment->head.state = VV_SEGMENT_SEALED;
    segment->head.durable_bytes = bytes;
    segment->head.turn++;
    vv_segment_head_write(&segment->head, segment->file.bytes);
    vv_crash_point("spool.sealed");
    if (vv_journal_cut(op, &segment->file, bytes) != VARVE_OK) {
        vv_log(op, VV_LOG_WARN, "spool.not_cut", "segment %" PRIu64 ": %s", segment->number,
            op->error.message);
        vv_forgive(op);
    }
    vv_crash_point("spool.cut");
    pthread_mutex_lock(&spool->lock);
    struct vv_journal_file file = segment->file;
    segment->file = (struct vv_journal_file){0};
    segment->stage = VV_STAGE_SEALED;
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
    vv_journal_shut(&file);
}

varve_status vv_spool_segment_remove(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment)
{
    struct vv_spool_header *header = &spool->header;
    const struct vv_segment_counts *counts = &segment->counts;
    struct vv_str name;
    VV_TRY(name_of(op, segment, segment->generation, &name));
    bool knows_it = header->next_sequence > counts->last_sequence &&
                    header->newest_arrival_us >= counts->last_arrival_us;
    if (!knows_it) {
        header->next_sequence = counts->last_sequence + 1;
        header->newest_arrival_us = counts->last_arrival_us;
    }
    if (!knows_it || spool->header_failures > 0)
        VV_TRY(vv_spool_header_sync(op, spool));
    VV_TRY(drop_replaced(op, spool, segment));
    VV_TRY(vv_journal_remove(op, spool->journal, name));
    vv_crash_point("spool.removed");
    return vv_journal_sync_folder(op, spool->journal);
}
