/*
 * Every byte of a segment cut off or changed: what the spool makes of it is what
 * docs/format-spool.md promises, and a spool that refuses changes nothing.
 */
#include <signal.h>

#include "harness/proc.h"
#include "ingest/spool_segment.h"
#include "spool_folder.h"

#define ROWS 4
#define SEGMENT_BYTES (VV_SEGMENT_HEAD_BYTES + VV_SPOOL_PAGE_BYTES)

struct bench {
    struct spool_fixture f;
    struct folder folder;     /* as the test wants it found */
    struct folder_file *file; /* the segment in it */
    size_t at[ROWS + 3]; /* where the declaration, each row, the end and what follows begin */
    size_t at_len;
};

static void fill(struct spool_fixture *f)
{
    spool_fixture_init(f);
    f->options = (struct vv_spool_options){
        .no_sync = true, .segment_bytes = SEGMENT_BYTES, .sync_interval_us = -1};
    if (spool_open(f, "spool"))
        (void)put_rows(f, "signals", 1, ROWS);
}

static int fill_and_die(void *data)
{
    struct spool_fixture f;
    (void)data;
    fill(&f);
    (void)kill(getpid(), SIGKILL);
    return 0;
}

static void find_records(struct bench *b)
{
    struct vv_segment_head head;
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    b->at_len = 0;
    REQUIRE(vv_segment_head_read(b->file->content, &head));
    vv_segment_cursor_init(&cursor, b->file->content, head.key, head.number);
    do
        b->at[b->at_len++] = cursor.at;
    while (vv_segment_next(&cursor, &record) == VV_SEGMENT_STEP_RECORD);
    if (cursor.at > b->at[b->at_len - 1])
        b->at[b->at_len++] = cursor.at;
}

/* A spool of one segment with ROWS rows that nobody owns: sealed, or as a kill leaves it. */
static bool bench_open(struct bench *b, bool sealed)
{
    struct test_proc proc;
    *b = (struct bench){0};
    if (sealed) {
        fill(&b->f);
        (void)spool_close(&b->f);
        vv_op_done(&b->f.op);
    } else if (CHECK(test_proc_fork(&proc, fill_and_die, NULL))) {
        CHECK_INT(test_proc_wait(&proc, 30000), 128 + SIGKILL);
    }
    spool_fixture_init(&b->f);
    b->f.options = (struct vv_spool_options){.no_sync = true, .segment_bytes = SEGMENT_BYTES};
    if (!folder_read(&b->folder, test_path("spool")))
        return false;
    b->file = folder_find(&b->folder, "00000000000000000001.");
    if (!CHECK(b->file != NULL))
        return false;
    find_records(b);
    return CHECK_INT(b->at_len, ROWS + 2 + (sealed ? 1 : 0));
}

/* Opens the folder with this content of the segment; the status, and rows that are there. */
static varve_status open_with(struct bench *b, struct vv_str content, uint64_t *out_rows)
{
    *out_rows = 0;
    if (!folder_restore(&b->folder) || !write_in_place(b->folder.path, b->file->name, content))
        return VARVE_EFAILED;
    varve_status status = vv_spool_open(&b->f.op, vv_str_of(b->folder.path), &b->f.options,
        &b->f.recovery, &b->f.spool);
    if (status == VARVE_OK) {
        struct rows_seen seen = see_sealed(&b->f);
        CHECK(seen.in_order);
        CHECK(seen.rows == 0 || seen.first == 1);
        *out_rows = seen.rows;
        (void)spool_close(&b->f);
    } else {
        vv_forgive(&b->f.op);
        /* Nothing but the lines about the owner may have changed. */
        char path[600];
        (void)snprintf(path, sizeof(path), "%s/%s", b->folder.path, b->file->name);
        CHECK(vv_str_eq(test_file_read(path), content));
    }
    return status;
}

/* What is said about damage names the file and the offset. */
static void check_names_place(struct bench *b, size_t offset)
{
    char place[100];
    (void)snprintf(place, sizeof(place), "%s is damaged at offset %zu:", b->file->name, offset);
    if (!CHECK(strstr(b->f.op.error.message, place) != NULL))
        CHECK_STR(b->f.op.error.message, place);
}

/* Index of the record that holds the byte. */
static size_t record_of(const struct bench *b, size_t byte)
{
    size_t index = 0;
    while (index + 1 < b->at_len && b->at[index + 1] <= byte)
        index++;
    return index;
}

