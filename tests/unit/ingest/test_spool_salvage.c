/*
 * Damage of every kind, and what is saved of it: each row that can be read is there once, with its
 * segment's number, each other one is named as lost, and the spool opens.
 */
#include <signal.h>

#include "base/json.h"
#include "base/seam.h"
#include "harness/lossy.h"
#include "harness/proc.h"
#include "harness/prop.h"
#include "ingest/spool_salvage.h"
#include "ingest/spool_segment.h"
#include "spool_folder.h"

#define SEGMENT_BYTES (VV_SEGMENT_HEAD_BYTES + VV_SPOOL_PAGE_BYTES)
#define ROWS_MAX 64

struct bench {
    struct spool_fixture f;
    struct folder folder; /* as it was before anything was damaged */
    uint64_t rows;
    struct vv_spool_salvage_options salvaging;
    const struct vv_json *report;
    bool is_there[ROWS_MAX + 1], is_lost[ROWS_MAX + 1];
};

/* Segments of so many rows each, sealed, of tables by turns. */
static bool bench_open(struct bench *b, const unsigned *segments, size_t len)
{
    *b = (struct bench){0};
    spool_fixture_init(&b->f);
    b->f.options = (struct vv_spool_options){
        .no_sync = true, .segment_bytes = SEGMENT_BYTES, .sync_interval_us = -1};
    b->salvaging = (struct vv_spool_salvage_options){.no_sync = true};
    if (!spool_open(&b->f, "spool"))
        return false;
    for (size_t i = 0; i < len; i++) {
        uint64_t number = 0;
        if (!put_rows(&b->f, "signals", b->rows + 1, segments[i]) ||
            !CHECK_OK(&b->f.op, vv_spool_seal(&b->f.op, b->f.spool, &number)))
            return false;
        b->rows += segments[i];
    }
    return spool_close(&b->f) && folder_read(&b->folder, test_path("spool"));
}

static struct folder_file *segment_file(struct bench *b, unsigned number)
{
    char start[32];
    (void)snprintf(start, sizeof(start), "%020u.", number);
    struct folder_file *file = folder_find(&b->folder, start);
    VV_PRE(file != NULL);
    return file;
}

/* The file as it was, to be changed. */
static char *copy_of(struct bench *b, const struct folder_file *file)
{
    char *copy = vv_new(&b->f.op.arena, char, file->content.len);
    VV_PRE(copy != NULL);
    memcpy(copy, file->content.ptr, file->content.len);
    return copy;
}

static void put_file(struct bench *b, const struct folder_file *file, const char *bytes)
{
    REQUIRE(write_in_place(b->folder.path, file->name,
        (struct vv_str){bytes, file->content.len}));
}

/* Where the records of a segment begin: the declaration, the rows, the end. */
static size_t record_at(const struct folder_file *file, unsigned index)
{
    struct vv_segment_head head;
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    VV_PRE(vv_segment_head_read(file->content, &head));
    vv_segment_cursor_init(&cursor, file->content, head.key, head.number);
    while (index-- > 0)
        VV_PRE(vv_segment_next(&cursor, &record) == VV_SEGMENT_STEP_RECORD);
    return cursor.at;
}

static void spoil(char *bytes, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[at + i] = (char)(bytes[at + i] ^ 0x55);
}

static varve_status salvage(struct bench *b)
{
    struct vv_str json = VV_STR_NONE;
    varve_status status = vv_spool_salvage(&b->f.op, vv_str_of(b->folder.path), &b->salvaging,
        &b->f.op.arena, &json);
    vv_seam_set(NULL);
    vv_seam_fail_allocation(0);
    b->report = NULL;
    if (status == VARVE_OK)
        VV_PRE(vv_json_parse(&b->f.op, &b->f.op.arena, json, &b->report) == VARVE_OK);
    return status;
}

static const struct vv_json *item(const struct vv_json *array, unsigned index)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *found = NULL;
    struct vv_str name;
    for (unsigned i = 0; i <= index; i++)
        VV_PRE(vv_json_each(array, &iterator, &name, &found));
    return found;
}

static int64_t number_of(const struct vv_json *json, const char *name)
{
    int64_t value = -1;
    (void)vv_json_int64(vv_json_get(json, name), &value);
    return value;
}

