#include "ingest/spool_segment.h"

#include "base/hash.h"

static const struct vv_str magic = {"VARVESEG", 8};
#define KIND_END 255
#define FLAG_STAMPED 1
/* Damaged bytes that look like ever new long records must not take for ever to look through. */
#define HASHED_BYTES_FACTOR 64

static uint64_t slot_sum(const unsigned char *slot)
{
    return vv_xxh3((struct vv_str){(const char *)slot, VV_SPOOL_SLOT_SUM_AT});
}

static bool slot_read(const unsigned char *slot, struct vv_segment_head *out)
{
    if (memcmp(slot, magic.ptr, magic.len) != 0 ||
        vv_get64(slot + VV_SPOOL_SLOT_SUM_AT) != slot_sum(slot) ||
        vv_get32(slot + 8) != VV_SPOOL_FORMAT)
        return false;
    uint32_t state = vv_get32(slot + 12);
    if (state != VV_SEGMENT_OPEN && state != VV_SEGMENT_SEALED)
        return false;
    *out = (struct vv_segment_head){
        .state = state == VV_SEGMENT_OPEN ? VV_SEGMENT_OPEN : VV_SEGMENT_SEALED,
        .number = vv_get64(slot + 32),
        .generation = vv_get32(slot + 40),
        .durable_bytes = vv_get64(slot + 64),
        .capacity = vv_get64(slot + 72),
        .turn = vv_get64(slot + 80),
    };
    memcpy(out->key, slot + 16, sizeof(out->key));
    memcpy(out->boot, slot + 48, sizeof(out->boot));
    return true;
}

bool vv_segment_head_read(struct vv_str file, struct vv_segment_head *out)
{
    bool is_found = false;
    const unsigned char *bytes = (const unsigned char *)file.ptr;
    for (size_t i = 0; i < 2; i++) {
        struct vv_segment_head slot;
        size_t at = i * VV_SPOOL_PAGE_BYTES;
        if (file.len < at + VV_SPOOL_SLOT_BYTES || !slot_read(bytes + at, &slot))
            continue;
        if (!is_found || slot.turn > out->turn)
            *out = slot;
        is_found = true;
    }
    return is_found;
}

void vv_segment_head_write(const struct vv_segment_head *head, unsigned char *file)
{
    unsigned char slot[VV_SPOOL_SLOT_BYTES] = {0};
    memcpy(slot, magic.ptr, magic.len);
    vv_put32(slot + 8, VV_SPOOL_FORMAT);
    vv_put32(slot + 12, (uint32_t)head->state);
    memcpy(slot + 16, head->key, sizeof(head->key));
    vv_put64(slot + 32, head->number);
    vv_put32(slot + 40, head->generation);
    memcpy(slot + 48, head->boot, sizeof(head->boot));
    vv_put64(slot + 64, head->durable_bytes);
    vv_put64(slot + 72, head->capacity);
    vv_put64(slot + 80, head->turn);
    vv_put64(slot + VV_SPOOL_SLOT_SUM_AT, slot_sum(slot));
    memcpy(file + head->turn % 2 * VV_SPOOL_PAGE_BYTES, slot, sizeof(slot));
}

uint64_t vv_segment_seed(const unsigned char key[VV_SPOOL_KEY_BYTES], uint64_t number)
{
    unsigned char place[VV_SPOOL_KEY_BYTES + 8];
    memcpy(place, key, VV_SPOOL_KEY_BYTES);
    vv_put64(place + VV_SPOOL_KEY_BYTES, number);
    return vv_xxh3((struct vv_str){(const char *)place, sizeof(place)});
}

static bool kind_is_row(enum vv_spool_kind kind)
{
    return kind == VV_SPOOL_JSON || kind == VV_SPOOL_TYPED;
}

static uint64_t gap_first(const struct vv_spool_record *gap)
{
    return vv_get64((const unsigned char *)gap->payload.ptr);
}

