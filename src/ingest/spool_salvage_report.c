/*
 * Which rows are lost, by what is left: a hole between two rows that are there.
 *
 * Within a segment, and between segments that follow one another, a hole is a loss for certain. So
 * is one from the header's next sequence on, since no row from there was ever in a segment that is
 * gone. Below that, between segments that don't follow one another, there were others, which were
 * committed and went; beside damage it can't be told which of those rows were in them.
 */
#include "base/json_write.h"
#include "base/time.h"
#include "ingest/spool_salvage_state.h"

struct report {
    const struct vv_salvage *salvage;
    struct vv_json_writer json;
    uint64_t floor; /* rows from it on were in no segment that is gone */
    uint64_t lost;  /* for certain */
};

/* The side of a hole: the row beside it, or where it is known that rows end. */
struct edge {
    uint64_t sequence; /* 0: no row was seen on that side */
    uint64_t number;
    bool is_open; /* its segment may have had more rows there */
};

static void write_loss(struct report *report, uint64_t first, uint64_t last, bool is_certain)
{
    struct vv_json_writer *json = &report->json;
    if (first != 0 && last != 0 && first > last)
        return;
    vv_jw_object(json);
    vv_jw_key(json, "first_sequence");
    if (first != 0)
        vv_jw_int(json, (int64_t)first);
    else
        vv_jw_null(json);
    vv_jw_key(json, "last_sequence");
    if (last != 0)
        vv_jw_int(json, (int64_t)last);
    else
        vv_jw_null(json);
    vv_jw_key_bool(json, "certain", is_certain);
    vv_jw_end(json);
    if (is_certain)
        report->lost += last - first + 1;
}

/* The rows between two edges, the right one being a row that is there. */
static void write_hole(struct report *report, const struct edge *left, const struct edge *right)
{
    uint64_t first = left->sequence + 1;
    uint64_t last = right->sequence - 1;
    if (first > last)
        return;
    if (left->number != 0 && left->number + 1 >= right->number) {
        write_loss(report, first, last, true);
        return;
    }
    bool may_be = left->is_open || right->is_open;
    uint64_t certain = report->floor > first ? report->floor : first;
    if (first < certain && may_be)
        write_loss(report, left->sequence != 0 ? first : 0, last < certain ? last : certain - 1,
            false);
    if (certain <= last)
        write_loss(report, certain, last, true);
}

static void meet(struct report *report, struct edge *left, uint64_t first, uint64_t last,
    const struct vv_salvage_number *number)
{
    const struct edge right = {first, number->number,
        left->number != number->number && number->is_damaged && !number->head_is_known};
    write_hole(report, left, &right);
    *left = (struct edge){last, number->number, false};
}

static void walk_number(struct report *report, const struct vv_salvage_number *number,
    struct edge *left)
{
    if (!number->is_damaged) {
        if (number->kept.last_sequence != 0)
            meet(report, left, number->kept.first_sequence, number->kept.last_sequence, number);
        return;
    }
    bool has_end = number->end.records > 0 && number->end.rows > 0;
    if (has_end) /* where its rows begin, though none may be left there */
        meet(report, left, number->end.first_sequence, number->end.first_sequence - 1, number);
    for (size_t i = 0; i < number->rows_len; i++) {
        const struct vv_salvage_row *row = &number->rows[i];
        if (row->rank != VV_SALVAGE_SHAPELESS)
            meet(report, left, row->sequence, row->sequence, number);
    }
    if (has_end && number->end.last_sequence > left->sequence)
        meet(report, left, number->end.last_sequence + 1, number->end.last_sequence, number);
    if (left->number + 1 == number->number) /* it has none that could stand for it */
        left->number = number->number;
    if (!number->tail_is_known)
        left->is_open = true;
}

static void write_losses(struct report *report)
{
    struct edge left = {0, 0, false};
    const struct vv_salvage *salvage = report->salvage;
    vv_jw_key(&report->json, "lost");
    vv_jw_array(&report->json);
    for (size_t i = 0; i < salvage->numbers_len; i++)
        walk_number(report, &salvage->numbers[i], &left);
    if (left.is_open)
        write_loss(report, left.sequence != 0 ? left.sequence + 1 : 0, 0, false);
    vv_jw_end(&report->json);
    vv_jw_key_int(&report->json, "rows_lost", (int64_t)report->lost);
}