static void note_lost(struct bench *b)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *loss = NULL;
    int64_t lost = 0;
    memset(b->is_lost, 0, sizeof(b->is_lost));
    struct vv_str name;
    while (vv_json_each(vv_json_get(b->report, "lost"), &iterator, &name, &loss)) {
        bool is_certain = vv_json_bool(vv_json_get(loss, "certain"), false);
        int64_t first = number_of(loss, "first_sequence");
        int64_t last = number_of(loss, "last_sequence");
        for (int64_t i = first; is_certain && i <= last && i <= ROWS_MAX; i++)
            b->is_lost[i] = true;
        lost += is_certain ? last - first + 1 : 0;
    }
    CHECK_INT(number_of(b->report, "rows_lost"), lost);
}

static void note_there(struct bench *b)
{
    uint64_t *numbers = NULL;
    size_t len = 0;
    memset(b->is_there, 0, sizeof(b->is_there));
    CHECK_OK(&b->f.op, vv_spool_sealed(&b->f.op, b->f.spool, &b->f.op.arena, &numbers, &len));
    for (size_t i = 0; i < len; i++) {
        struct vv_spool_reader *reader = NULL;
        struct vv_spool_record record;
        bool has_record = true;
        REQUIRE(vv_spool_reader_open(&b->f.op, b->f.spool, numbers[i], &reader) == VARVE_OK);
        while (has_record) {
            char text[32];
            REQUIRE(vv_spool_reader_next(&b->f.op, reader, &record, &has_record) == VARVE_OK);
            if (!has_record || record.kind != VV_SPOOL_JSON)
                continue;
            REQUIRE(record.sequence <= ROWS_MAX);
            (void)snprintf(text, sizeof(text), "row-%u", (unsigned)record.sequence);
            CHECK(vv_str_eq(record.payload, vv_str_of(text)));
            CHECK(!b->is_there[record.sequence]);
            b->is_there[record.sequence] = true;
        }
        vv_spool_reader_close(&reader);
    }
}

/* The spool opens, and takes rows; what is not there is named, and so many are. */
static bool check_saved(struct bench *b, uint64_t there)
{
    uint64_t seen = 0;
    bool is_fine = true;
    note_lost(b);
    if (!spool_open(&b->f, "spool"))
        return false;
    note_there(b);
    for (uint64_t i = 1; i <= b->rows; i++) {
        seen += b->is_there[i];
        is_fine = is_fine && CHECK(b->is_there[i] != b->is_lost[i]);
    }
    is_fine = CHECK_INT(seen, there) && is_fine;
    is_fine = CHECK(try_put(&b->f, "signals", 0) > b->rows) && is_fine;
    (void)spool_close(&b->f);
    return is_fine;
}

static void check_refused(struct bench *b)
{
    CHECK_FAILS(&b->f.op,
        vv_spool_open(&b->f.op, vv_str_of(b->folder.path), &b->f.options, &b->f.recovery,
            &b->f.spool),
        VARVE_ECORRUPT);
}

static bool has_file(const struct bench *b, const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", b->folder.path, name);
    return access(path, F_OK) == 0;
}

TEST_SECONDS(spool_salvage, saves_all_but_the_row_that_a_changed_byte_is_in, 240)
{
    struct bench b;
    REQUIRE(bench_open(&b, (const unsigned[]){4, 4, 4}, 3));
    struct folder_file *file = segment_file(&b, 2);
    size_t first_row = record_at(file, 1);
    size_t end = record_at(file, 5);
    b.salvaging.table = VV_STR("signals");
    for (size_t byte = VV_SEGMENT_HEAD_BYTES; byte < file->content.len; byte += 3) {
        REQUIRE(folder_restore(&b.folder));
        char *copy = copy_of(&b, file);
        spoil(copy, byte, 1);
        put_file(&b, file, copy);
        check_refused(&b);
        if (!CHECK_OK(&b.f.op, salvage(&b)) ||
            !check_saved(&b, byte < first_row || byte >= end ? 12 : 11))
            return;
        CHECK(has_file(&b, "00000000000000000002.1.vs.damaged"));
    }
    spool_fixture_done(&b.f);
}