void vv_segment_count(struct vv_segment_counts *counts, const struct vv_spool_record *record)
{
    bool is_gap = record->kind == VV_SPOOL_GAP;
    counts->records++;
    if (!is_gap && !kind_is_row(record->kind))
        return;
    if (counts->last_sequence == 0)
        counts->first_sequence = is_gap ? gap_first(record) : record->sequence;
    counts->last_sequence = record->sequence;
    if (is_gap)
        return;
    if (counts->rows++ == 0)
        counts->first_arrival_us = record->arrival_us;
    counts->last_arrival_us = record->arrival_us;
}

/* Of the record at `at` of `record_bytes`; never zero, which says that none is there. */
static uint64_t record_sum(const unsigned char *file, size_t at, size_t record_bytes,
    uint64_t seed)
{
    struct vv_str covered = {(const char *)file + at + 8, record_bytes - 8};
    uint64_t sum = vv_xxh3_seeded(covered, seed + at);
    return sum != 0 ? sum : 1;
}

/* From here on the record is there. One store, so that no crash leaves half of the word. */
static void publish(unsigned char *file, size_t at, size_t record_bytes, uint64_t seed)
{
    uint64_t *word = (uint64_t *)(void *)(file + at);
    __atomic_store_n(word, htole64(record_sum(file, at, record_bytes, seed)), __ATOMIC_RELEASE);
}

static void write_head(unsigned char *to, size_t payload_bytes, unsigned kind,
    const struct vv_spool_record *record)
{
    vv_put32(to + 8, (uint32_t)payload_bytes);
    to[12] = (unsigned char)kind;
    to[13] = record->is_stamped ? FLAG_STAMPED : 0;
    vv_put16(to + 14, record->table);
    vv_put16(to + 16, record->schema);
    vv_put64(to + 24, (uint64_t)record->arrival_us);
    vv_put64(to + 32, record->sequence);
}

void vv_segment_write(unsigned char *file, size_t at, uint64_t seed,
    const struct vv_spool_record *record)
{
    unsigned char *to = file + at;
    write_head(to, record->payload.len, (unsigned)record->kind, record);
    if (record->payload.len > 0)
        memcpy(to + VV_SEGMENT_RECORD_HEAD_BYTES, record->payload.ptr, record->payload.len);
    publish(file, at, vv_segment_record_bytes(record->payload.len), seed);
}

void vv_segment_write_end(unsigned char *file, size_t at, uint64_t seed,
    const struct vv_segment_counts *counts)
{
    unsigned char *to = file + at;
    const struct vv_spool_record end = {
        .arrival_us = counts->last_arrival_us, .sequence = counts->last_sequence};
    write_head(to, VV_SEGMENT_END_BYTES - VV_SEGMENT_RECORD_HEAD_BYTES, KIND_END, &end);
    vv_put64(to + 40, counts->rows);
    vv_put64(to + 48, counts->records);
    vv_put64(to + 56, counts->first_sequence);
    vv_put64(to + 64, (uint64_t)counts->first_arrival_us);
    publish(file, at, VV_SEGMENT_END_BYTES, seed);
}

void vv_segment_cursor_init(struct vv_segment_cursor *cursor, struct vv_str file,
    const unsigned char key[VV_SPOOL_KEY_BYTES], uint64_t number)
{
    *cursor = (struct vv_segment_cursor){
        .bytes = (const unsigned char *)file.ptr,
        .len = file.len,
        .seed = vv_segment_seed(key, number),
        .at = VV_SEGMENT_HEAD_BYTES,
        .counts = VV_SEGMENT_COUNTS_INIT,
    };
}

/* Bytes of the record at `at`, if its length can be true; 0 otherwise. */
static size_t claimed_bytes(const unsigned char *file, size_t len, size_t at)
{
    size_t payload_bytes = vv_get32(file + at + 8);
    size_t record_bytes = vv_segment_record_bytes(payload_bytes);
    bool is_fine = payload_bytes <= VV_SEGMENT_PAYLOAD_BYTES_MAX && record_bytes <= len - at;
    return is_fine ? record_bytes : 0;
}

