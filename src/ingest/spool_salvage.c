#include "ingest/spool_salvage.h"

#include "base/seam.h"
#include "base/time.h"
#include "base/uuid.h"
#include "ingest/spool_salvage_state.h"

#define KEPT_SUFFIX ".damaged"
/* More than the rows that a lost `spool` may have known of; as where a slot of it is lost. */
#define SEQUENCES_LEFT_OUT (UINT64_C(1) << 40)
#define NUMBERS_LEFT_OUT (UINT64_C(1) << 16)

static void salvage_done(struct vv_salvage *salvage)
{
    for (size_t i = 0; i < salvage->numbers_len; i++)
        vv_buf_done(&salvage->numbers[i].rows_bytes);
    vv_spool_finds_done(&salvage->finds);
    vv_spool_free(&salvage->spool);
}

/* A folder without a spool must stay one: the lock would make a file. */
static varve_status check_is_spool(struct vv_op *op, struct vv_journal *journal)
{
    struct vv_str *names;
    size_t names_len;
    VV_TRY(vv_journal_list(op, journal, &op->arena, &names, &names_len));
    for (size_t i = 0; i < names_len; i++) {
        uint64_t number;
        uint32_t generation;
        if (vv_str_eq(names[i], VV_STR(VV_SPOOL_HEADER_NAME)) ||
            vv_spool_segment_name_parse(names[i], &number, &generation))
            return VARVE_OK;
    }
    return vv_fail(op, VARVE_ENOTFOUND, "%s is no spool", journal->location.ptr);
}

/* What a lost `spool` said that the segments know too: the key, without which no record is one. */
static varve_status make_header(struct vv_op *op, struct vv_spool *spool)
{
    struct vv_spool_header *header = &spool->header;
    struct vv_str *names;
    size_t names_len;
    bool has_key = false;
    uint64_t newest = 0;
    VV_TRY(vv_journal_list(op, spool->journal, &op->arena, &names, &names_len));
    for (size_t i = 0; i < names_len; i++) {
        uint64_t number;
        uint32_t generation;
        struct vv_segment_head head;
        VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
        if (!vv_spool_segment_name_parse(names[i], &number, &generation))
            continue;
        newest = number > newest ? number : newest;
        VV_TRY(vv_journal_map(op, spool->journal, names[i], VV_SEGMENT_HEAD_BYTES, &file));
        struct vv_str bytes = {(const char *)file.bytes, file.mapped_bytes};
        if (!vv_segment_head_read(bytes, &head) || head.number != number)
            continue;
        memcpy(header->key, head.key, sizeof(header->key));
        has_key = true;
    }
    if (!has_key)
        return vv_fail(op, VARVE_ECORRUPT,
            "neither the file \"spool\" of %s nor the head of any segment is whole, so its "
            "records can't be told from noise: restore one of them",
            spool->journal->location.ptr);
    header->next_number = header->known_number = newest + 1;
    header->next_sequence = UINT64_MAX; /* nothing is known of segments that are gone */
    header->newest_arrival_us = INT64_MIN;
    return VARVE_OK;
}

