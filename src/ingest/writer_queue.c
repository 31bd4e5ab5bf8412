#include <string.h>

#include "base/seam.h"
#include "base/time.h"
#include "base/uuid.h"
#include "ingest/writer_state.h"

#define BACK_OFF_FIRST_US INT64_C(100000)
#define BACK_OFF_MAX_US INT64_C(30000000)
#define DOUBLINGS_MAX 16

/* ---- What the segments hold --------------------------------------------------------------- */

static void segment_free(struct vv_writer_segment **segment)
{
    struct vv_writer_segment *freed = VV_MOVE(*segment);
    if (freed == NULL)
        return;
    vv_arena_done(&freed->arena);
    vv_free(freed);
}

/* Names by the number that stands for them in a segment. */
struct names {
    struct vv_arena *arena;
    struct vv_writer_table **tables;
    size_t len;
};

static varve_status name_add(struct vv_op *op, struct vv_writer *writer,
    const struct vv_spool_record *record, struct names *names)
{
    if (record->table >= names->len) {
        size_t len = (size_t)record->table * 2 + 8;
        struct vv_writer_table **grown = vv_new(names->arena, struct vv_writer_table *, len);
        if (grown == NULL)
            return vv_fail_memory(op);
        if (names->len > 0)
            memcpy(grown, names->tables, names->len * sizeof(*grown));
        names->tables = grown;
        names->len = len;
    }
    return vv_writer_table_known(op, writer, record->payload, &names->tables[record->table]);
}

static struct vv_writer_part *part_of(struct vv_writer_segment *segment,
    struct vv_writer_table *table, size_t *capacity)
{
    for (size_t i = 0; i < segment->parts_len; i++)
        if (segment->parts[i].table == table)
            return &segment->parts[i];
    void *parts = segment->parts;
    if (!vv_arena_grow(&segment->arena, &parts, segment->parts_len, capacity,
            sizeof(struct vv_writer_part), _Alignof(struct vv_writer_part)))
        return NULL;
    segment->parts = parts;
    struct vv_writer_part *part = &segment->parts[segment->parts_len++];
    *part = (struct vv_writer_part){.segment = segment, .table = table};
    return part;
}

static varve_status count_row(struct vv_op *op, struct vv_writer_segment *segment,
    const struct names *names, const struct vv_spool_record *record, size_t *capacity)
{
    struct vv_writer_table *table =
        record->table < names->len ? names->tables[record->table] : NULL;
    if (table == NULL)
        return vv_fail(op, VARVE_ECORRUPT, "row %" PRIu64 " is of a table without a name",
            record->sequence);
    struct vv_writer_part *part = part_of(segment, table, capacity);
    if (part == NULL)
        return vv_fail_memory(op);
    if (segment->first_sequence == 0)
        segment->first_sequence = record->sequence;
    if (part->rows++ == 0)
        part->first_sequence = record->sequence;
    part->last_sequence = record->sequence;
    part->bytes += (int64_t)record->payload.len;
    return VARVE_OK;
}

static varve_status read_parts(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_segment *segment)
{
    VV_CLEANUP(vv_spool_reader_close) struct vv_spool_reader *reader = NULL;
    struct names names = {.arena = &op->arena};
    size_t capacity = 0;
    VV_TRY(vv_spool_reader_open(op, writer->spool, segment->number, &reader));
    for (;;) {
        struct vv_spool_record record;
        bool has_record = false;
        VV_TRY(vv_spool_reader_next(op, reader, &record, &has_record));
        if (!has_record)
            return VARVE_OK;
        if (record.kind == VV_SPOOL_TABLE)
            VV_TRY(name_add(op, writer, &record, &names));
        else if (record.kind != VV_SPOOL_SCHEMA)
            VV_TRY(count_row(op, segment, &names, &record, &capacity));
    }
}

/* Links the parts, which do not move any more, to their tables. */
static void enqueue(struct vv_writer *writer, struct vv_writer_segment *segment)
{
    pthread_mutex_lock(&writer->lock);
    segment->parts_left = segment->parts_len;
    for (size_t i = 0; i < segment->parts_len; i++) {
        struct vv_writer_part *part = &segment->parts[i];
        struct vv_writer_table *table = part->table;
        if (table->last != NULL)
            table->last->next = part;
        else
            table->first = part;
        table->last = part;
        table->rows_waiting += part->rows;
    }
    if (writer->last != NULL)
        writer->last->next = segment;
    else
        writer->first = segment;
    writer->last = segment;
    writer->listed_number = segment->number;
    pthread_mutex_unlock(&writer->lock);
}

static varve_status list_segment(struct vv_op *op, struct vv_writer *writer, uint64_t number)
{
    VV_CLEANUP(segment_free)
    struct vv_writer_segment *segment = vv_malloc(sizeof(*segment));
    if (segment == NULL)
        return vv_fail_memory(op);
    *segment = (struct vv_writer_segment){
        .arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT), .number = number};
    pthread_mutex_lock(&writer->spool_use);
    varve_status status = read_parts(op, writer, segment);
    pthread_mutex_unlock(&writer->spool_use);
    VV_TRY(status);
    enqueue(writer, segment);
    segment = NULL;
    return VARVE_OK;
}