TEST(spool_salvage, of_two_damages_saves_what_lies_between_and_names_the_bytes)
{
    struct bench b;
    REQUIRE(bench_open(&b, (const unsigned[]){10}, 1));
    struct folder_file *file = segment_file(&b, 1);
    char *copy = copy_of(&b, file);
    spoil(copy, record_at(file, 3) + 20, 8); /* row 3 */
    spoil(copy, record_at(file, 7) + 20, 1); /* rows 7 and 8 */
    spoil(copy, record_at(file, 8) + 9, 1);
    put_file(&b, file, copy);
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK(check_saved(&b, 7));
    const struct vv_json *segment = item(vv_json_get(b.report, "segments"), 0);
    const struct vv_json *ranges = vv_json_get(segment, "unreadable");
    CHECK_INT(number_of(item(ranges, 0), "from"), (int64_t)record_at(file, 3));
    CHECK_INT(number_of(item(ranges, 0), "to"), (int64_t)record_at(file, 4));
    CHECK_INT(number_of(item(ranges, 1), "from"), (int64_t)record_at(file, 7));
    CHECK_INT(number_of(item(ranges, 1), "to"), (int64_t)record_at(file, 9));
    /* It is in order now. */
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK_INT(number_of(b.report, "rows_lost"), 0);
    spool_fixture_done(&b.f);
}

TEST(spool_salvage, goes_on_without_a_whole_segment_that_is_missing)
{
    struct bench b;
    REQUIRE(bench_open(&b, (const unsigned[]){5, 6, 7}, 3));
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", b.folder.path, segment_file(&b, 2)->name);
    REQUIRE(unlink(path) == 0);
    check_refused(&b);
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK(check_saved(&b, 12));
    CHECK(b.is_lost[6] && b.is_lost[11] && !b.is_lost[12]);
    /* The first one, and another one damaged. */
    REQUIRE(folder_restore(&b.folder));
    (void)snprintf(path, sizeof(path), "%s/%s", b.folder.path, segment_file(&b, 1)->name);
    REQUIRE(unlink(path) == 0);
    struct folder_file *file = segment_file(&b, 3);
    char *copy = copy_of(&b, file);
    spoil(copy, record_at(file, 2) + 4, 1);
    put_file(&b, file, copy);
    check_refused(&b);
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK(check_saved(&b, 12));
    CHECK(b.is_lost[1] && b.is_lost[5] && b.is_lost[13]);
    spool_fixture_done(&b.f);
}

TEST(spool_salvage, of_a_cut_file_saves_what_is_left)
{
    struct bench b;
    REQUIRE(bench_open(&b, (const unsigned[]){5, 8}, 2));
    struct folder_file *file = segment_file(&b, 1);
    for (unsigned rows = 0; rows < 5; rows++) {
        REQUIRE(folder_restore(&b.folder));
        struct vv_str rest = vv_str_first(file->content, record_at(file, rows + 1) + 11);
        REQUIRE(write_in_place(b.folder.path, file->name, rest));
        check_refused(&b);
        CHECK_OK(&b.f.op, salvage(&b));
        if (!CHECK(check_saved(&b, rows + 8)))
            return;
    }
    spool_fixture_done(&b.f);
}

TEST(spool_salvage, does_without_the_heads_and_without_the_spool_file)
{
    struct bench b;
    REQUIRE(bench_open(&b, (const unsigned[]){5, 6}, 2));
    struct folder_file *file = segment_file(&b, 1);
    char *copy = copy_of(&b, file);
    memset(copy, 0, VV_SEGMENT_HEAD_BYTES);
    put_file(&b, file, copy);
    check_refused(&b);
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK(check_saved(&b, 11));
    REQUIRE(folder_restore(&b.folder));
    struct folder_file *spool = folder_find(&b.folder, "spool");
    REQUIRE(spool != NULL);
    copy = copy_of(&b, spool);
    spoil(copy, 0, 3 * VV_SPOOL_PAGE_BYTES);
    put_file(&b, spool, copy);
    check_refused(&b);
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK(check_saved(&b, 11));
    CHECK(vv_json_bool(vv_json_get(b.report, "new_id"), false));
    spool_fixture_done(&b.f);
}

