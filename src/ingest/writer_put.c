/*
 * A row comes. Of a row no more is asked here than what it takes to keep it: that it is one, of a
 * table that is there, with a key (but for what an upsert fills in of it). All other rules are judged when it is flushed, where a row that
 * breaks one goes to the quarantine and no other row waits for it.
 */
#include <string.h>

#include "base/json.h"
#include "base/json_write.h"
#include "engine/arrow_stream.h"
#include "ingest/spool_row.h"
#include "ingest/spool_segment.h"
#include "ingest/writer_state.h"
#include "table/input/batch_input.h"
#include "table/input/row_json.h"

#define FULL_WAIT_US INT64_C(100000)
/* A row that takes more than a part of the spool would never find room beside others. */
#define SPOOL_PART 4

/* Not at the next interval, but now. */
static void ask_flush(struct vv_writer *writer)
{
    if (atomic_exchange(&writer->is_full, true))
        return;
    pthread_mutex_lock(&writer->lock);
    pthread_cond_broadcast(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

/* Wakes those who seal, once a flush. Bytes count as they lie in the segment. */
static void count_put(struct vv_writer *writer, struct vv_writer_table *table,
    size_t payload_bytes)
{
    size_t bytes = vv_segment_record_bytes(payload_bytes);
    int64_t rows = atomic_fetch_add(&writer->rows_open, 1) + 1;
    int64_t all = atomic_fetch_add(&writer->bytes_open, (int64_t)bytes) + (int64_t)bytes;
    atomic_fetch_add(&writer->rows_put, 1);
    atomic_fetch_add(&table->rows_put, 1);
    if (rows >= writer->options.rows_max || all >= writer->options.bytes_max)
        ask_flush(writer);
}

static varve_status check_fits(struct vv_op *op, const struct vv_writer *writer, size_t bytes)
{
    int64_t max = writer->options.spool_bytes_max / SPOOL_PART;
    if ((int64_t)bytes <= max)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "a row of %zu bytes is more than a quarter of the spool (%" PRId64 " bytes)", bytes,
        writer->options.spool_bytes_max);
}

/* The spool is full: what is in it must be flushed, then there is room. */
static varve_status wait_room(struct vv_op *op, struct vv_writer *writer)
{
    int64_t wait_us = 0;
    if (atomic_load(&writer->interrupted))
        return vv_fail(op, VARVE_EINTERRUPTED, "interrupted while the spool is full");
    ask_flush(writer);
    if (writer->options.is_manual) {
        if (!vv_writer_step(op, writer, &wait_us))
            vv_sleep_us(op, wait_us);
        return VARVE_OK;
    }
    (void)vv_spool_wait_room(op, writer->spool, FULL_WAIT_US);
    return VARVE_OK;
}

static varve_status append(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table *table, struct vv_str schema_payload, struct vv_spool_record *record,
    uint64_t *out_sequence)
{
    VV_TRY(vv_writer_refusal(op, writer));
    VV_TRY(check_fits(op, writer, record->payload.len));
    for (;;) {
        varve_status status =
            vv_spool_append(op, writer->spool, table->name, schema_payload, record);
        if (status == VARVE_OK)
            break;
        if (status == VARVE_ELIMIT && writer->options.full_fails)
            ask_flush(writer);
        if (status != VARVE_ELIMIT || writer->options.full_fails)
            return status;
        vv_forgive(op);
        VV_TRY(vv_writer_refusal(op, writer)); /* there would never be room */
        VV_TRY(wait_room(op, writer));
    }
    count_put(writer, table, record->payload.len);
    if (writer->options.sync_always)
        VV_TRY(vv_spool_wait_durable(op, writer->spool, record->sequence));
    if (out_sequence != NULL)
        *out_sequence = record->sequence;
    return VARVE_OK;
}

static bool has_value(struct vv_str payload, int32_t place)
{
    return place >= 0 && (size_t)place / 8 < payload.len && vv_arrow_bit(payload.ptr, place);
}

varve_status vv_writer_put_typed(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_lane *lane, struct vv_str row_payload, bool allows_null_key,
    uint64_t *out_sequence)
{
    VV_TRY(vv_writer_check(op, writer));
    struct vv_spool_record record = {.kind = VV_SPOOL_TYPED, .payload = row_payload};
    struct vv_str absent = VV_STR_NONE;
    pthread_rwlock_rdlock(&writer->tables_lock);
    const struct vv_writer_shape *shape = lane->shape;
    bool is_stale = shape != lane->table->shape;
    for (size_t i = 0; i < shape->key_len && !is_stale; i++)
        if (!shape->key[i].is_filled && !has_value(row_payload, lane->key_places[i]))
            absent = shape->key[i].name;
    record.is_stamped = shape->order.len > 0 && !has_value(row_payload, lane->order_place);
    pthread_rwlock_unlock(&writer->tables_lock);
    if (is_stale) {
        VV_TRY(vv_writer_lane_refit(op, writer, lane));
        return vv_writer_put_typed(op, writer, lane, row_payload, allows_null_key,
            out_sequence);
    }
    if (absent.ptr != NULL && !allows_null_key)
        return vv_fail(op, VARVE_EINVALID,
            "%.*s has no value, and it is part of the key of table %.*s", VV_ARG(absent),
            VV_ARG(lane->table->name));
    return append(op, writer, lane->table, lane->schema_payload, &record, out_sequence);
}

static varve_status parse_row(struct vv_op *op, struct vv_str json, const struct vv_json **out)
{
    static const struct vv_schema any = {NULL, 0};
    const struct vv_json *plain = NULL;
    bool has_words = false;
    if (json.len > VV_WRITER_ROW_BYTES_MAX)
        return vv_fail(op, VARVE_EINVALID, "a row of %zu bytes: it may have %zu", json.len,
            VV_WRITER_ROW_BYTES_MAX);
    varve_status status = vv_row_parse(op, &op->arena, json, out, &has_words);
    if (status == VARVE_OK && has_words)
        status = vv_row_read(op, &op->arena, &any, json, &plain);
    if (status != VARVE_OK)
        return status == VARVE_ECORRUPT ? vv_recode(op, VARVE_EINVALID) : status;
    if (!vv_json_is(*out, VV_JSON_OBJECT))
        return vv_fail(op, VARVE_EINVALID, "a row has to be one JSON object");
    return VARVE_OK;
}

static varve_status table_of(struct vv_op *op, const struct vv_json *row, struct vv_str *out)
{
    const struct vv_json *name = vv_json_get_kind(row, "table", VV_JSON_STRING);
    if (name == NULL)
        return vv_fail(op, VARVE_EINVALID, "no member \"table\" says whose row this is");
    *out = vv_json_text(name);
    return VARVE_OK;
}

/* What the members of a row say of its key and order. */
struct members {
    uint64_t keys; /* a bit each: it has a value */
    bool has_order;
};

static void look_at_members(const struct vv_json *row, const struct vv_writer_shape *shape,
    struct members *out)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    *out = (struct members){0};
    while (vv_json_each(row, &iterator, &name, &value)) {
        bool is_nan = vv_row_is_nan(value);
        bool is_null = vv_json_is(value, VV_JSON_NULL);
        for (size_t i = 0; i < shape->key_len && i < 64; i++)
            if (!is_null && (!is_nan || shape->key[i].is_float) &&
                vv_str_eq_nocase(name, shape->key[i].name))
                out->keys |= UINT64_C(1) << i;
        if (shape->order.len > 0 && vv_str_eq_nocase(name, shape->order))
            out->has_order = out->has_order || !(is_null || is_nan);
    }
}

