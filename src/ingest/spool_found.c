/*
 * What the files of a spool are. Only the tail of the log can be torn: the records behind the first
 * that is not whole, up to the end of the newest segment. It is a torn tail, and not damage, if
 *
 *   - no slot says that it had been synced (its watermark), nor that any later segment had, and
 *   - the machine was booted since the segment was made: a power cut loses pages in any order.
 *     Where only the process died all pages are whole; then nothing may be published at the place
 *     of the tear, and no whole record lie behind it.
 *
 * A file that is missing is found by the rows: those from the header's next sequence on were in no
 * segment that is gone.
 */
#include "ingest/spool_found.h"

#include <stdlib.h>

void vv_spool_finds_done(struct vv_spool_finds *finds)
{
    for (size_t i = 0; i < finds->len; i++)
        vv_journal_shut(&finds->items[i].file);
}

/* The first fault of a file is the one that is told. */
static void mark(struct vv_spool_find *find, size_t offset, const char *fault)
{
    if (find->fault != NULL)
        return;
    find->fault = fault;
    find->fault_at = offset;
}

varve_status vv_spool_finds_check(struct vv_op *op, const struct vv_spool *spool,
    const struct vv_spool_finds *finds)
{
    for (size_t i = 0; i < finds->len; i++) {
        const struct vv_spool_find *find = &finds->items[i];
        if (find->fault != NULL)
            return vv_fail(op, VARVE_ECORRUPT,
                "%s/%.*s is damaged at offset %zu: %s; nothing was changed: `varve spool "
                "salvage` saves what can be read, or restore the file",
                spool->journal->location.ptr, VV_ARG(find->name), find->fault_at, find->fault);
        if (find->lost_first != 0)
            return vv_fail(op, VARVE_ECORRUPT,
                "rows %" PRIu64 " to %" PRIu64
                ", which came before those of %s/%.*s, are in no file; nothing was changed: "
                "restore the file that is missing, or `varve spool salvage` goes on without "
                "those rows",
                find->lost_first, find->lost_last, spool->journal->location.ptr,
                VV_ARG(find->name));
    }
    return VARVE_OK;
}

static int compare_finds(const void *left, const void *right)
{
    const struct vv_spool_find *a = left;
    const struct vv_spool_find *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->generation < b->generation ? -1 : a->generation > b->generation;
}

static varve_status list_files(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_finds *finds)
{
    struct vv_journal *journal = spool->journal;
    struct vv_str *names;
    size_t names_len;
    VV_TRY(vv_journal_list(op, journal, &op->arena, &names, &names_len));
    VV_NEW(op, &finds->items, struct vv_spool_find, names_len + 1);
    for (size_t i = 0; i < names_len; i++) {
        struct vv_spool_find *find = &finds->items[finds->len];
        if (!vv_spool_segment_name_parse(names[i], &find->number, &find->generation))
            continue;
        find->name = names[i];
        find->counts = VV_SEGMENT_COUNTS_INIT;
        finds->len++;
    }
    if (finds->len > 1)
        qsort(finds->items, finds->len, sizeof(struct vv_spool_find), compare_finds);
    for (size_t i = 0; i < finds->len; i++) {
        struct vv_spool_find *find = &finds->items[i];
        VV_TRY(vv_journal_map(op, journal, find->name, 0, &find->file));
        find->has_head = vv_segment_head_read(vv_spool_find_content(find), &find->head) &&
                         find->head.number == find->number &&
                         find->head.generation == find->generation &&
                         memcmp(find->head.key, spool->header.key, VV_SPOOL_KEY_BYTES) == 0;
    }
    return VARVE_OK;
}

/* Numbers that the header never gave out were never used: such a file has no record. */
static void check_unused(const struct vv_spool *spool, struct vv_spool_find *find)
{
    uint64_t rows = 0;
    uint64_t seed = vv_segment_seed(spool->header.key, find->number);
    struct vv_str content = vv_spool_find_content(find);
    if (vv_segment_records_behind(content, seed, VV_SEGMENT_HEAD_BYTES, &rows) > 0)
        mark(find, VV_SEGMENT_HEAD_BYTES,
            "it has records, but the file \"spool\" is older and does not know it");
}