TEST(spool_salvage, asks_for_the_table_of_rows_that_lost_it)
{
    struct bench b;
    REQUIRE(bench_open(&b, (const unsigned[]){5}, 1));
    struct folder_file *file = segment_file(&b, 1);
    char *copy = copy_of(&b, file);
    spoil(copy, VV_SEGMENT_HEAD_BYTES, 8);
    put_file(&b, file, copy);
    CHECK_FAILS(&b.f.op, salvage(&b), VARVE_EUSAGE);
    CHECK(!has_file(&b, "00000000000000000001.1.vs.damaged"));
    b.salvaging.dry_run = true;
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK_INT(number_of(b.report, "rows_aside"), 5);
    b.salvaging.dry_run = false;
    b.salvaging.aside = true;
    CHECK_OK(&b.f.op, salvage(&b));
    CHECK_INT(number_of(b.report, "rows_aside"), 5);
    CHECK_INT(number_of(b.report, "rows_lost"), 0);
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%.*s", b.folder.path,
        VV_ARG(vv_json_text(vv_json_get(b.report, "aside_in"))));
    struct vv_str lines = test_file_read(path);
    CHECK(strstr(lines.ptr, "\"sequence\":5,") != NULL);
    CHECK(strstr(lines.ptr, "\"row\":row-5}") != NULL);
    REQUIRE(spool_open(&b.f, "spool"));
    CHECK(try_put(&b.f, "signals", 0) > 5);
    spool_fixture_done(&b.f);
}

static void damage_two(struct bench *b)
{
    struct folder_file *file = segment_file(b, 1);
    char *copy = copy_of(b, file);
    spoil(copy, record_at(file, 2) + 4, 1);
    put_file(b, file, copy);
    file = segment_file(b, 2);
    copy = copy_of(b, file);
    spoil(copy, record_at(file, 3) + 4, 1);
    put_file(b, file, copy);
}

/* Whatever it was stopped at: it is refused or opens, and once salvaged has what it had. */
static void check_after(struct bench *b)
{
    CHECK_OK(&b->f.op, salvage(b));
    if (!spool_open(&b->f, "spool"))
        return;
    note_there(b);
    for (uint64_t i = 1; i <= b->rows; i++)
        CHECK(b->is_there[i] == (i != 2 && i != 8));
    (void)spool_close(&b->f);
}

static int salvage_in_child(void *data)
{
    struct bench *b = data;
    return salvage(b) == VARVE_OK ? 0 : 1;
}

TEST_SECONDS(spool_salvage, may_be_killed_anywhere, 120)
{
    static const char *const seams[] = {"spool.salvage_copied", "spool.salvage_kept",
        "spool.salvage_slotted", "spool.salvage_sealed", "spool.salvage_written"};
    struct bench b;
    unsigned kills = 0;
    REQUIRE(bench_open(&b, (const unsigned[]){5, 6, 4}, 3));
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        for (unsigned nth = 1; nth <= 2; nth++) {
            struct test_proc proc;
            char seam[64];
            REQUIRE(folder_restore(&b.folder));
            damage_two(&b);
            (void)snprintf(seam, sizeof(seam), "crash=%s:%u", seams[i], nth);
            vv_seam_set(seam);
            REQUIRE(test_proc_fork(&proc, salvage_in_child, &b));
            vv_seam_set(NULL);
            kills += test_proc_wait(&proc, 30000) == 128 + SIGKILL;
            check_after(&b);
        }
    }
    CHECK_INT(kills, 9); /* the last seam is passed once */
    spool_fixture_done(&b.f);
}

TEST_SECONDS(spool_salvage, any_call_and_any_allocation_may_fail, 240)
{
    static const char *const seams[] = {"journal.sync", "store.fsync_parents",
        "journal.allocate", "journal.map", "store.open", "store.stat", "store.rename_new"};
    struct bench b;
    unsigned failures = 0;
    REQUIRE(bench_open(&b, (const unsigned[]){5, 6, 4}, 3));
    for (unsigned i = 0; i < VV_COUNT(seams) * 8 + 90; i++) {
        char seam[64];
        b.salvaging.no_sync = i >= 16;
        REQUIRE(folder_restore(&b.folder));
        damage_two(&b);
        (void)snprintf(seam, sizeof(seam), "fail=%s:%u", seams[i / 8 % VV_COUNT(seams)],
            1 + i % 8);
        if (i < VV_COUNT(seams) * 8)
            vv_seam_set(seam);
        else
            vv_seam_fail_allocation(1 + i - VV_COUNT(seams) * 8);
        varve_status status = salvage(&b);
        failures += status != VARVE_OK;
        if (status != VARVE_OK) {
            CHECK(status == VARVE_EIO || status == VARVE_ELIMIT || status == VARVE_ENOTFOUND);
            vv_forgive(&b.f.op);
        }
        check_after(&b);
    }
    CHECK(failures > 40);
    spool_fixture_done(&b.f);
}

/* ---- Power cuts -------------------------------------------------------------------------------- */