/* Line ends between the tokens of a row become blanks: in the spool a row is a line. */
static varve_status one_line(struct vv_op *op, struct vv_str json, struct vv_str *out)
{
    *out = json;
    if (vv_str_find(json, '\n') == json.len && vv_str_find(json, '\r') == json.len)
        return VARVE_OK;
    char *copy = NULL;
    VV_NEW(op, &copy, char, json.len + 1);
    for (size_t i = 0; i < json.len; i++)
        copy[i] = json.ptr[i] == '\n' || json.ptr[i] == '\r' ? ' ' : json.ptr[i];
    out->ptr = copy;
    return VARVE_OK;
}

varve_status vv_writer_put_json(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    struct vv_str json, uint64_t *out_sequence)
{
    const struct vv_json *row = NULL;
    struct vv_writer_table *owner = NULL;
    struct vv_spool_record record = {.kind = VV_SPOOL_JSON};
    struct members members;
    VV_TRY(vv_writer_check(op, writer));
    VV_TRY(parse_row(op, json, &row));
    if (table.len == 0)
        VV_TRY(table_of(op, row, &table));
    VV_TRY(vv_writer_table_of_row(op, writer, table, &owner));
    VV_TRY(one_line(op, json, &record.payload));
    pthread_rwlock_rdlock(&writer->tables_lock);
    const struct vv_writer_shape *shape = owner->shape; /* stays, though it may be replaced */
    pthread_rwlock_unlock(&writer->tables_lock);
    if (shape == NULL) { /* judged when it is flushed */
        record.is_stamped = true;
        return append(op, writer, owner, VV_STR_NONE, &record, out_sequence);
    }
    look_at_members(row, shape, &members);
    for (size_t i = 0; i < shape->key_len && i < 64; i++) {
        if ((members.keys >> i & 1) != 0 || shape->key[i].is_filled)
            continue;
        (void)vv_fail(op, VARVE_EINVALID,
            "%.*s has no value, and it is part of the key of table %.*s",
            VV_ARG(shape->key[i].name), VV_ARG(owner->name));
        vv_error_table(op, owner->name);
        return VARVE_EINVALID;
    }
    record.is_stamped = shape->order.len > 0 && !members.has_order;
    return append(op, writer, owner, VV_STR_NONE, &record, out_sequence);
}