static void read_record(const unsigned char *from, struct vv_spool_record *out)
{
    *out = (struct vv_spool_record){
        .kind = (enum vv_spool_kind)from[12],
        .table = vv_get16(from + 14),
        .schema = vv_get16(from + 16),
        .is_stamped = (from[13] & FLAG_STAMPED) != 0,
        .arrival_us = (int64_t)vv_get64(from + 24),
        .sequence = vv_get64(from + 32),
        .payload = {(const char *)from + VV_SEGMENT_RECORD_HEAD_BYTES, vv_get32(from + 8)},
    };
}

static const char *misfit_gap(const struct vv_segment_counts *counts,
    const struct vv_spool_record *gap)
{
    uint64_t first = gap->payload.len == 8 ? gap_first(gap) : 0;
    bool is_fine = first > 0 && first <= gap->sequence &&
                   (counts->last_sequence == 0 || first == counts->last_sequence + 1);
    return is_fine ? NULL : "is of lost rows, which do not follow the row before them";
}

static bool is_newer(const unsigned char *from)
{
    return (from[13] & ~FLAG_STAMPED) != 0 || vv_get16(from + 18) != 0 ||
           vv_get32(from + 20) != 0;
}

/* What is wrong with a record that came whole, in the place where it stands; NULL: nothing. */
static const char *misfit(const struct vv_segment_cursor *cursor, const unsigned char *from,
    const struct vv_spool_record *record)
{
    const struct vv_segment_counts *counts = &cursor->counts;
    if (is_newer(from))
        return "uses what a later version of Varve added";
    switch (record->kind) {
    case VV_SPOOL_TABLE:
        return record->table == cursor->tables ? NULL : "declares a table out of turn";
    case VV_SPOOL_SCHEMA:
        return record->schema == cursor->schemas ? NULL : "declares a schema out of turn";
    case VV_SPOOL_TYPED:
        if (record->schema >= cursor->schemas)
            return "names a schema that was not declared";
        break;
    case VV_SPOOL_JSON:
        break;
    case VV_SPOOL_GAP:
        return misfit_gap(counts, record);
    default:
        return "is of a kind that this version of Varve does not know";
    }
    if (record->table >= cursor->tables)
        return "names a table that was not declared";
    if (record->sequence == 0 ||
        (counts->last_sequence > 0 && record->sequence != counts->last_sequence + 1))
        return "does not follow the row before it";
    if (counts->rows > 0 && record->arrival_us < counts->last_arrival_us)
        return "arrived before the row before it";
    return NULL;
}

static const char *misfit_end(const struct vv_segment_counts *counts, const unsigned char *from,
    const struct vv_spool_record *end)
{
    bool is_fine =
        end->payload.len == VV_SEGMENT_END_BYTES - VV_SEGMENT_RECORD_HEAD_BYTES &&
        end->sequence == counts->last_sequence && end->arrival_us == counts->last_arrival_us &&
        vv_get64(from + 40) == counts->rows && vv_get64(from + 48) == counts->records &&
        vv_get64(from + 56) == counts->first_sequence &&
        (int64_t)vv_get64(from + 64) == counts->first_arrival_us;
    return is_fine ? NULL : "is an end that counts other records than those before it";
}

static enum vv_segment_step bad(struct vv_segment_cursor *cursor, const char *fault)
{
    cursor->fault = fault;
    return VV_SEGMENT_STEP_BAD;
}

enum vv_segment_step vv_segment_next(struct vv_segment_cursor *cursor,
    struct vv_spool_record *out)
{
    size_t at = cursor->at;
    const unsigned char *from = cursor->bytes + at;
    if (at > cursor->len || cursor->len - at < VV_SEGMENT_RECORD_HEAD_BYTES)
        return VV_SEGMENT_STEP_BLANK;
    uint64_t sum =
        le64toh(__atomic_load_n((const uint64_t *)(const void *)from, __ATOMIC_ACQUIRE));
    if (sum == 0)
        return VV_SEGMENT_STEP_BLANK;
    size_t record_bytes = claimed_bytes(cursor->bytes, cursor->len, at);
    if (record_bytes == 0)
        return bad(cursor, "has a length that cannot be");
    if (sum != record_sum(cursor->bytes, at, record_bytes, cursor->seed))
        return bad(cursor, "does not match its checksum");

