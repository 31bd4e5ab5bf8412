#include "base/seam.h"
#include "ingest/spool_state.h"

struct vv_spool_reader {
    struct vv_journal_file file;
    struct vv_segment_cursor cursor;
    uint64_t number;
    bool is_sealed; /* must have an end */
    bool is_done;
};

/* What there is of a segment at the moment. */
struct extent {
    bool is_there, is_sealed;
    uint32_t generation;
    size_t bytes;
};

static struct extent look_up(struct vv_spool *spool, uint64_t number)
{
    struct extent extent = {0};
    pthread_mutex_lock(&spool->lock);
    const struct vv_spool_segment *segment = spool->first;
    while (segment != NULL && segment->number != number)
        segment = segment->next;
    if (segment != NULL)
        extent = (struct extent){
            .is_there = true,
            .is_sealed = segment->stage == VV_STAGE_SEALED,
            .generation = segment->generation,
            .bytes = segment->used_bytes,
        };
    pthread_mutex_unlock(&spool->lock);
    return extent;
}

/*
 * Maps the bytes that are used and no more: the file of an open segment is cut behind them when it
 * is sealed. A file that is gone may have been replaced by one of the next generation.
 */
static varve_status map_segment(struct vv_op *op, struct vv_spool *spool, uint64_t number,
    struct extent *out_extent, struct vv_journal_file *out)
{
    uint32_t generation = 0;
    for (;;) {
        struct extent extent = look_up(spool, number);
        if (!extent.is_there || extent.generation == generation)
            return vv_fail(op, VARVE_ENOTFOUND, "%s has no segment %" PRIu64,
                spool->journal->location.ptr, number);
        struct vv_str name = vv_spool_segment_name(&op->arena, number, extent.generation);
        if (name.ptr == NULL)
            return vv_fail_memory(op);
        varve_status status = vv_journal_map(op, spool->journal, name, extent.bytes, out);
        if (status != VARVE_ENOTFOUND) {
            *out_extent = extent;
            return status;
        }
        vv_forgive(op);
        generation = extent.generation;
    }
}

varve_status vv_spool_reader_open(struct vv_op *op, struct vv_spool *spool, uint64_t number,
    struct vv_spool_reader **out)
{
    VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
    struct extent extent = {0};
    VV_TRY(map_segment(op, spool, number, &extent, &file));
    struct vv_spool_reader *reader = vv_malloc_zeroed(sizeof(*reader));
    if (reader == NULL)
        return vv_fail_memory(op);
    struct vv_str content = {(const char *)file.bytes, file.mapped_bytes};
    vv_segment_cursor_init(&reader->cursor, content, spool->header.key, number);
    reader->number = number;
    reader->is_sealed = extent.is_sealed;
    reader->file = file;
    file = (struct vv_journal_file){0};
    *out = reader;
    return VARVE_OK;
}

static varve_status fail_damage(struct vv_op *op, const struct vv_spool_reader *reader,
    const char *fault)
{
    return vv_fail(op, VARVE_ECORRUPT,
        "segment %" PRIu64 " of %s is damaged at offset %zu: %s; once "
        "nobody writes to it `varve spool salvage` saves what can be read",
        reader->number, reader->file.journal->location.ptr, reader->cursor.at, fault);
}

varve_status vv_spool_reader_next(struct vv_op *op, struct vv_spool_reader *reader,
    struct vv_spool_record *out, bool *out_has_record)
{
    *out_has_record = false;
    if (reader->is_done)
        return VARVE_OK;
    enum vv_segment_step step;
    do /* Rows that were lost to damage are no record to anybody. */
        step = vv_segment_next(&reader->cursor, out);
    while (step == VV_SEGMENT_STEP_RECORD && out->kind == VV_SPOOL_GAP);
    switch (step) {
    case VV_SEGMENT_STEP_RECORD:
        *out_has_record = true;
        return VARVE_OK;
    case VV_SEGMENT_STEP_END:
        reader->is_done = true;
        return VARVE_OK;
    case VV_SEGMENT_STEP_BLANK:
        if (reader->is_sealed || reader->cursor.at < reader->cursor.len)
            return fail_damage(op, reader, "the rest of the segment is missing");
        reader->is_done = true;
        return VARVE_OK;
    case VV_SEGMENT_STEP_BAD:
    default:
        return fail_damage(op, reader, reader->cursor.fault);
    }
}

void vv_spool_reader_close(struct vv_spool_reader **reader)
{
    if (*reader != NULL)
        vv_journal_shut(&(*reader)->file);
    vv_free(*reader);
    *reader = NULL;
}