static varve_status seal(struct vv_op *op, struct vv_writer *writer, uint64_t **out_numbers,
    size_t *out_len)
{
    uint64_t newest = 0;
    pthread_mutex_lock(&writer->spool_use);
    varve_status status = vv_spool_seal(op, writer->spool, &newest);
    if (status == VARVE_OK)
        status = vv_spool_sealed(op, writer->spool, &op->arena, out_numbers, out_len);
    pthread_mutex_unlock(&writer->spool_use);
    return status;
}

void vv_writer_remove_done(struct vv_op *op, struct vv_writer *writer)
{
    for (;;) {
        pthread_mutex_lock(&writer->lock);
        struct vv_writer_segment **link = &writer->first;
        struct vv_writer_segment *before = NULL;
        while (*link != NULL && (*link)->parts_left > 0) {
            before = *link;
            link = &(*link)->next;
        }
        struct vv_writer_segment *done = writer->scans == 0 ? *link : NULL;
        if (done != NULL) {
            *link = done->next;
            if (writer->last == done)
                writer->last = before;
            writer->removals++;
        }
        pthread_mutex_unlock(&writer->lock);
        if (done == NULL)
            return;
        vv_crash_point("writer.before_remove");
        pthread_mutex_lock(&writer->spool_use);
        varve_status status = vv_spool_remove(op, writer->spool, done->number);
        pthread_mutex_unlock(&writer->spool_use);
        if (status != VARVE_OK) {
            /* Its next owner finds it there, and that it is committed. */
            vv_log(op, VV_LOG_WARN, "writer.remove", "segment %" PRIu64 " stays: %s",
                done->number, op->error.message);
            vv_forgive(op);
        }
        segment_free(&done);
        pthread_mutex_lock(&writer->lock);
        writer->removals--;
        pthread_cond_broadcast(&writer->progress);
        pthread_mutex_unlock(&writer->lock);
    }
}

varve_status vv_writer_seal(struct vv_op *op, struct vv_writer *writer)
{
    uint64_t *numbers = NULL;
    size_t len = 0;
    atomic_store(&writer->rows_open, 0);
    atomic_store(&writer->bytes_open, 0);
    atomic_store(&writer->is_full, false);
    vv_crash_point("writer.before_seal");
    VV_TRY(seal(op, writer, &numbers, &len));
    vv_crash_point("writer.sealed");
    pthread_mutex_lock(&writer->lock);
    uint64_t listed = writer->listed_number;
    pthread_mutex_unlock(&writer->lock);
    for (size_t i = 0; i < len; i++) {
        VV_TRY(vv_check_cancel(op)); /* of what earlier writers left there may be a lot */
        if (numbers[i] > listed && list_segment(op, writer, numbers[i]) != VARVE_OK)
            return vv_note(op, "segment %" PRIu64 " of the spool", numbers[i]);
    }
    vv_writer_remove_done(op, writer); /* one without rows has nobody to finish it */
    return VARVE_OK;
}

/* ---- What is to be done next -------------------------------------------------------------- */

struct vv_writer_table *vv_writer_pick(struct vv_writer *writer, int64_t *out_wait_us)
{
    int64_t now = vv_writer_clock(writer);
    struct vv_writer_table *picked = NULL;
    *out_wait_us = BACK_OFF_MAX_US;
    if (atomic_load(&writer->interrupted) || writer->stopping)
        return NULL;
    for (struct vv_writer_table *table = writer->tables; table != NULL; table = table->next) {
        if (table->first == NULL || table->is_busy || (writer->closing > 0 && table->gave_up))
            continue;
        int64_t wait = table->next_attempt_us - now;
        if (wait > 0) {
            *out_wait_us = wait < *out_wait_us ? wait : *out_wait_us;
            continue;
        }
        if (picked == NULL || table->first->segment->number < picked->first->segment->number)
            picked = table;
    }
    if (picked != NULL) {
        picked->is_busy = true;
        picked->busy_segment = picked->first->segment->number;
    }
    return picked;
}

/* Doubles up to half a minute; any part of the last quarter may be missing, so that writers part. */
static int64_t back_off(uint32_t failures)
{
    int64_t us = BACK_OFF_FIRST_US;
    for (uint32_t i = 1; i < failures && i < DOUBLINGS_MAX; i++)
        us *= 2;
    us = us < BACK_OFF_MAX_US ? us : BACK_OFF_MAX_US;
    return us - (int64_t)(vv_random64() % (uint64_t)(us / 4));
}