    struct vv_spool_record record;
    read_record(from, &record);
    bool is_end = from[12] == KIND_END;
    const char *fault =
        is_end ? misfit_end(&cursor->counts, from, &record) : misfit(cursor, from, &record);
    if (fault != NULL)
        return bad(cursor, fault);
    cursor->at = at + record_bytes;
    if (is_end)
        return VV_SEGMENT_STEP_END;
    vv_segment_count(&cursor->counts, &record);
    cursor->tables += record.kind == VV_SPOOL_TABLE;
    cursor->schemas += record.kind == VV_SPOOL_SCHEMA;
    *out = record;
    return VV_SEGMENT_STEP_RECORD;
}

size_t vv_segment_hashed_bytes_max(struct vv_str file)
{
    return file.len * HASHED_BYTES_FACTOR;
}

size_t vv_segment_record_at(struct vv_str file, uint64_t seed, size_t at,
    size_t *hashed_bytes_left, struct vv_spool_record *out, struct vv_segment_counts *out_end)
{
    const unsigned char *bytes = (const unsigned char *)file.ptr;
    if (at > file.len || file.len - at < VV_SEGMENT_RECORD_HEAD_BYTES)
        return 0;
    uint64_t sum = vv_get64(bytes + at);
    size_t record_bytes = sum != 0 ? claimed_bytes(bytes, file.len, at) : 0;
    if (record_bytes == 0 || record_bytes > *hashed_bytes_left)
        return 0;
    *hashed_bytes_left -= record_bytes;
    if (sum != record_sum(bytes, at, record_bytes, seed))
        return 0;
    read_record(bytes + at, out);
    *out_end = (struct vv_segment_counts){0};
    if (bytes[at + 12] == KIND_END && record_bytes == VV_SEGMENT_END_BYTES)
        *out_end = (struct vv_segment_counts){
            .rows = vv_get64(bytes + at + 40),
            .records = vv_get64(bytes + at + 48),
            .first_sequence = vv_get64(bytes + at + 56),
            .last_sequence = out->sequence,
            .first_arrival_us = (int64_t)vv_get64(bytes + at + 64),
            .last_arrival_us = out->arrival_us,
        };
    return record_bytes;
}

void vv_segment_record_view(struct vv_str file, size_t at, struct vv_spool_record *out)
{
    read_record((const unsigned char *)file.ptr + at, out);
}

bool vv_segment_record_is_newer(struct vv_str file, size_t at)
{
    const unsigned char *from = (const unsigned char *)file.ptr + at;
    bool is_known =
        (from[12] >= VV_SPOOL_TABLE && from[12] <= VV_SPOOL_GAP) || from[12] == KIND_END;
    return !is_known || is_newer(from);
}

uint64_t vv_segment_records_behind(struct vv_str file, uint64_t seed, size_t from,
    uint64_t *out_rows)
{
    uint64_t rows = 0;
    uint64_t records = 0;
    size_t at = (from + 7) / 8 * 8;
    size_t hashed_bytes_left = vv_segment_hashed_bytes_max(file);
    while (at < file.len && file.len - at >= VV_SEGMENT_RECORD_HEAD_BYTES) {
        struct vv_spool_record record;
        struct vv_segment_counts end;
        size_t record_bytes =
            vv_segment_record_at(file, seed, at, &hashed_bytes_left, &record, &end);
        records += record_bytes > 0;
        rows += record_bytes > 0 && kind_is_row(record.kind);
        at += record_bytes > 0 ? record_bytes : 8;
    }
    *out_rows = rows;
    return records;
}

size_t vv_segment_bytes_behind(struct vv_str file, size_t from)
{
    size_t end = file.len;
    while (end > from && file.ptr[end - 1] == '\0')
        end--;
    return end > from ? end - from : 0;
}