struct power {
    struct vv_op op;
    struct prop prop;
    struct lossy_disk *disk;
    size_t calls_left; /* until the cut */
    struct lossy_disk *after;
};

static void cut_at(void *data, const char *call)
{
    struct power *power = data;
    unsigned char fates[4096];
    (void)call;
    if (power->after != NULL || --power->calls_left > 0)
        return;
    size_t units = lossy_disk_units(power->disk);
    REQUIRE(units < sizeof(fates));
    for (size_t i = 0; i < units; i++)
        fates[i] = (unsigned char)prop_choose(&power->prop, LOSSY_FATES);
    power->after = lossy_disk_cut(power->disk, fates);
}

/* Three segments on a disk, whose second has a row spoilt. */
static void fill_disk(struct power *power)
{
    struct spool_fixture f;
    spool_fixture_init(&f);
    f.options = (struct vv_spool_options){.segment_bytes = SEGMENT_BYTES};
    power->disk = lossy_disk_new();
    REQUIRE(vv_spool_open_on(&f.op, lossy_disk_mount(power->disk), &f.options, &f.recovery,
                &f.spool) == VARVE_OK);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t number = 0;
        REQUIRE(put_rows(&f, "a", 1 + i * 4, 4));
        REQUIRE(vv_spool_seal(&f.op, f.spool, &number) == VARVE_OK);
    }
    REQUIRE(spool_close(&f));
    struct vv_journal *journal = lossy_disk_mount(power->disk);
    struct vv_journal_file file = {0};
    REQUIRE(vv_journal_map(&f.op, journal, VV_STR("00000000000000000002.1.vs"), 0, &file) ==
            VARVE_OK);
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    struct vv_segment_head head;
    struct vv_str content = {(const char *)file.bytes, file.mapped_bytes};
    REQUIRE(vv_segment_head_read(content, &head));
    vv_segment_cursor_init(&cursor, content, head.key, head.number);
    for (unsigned i = 0; i < 3; i++)
        REQUIRE(vv_segment_next(&cursor, &record) == VV_SEGMENT_STEP_RECORD);
    spoil((char *)file.bytes, cursor.at - 16, 1); /* the row of sequence 6 */
    REQUIRE(vv_journal_sync(&f.op, &file) == VARVE_OK);
    REQUIRE(vv_journal_sync_folder(&f.op, journal) == VARVE_OK);
    vv_journal_shut(&file);
    vv_journal_close(&journal);
    spool_fixture_done(&f);
}

static void check_disk(struct lossy_disk *disk)
{
    const struct vv_spool_salvage_options options = {0};
    struct bench b = {.rows = 12};
    struct vv_str json;
    spool_fixture_init(&b.f);
    CHECK_OK(&b.f.op,
        vv_spool_salvage_on(&b.f.op, lossy_disk_mount(disk), &options, &b.f.op.arena, &json));
    b.f.options = (struct vv_spool_options){.segment_bytes = SEGMENT_BYTES};
    if (CHECK_OK(&b.f.op, vv_spool_open_on(&b.f.op, lossy_disk_mount(disk), &b.f.options,
                              &b.f.recovery, &b.f.spool))) {
        note_there(&b);
        for (uint64_t i = 1; i <= 12; i++)
            CHECK(b.is_there[i] == (i != 6));
    }
    spool_fixture_done(&b.f);
}

TEST_SECONDS(spool_salvage, survives_a_power_cut_at_every_call, 120)
{
    const struct vv_spool_salvage_options options = {0};
    struct power power = {.prop = prop_start()};
    unsigned cuts = 0;
    for (size_t call = 1; call < 40; call++) {
        for (unsigned sample = 0; sample < 12; sample++) {
            struct vv_str json;
            vv_op_init(&power.op, NULL, VV_OP_BYTES_DEFAULT);
            fill_disk(&power);
            power.calls_left = call;
            power.after = NULL;
            lossy_disk_watch(power.disk, cut_at, &power);
            CHECK_OK(&power.op, vv_spool_salvage_on(&power.op, lossy_disk_mount(power.disk),
                                    &options, &power.op.arena, &json));
            lossy_disk_watch(power.disk, NULL, NULL);
            cuts += power.after != NULL;
            check_disk(power.after != NULL ? power.after : power.disk);
            if (power.after != NULL)
                lossy_disk_free(power.after);
            lossy_disk_free(power.disk);
            vv_op_done(&power.op);
        }
    }
    CHECK(cuts > 150);
}
