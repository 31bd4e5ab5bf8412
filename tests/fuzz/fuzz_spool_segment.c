/*
 * A segment of the spool. The input's first byte says what the rest is: even, records, the first
 * words of which are made right first, so that what is behind the checksums is tried too; odd, a
 * file as somebody may have left it. Whatever it is, records lie within the file, follow each other
 * as the format says, and written anew they are the same; where they stop there is a reason.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/seam.h"
#include "ingest/spool_header.h"
#include "ingest/spool_segment.h"

#define NUMBER 7
#define LEN_MAX ((size_t)1 << 17)

static const unsigned char key[VV_SPOOL_KEY_BYTES] = "sixteen bytes...";

/* Each record's sum, as far as lengths lead from one to the next. */
static void repair(unsigned char *file, size_t len)
{
    uint64_t seed = vv_segment_seed(key, NUMBER);
    size_t at = VV_SEGMENT_HEAD_BYTES;
    while (len - at >= VV_SEGMENT_RECORD_HEAD_BYTES) {
        size_t bytes = vv_segment_record_bytes(vv_get32(file + at + 8));
        if (bytes > len - at || vv_get64(file + at) == 0)
            return;
        struct vv_str covered = {(const char *)file + at + 8, bytes - 8};
        uint64_t sum = vv_xxh3_seeded(covered, seed + at);
        vv_put64(file + at, sum != 0 ? sum : 1);
        at += bytes;
    }
}

static bool is_row(const struct vv_spool_record *record)
{
    return record->kind == VV_SPOOL_JSON || record->kind == VV_SPOOL_TYPED;
}

/* What was read, written anew, has the bytes that it had. */
static void check_record(const struct vv_segment_cursor *cursor, size_t from,
    const struct vv_spool_record *record)
{
    size_t bytes = cursor->at - from;
    const char *start = (const char *)cursor->bytes;
    VV_PRE(cursor->at > from && cursor->at <= cursor->len && from % 8 == 0);
    VV_PRE(bytes == vv_segment_record_bytes(record->payload.len));
    VV_PRE(record->payload.len == 0 ||
           (record->payload.ptr == start + from + VV_SEGMENT_RECORD_HEAD_BYTES));
    unsigned char *copy = vv_malloc_zeroed(cursor->at);
    VV_PRE(copy != NULL);
    vv_segment_write(copy, from, cursor->seed, record);
    /* But for the sum, which covers what stands in the padding, too. */
    VV_PRE(memcmp(copy + from + 8, cursor->bytes + from + 8,
               VV_SEGMENT_RECORD_HEAD_BYTES - 8 + record->payload.len) == 0);
    vv_free(copy);
}

static void check_order(const struct vv_segment_counts *before,
    const struct vv_spool_record *record)
{
    if (!is_row(record))
        return;
    VV_PRE(before->rows == 0 || (record->sequence == before->last_sequence + 1 &&
                                    record->arrival_us >= before->last_arrival_us));
}

static void read_all(struct vv_str file)
{
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    enum vv_segment_step step;
    uint64_t rows = 0;
    vv_segment_cursor_init(&cursor, file, key, NUMBER);
    for (;;) {
        size_t from = cursor.at;
        struct vv_segment_counts before = cursor.counts;
        step = vv_segment_next(&cursor, &record);
        if (step != VV_SEGMENT_STEP_RECORD)
            break;
        check_record(&cursor, from, &record);
        check_order(&before, &record);
        rows += is_row(&record);
    }
    VV_PRE(rows == cursor.counts.rows && cursor.at <= file.len);
    VV_PRE(step != VV_SEGMENT_STEP_BAD || cursor.fault != NULL);
    uint64_t rows_behind = 0;
    uint64_t behind =
        vv_segment_records_behind(file, cursor.seed, VV_SEGMENT_HEAD_BYTES, &rows_behind);
    VV_PRE(behind >= cursor.counts.records && rows_behind <= behind);
    VV_PRE(vv_segment_bytes_behind(file, cursor.at) <= file.len - cursor.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > LEN_MAX)
        return 0;
    bool is_file = data[0] % 2 == 1;
    size_t before = is_file ? 0 : VV_SEGMENT_HEAD_BYTES;
    size_t len = before + size - 1;
    size_t held = len > VV_SEGMENT_HEAD_BYTES ? len : VV_SEGMENT_HEAD_BYTES;
    unsigned char *file = vv_malloc_zeroed(held);
    VV_PRE(file != NULL);
    memcpy(file + before, data + 1, size - 1);
    struct vv_segment_head head = {
        .state = VV_SEGMENT_OPEN, .generation = 1, .number = NUMBER, .capacity = held};
    memcpy(head.key, key, sizeof(key));
    if (!is_file) {
        vv_segment_head_write(&head, file);
        repair(file, held);
    }
    struct vv_str bytes = {(const char *)file, held};
    struct vv_segment_head found;
    struct vv_spool_header header;
    VV_PRE(vv_segment_head_read(bytes, &found) || is_file);
    (void)vv_spool_header_format(bytes);
    (void)vv_spool_header_read((struct vv_str){bytes.ptr, len}, &header);
    read_all(bytes);
    vv_free(file);
    return 0;
}
