/* The rows that are left of a segment, as a segment; and those that belong to none. */
#include "base/json_write.h"
#include "base/seam.h"
#include "base/time.h"
#include "ingest/spool_row.h"
#include "ingest/spool_salvage_state.h"

/* Records as they are put one behind the other; bytes NULL: only to see how long it gets. */
struct layout {
    unsigned char *bytes;
    size_t at;
    uint64_t seed;
    struct vv_segment_counts counts;
    struct vv_map tables, schemas; /* name or payload -> its number + 1 as a pointer */
    int64_t arrival_us;
};

static void put(struct layout *layout, const struct vv_spool_record *record)
{
    if (layout->bytes != NULL)
        vv_segment_write(layout->bytes, layout->at, layout->seed, record);
    vv_segment_count(&layout->counts, record);
    layout->at += vv_segment_record_bytes(record->payload.len);
}

/* Rows from `first` to `last` are lost. */
static void put_gap(struct layout *layout, uint64_t first, uint64_t last)
{
    unsigned char payload[8];
    vv_put64(payload, first);
    const struct vv_spool_record gap = {.kind = VV_SPOOL_GAP,
        .arrival_us = layout->arrival_us,
        .sequence = last,
        .payload = {(const char *)payload, sizeof(payload)}};
    put(layout, &gap);
}

/* The number of a table or schema, which is declared where it is new. */
static varve_status name_number(struct vv_op *op, struct layout *layout,
    enum vv_spool_kind kind, struct vv_str payload, uint16_t *out)
{
    struct vv_map *map = kind == VV_SPOOL_TABLE ? &layout->tables : &layout->schemas;
    const uint16_t *known = vv_map_get(map, payload);
    if (known != NULL) {
        *out = *known;
        return VARVE_OK;
    }
    uint16_t *number = NULL;
    VV_NEW(op, &number, uint16_t, 1);
    *number = (uint16_t)map->len;
    if (!vv_map_put(map, payload, number, NULL))
        return vv_fail_memory(op);
    struct vv_spool_record record = {
        .kind = kind, .arrival_us = layout->arrival_us, .payload = payload};
    if (kind == VV_SPOOL_TABLE)
        record.table = *number;
    else
        record.schema = *number;
    put(layout, &record);
    *out = *number;
    return VARVE_OK;
}

static varve_status put_row(struct vv_op *op, struct layout *layout,
    const struct vv_salvage *salvage, const struct vv_salvage_number *number,
    const struct vv_salvage_row *row)
{
    struct vv_str table;
    struct vv_str schema;
    struct vv_spool_record record = vv_salvage_record(number, row, &table, &schema);
    if (table.ptr == NULL)
        table = salvage->options->table;
    layout->arrival_us = record.arrival_us;
    VV_TRY(name_number(op, layout, VV_SPOOL_TABLE, table, &record.table));
    if (record.kind == VV_SPOOL_TYPED)
        VV_TRY(name_number(op, layout, VV_SPOOL_SCHEMA, schema, &record.schema));
    put(layout, &record);
    return VARVE_OK;
}

static bool stays(const struct vv_salvage *salvage, const struct vv_salvage_row *row)
{
    return row->rank == VV_SALVAGE_WHOLE ||
           (row->rank == VV_SALVAGE_TABLELESS && salvage->options->table.ptr != NULL);
}

/* The nearest segment before or behind that keeps rows, if its number is the next one. */
static const struct vv_salvage_number *neighbour(const struct vv_salvage *salvage, size_t index,
    bool before)
{
    const struct vv_salvage_number *numbers = salvage->numbers;
    if (before && index > 0 && numbers[index - 1].number + 1 == numbers[index].number)
        return &numbers[index - 1];
    if (!before && index + 1 < salvage->numbers_len &&
        numbers[index].number + 1 == numbers[index + 1].number)
        return &numbers[index + 1];
    return NULL;
}

static varve_status lay_out(struct vv_op *op, const struct vv_salvage *salvage, size_t index,
    struct layout *layout)
{
    const struct vv_salvage_number *number = &salvage->numbers[index];
    const struct vv_salvage_number *before = neighbour(salvage, index, true);
    const struct vv_salvage_number *behind = neighbour(salvage, index, false);
    uint64_t expected = 0;
    if (before != NULL && before->kept.rows > 0)
        expected = before->kept.last_sequence + 1;
    layout->at = VV_SEGMENT_HEAD_BYTES;
    layout->seed = vv_segment_seed(salvage->spool->header.key, number->number);
    layout->counts = VV_SEGMENT_COUNTS_INIT;
    layout->tables = VV_MAP_INIT(&op->arena);
    layout->schemas = VV_MAP_INIT(&op->arena);
    for (size_t i = 0; i < number->rows_len; i++) {
        const struct vv_salvage_row *row = &number->rows[i];
        if (!stays(salvage, row))
            continue;
        if (expected != 0 && row->sequence > expected)
            put_gap(layout, expected, row->sequence - 1);
        VV_TRY(put_row(op, layout, salvage, number, row));
        expected = row->sequence + 1;
    }
    /* What follows and is left as it is does not begin with a gap of its own. */
    if (behind != NULL && !behind->is_damaged && behind->kept.rows > 0 &&
        behind->kept.first_sequence > expected)
        put_gap(layout, expected, behind->kept.first_sequence - 1);
    if (layout->bytes != NULL)
        vv_segment_write_end(layout->bytes, layout->at, layout->seed, &layout->counts);
    layout->at += VV_SEGMENT_END_BYTES;
    return VARVE_OK;
}