/* Of the files of one number the youngest with a slot counts; without one none does. */
static void choose_generations(const struct vv_spool *spool, struct vv_spool_finds *finds)
{
    struct vv_spool_find *items = finds->items;
    for (size_t i = 0; i < finds->len;) {
        size_t end = i;
        size_t chosen = SIZE_MAX;
        for (; end < finds->len && items[end].number == items[i].number; end++) {
            items[end].fate = VV_FATE_DROP_FIRST;
            if (items[end].has_head)
                chosen = end;
        }
        if (chosen == SIZE_MAX && items[i].number < spool->header.known_number)
            mark(&items[i], 0, "neither of its two slots is one of this segment of this spool");
        for (size_t j = i; chosen == SIZE_MAX && j < end; j++)
            check_unused(spool, &items[j]);
        for (size_t j = i; chosen != SIZE_MAX && j <= chosen; j++)
            items[j].fate = j < chosen ? VV_FATE_REPLACED : VV_FATE_KEEP;
        i = end;
    }
}

static void check_sealed(struct vv_spool_find *find)
{
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    enum vv_segment_step step;
    struct vv_str content = vv_spool_find_content(find);
    vv_segment_cursor_init(&cursor, content, find->head.key, find->number);
    do
        step = vv_segment_next(&cursor, &record);
    while (step == VV_SEGMENT_STEP_RECORD);
    if (step == VV_SEGMENT_STEP_BAD)
        mark(find, cursor.at, cursor.fault);
    else if (step == VV_SEGMENT_STEP_BLANK)
        mark(find, cursor.at, "the rest of the segment is missing");
    else if (cursor.at != find->head.durable_bytes)
        mark(find, cursor.at, "ends where its head does not say so");
    else if (vv_segment_bytes_behind(content, cursor.at) > 0)
        mark(find, cursor.at, "there is something behind its end");
    find->end = cursor.at;
    find->counts = cursor.counts;
}

/* What lies behind the tear, in it and in all later ones; false: one of those was synced. */
static bool count_behind(struct vv_spool_finds *finds, size_t index,
    const struct vv_segment_cursor *cursor, uint64_t *out_records)
{
    struct vv_str content = vv_spool_find_content(&finds->items[index]);
    uint64_t rows = 0;
    uint64_t records = vv_segment_records_behind(content, cursor->seed, cursor->at, &rows);
    size_t bytes = vv_segment_bytes_behind(content, cursor->at);
    for (size_t i = index + 1; i < finds->len; i++) {
        const struct vv_spool_find *later = &finds->items[i];
        if (later->fault != NULL)
            return false;
        if (!vv_spool_find_is_chosen(later))
            continue;
        if (later->head.state == VV_SEGMENT_SEALED ||
            later->head.durable_bytes > VV_SEGMENT_HEAD_BYTES)
            return false;
        uint64_t later_rows = 0;
        uint64_t seed = vv_segment_seed(later->head.key, later->number);
        content = vv_spool_find_content(later);
        records += vv_segment_records_behind(content, seed, VV_SEGMENT_HEAD_BYTES, &later_rows);
        rows += later_rows;
        bytes += vv_segment_bytes_behind(content, VV_SEGMENT_HEAD_BYTES);
    }
    finds->rows_cut = (int64_t)rows;
    finds->bytes_cut = (int64_t)bytes;
    *out_records = records;
    return true;
}

/* Whether the place where the log of a segment stops is where a crash may have stopped it. */
static void judge_tear(const struct vv_spool *spool, struct vv_spool_finds *finds, size_t index,
    const struct vv_segment_cursor *cursor, const char *fault)
{
    static const unsigned char unknown[VV_JOURNAL_BOOT_BYTES] = {0};
    struct vv_spool_find *find = &finds->items[index];
    struct vv_str content = vv_spool_find_content(find);
    size_t at = cursor->at;
    uint64_t records = 0;
    if (content.len < find->head.capacity) {
        mark(find, content.len, "the rest of the file is missing");
        return;
    }
    if (at < find->head.durable_bytes || !count_behind(finds, index, cursor, &records)) {
        mark(find, at, fault);
        return;
    }
    const unsigned char *boot = find->head.boot;
    bool is_same_boot = memcmp(boot, unknown, sizeof(unknown)) != 0 &&
                        memcmp(boot, spool->boot, sizeof(unknown)) == 0;
    bool is_published = at < content.len && content.len - at >= sizeof(uint64_t) &&
                        vv_get64(find->file.bytes + at) != 0;
    if (is_same_boot && (records > 0 || is_published)) {
        finds->rows_cut = finds->bytes_cut = 0;
        mark(find, at, fault);
        return;
    }
    finds->torn_index = index;
}

