/*
 * A record says by its sum, in which the spool's key, the segment's number and its own place are,
 * that it is one: so it is found whatever became of those before it.
 */
#include <stdlib.h>

#include "ingest/spool_salvage_state.h"

#define NAMES_STEP 16

struct scan {
    struct vv_salvage_number *number;
    uint32_t file;
    bool has_row;
    bool has_damage;
};

static varve_status add_damage(struct vv_op *op, struct scan *scan, size_t from, size_t to)
{
    struct vv_salvage_number *number = scan->number;
    struct vv_salvage_damage *damage = NULL;
    VV_NEW(op, &damage, struct vv_salvage_damage, 1);
    *damage = (struct vv_salvage_damage){
        .file = number->files[scan->file].find->name, .from = from, .to = to};
    if (number->last_damage != NULL)
        number->last_damage->next = damage;
    else
        number->damages = damage;
    number->last_damage = damage;
    scan->has_damage = true;
    return VARVE_OK;
}

static varve_status declare(struct vv_op *op, struct vv_str **names, size_t *len, size_t index,
    struct vv_str payload)
{
    if (index >= *len) {
        struct vv_str *wider = NULL;
        size_t wider_len = index * 2 + NAMES_STEP;
        VV_NEW(op, &wider, struct vv_str, wider_len);
        if (*len > 0)
            memcpy(wider, *names, *len * sizeof(*wider));
        *names = wider;
        *len = wider_len;
    }
    (*names)[index] = payload;
    return VARVE_OK;
}

static struct vv_str name_at(const struct vv_str *names, size_t len, size_t index)
{
    return index < len ? names[index] : VV_STR_NONE;
}

static varve_status add_row(struct vv_op *op, struct scan *scan,
    const struct vv_spool_record *record, size_t at)
{
    struct vv_salvage_number *number = scan->number;
    const struct vv_salvage_file *file = &number->files[scan->file];
    struct vv_salvage_row row = {.sequence = record->sequence, .at = at, .file = scan->file};
    if (name_at(file->tables, file->tables_len, record->table).ptr == NULL)
        row.rank = VV_SALVAGE_TABLELESS;
    if (record->kind == VV_SPOOL_TYPED &&
        name_at(file->schemas, file->schemas_len, record->schema).ptr == NULL)
        row.rank = VV_SALVAGE_SHAPELESS;
    vv_buf_add(&number->rows_bytes, (struct vv_str){(const char *)&row, sizeof(row)});
    if (!scan->has_row)
        number->head_is_known = number->head_is_known || !scan->has_damage;
    scan->has_row = true;
    return vv_buf_ok(&number->rows_bytes) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status take(struct vv_op *op, struct scan *scan,
    const struct vv_spool_record *record, const struct vv_segment_counts *end, size_t at)
{
    struct vv_salvage_file *file = &scan->number->files[scan->file];
    if (vv_segment_record_is_newer(vv_spool_find_content(file->find), at))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "%.*s uses at offset %zu what a later version of Varve added: salvage it with that "
            "one; nothing was changed",
            VV_ARG(file->find->name), at);
    if (end->records > 0) {
        scan->number->end = *end;
        return VARVE_OK;
    }
    switch (record->kind) {
    case VV_SPOOL_TABLE:
        return declare(op, &file->tables, &file->tables_len, record->table, record->payload);
    case VV_SPOOL_SCHEMA:
        return declare(op, &file->schemas, &file->schemas_len, record->schema, record->payload);
    case VV_SPOOL_JSON:
    case VV_SPOOL_TYPED:
        return add_row(op, scan, record, at);
    case VV_SPOOL_GAP: /* of a salvage before: still a hole */
    default:
        return VARVE_OK;
    }
}

/* What lies behind the last whole record. */
static varve_status scan_tail(struct vv_op *op, struct scan *scan, size_t at, bool has_end)
{
    const struct vv_spool_find *find = scan->number->files[scan->file].find;
    struct vv_str content = vv_spool_find_content(find);
    size_t bytes = vv_segment_bytes_behind(content, at);
    size_t known = find->has_head ? find->head.durable_bytes : 0;
    size_t to = bytes > 0 ? at + bytes : at;
    bool is_whole = find->has_head && (find->head.state == VV_SEGMENT_SEALED ||
                                          content.len >= find->head.capacity);
    if (!has_end && known > to)
        to = known;
    if (to > at)
        VV_TRY(add_damage(op, scan, at, to));
    else if (!has_end && is_whole && vv_spool_find_is_chosen(find))
        scan->number->tail_is_known = true;
    return VARVE_OK;
}