/* The damaged files get their other names, for good. */
static varve_status set_aside(struct vv_op *op, const struct vv_salvage *salvage,
    const struct vv_salvage_number *number)
{
    struct vv_journal *journal = salvage->spool->journal;
    for (size_t i = 0; i < number->files_len; i++) {
        const struct vv_salvage_file *file = &number->files[i];
        VV_TRY(vv_journal_rename(op, journal, file->find->name, file->kept_as));
        vv_crash_point("spool.salvage_kept");
    }
    return vv_journal_sync_folder(op, journal);
}

varve_status vv_salvage_plan(struct vv_op *op, struct vv_salvage *salvage, size_t index)
{
    struct layout layout = {.bytes = NULL};
    VV_TRY(lay_out(op, salvage, index, &layout));
    salvage->numbers[index].kept = layout.counts;
    return VARVE_OK;
}

varve_status vv_salvage_write(struct vv_op *op, struct vv_salvage *salvage, size_t index)
{
    struct vv_spool *spool = salvage->spool;
    struct vv_salvage_number *number = &salvage->numbers[index];
    struct layout layout = {.bytes = NULL};
    if (number->kept.rows == 0)
        return set_aside(op, salvage, number);
    VV_TRY(lay_out(op, salvage, index, &layout));
    size_t bytes = layout.at;
    VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
    VV_TRY(vv_journal_create(op, spool->journal, number->name, bytes, &file));
    layout = (struct layout){.bytes = file.bytes};
    VV_TRY(lay_out(op, salvage, index, &layout));
    VV_PRE(layout.at == bytes);
    vv_crash_point("spool.salvage_copied");
    VV_TRY(vv_journal_sync(op, &file));
    VV_TRY(vv_journal_sync_folder(op, spool->journal));
    VV_TRY(set_aside(op, salvage, number));
    struct vv_segment_head head = {
        .state = VV_SEGMENT_OPEN,
        .generation = number->generation,
        .number = number->number,
        .durable_bytes = bytes,
        .capacity = bytes,
    };
    memcpy(head.key, spool->header.key, sizeof(head.key));
    vv_segment_head_write(&head, file.bytes);
    vv_crash_point("spool.salvage_slotted");
    VV_TRY(vv_journal_sync(op, &file));
    head.turn++;
    head.state = VV_SEGMENT_SEALED;
    vv_segment_head_write(&head, file.bytes);
    vv_crash_point("spool.salvage_sealed");
    return VARVE_OK;
}

varve_status vv_salvage_write_file(struct vv_op *op, const struct vv_salvage *salvage,
    struct vv_str name, struct vv_str bytes)
{
    struct vv_journal *journal = salvage->spool->journal;
    VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
    if (bytes.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_journal_create(op, journal, name, bytes.len, &file));
    memcpy(file.bytes, bytes.ptr, bytes.len);
    VV_TRY(vv_journal_sync(op, &file));
    return vv_journal_sync_folder(op, journal);
}

static varve_status add_line(struct vv_op *op, const struct vv_salvage_number *number,
    const struct vv_salvage_row *row, struct vv_buf *lines)
{
    struct vv_str table;
    struct vv_str schema;
    char time[32];
    struct vv_json_writer json = VV_JSON_WRITER_INIT(lines);
    const struct vv_spool_record record = vv_salvage_record(number, row, &table, &schema);
    size_t len = vv_time_format_us(record.arrival_us, time);
    vv_jw_object(&json);
    vv_jw_key_int(&json, "segment", (int64_t)number->number);
    vv_jw_key_int(&json, "sequence", (int64_t)record.sequence);
    vv_jw_key_string(&json, "arrival", (struct vv_str){time, len});
    vv_jw_key_bool(&json, "stamped", record.is_stamped);
    vv_jw_key(&json, "row");
    if (record.kind == VV_SPOOL_JSON) {
        vv_jw_raw(&json, record.payload);
    } else {
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_row_schema read = {0};
        VV_TRY(vv_row_schema_read(op, schema, &read));
        VV_TRY(vv_row_json(op, &read, record.payload, &text));
        vv_jw_raw(&json, vv_buf_str(&text));
    }
    vv_jw_end(&json);
    vv_buf_addc(lines, '\n');
    return vv_buf_ok(lines) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_salvage_write_tableless(struct vv_op *op, struct vv_salvage *salvage)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < salvage->numbers_len; i++) {
        const struct vv_salvage_number *number = &salvage->numbers[i];
        for (size_t j = 0; j < number->rows_len; j++)
            if (number->rows[j].rank == VV_SALVAGE_TABLELESS)
                VV_TRY(add_line(op, number, &number->rows[j], &lines));
    }
    struct vv_str name = vv_arena_format(&op->arena, "salvage-%s.ndjson", salvage->stamp);
    if (name.ptr == NULL || !vv_buf_ok(&lines))
        return vv_fail_memory(op);
    return lines.len > 0 ? vv_salvage_write_file(op, salvage, name, vv_buf_str(&lines))
                         : VARVE_OK;
}