static void add_counts(const struct vv_upsert_result *result, struct vv_writer_counts *counts)
{
    counts->inserted += result->inserted;
    counts->updated += result->updated;
    counts->unchanged += result->unchanged;
    counts->stale += result->stale;
    counts->duplicates_in_batch += result->duplicates_in_batch;
    counts->quarantined += result->rejected;
    counts->warnings += result->warned.rows;
    counts->commits += result->attempts > 0;
}

/* Where memory is out the rows are counted, and not by rule. */
static void add_warnings(const struct vv_warned *warned, struct vv_writer_table *table)
{
    for (size_t i = 0; i < warned->rules_len; i++) {
        struct vv_str name = warned->rules[i].name;
        struct vv_writer_warning *warning = table->warnings;
        if (warned->by_rule[i] == 0 || name.len > sizeof(warning->name))
            continue;
        while (warning != NULL &&
               !vv_str_eq((struct vv_str){warning->name, warning->name_len}, name))
            warning = warning->next;
        if (warning == NULL) {
            warning = vv_malloc_zeroed(sizeof(*warning));
            if (warning == NULL)
                continue;
            memcpy(warning->name, name.ptr, name.len);
            warning->name_len = name.len;
            warning->next = table->warnings;
            table->warnings = warning;
        }
        warning->rows += warned->by_rule[i];
    }
}

static void settle_well(struct vv_writer_table *table, const struct vv_writer_outcome *outcome,
    struct vv_writer_commit *out_commit)
{
    struct vv_writer_part *part = table->first;
    *out_commit = (struct vv_writer_commit){.table = table->name,
        .segment = part->segment->number,
        .sequence = part->last_sequence,
        .result = &outcome->result,
        .duration_us = outcome->duration_us};
    table->first = part->next;
    if (table->first == NULL)
        table->last = NULL;
    table->rows_waiting -= part->rows;
    table->sequence_committed = part->last_sequence;
    table->version = outcome->result.version;
    table->failures = 0;
    table->next_attempt_us = 0;
    table->failure.code = VARVE_OK;
    add_counts(&outcome->result, &table->counts);
    add_warnings(&outcome->result.warned, table);
    part->segment->parts_left--;
}

static int64_t settle_ill(struct vv_writer *writer, struct vv_writer_table *table,
    const varve_error *failure)
{
    table->failure = *failure;
    table->gave_up = true;
    if (atomic_load(&writer->interrupted))
        return 0;
    table->failures++;
    table->counts.retries++;
    int64_t wait = back_off(table->failures);
    table->next_attempt_us = vv_writer_clock(writer) + wait;
    return wait;
}

void vv_writer_settle(struct vv_op *op, struct vv_writer *writer, struct vv_writer_table *table,
    const struct vv_writer_outcome *outcome)
{
    const varve_error *failure = outcome->failure;
    const struct vv_writer_events *events = &writer->options.events;
    struct vv_writer_commit commit = {0};
    int64_t retry_us = 0;
    pthread_mutex_lock(&writer->lock);
    if (failure == NULL)
        settle_well(table, outcome, &commit);
    else
        retry_us = settle_ill(writer, table, failure);
    pthread_mutex_unlock(&writer->lock);
    if (failure == NULL)
        vv_writer_remove_done(op, writer);
    pthread_mutex_lock(&writer->callbacks);
    if (failure == NULL && events->commit != NULL)
        events->commit(events->data, &commit);
    if (failure != NULL && retry_us > 0 && events->retry != NULL)
        events->retry(events->data, table->name, failure, retry_us);
    pthread_mutex_unlock(&writer->callbacks);
    if (failure != NULL && retry_us > 0)
        vv_log(op, VV_LOG_WARN, "writer.retry",
            "table %.*s: the flush failed and is tried again in %.1f s: %s",
            VV_ARG(table->name), (double)retry_us / VV_US_PER_S, failure->message);
    pthread_mutex_lock(&writer->lock);
    table->is_busy = false;
    pthread_cond_broadcast(&writer->work);
    pthread_cond_broadcast(&writer->progress);
    pthread_mutex_unlock(&writer->lock);
}

bool vv_writer_is_done(const struct vv_writer *writer, uint64_t number)
{
    if (writer->removals > 0)
        return false; /* the statistics would have its rows wait */
    for (const struct vv_writer_segment *segment = writer->first; segment != NULL;
         segment = segment->next)
        if (segment->number <= number && segment->parts_left > 0)
            return false;
    for (const struct vv_writer_table *table = writer->tables; table != NULL;
         table = table->next)
        if (table->is_busy && table->busy_segment <= number)
            return false;
    return true;
}

void vv_writer_queue_free(struct vv_writer *writer)
{
    while (writer->first != NULL) {
        struct vv_writer_segment *segment = writer->first;
        writer->first = segment->next;
        segment_free(&segment);
    }
    while (writer->tables != NULL) {
        struct vv_writer_table *table = writer->tables;
        writer->tables = table->next;
        vv_writer_table_close(table);
    }
}