static struct vv_str changed(struct vv_str content, size_t byte, unsigned bit, char *copy)
{
    memcpy(copy, content.ptr, content.len);
    copy[byte] = (char)((unsigned char)copy[byte] ^ 1u << bit);
    return (struct vv_str){copy, content.len};
}

static bool in_slot(size_t byte, size_t page)
{
    return byte >= page * VV_SPOOL_PAGE_BYTES &&
           byte < page * VV_SPOOL_PAGE_BYTES + VV_SPOOL_SLOT_BYTES;
}

/* The next byte to be tried: all of slots and records, few of the zeros that mean nothing. */
static size_t step_from(size_t byte)
{
    bool is_worth = in_slot(byte, 0) || in_slot(byte, 1) || byte >= VV_SEGMENT_HEAD_BYTES;
    return is_worth ? byte + 1 : byte + 97 - byte % 97 % 2;
}

/* Sets the boot of all slots to another than ours, and the watermark of the newest. */
static void boot_anew(struct bench *b, size_t durable_bytes)
{
    struct vv_segment_head head;
    char *copy = vv_new(&b->f.op.arena, char, b->file->content.len);
    REQUIRE(copy != NULL && vv_segment_head_read(b->file->content, &head));
    memcpy(copy, b->file->content.ptr, b->file->content.len);
    memset(head.boot, 7, sizeof(head.boot));
    vv_segment_head_write(&head, (unsigned char *)copy);
    head.turn++;
    head.durable_bytes = durable_bytes;
    vv_segment_head_write(&head, (unsigned char *)copy);
    b->file->content.ptr = copy;
}

TEST_SECONDS(spool_damage, of_a_sealed_segment_is_named_at_every_byte, 240)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, true));
    struct vv_str content = b.file->content;
    char *copy = vv_new(&b.f.op.arena, char, content.len);
    REQUIRE(copy != NULL);
    CHECK_INT(open_with(&b, content, &rows), VARVE_OK);
    CHECK_INT(rows, ROWS);
    size_t tried = 0;
    for (size_t byte = 0; byte < content.len; byte = step_from(byte)) {
        varve_status status = open_with(&b, changed(content, byte, byte % 8, copy), &rows);
        bool is_record = byte >= VV_SEGMENT_HEAD_BYTES;
        tried++;
        /* One slot of the head is enough: the other one is older, and the end is there. */
        if (!CHECK_INT(status, is_record ? VARVE_ECORRUPT : VARVE_OK) ||
            (!is_record && !CHECK_INT(rows, ROWS)))
            return;
        if (is_record)
            check_names_place(&b, b.at[record_of(&b, byte)]);
    }
    CHECK(tried > content.len - VV_SEGMENT_HEAD_BYTES + 2 * VV_SPOOL_SLOT_BYTES);
    vv_op_done(&b.f.op);
}

TEST_SECONDS(spool_damage, a_sealed_segment_cut_anywhere_is_refused, 240)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, true));
    struct vv_str content = b.file->content;
    for (size_t len = 0; len < content.len; len = step_from(len)) {
        varve_status status = open_with(&b, vv_str_first(content, len), &rows);
        if (!CHECK_INT(status, VARVE_ECORRUPT))
            return;
    }
    vv_op_done(&b.f.op);
}

TEST(spool_damage, of_both_slots_is_refused)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, true));
    char *copy = vv_new(&b.f.op.arena, char, b.file->content.len);
    REQUIRE(copy != NULL);
    struct vv_str once = changed(b.file->content, 50, 1, copy);
    copy[VV_SPOOL_PAGE_BYTES + 50] ^= 1;
    CHECK_INT(open_with(&b, once, &rows), VARVE_ECORRUPT);
    check_names_place(&b, 0);
    vv_op_done(&b.f.op);
}

TEST_SECONDS(spool_damage, of_what_a_killed_process_left_is_named, 240)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, false));
    struct vv_str content = b.file->content;
    char *copy = vv_new(&b.f.op.arena, char, content.len);
    REQUIRE(copy != NULL);
    size_t end = b.at[ROWS + 1];
    CHECK_INT(open_with(&b, content, &rows), VARVE_OK);
    CHECK_INT(rows, ROWS);
    CHECK_INT(b.f.recovery.bytes_cut, 0);
    for (size_t byte = 0; byte < end + 200; byte = step_from(byte)) {
        varve_status status = open_with(&b, changed(content, byte, byte % 8, copy), &rows);
        bool is_slot = in_slot(byte, 0); /* the other was never written */
        /* Where the next record would be published, or anything that was. */
        bool is_record = byte >= VV_SEGMENT_HEAD_BYTES && byte < end + 8;
        if (!CHECK_INT(status, is_slot || is_record ? VARVE_ECORRUPT : VARVE_OK))
            return;
        if (is_slot || is_record)
            check_names_place(&b, is_slot ? 0 : b.at[record_of(&b, byte)]);
        else
            CHECK_INT(rows, ROWS);
        if (byte >= end + 8) /* as if a record had been begun */
            CHECK_INT(b.f.recovery.bytes_cut, byte - end + 1);
    }
    for (size_t len = 0; len < content.len; len = step_from(len))
        if (!CHECK_INT(open_with(&b, vv_str_first(content, len), &rows), VARVE_ECORRUPT))
            return;
    vv_op_done(&b.f.op);
}

