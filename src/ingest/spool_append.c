/*
 * What callers of append do: find the place, write, publish. No system call, unless the open
 * segment is full and the next one isn't there yet.
 */
#include "ingest/spool_state.h"

#include "base/seam.h"

#define NAMES_BYTES_MAX ((size_t)1 << 30)
#define NAMES_MAX UINT16_MAX

struct vv_spool_name {
    struct vv_str text;
    uint16_t index;
};

void vv_spool_names_done(struct vv_spool_names *names)
{
    vv_arena_done(&names->arena);
}

static void names_begin(struct vv_spool_names *names)
{
    vv_arena_done(&names->arena);
    *names = (struct vv_spool_names){.arena = VV_ARENA_INIT(NAMES_BYTES_MAX)};
    names->tables = VV_MAP_INIT(&names->arena);
    names->schemas = VV_MAP_INIT(&names->arena);
}

/* What one append is to write. */
struct entry {
    struct vv_str table;
    struct vv_str schema;                    /* ptr NULL: none is needed */
    const struct vv_spool_name *table_name;  /* NULL: to be declared */
    const struct vv_spool_name *schema_name; /* NULL: to be declared, or not needed */
    struct vv_spool_record *record;
};

static const struct vv_spool_name *find(const struct vv_map *map,
    const struct vv_spool_name **last, struct vv_str text)
{
    if (*last != NULL && vv_str_eq((*last)->text, text))
        return *last;
    const struct vv_spool_name *found = vv_map_get(map, text);
    if (found != NULL)
        *last = found;
    return found;
}

static void look_up(struct vv_spool *spool, struct entry *entry)
{
    struct vv_spool_names *names = &spool->names;
    entry->table_name = find(&names->tables, &names->last_table, entry->table);
    if (entry->schema.ptr != NULL)
        entry->schema_name = find(&names->schemas, &names->last_schema, entry->schema);
}

static size_t bytes_in_new(const struct entry *entry)
{
    size_t bytes = vv_segment_record_bytes(entry->record->payload.len) +
                   vv_segment_record_bytes(entry->table.len);
    return bytes + (entry->schema.ptr ? vv_segment_record_bytes(entry->schema.len) : 0);
}

static size_t bytes_in_open(const struct entry *entry)
{
    size_t bytes = vv_segment_record_bytes(entry->record->payload.len);
    if (entry->table_name == NULL)
        bytes += vv_segment_record_bytes(entry->table.len);
    if (entry->schema.ptr != NULL && entry->schema_name == NULL)
        bytes += vv_segment_record_bytes(entry->schema.len);
    return bytes;
}

void vv_spool_end_open(struct vv_spool *spool)
{
    struct vv_spool_segment *open = spool->open;
    if (open == NULL)
        return;
    vv_segment_write_end(open->file.bytes, open->used_bytes, open->seed, &open->counts);
    open->used_bytes += VV_SEGMENT_END_BYTES;
    spool->bytes += (int64_t)VV_SEGMENT_END_BYTES;
    open->stage = VV_STAGE_ENDED;
    spool->open = NULL;
    vv_crash_point("spool.ended");
    pthread_cond_signal(&spool->work);
}

/* Waits for an empty segment of at least `capacity`, or until another thread has begun one. */
static varve_status await_spare(struct vv_op *op, struct vv_spool *spool, size_t capacity)
{
    uint64_t failures = spool->spare_failures;
    while (spool->open == NULL && (spool->spare == NULL || spool->spare->capacity < capacity)) {
        if (spool->stop)
            return vv_fail(op, VARVE_EUSAGE, "the spool is being closed");
        /* A try that was under way when we came may have been for less. */
        if (spool->spare_failures > failures + 1)
            return vv_spool_fail_as(op, &spool->spare_error);
        if (spool->spare_bytes_wanted < capacity)
            spool->spare_bytes_wanted = capacity;
        pthread_cond_signal(&spool->work);
        pthread_cond_wait(&spool->progress, &spool->lock);
    }
    return VARVE_OK;
}

static varve_status begin_segment(struct vv_op *op, struct vv_spool *spool, size_t capacity)
{
    vv_spool_end_open(spool);
    VV_TRY(await_spare(op, spool, capacity));
    if (spool->open != NULL)
        return VARVE_OK; /* another thread has begun one meanwhile */
    struct vv_spool_segment *segment = spool->spare;
    spool->spare = NULL;
    spool->spare_bytes_wanted = 0;
    if (spool->last != NULL)
        spool->last->next = segment;
    else
        spool->first = segment;
    spool->last = segment;
    spool->open = segment;
    spool->bytes += (int64_t)segment->used_bytes;
    names_begin(&spool->names);
    pthread_cond_signal(&spool->work);
    return VARVE_OK;
}

static void put(struct vv_spool *spool, const struct vv_spool_record *record)
{
    struct vv_spool_segment *open = spool->open;
    size_t bytes = vv_segment_record_bytes(record->payload.len);
    vv_segment_write(open->file.bytes, open->used_bytes, open->seed, record);
    vv_segment_count(&open->counts, record);
    open->used_bytes += bytes;
    spool->bytes += (int64_t)bytes;
    spool->unsynced_bytes += (int64_t)bytes;
}