/* A name that is free: one that was put back from its damaged state may be damaged again. */
static varve_status free_name(struct vv_op *op, struct vv_spool *spool, struct vv_str name,
    struct vv_str *out)
{
    struct vv_str *names;
    size_t names_len;
    struct vv_str kept = vv_arena_format(&op->arena, "%.*s" KEPT_SUFFIX, VV_ARG(name));
    VV_TRY(vv_journal_list(op, spool->journal, &op->arena, &names, &names_len));
    for (size_t i = 0, tried = 1; i < names_len && kept.ptr != NULL; i++) {
        if (!vv_str_eq(names[i], kept))
            continue;
        kept = vv_arena_format(&op->arena, "%.*s" KEPT_SUFFIX ".%zu", VV_ARG(name), ++tried);
        i = SIZE_MAX; /* all of them again */
    }
    *out = kept;
    return kept.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status name_files(struct vv_op *op, struct vv_spool *spool,
    struct vv_salvage_number *number, const struct vv_spool_find *finds)
{
    uint32_t newest = finds[number->files_len - 1].generation;
    VV_NEW(op, &number->files, struct vv_salvage_file, number->files_len);
    for (size_t i = 0; i < number->files_len; i++) {
        struct vv_salvage_file *file = &number->files[i];
        *file = (struct vv_salvage_file){.find = &finds[number->files_len - 1 - i]};
        VV_TRY(free_name(op, spool, file->find->name, &file->kept_as));
    }
    number->generation = newest + 1;
    number->name = vv_spool_segment_name(&op->arena, number->number, number->generation);
    return number->name.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* The numbers that count, from their files. */
static varve_status gather_numbers(struct vv_op *op, struct vv_salvage *salvage)
{
    const struct vv_spool_finds *finds = &salvage->finds;
    VV_NEW(op, &salvage->numbers, struct vv_salvage_number, finds->len + 1);
    for (size_t i = 0; i < finds->len;) {
        const struct vv_spool_find *first = &finds->items[i];
        const struct vv_salvage_number *before =
            salvage->numbers_len > 0 ? &salvage->numbers[salvage->numbers_len - 1] : NULL;
        struct vv_salvage_number number = {
            .number = first->number, .rows_bytes = VV_BUF_INIT(VV_BUF_MAX)};
        bool counts = false;
        for (; i < finds->len && finds->items[i].number == first->number; i++) {
            const struct vv_spool_find *find = &finds->items[i];
            number.files_len++;
            if (find->lost_first != 0 && before != NULL && before->number + 1 == number.number)
                number.fault = "rows before its first are in no file";
            if (find->fault != NULL)
                number.fault = find->fault;
            if (vv_spool_find_is_chosen(find) && find->fate != VV_FATE_DROP) {
                counts = true;
                number.kept = find->counts;
            }
        }
        number.is_damaged = number.fault != NULL;
        if (!number.is_damaged && !counts)
            continue;
        if (number.is_damaged) {
            number.kept = VV_SEGMENT_COUNTS_INIT;
            VV_TRY(name_files(op, salvage->spool, &number, first));
        }
        salvage->numbers[salvage->numbers_len++] = number;
    }
    return VARVE_OK;
}

/* Whether the option that names their table can be true of all of them. */
static bool have_one_table(const struct vv_salvage_number *number)
{
    int32_t seen = -1;
    for (size_t i = 0; i < number->rows_len; i++) {
        struct vv_str table;
        struct vv_str schema;
        if (number->rows[i].rank != VV_SALVAGE_TABLELESS)
            continue;
        struct vv_spool_record record =
            vv_salvage_record(number, &number->rows[i], &table, &schema);
        if (seen >= 0 && seen != record.table)
            return false;
        seen = record.table;
    }
    return true;
}

static varve_status check_tables(struct vv_op *op, const struct vv_salvage *salvage)
{
    const struct vv_spool_salvage_options *options = salvage->options;
    for (size_t i = 0; i < salvage->numbers_len; i++) {
        const struct vv_salvage_number *number = &salvage->numbers[i];
        if (options->table.ptr != NULL && !have_one_table(number))
            return vv_fail(op, VARVE_EUSAGE,
                "rows of several tables have lost the record that names theirs, in segment "
                "%" PRIu64 ": they can't all be of %.*s; --aside puts them into a file instead",
                number->number, VV_ARG(options->table));
        if (number->tableless > 0 && options->table.ptr == NULL && !options->aside &&
            !options->dry_run)
            return vv_fail(op, VARVE_EUSAGE,
                "%" PRIu64 " rows of segment %" PRIu64
                " can be read, but the record that names their table is lost: with --table "
                "NAME they go there, with --aside they go to a file of lines; nothing was "
                "changed",
                number->tableless, number->number);
    }
    return VARVE_OK;
}

/* "20250130T100000.000000Z" */
static void set_stamp(const struct vv_op *op, struct vv_salvage *salvage)
{
    char time[32];
    size_t len = 0;
    size_t time_len = vv_time_format_us(vv_now_us(op), time);
    for (size_t i = 0; i < time_len; i++)
        if (time[i] != '-' && time[i] != ':')
            salvage->stamp[len++] = time[i];
    salvage->stamp[len] = '\0';
}

/* One that was never begun has lost nothing, and opens as it is. */
static varve_status forgive_unbegun(struct vv_op *op, struct vv_salvage *salvage)
{
    const struct vv_spool *spool = salvage->spool;
    const struct vv_journal_file *file = &spool->header_file;
    struct vv_str content = {(const char *)file->bytes, file->mapped_bytes};
    bool is_unbegun = false;
    if (salvage->header_was_lost)
        VV_TRY(vv_spool_is_unbegun(op, spool->journal, content, &is_unbegun));
    salvage->header_was_lost = salvage->header_was_lost && !is_unbegun;
    return VARVE_OK;
}

static varve_status look(struct vv_op *op, struct vv_salvage *salvage)
{
    struct vv_spool *spool = salvage->spool;
    VV_TRY(check_is_spool(op, spool->journal));
    VV_TRY(vv_spool_claim(op, spool, &salvage->header_was_lost));
    VV_TRY(forgive_unbegun(op, salvage));
    if (salvage->header_was_lost)
        VV_TRY(make_header(op, spool));
    VV_TRY(vv_spool_finds_read(op, spool, &salvage->finds));
    VV_TRY(gather_numbers(op, salvage));
    /* Segments that `spool` is too old for: it may have given out their numbers again. */
    salvage->has_new_id = salvage->header_was_lost;
    for (size_t i = 0; i < salvage->numbers_len; i++) {
        struct vv_salvage_number *number = &salvage->numbers[i];
        salvage->has_new_id =
            salvage->has_new_id ||
            (number->is_damaged && number->number >= spool->header.next_number);
        if (number->is_damaged)
            VV_TRY(vv_salvage_read(op, salvage, number));
    }
    VV_TRY(check_tables(op, salvage));
    for (size_t i = 0; i < salvage->numbers_len; i++)
        if (salvage->numbers[i].is_damaged)
            VV_TRY(vv_salvage_plan(op, salvage, i));
    set_stamp(op, salvage);
    return VARVE_OK;
}

static bool is_sound(const struct vv_salvage *salvage)
{
    bool is_fine = !salvage->header_was_lost;
    for (size_t i = 0; i < salvage->finds.len; i++)
        is_fine = is_fine && salvage->finds.items[i].fault == NULL &&
                  salvage->finds.items[i].lost_first == 0;
    return is_fine;
}

/* A header that no lost row and no number of a lost file is beyond. */
static varve_status renew_header(struct vv_op *op, struct vv_salvage *salvage)
{
    struct vv_spool_header *header = &salvage->spool->header;
    uint64_t next = salvage->header_was_lost ? 1 : header->next_sequence;
    uint64_t left_out = salvage->header_was_lost ? SEQUENCES_LEFT_OUT : 0;
    for (size_t i = 0; i < salvage->numbers_len; i++) {
        const struct vv_salvage_number *number = &salvage->numbers[i];
        uint64_t last = number->kept.last_sequence;
        if (number->end.last_sequence > last)
            last = number->end.last_sequence;
        bool is_open = number->is_damaged && !number->tail_is_known;
        for (size_t j = 0; is_open && j < number->files_len; j++)
            left_out += number->files[j].find->file.mapped_bytes / VV_SEGMENT_RECORD_HEAD_BYTES;
        next = last >= next ? last + 1 : next;
        if (number->number >= header->next_number)
            header->next_number = number->number + 1;
    }
    header->next_sequence = next + left_out;
    if (!salvage->has_new_id)
        return VARVE_OK;
    header->next_number += NUMBERS_LEFT_OUT;
    return vv_random_bytes(op, header->id, sizeof(header->id));
}

/* A damaged `spool` is kept, too; what is left of its slots would be taken for torn ones. */
static varve_status clear_header(struct vv_op *op, const struct vv_salvage *salvage)
{
    struct vv_journal_file *file = &salvage->spool->header_file;
    size_t bytes = (size_t)VV_SPOOL_HEADER_SLOTS * VV_SPOOL_PAGE_BYTES;
    struct vv_str content = {(const char *)file->bytes, bytes};
    struct vv_str name =
        vv_arena_format(&op->arena, VV_SPOOL_HEADER_NAME "-%s" KEPT_SUFFIX, salvage->stamp);
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    if (vv_segment_bytes_behind(content, 0) > 0)
        VV_TRY(vv_salvage_write_file(op, salvage, name, content));
    memset(file->bytes, 0, bytes);
    return VARVE_OK;
}

static varve_status carry_out(struct vv_op *op, struct vv_salvage *salvage,
    struct vv_str report)
{
    struct vv_spool_recovery recovery = {0};
    struct vv_str name = vv_arena_format(&op->arena, "salvage-%s.json", salvage->stamp);
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_salvage_write_file(op, salvage, name, report));
    if (salvage->options->table.ptr == NULL)
        VV_TRY(vv_salvage_write_tableless(op, salvage));
    for (size_t i = 0; i < salvage->numbers_len; i++)
        if (salvage->numbers[i].is_damaged)
            VV_TRY(vv_salvage_write(op, salvage, i));
    VV_TRY(renew_header(op, salvage));
    if (salvage->header_was_lost)
        VV_TRY(clear_header(op, salvage));
    vv_crash_point("spool.salvage_written");
    return vv_spool_settle(op, salvage->spool, &recovery);
}

static varve_status run(struct vv_op *op, struct vv_salvage *salvage, struct vv_arena *arena,
    struct vv_str *out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(look(op, salvage));
    VV_TRY(vv_salvage_report(op, salvage, &report));
    struct vv_str json = vv_arena_str(arena, vv_buf_str(&report));
    if (json.ptr == NULL || !vv_buf_ok(&report))
        return vv_fail_memory(op);
    if (!salvage->options->dry_run && !is_sound(salvage))
        VV_TRY(carry_out(op, salvage, json));
    *out_json = json;
    return VARVE_OK;
}

varve_status vv_spool_salvage_on(struct vv_op *op, struct vv_journal *journal,
    const struct vv_spool_salvage_options *options, struct vv_arena *arena,
    struct vv_str *out_json)
{
    VV_CLEANUP(vv_journal_close) struct vv_journal *owned = journal;
    const struct vv_spool_options opening = {
        .no_sync = options->no_sync, .adopt = options->adopt};
    VV_CLEANUP(salvage_done) struct vv_salvage salvage = {.options = options};
    VV_TRY(vv_spool_new(op, &opening, journal, &salvage.spool));
    owned = NULL;
    return run(op, &salvage, arena, out_json);
}

varve_status vv_spool_salvage(struct vv_op *op, struct vv_str folder,
    const struct vv_spool_salvage_options *options, struct vv_arena *arena,
    struct vv_str *out_json)
{
    struct vv_journal *journal;
    VV_TRY(vv_journal_open(op, folder, false, !options->no_sync, &journal));
    return vv_spool_salvage_on(op, journal, options, arena, out_json);
}