TEST(spool_damage, a_record_that_was_begun_when_the_process_died_is_cut)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, false));
    struct vv_str content = b.file->content;
    char *copy = vv_new(&b.f.op.arena, char, content.len);
    REQUIRE(copy != NULL);
    memcpy(copy, content.ptr, content.len);
    size_t last = b.at[ROWS];
    memset(copy + last, 0, 8); /* all of the last row but the word that publishes it */
    CHECK_INT(open_with(&b, (struct vv_str){copy, content.len}, &rows), VARVE_OK);
    CHECK_INT(rows, ROWS - 1);
    CHECK_INT(b.f.recovery.rows_cut, 0);
    CHECK(b.f.recovery.bytes_cut > 8);
    /* In the midst of the log no kill leaves that. */
    memcpy(copy, content.ptr, content.len);
    memset(copy + b.at[2], 0, 8);
    CHECK_INT(open_with(&b, (struct vv_str){copy, content.len}, &rows), VARVE_ECORRUPT);
    check_names_place(&b, b.at[2]);
    vv_op_done(&b.f.op);
}

TEST_SECONDS(spool_damage, after_a_power_cut_is_a_torn_tail_above_the_watermark_alone, 240)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, false));
    size_t durable = b.at[3]; /* the declaration and two rows */
    size_t end = b.at[ROWS + 1];
    boot_anew(&b, durable);
    struct vv_str content = b.file->content;
    char *copy = vv_new(&b.f.op.arena, char, content.len);
    REQUIRE(copy != NULL);
    for (size_t byte = VV_SEGMENT_HEAD_BYTES; byte < end + 200; byte++) {
        varve_status status = open_with(&b, changed(content, byte, byte % 8, copy), &rows);
        if (!CHECK_INT(status, byte < durable ? VARVE_ECORRUPT : VARVE_OK))
            return;
        if (byte < durable) {
            check_names_place(&b, b.at[record_of(&b, byte)]);
            continue;
        }
        size_t whole = record_of(&b, byte) - 1; /* the first record is no row */
        if (!CHECK_INT(rows, byte < end ? whole : ROWS))
            return;
        CHECK_INT(b.f.recovery.rows_cut, byte < end ? ROWS - 1 - whole : 0);
        CHECK(b.f.recovery.bytes_cut > 0);
    }
    vv_op_done(&b.f.op);
}

TEST(spool_damage, of_the_header_is_survived_once_and_then_refused)
{
    struct bench b;
    uint64_t rows;
    REQUIRE(bench_open(&b, true));
    struct folder_file *header = folder_find(&b.folder, "spool");
    REQUIRE(header != NULL && header->content.len == 4 * VV_SPOOL_PAGE_BYTES);
    struct vv_str whole = header->content;
    char *copy = vv_new(&b.f.op.arena, char, whole.len);
    REQUIRE(copy != NULL);
    for (size_t byte = 0; byte < 2 * VV_SPOOL_PAGE_BYTES + VV_SPOOL_SLOT_BYTES; byte++) {
        if (byte % VV_SPOOL_PAGE_BYTES >= VV_SPOOL_SLOT_BYTES)
            continue;
        header->content = changed(whole, byte, byte % 8, copy);
        if (!CHECK_INT(open_with(&b, b.file->content, &rows), VARVE_OK) ||
            !CHECK_INT(rows, ROWS))
            return;
    }
    memset(copy, 0, whole.len);
    header->content = (struct vv_str){copy, whole.len};
    CHECK_INT(open_with(&b, b.file->content, &rows), VARVE_ECORRUPT);
    header->content.len = 0;
    CHECK_INT(open_with(&b, b.file->content, &rows), VARVE_ECORRUPT);
    vv_op_done(&b.f.op);
}