static void write_files(struct vv_json_writer *json, const struct vv_salvage_number *number)
{
    vv_jw_key(json, "files");
    vv_jw_array(json);
    for (size_t i = 0; i < number->files_len; i++) {
        vv_jw_object(json);
        vv_jw_key_string(json, "file", number->files[i].find->name);
        vv_jw_key_string(json, "kept_as", number->files[i].kept_as);
        vv_jw_end(json);
    }
    vv_jw_end(json);
    vv_jw_key(json, "unreadable");
    vv_jw_array(json);
    for (const struct vv_salvage_damage *at = number->damages; at != NULL; at = at->next) {
        vv_jw_object(json);
        vv_jw_key_string(json, "file", at->file);
        vv_jw_key_int(json, "from", (int64_t)at->from);
        vv_jw_key_int(json, "to", (int64_t)at->to);
        vv_jw_end(json);
    }
    vv_jw_end(json);
}

static void write_number(struct report *report, const struct vv_salvage_number *number)
{
    struct vv_json_writer *json = &report->json;
    bool has_table = report->salvage->options->table.ptr != NULL;
    vv_jw_object(json);
    vv_jw_key_int(json, "segment", (int64_t)number->number);
    vv_jw_key_string(json, "damage", vv_str_of(number->fault));
    vv_jw_key_int(json, "rows_saved", (int64_t)number->kept.rows);
    vv_jw_key_int(json, "rows_aside", has_table ? 0 : (int64_t)number->tableless);
    vv_jw_key_int(json, "rows_without_schema", (int64_t)number->shapeless);
    vv_jw_key_string(json, "saved_in", number->kept.rows > 0 ? number->name : VV_STR_NONE);
    write_files(json, number);
    vv_jw_end(json);
}

varve_status vv_salvage_report(struct vv_op *op, const struct vv_salvage *salvage,
    struct vv_buf *out)
{
    const struct vv_spool_header *header = &salvage->spool->header;
    struct report report = {.salvage = salvage,
        .json = VV_JSON_WRITER_INIT(out),
        .floor = salvage->header_was_lost ? UINT64_MAX : header->next_sequence};
    struct vv_json_writer *json = &report.json;
    int64_t saved = 0;
    int64_t aside = 0;
    int64_t sound = 0;
    vv_jw_object(json);
    vv_jw_key_string(json, "spool", salvage->spool->journal->location);
    vv_jw_key_bool(json, "dry_run", salvage->options->dry_run);
    vv_jw_key_bool(json, "spool_file_lost", salvage->header_was_lost);
    vv_jw_key_bool(json, "new_id", salvage->has_new_id);
    vv_jw_key(json, "segments");
    vv_jw_array(json);
    for (size_t i = 0; i < salvage->numbers_len; i++) {
        const struct vv_salvage_number *number = &salvage->numbers[i];
        sound += number->is_damaged ? 0 : (int64_t)number->kept.rows;
        saved += number->is_damaged ? (int64_t)number->kept.rows : 0;
        aside += salvage->options->table.ptr != NULL ? 0 : (int64_t)number->tableless;
        if (number->is_damaged)
            write_number(&report, number);
    }
    vv_jw_end(json);
    vv_jw_key_int(json, "rows_sound", sound);
    vv_jw_key_int(json, "rows_saved", saved);
    vv_jw_key_int(json, "rows_aside", aside);
    struct vv_str file = VV_STR_NONE;
    if (aside > 0) {
        file = vv_arena_format(&op->arena, "salvage-%s.ndjson", salvage->stamp);
        if (file.ptr == NULL)
            return vv_fail_memory(op);
    }
    vv_jw_key_string(json, "aside_in", file);
    write_losses(&report);
    vv_jw_key_int(json, "rows_cut", salvage->finds.rows_cut);
    vv_jw_end(json);
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