/* Remembers a name of the open segment and writes its declaration. */
static varve_status declare(struct vv_op *op, struct vv_spool *spool, enum vv_spool_kind kind,
    struct vv_str text, const struct vv_spool_name **out)
{
    struct vv_spool_names *names = &spool->names;
    struct vv_map *map = kind == VV_SPOOL_TABLE ? &names->tables : &names->schemas;
    struct vv_spool_name *name = vv_new(&names->arena, struct vv_spool_name, 1);
    struct vv_str copy = vv_arena_str(&names->arena, text);
    size_t index = map->len;
    if (name == NULL || copy.ptr == NULL)
        return vv_fail_memory(op);
    *name = (struct vv_spool_name){copy, (uint16_t)index};
    if (!vv_map_put(map, copy, name, NULL))
        return vv_fail_memory(op);
    struct vv_spool_record record = {
        .kind = kind, .arrival_us = spool->newest_arrival_us, .payload = text};
    if (kind == VV_SPOOL_TABLE)
        record.table = name->index;
    else
        record.schema = name->index;
    put(spool, &record);
    *out = name;
    return VARVE_OK;
}

static bool fits_open(const struct vv_spool *spool, const struct entry *entry)
{
    const struct vv_spool_segment *open = spool->open;
    return open != NULL &&
           bytes_in_open(entry) + VV_SEGMENT_END_BYTES <= open->capacity - open->used_bytes &&
           spool->names.tables.len < NAMES_MAX && spool->names.schemas.len < NAMES_MAX;
}

/* Finds or makes a segment with room for it, and says in which way it is full if there is none. */
static varve_status make_room(struct vv_op *op, struct vv_spool *spool, struct entry *entry)
{
    size_t own_bytes = VV_SEGMENT_HEAD_BYTES + bytes_in_new(entry) + VV_SEGMENT_END_BYTES;
    if ((int64_t)own_bytes > spool->options.bytes_max)
        return vv_fail(op, VARVE_EINVALID,
            "a row of %zu bytes can't go into a spool of at most %" PRId64
            " bytes: give it more",
            entry->record->payload.len, spool->options.bytes_max);
    for (;;) {
        if (spool->failure.code != VARVE_OK)
            return vv_spool_fail_as(op, &spool->failure);
        look_up(spool, entry);
        bool fits = fits_open(spool, entry);
        size_t wanted = fits ? bytes_in_open(entry) + VV_SEGMENT_END_BYTES : own_bytes;
        if (!fits && spool->open != NULL)
            wanted += VV_SEGMENT_END_BYTES;
        if (spool->bytes + (int64_t)wanted > spool->options.bytes_max) {
            spool->bytes_refused = (int64_t)wanted;
            (void)vv_fail(op, VARVE_ELIMIT,
                "the spool %s is full: %" PRId64 " of at most %" PRId64
                " bytes wait for their tables; flush it, or give it more room",
                spool->journal->location.ptr, spool->bytes, spool->options.bytes_max);
            op->error.retryable = 1; /* unlike a limit that stays */
            return VARVE_ELIMIT;
        }
        if (fits)
            return VARVE_OK;
        VV_TRY(begin_segment(op, spool, own_bytes));
    }
}

static void stamp(struct vv_spool *spool, struct vv_spool_record *record, int64_t now_us)
{
    int64_t arrival_us = record->arrival_us != 0 ? record->arrival_us : now_us;
    int64_t least_us = spool->newest_arrival_us;
    if (record->is_stamped && least_us != INT64_MIN)
        least_us++;
    record->arrival_us = arrival_us > least_us ? arrival_us : least_us;
    record->sequence = spool->next_sequence;
}

static varve_status append(struct vv_op *op, struct vv_spool *spool, struct entry *entry,
    int64_t now_us)
{
    struct vv_spool_record *record = entry->record;
    VV_TRY(make_room(op, spool, entry));
    if (entry->table_name == NULL)
        VV_TRY(declare(op, spool, VV_SPOOL_TABLE, entry->table, &entry->table_name));
    if (entry->schema.ptr != NULL && entry->schema_name == NULL)
        VV_TRY(declare(op, spool, VV_SPOOL_SCHEMA, entry->schema, &entry->schema_name));
    vv_crash_point("spool.declared");
    record->table = entry->table_name->index;
    record->schema = entry->schema_name != NULL ? entry->schema_name->index : 0;
    stamp(spool, record, now_us);
    bool was_clean = spool->unsynced_bytes == 0;
    put(spool, record);
    vv_crash_point("spool.appended");
    spool->next_sequence++;
    spool->newest_arrival_us = record->arrival_us;
    /* The thread sleeps for its interval from the first byte on. */
    if (was_clean || spool->unsynced_bytes >= spool->options.sync_bytes)
        pthread_cond_signal(&spool->work);
    return VARVE_OK;
}

varve_status vv_spool_append(struct vv_op *op, struct vv_spool *spool, struct vv_str table_name,
    struct vv_str schema_payload, struct vv_spool_record *record)
{
    VV_PRE(record->kind == VV_SPOOL_JSON || record->kind == VV_SPOOL_TYPED);
    VV_PRE(table_name.ptr != NULL);
    struct entry entry = {.table = table_name, .record = record};
    if (record->kind == VV_SPOOL_TYPED)
        entry.schema = schema_payload.ptr != NULL ? schema_payload : VV_STR("");
    if (record->payload.len > VV_SEGMENT_PAYLOAD_BYTES_MAX)
        return vv_fail(op, VARVE_EINVALID, "a row of %zu bytes: at most %zu are taken",
            record->payload.len, VV_SEGMENT_PAYLOAD_BYTES_MAX);
    int64_t now_us = vv_now_us(op);
    pthread_mutex_lock(&spool->lock);
    varve_status status = append(op, spool, &entry, now_us);
    pthread_mutex_unlock(&spool->lock);
    return status;
}