static varve_status scan_file(struct vv_op *op, struct scan *scan, uint64_t seed)
{
    const struct vv_spool_find *find = scan->number->files[scan->file].find;
    struct vv_str content = vv_spool_find_content(find);
    size_t left = vv_segment_hashed_bytes_max(content);
    size_t behind = VV_SEGMENT_HEAD_BYTES; /* the last whole record */
    bool has_end = false;
    if (!find->has_head)
        VV_TRY(add_damage(op, scan, 0, VV_SEGMENT_HEAD_BYTES));
    scan->has_damage = false;
    for (size_t at = VV_SEGMENT_HEAD_BYTES; at < content.len;) {
        struct vv_spool_record record;
        struct vv_segment_counts end;
        size_t bytes = vv_segment_record_at(content, seed, at, &left, &record, &end);
        if (bytes == 0) {
            at += 8;
            continue;
        }
        VV_TRY(vv_check_cancel(op));
        if (at > behind)
            VV_TRY(add_damage(op, scan, behind, at));
        VV_TRY(take(op, scan, &record, &end, at));
        has_end = end.records > 0;
        at += bytes;
        behind = at;
    }
    return scan_tail(op, scan, behind, has_end);
}

static int compare_rows(const void *left, const void *right)
{
    const struct vv_salvage_row *a = left;
    const struct vv_salvage_row *b = right;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->file < b->file ? -1 : a->file > b->file;
}

/* Each sequence once, the row that says most of itself. */
static varve_status sort_rows(struct vv_op *op, struct vv_salvage_number *number)
{
    struct vv_str bytes = vv_buf_str(&number->rows_bytes);
    size_t len = bytes.len / sizeof(struct vv_salvage_row);
    if (!vv_buf_ok(&number->rows_bytes))
        return vv_fail_memory(op);
    VV_NEW(op, &number->rows, struct vv_salvage_row, len + 1);
    memcpy(number->rows, bytes.ptr, bytes.len);
    vv_buf_done(&number->rows_bytes);
    if (len > 1)
        qsort(number->rows, len, sizeof(struct vv_salvage_row), compare_rows);
    for (size_t i = 0; i < len; i++) {
        const struct vv_salvage_row *row = &number->rows[i];
        if (number->rows_len > 0 &&
            number->rows[number->rows_len - 1].sequence == row->sequence)
            continue;
        number->saved += row->rank == VV_SALVAGE_WHOLE;
        number->tableless += row->rank == VV_SALVAGE_TABLELESS;
        number->shapeless += row->rank == VV_SALVAGE_SHAPELESS;
        number->rows[number->rows_len++] = *row;
    }
    return VARVE_OK;
}

varve_status vv_salvage_read(struct vv_op *op, const struct vv_salvage *salvage,
    struct vv_salvage_number *number)
{
    uint64_t seed = vv_segment_seed(salvage->spool->header.key, number->number);
    for (size_t i = 0; i < number->files_len; i++) {
        struct scan scan = {.number = number, .file = (uint32_t)i};
        VV_TRY(scan_file(op, &scan, seed));
    }
    if (number->end.records > 0)
        number->head_is_known = number->tail_is_known = true;
    return sort_rows(op, number);
}

struct vv_spool_record vv_salvage_record(const struct vv_salvage_number *number,
    const struct vv_salvage_row *row, struct vv_str *out_table, struct vv_str *out_schema)
{
    struct vv_spool_record record;
    const struct vv_salvage_file *file = &number->files[row->file];
    vv_segment_record_view(vv_spool_find_content(file->find), row->at, &record);
    *out_table = name_at(file->tables, file->tables_len, record.table);
    *out_schema = record.kind == VV_SPOOL_TYPED
                      ? name_at(file->schemas, file->schemas_len, record.schema)
                      : VV_STR_NONE;
    return record;
}