/* Reads a segment that was not sealed up to its end, or to where the log is torn. */
static void read_unsealed(const struct vv_spool *spool, struct vv_spool_finds *finds,
    size_t index)
{
    struct vv_spool_find *find = &finds->items[index];
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    enum vv_segment_step step;
    vv_segment_cursor_init(&cursor, vv_spool_find_content(find), find->head.key, find->number);
    do {
        find->end = cursor.at;
        step = vv_segment_next(&cursor, &record);
    } while (step == VV_SEGMENT_STEP_RECORD);
    find->counts = cursor.counts;
    find->fate = cursor.counts.rows > 0 ? VV_FATE_COPY : VV_FATE_DROP;
    if (step != VV_SEGMENT_STEP_END)
        judge_tear(spool, finds, index, &cursor,
            step == VV_SEGMENT_STEP_BAD ? cursor.fault : "a record is missing");
    else if (vv_segment_bytes_behind(vv_spool_find_content(find), cursor.at) > 0)
        mark(find, cursor.at, "there is something behind its end");
}

/*
 * Numbers in a row are segments in a row, so no row between them may be missing; and where numbers
 * lie between, their rows are below what the header knows of segments that are gone.
 */
static void check_follows(const struct vv_spool *spool, const struct vv_spool_find *before,
    struct vv_spool_find *find)
{
    /* An append that found no memory may leave a segment with a declaration and no row. */
    if (find->counts.rows == 0 || (before != NULL && before->counts.rows == 0))
        return;
    uint64_t first = find->counts.first_sequence;
    uint64_t expected = before != NULL ? before->counts.last_sequence + 1 : 1;
    bool is_next = before != NULL && before->number + 1 == find->number;
    if (is_next && first < expected)
        mark(find, VV_SEGMENT_HEAD_BYTES,
            "its rows do not follow those of the segment before it");
    if (!is_next && spool->header.next_sequence > expected)
        expected = spool->header.next_sequence;
    if (first > expected) {
        find->lost_first = expected;
        find->lost_last = first - 1;
    }
}

static varve_status judge(struct vv_op *op, const struct vv_spool *spool,
    struct vv_spool_finds *finds)
{
    const struct vv_spool_find *before = NULL;
    bool is_known = true; /* what comes before */
    choose_generations(spool, finds);
    for (size_t i = 0; i < finds->len; i++) {
        struct vv_spool_find *find = &finds->items[i];
        VV_TRY(vv_check_cancel(op));
        is_known = is_known && find->fault == NULL;
        if (!vv_spool_find_is_chosen(find) || find->fault != NULL)
            continue;
        if (finds->torn_index < i) {
            find->fate = VV_FATE_DROP; /* counted with the tear */
            continue;
        }
        if (find->head.state == VV_SEGMENT_SEALED)
            check_sealed(find);
        else
            read_unsealed(spool, finds, i);
        if (find->fate != VV_FATE_DROP && find->number >= spool->header.next_number)
            mark(find, VV_SEGMENT_HEAD_BYTES,
                "the file \"spool\" is older and does not know it");
        if (find->fault == NULL && find->fate == VV_FATE_DROP)
            continue;
        if (find->fault == NULL && is_known)
            check_follows(spool, before, find);
        is_known = find->fault == NULL;
        before = find;
    }
    return VARVE_OK;
}

varve_status vv_spool_finds_read(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_finds *out)
{
    *out = (struct vv_spool_finds){.torn_index = SIZE_MAX};
    VV_TRY(list_files(op, spool, out));
    return judge(op, spool, out);
}