varve_status vv_writer_put_rejected(struct vv_op *op, struct vv_writer *writer,
    struct vv_str table, struct vv_str text, struct vv_str reason, uint64_t *out_sequence)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer object = VV_JSON_WRITER_INIT(&json);
    struct vv_writer_table *owner = NULL;
    VV_TRY(vv_writer_check(op, writer));
    VV_TRY(vv_writer_table_of_row(op, writer, table, &owner));
    if (reason.len == 0)
        reason = VV_STR("is no row");
    if (text.len > VV_WRITER_REJECTED_BYTES_MAX)
        reason = vv_arena_format(&op->arena, "%.*s (its first %zu bytes of %zu are kept)",
            VV_ARG(reason), VV_WRITER_REJECTED_BYTES_MAX, text.len);
    if (reason.ptr == NULL)
        return vv_fail_memory(op);
    vv_jw_object(&object);
    vv_jw_key_string(&object, VV_NDJSON_LINE_TEXT,
        vv_str_first(text, VV_WRITER_REJECTED_BYTES_MAX));
    vv_jw_key_string(&object, VV_NDJSON_LINE_FAULT, reason);
    vv_jw_end(&object);
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    struct vv_spool_record record = {.kind = VV_SPOOL_JSON, .payload = vv_buf_str(&json)};
    return append(op, writer, owner, VV_STR_NONE, &record, out_sequence);
}

static void array_done(struct ArrowArray *array)
{
    if (array->release != NULL)
        array->release(array);
}

static void schema_done(struct ArrowSchema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

varve_status vv_writer_put_array(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_lane *lane, const struct vv_arrow_type *type,
    const struct ArrowArray *array, bool waits, uint64_t *out_sequence)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf row = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(vv_arrow_check(op, type, array));
    for (int64_t i = 0; i < array->length; i++) {
        vv_buf_clear(&row);
        vv_row_encode(type, array, i, &row);
        if (!vv_buf_ok(&row))
            return vv_fail_memory(op);
        varve_status status;
        while ((status = vv_writer_put_typed(op, writer, lane, vv_buf_str(&row), true,
                    out_sequence)) == VARVE_ELIMIT &&
               waits && op->error.retryable) {
            vv_forgive(op);
            VV_TRY(wait_room(op, writer));
        }
        VV_TRY(status);
    }
    return VARVE_OK;
}

static varve_status put_stream(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    struct ArrowArrayStream *stream, uint64_t *out_sequence)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf payload = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(schema_done) struct ArrowSchema schema = {.release = NULL};
    struct vv_arrow_type type;
    struct vv_writer_lane *lane = NULL;
    int code = stream->get_schema(stream, &schema);
    if (code != 0) {
        schema.release = NULL;
        return vv_arrow_fail(op, stream, code, "the Arrow stream failed");
    }
    VV_TRY(vv_arrow_type_read(op, &schema, &type));
    VV_TRY(vv_row_schema_write(op, &schema, &payload));
    if (!vv_buf_ok(&payload))
        return vv_fail_memory(op);
    VV_TRY(vv_writer_lane(op, writer, table, vv_buf_str(&payload), &lane));
    for (;;) {
        VV_CLEANUP(array_done) struct ArrowArray array = {.release = NULL};
        code = stream->get_next(stream, &array);
        if (code != 0) {
            array.release = NULL;
            return vv_arrow_fail(op, stream, code, "the Arrow stream failed");
        }
        if (array.release == NULL)
            return VARVE_OK;
        VV_TRY(vv_writer_put_array(op, writer, lane, &type, &array, false, out_sequence));
    }
}

varve_status vv_writer_put_arrow(struct vv_op *op, struct vv_writer *writer,
    struct vv_str table, struct ArrowArrayStream *stream, uint64_t *out_sequence)
{
    uint64_t sequence = 0;
    VV_TRY(vv_arrow_check_unread(op, stream));
    varve_status status = put_stream(op, writer, table, stream, &sequence);
    stream->release(stream);
    if (status == VARVE_OK && out_sequence != NULL)
        *out_sequence = sequence;
    return status;
}
