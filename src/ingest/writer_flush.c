/*
 * A part becomes an upsert: its rows in the order of their arrival, under the txn of the spool and
 * the segment, so that whoever does it again after a crash does nothing.
 */
#include <string.h>

#include "base/json.h"
#include "base/json_write.h"
#include "base/seam.h"
#include "base/time.h"
#include "ingest/spool_row.h"
#include "ingest/writer_state.h"
#include "table/input/batch_input.h"
#include "table/input/convert.h"
#include "table/input/whole.h"

#define AHEAD_EVERY_US (INT64_C(60) * VV_US_PER_S)

/* Typed rows and JSON by turns: from here on all of them are text. */
#define RUNS_MAX 16

/* Rows in a row of one kind: typed of one schema, or JSON. */
struct run {
    struct run *next;
    struct vv_str schema; /* none: JSON */
    struct vv_row_batch *typed;
    struct vv_buf lines; /* a vv_str each: where the text of a row lies */
    struct vv_buf arrivals;
};

/* Of typed rows. */
struct schema {
    struct vv_str payload;     /* none: there is no such number */
    struct vv_row_schema read; /* for text; schema NULL: not read yet */
    bool may_round;            /* a float of the table takes an integer */
};

struct gather {
    const struct vv_table *table;
    bool as_text;
    int32_t number;         /* of the table in the segment; -1: not seen yet */
    struct schema *schemas; /* by their numbers in the segment */
    size_t schemas_len;
    struct run *first, *last;
    size_t runs_len;
    struct vv_buf sequences;
    bool has_own; /* a row that came with its order value */
};

static void gather_done(struct gather *gather)
{
    for (struct run *run = gather->first; run != NULL; run = run->next) {
        vv_row_batch_free(&run->typed);
        vv_buf_done(&run->lines);
        vv_buf_done(&run->arrivals);
    }
    vv_buf_done(&gather->sequences);
}

static varve_status schema_add(struct vv_op *op, struct gather *gather,
    const struct vv_spool_record *record)
{
    if (record->schema >= gather->schemas_len) {
        size_t len = (size_t)record->schema * 2 + 8;
        struct schema *schemas = NULL;
        VV_NEW(op, &schemas, struct schema, len);
        if (gather->schemas_len > 0)
            memcpy(schemas, gather->schemas, gather->schemas_len * sizeof(*schemas));
        gather->schemas = schemas;
        gather->schemas_len = len;
    }
    struct vv_str payload = vv_arena_str(&op->arena, record->payload);
    gather->schemas[record->schema] = (struct schema){.payload = payload};
    return payload.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status schema_of(struct vv_op *op, const struct gather *gather,
    const struct vv_spool_record *record, struct schema **out)
{
    *out = record->schema < gather->schemas_len ? &gather->schemas[record->schema] : NULL;
    return *out != NULL && (*out)->payload.ptr != NULL
               ? VARVE_OK
               : vv_fail(op, VARVE_ECORRUPT,
                     "row %" PRIu64 " is of a schema that the segment lacks", record->sequence);
}

/* The run that the row continues, or a new one; NULL: it failed. */
static struct run *run_for(struct vv_op *op, struct gather *gather, struct vv_str schema)
{
    struct run *run = gather->last;
    if (run != NULL && run->schema.ptr == schema.ptr)
        return run;
    run = vv_new(&op->arena, struct run, 1);
    if (run == NULL) {
        vv_fail_memory(op);
        return NULL;
    }
    *run = (struct run){.schema = schema,
        .lines = VV_BUF_INIT(VV_BUF_MAX),
        .arrivals = VV_BUF_INIT(VV_BUF_MAX)};
    if (schema.ptr != NULL &&
        vv_row_batch_new(op, schema, VV_INPUT_ARRIVAL_COLUMN, &run->typed) != VARVE_OK)
        return NULL;
    if (gather->last != NULL)
        gather->last->next = run;
    else
        gather->first = run;
    gather->last = run;
    gather->runs_len++;
    return run;
}

static varve_status schema_read(struct vv_op *op, const struct gather *gather,
    struct schema *schema)
{
    const struct vv_schema *to = &gather->table->snapshot->schema;
    VV_TRY(vv_row_schema_read(op, schema->payload, &schema->read));
    const struct vv_arrow_type *row = &schema->read.type;
    for (int64_t i = 0; i < row->children_len && !schema->may_round; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(VV_BUF_MAX);
        int32_t column = vv_schema_find(to, row->children[i].name);
        if (column < 0)
            continue;
        vv_arrow_type_sql(&type, &row->children[i]);
        if (!vv_buf_ok(&type))
            return vv_fail_memory(op);
        const struct vv_conversion conversion = {
            .type = &to->fields[column].type, .source_type = vv_buf_str(&type)};
        schema->may_round = vv_convert_is_whole(&conversion);
    }
    return VARVE_OK;
}

/* With what is wrong with its integers. */
static varve_status judge_text(struct vv_op *op, const struct gather *gather,
    struct vv_buf *text)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena parsed = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
    VV_CLEANUP(vv_buf_done) struct vv_buf judged = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_schema *to = &gather->table->snapshot->schema;
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&judged);
    const struct vv_json *row = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    VV_TRY(vv_json_parse(op, &parsed, vv_buf_str(text), &row));
    vv_jw_object(&writer);
    while (vv_json_each(row, &iterator, &name, &value)) {
        int32_t column = vv_schema_find(to, name);
        vv_jw_key_str(&writer, name);
        vv_jw_json(&writer, value);
        if (column >= 0)
            VV_TRY(vv_whole_fault(op, &to->fields[column], value, false, &writer));
    }
    vv_jw_end(&writer);
    vv_buf_clear(text);
    vv_buf_add(text, vv_buf_str(&judged));
    return vv_buf_ok(&judged) ? VARVE_OK : vv_fail_memory(op);
}

/* A typed row as a line of JSON. */
static varve_status make_text(struct vv_op *op, struct gather *gather,
    const struct vv_spool_record *record, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct schema *schema = NULL;
    VV_TRY(schema_of(op, gather, record, &schema));
    if (schema->read.schema == NULL)
        VV_TRY(schema_read(op, gather, schema));
    VV_TRY(vv_row_json(op, &schema->read, record->payload, &text));
    if (schema->may_round)
        VV_TRY(judge_text(op, gather, &text));
    *out = vv_arena_str(&op->arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* A row of JSON stays where it is: in the file of the segment, while its reader is open. */
static varve_status add_text(struct vv_op *op, struct gather *gather,
    const struct vv_spool_record *record, struct run *run)
{
    struct vv_str text = record->payload;
    if (record->kind != VV_SPOOL_JSON)
        VV_TRY(make_text(op, gather, record, &text));
    vv_buf_add(&run->lines, (struct vv_str){(const char *)&text, sizeof(text)});
    vv_buf_add(&run->arrivals,
        (struct vv_str){(const char *)&record->arrival_us, sizeof(record->arrival_us)});
    return vv_buf_ok(&run->lines) && vv_buf_ok(&run->arrivals) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status row_add(struct vv_op *op, struct gather *gather,
    const struct vv_spool_record *record)
{
    struct schema *schema = NULL;
    gather->has_own = gather->has_own || !record->is_stamped;
    vv_buf_add(&gather->sequences,
        (struct vv_str){(const char *)&record->sequence, sizeof(record->sequence)});
    if (!vv_buf_ok(&gather->sequences))
        return vv_fail_memory(op);
    if (record->kind == VV_SPOOL_TYPED && !gather->as_text)
        VV_TRY(schema_of(op, gather, record, &schema));
    struct run *run = run_for(op, gather, schema != NULL ? schema->payload : VV_STR_NONE);
    if (run == NULL)
        return op->error.code;
    if (run->typed != NULL)
        return vv_row_batch_add(op, run->typed, record->payload, record->arrival_us);
    return add_text(op, gather, record, run);
}

static varve_status gather_rows(struct vv_op *op, struct vv_spool_reader *reader,
    struct gather *gather)
{
    while (gather->as_text || gather->runs_len <= RUNS_MAX) {
        struct vv_spool_record record;
        bool has_record = false;
        VV_TRY(vv_spool_reader_next(op, reader, &record, &has_record));
        if (!has_record)
            break;
        if (record.kind == VV_SPOOL_TABLE) {
            if (vv_str_eq(record.payload, gather->table->name))
                gather->number = record.table;
        } else if (record.kind == VV_SPOOL_SCHEMA) {
            VV_TRY(schema_add(op, gather, &record));
        } else if (record.table == gather->number) {
            VV_TRY(row_add(op, gather, &record));
        }
    }
    return VARVE_OK;
}

static varve_status gather_segment(struct vv_op *op, struct vv_writer *writer, uint64_t segment,
    struct gather *gather, struct vv_spool_reader **out)
{
    VV_TRY(vv_spool_reader_open(op, writer->spool, segment, out));
    return gather_rows(op, *out, gather);
}

/* The bytes of a buffer, in the operation. */
static varve_status settle(struct vv_op *op, struct vv_buf *from, size_t item_bytes,
    const void **out, size_t *out_len)
{
    struct vv_str bytes = vv_buf_str(from);
    void *copy = vv_arena_alloc(&op->arena, bytes.len + 1, 1, _Alignof(struct vv_str));
    if (!vv_buf_ok(from) || copy == NULL)
        return vv_fail_memory(op);
    memcpy(copy, bytes.ptr, bytes.len);
    *out = copy;
    *out_len = bytes.len / item_bytes;
    vv_buf_done(from);
    return VARVE_OK;
}

/* One run as an input; what it holds lives in the operation, the segment's file or the stream. */
static varve_status make_input(struct vv_op *op, struct run *run, struct vv_str name,
    struct vv_writer_batch *batch)
{
    struct vv_input *input = &batch->inputs[batch->inputs_len];
    struct ArrowArrayStream *stream = &batch->streams[batch->inputs_len];
    batch->inputs_len++;
    *input = (struct vv_input){.format = VV_INPUT_ARROW, .fd = -1, .name = name};
    if (run->typed != NULL) {
        vv_row_batch_stream(&run->typed, stream);
        input->stream = stream;
        return VARVE_OK;
    }
    const void *lines = NULL;
    const void *arrivals = NULL;
    VV_TRY(settle(op, &run->lines, sizeof(struct vv_str), &lines, &input->lines_len));
    VV_TRY(settle(op, &run->arrivals, sizeof(int64_t), &arrivals, &input->arrivals_len));
    input->format = VV_INPUT_NDJSON;
    input->lines = lines;
    input->arrivals = arrivals;
    return VARVE_OK;
}

static varve_status make_inputs(struct vv_op *op, struct gather *gather, uint64_t segment,
    struct vv_writer_batch *out)
{
    size_t len = gather->runs_len;
    struct vv_str name =
        vv_arena_format(&op->arena, "<segment %" PRIu64 " of the spool>", segment);
    uint64_t *sequences = NULL;
    size_t rows_len = gather->sequences.len / sizeof(uint64_t);
    if (name.ptr == NULL || !vv_buf_ok(&gather->sequences))
        return vv_fail_memory(op);
    VV_NEW(op, &out->inputs, struct vv_input, len + 1);
    VV_NEW(op, &out->streams, struct ArrowArrayStream, len + 1);
    VV_NEW(op, &sequences, uint64_t, rows_len + 1);
    memcpy(sequences, vv_buf_str(&gather->sequences).ptr, gather->sequences.len);
    out->sequences = sequences;
    out->rows_len = rows_len;
    out->has_own = gather->has_own;
    for (struct run *run = gather->first; run != NULL; run = run->next)
        VV_TRY(make_input(op, run, name, out));
    return VARVE_OK;
}

void vv_writer_batch_done(struct vv_writer_batch *batch)
{
    for (size_t i = 0; i < batch->inputs_len; i++)
        if (batch->streams[i].release != NULL)
            batch->streams[i].release(&batch->streams[i]);
    vv_spool_reader_close(&batch->reader);
    *batch = (struct vv_writer_batch){0};
}

varve_status vv_writer_batch_read(struct vv_op *op, struct vv_writer *writer,
    const struct vv_table *table, uint64_t segment, bool as_text, struct vv_writer_batch *out)
{
    VV_CLEANUP(gather_done)
    struct gather gather = {
        .table = table, .as_text = as_text, .number = -1, .sequences = VV_BUF_INIT(VV_BUF_MAX)};
    VV_CLEANUP(vv_writer_batch_done) struct vv_writer_batch batch = {0};
    pthread_mutex_lock(&writer->spool_use);
    varve_status status = gather_segment(op, writer, segment, &gather, &batch.reader);
    pthread_mutex_unlock(&writer->spool_use);
    VV_TRY(status);
    if (!as_text && gather.runs_len > RUNS_MAX)
        return vv_writer_batch_read(op, writer, table, segment, true, out);
    VV_TRY(make_inputs(op, &gather, segment, &batch));
    *out = batch;
    batch = (struct vv_writer_batch){0};
    return VARVE_OK;
}

varve_status vv_writer_upsert(struct vv_op *op, struct vv_writer *writer,
    struct vv_table *table, uint64_t segment, struct vv_writer_vain *vain,
    struct vv_writer_batch *out_batch, struct vv_upsert_result *out)
{
    struct vv_writer_batch *batch = out_batch;
    struct vv_str rejects = VV_STR_NONE;
    struct vv_upsert_options options = {.batch = {.dedupe = true, .reject_rows = true},
        .app_id = vv_spool_app_id(writer->spool),
        .app_version = (int64_t)segment,
        .user_name = writer->lake->user,
        .user_metadata = writer->lake->message,
        .quarantine = true,
        .out_rejects = &rejects};
    VV_TRY(vv_writer_batch_read(op, writer, table, segment, false, batch));
    *out = (struct vv_upsert_result){.version = table->snapshot->version};
    if (batch->rows_len == 0)
        return VARVE_OK; /* the segment is of other tables */
    varve_status status = vv_upsert(op, table, batch->inputs, batch->inputs_len, &options, out);
    if (!vv_writer_is_of_rows(status)) {
        batch->rejects = rejects;
        return status;
    }
    /*
     * The table can't take rows of that type at all, since its columns have changed, or a value is
     * beyond what a type holds, be it that we say so or the engine. As text, that is the matter of each
     * row; and if it is not, they are tried.
     */
    vv_log(op, VV_LOG_INFO, "writer.text", "table %.*s: segment %" PRIu64 " as text: %s",
        VV_ARG(table->name), segment, op->error.message);
    vv_forgive(op);
    vv_writer_batch_done(batch);
    VV_TRY(vv_writer_batch_read(op, writer, table, segment, true, batch));
    status = vv_upsert(op, table, batch->inputs, batch->inputs_len, &options, out);
    if (vv_writer_is_of_rows(status)) {
        VV_TRY(vv_writer_blame(op, table, segment, vain, batch));
        status = vv_upsert(op, table, batch->inputs, batch->inputs_len, &options, out);
    }
    batch->rejects = rejects;
    return status;
}

/* "confidence = 1.5 breaks confidence_range (...)"; of the rule that weighs most. */
static struct vv_str reason_of(struct vv_op *op, const struct vv_json *reasons)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *first = NULL;
    struct vv_str name;
    if (!vv_json_each(reasons, &iterator, &name, &first))
        return VV_STR("");
    struct vv_str column = vv_json_text(vv_json_get(first, "column"));
    struct vv_str value = vv_json_text(vv_json_get(first, "value"));
    struct vv_str rule = vv_json_text(vv_json_get(first, "rule"));
    if (vv_str_eq(column, VV_STR(VV_NDJSON_LINE_TEXT)))
        return rule; /* no column is to blame, but the line */
    if (value.ptr == NULL)
        return vv_arena_format(&op->arena, "%.*s %.*s", VV_ARG(column), VV_ARG(rule));
    return vv_arena_format(&op->arena, "%.*s = %.*s %.*s", VV_ARG(column), VV_ARG(value),
        VV_ARG(rule));
}

static varve_status tell_reject(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_writer_batch *batch, struct vv_str line)
{
    const struct vv_writer_events *events = &writer->options.events;
    const struct vv_json *json = NULL;
    struct vv_str values = VV_STR("{}");
    int64_t row = 0;
    VV_TRY(vv_json_parse(op, &op->arena, line, &json));
    if (!vv_json_int64(vv_json_get(json, "row"), &row) || row < 1 ||
        (size_t)row > batch->rows_len)
        return vv_fail(op, VARVE_EFAILED, "a rejected row without its number");
    VV_TRY(vv_json_write_value(op, vv_json_get(json, "values"), &op->arena, &values));
    struct vv_str reason = reason_of(op, vv_json_get(json, "reasons"));
    if (reason.ptr == NULL)
        return vv_fail_memory(op);
    pthread_mutex_lock(&writer->callbacks);
    events->quarantine(events->data, table, batch->sequences[row - 1], values, reason);
    pthread_mutex_unlock(&writer->callbacks);
    return VARVE_OK;
}

/* Where nobody listens: once for all of a flush, by the first of them. */
static varve_status log_rejects(struct vv_op *op, struct vv_str table, int64_t rows,
    struct vv_str line)
{
    const struct vv_json *json = NULL;
    VV_TRY(vv_json_parse(op, &op->arena, line, &json));
    struct vv_str reason = reason_of(op, vv_json_get(json, "reasons"));
    if (reason.ptr == NULL)
        return vv_fail_memory(op);
    vv_log(op, VV_LOG_WARN, "writer.quarantined",
        "table %.*s: %" PRId64 " %s set aside into its quarantine, the first since %.*s",
        VV_ARG(table), rows, rows == 1 ? "row was" : "rows were", VV_ARG(reason));
    return VARVE_OK;
}

static varve_status tell_rejects(struct vv_op *op, struct vv_writer *writer,
    struct vv_str table, const struct vv_writer_batch *batch, int64_t rows)
{
    struct vv_str rejects = batch->rejects;
    struct vv_str line = vv_str_first(rejects, vv_str_find(rejects, '\n'));
    if (writer->options.events.quarantine == NULL)
        return line.len > 0 ? log_rejects(op, table, rows, line) : VARVE_OK;
    while (vv_str_split(&rejects, '\n', &line))
        if (line.len > 0)
            VV_TRY(tell_reject(op, writer, table, batch, line));
    return VARVE_OK;
}

/*
 * A row keeps the time that it was put at, or else its repetition would be a younger version of itself.
 * Where a clock that was ahead wrote what is stored, it is older than that, and lost: not in silence.
 * In a batch with rows that came with a time of their own nobody knows whose rows these are.
 */
static void tell_ahead(struct vv_op *op, const struct vv_writer *writer,
    struct vv_writer_table *table, bool has_own, const struct vv_upsert_result *result)
{
    char until[32];
    int64_t now_us = vv_writer_clock(writer);
    bool is_one = result->stale_ahead == 1;
    if (result->stale_ahead == 0 || has_own)
        return;
    if (table->ahead_told_us != 0 && now_us - table->ahead_told_us < AHEAD_EVERY_US)
        return;
    table->ahead_told_us = now_us;
    size_t len = vv_time_format_us(result->ahead_until_us, until);
    vv_log(op, VV_LOG_WARN, "writer.ahead",
        "table %.*s: %" PRId64 " row%s dropped as stale, since the stored order value of %s "
        "key%s is ahead of the clock%s%.*s: a row without one counts as old as its arrival; "
        "varve "
        "upsert writes it",
        VV_ARG(table->name), result->stale_ahead, is_one ? " was" : "s were",
        is_one ? "its" : "their", is_one ? "" : "s", len > 0 ? ", up to " : "", (int)len,
        until);
}

static varve_status attempt(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table *table, struct vv_upsert_result *out)
{
    VV_CLEANUP(vv_writer_batch_done) struct vv_writer_batch batch = {0};
    VV_TRY(vv_writer_table_refresh(op, writer, table));
    if (!table->has_claimed)
        VV_TRY(vv_writer_claim(op, writer, table->name, table->handle->snapshot));
    table->has_claimed = true;
    vv_crash_point("writer.before_upsert");
    varve_status status = vv_writer_upsert(op, writer, table->handle, table->busy_segment,
        &table->vain, &batch, out);
    if (status == VARVE_OK && out->already_applied)
        VV_TRY(vv_writer_judge_applied(op, writer, table, table->busy_segment));
    if (status == VARVE_OK || status == VARVE_EUNKNOWN)
        table->doubtful_segment = table->busy_segment;
    VV_TRY(status);
    vv_crash_point("writer.upserted");
    tell_ahead(op, writer, table, batch.has_own, out);
    VV_TRY(vv_table_refresh(op, table->handle));
    vv_writer_table_note_commit(op, table);
    return tell_rejects(op, writer, table->name, &batch, out->rejected);
}

void vv_writer_attempt(struct vv_writer *writer, struct vv_writer_table *table)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &writer->env, VV_OP_BYTES_DEFAULT);
    struct vv_writer_outcome outcome = {0};
    int64_t begun_us = vv_writer_clock(writer);
    varve_status status = attempt(&op, writer, table, &outcome.result);
    outcome.duration_us = vv_writer_clock(writer) - begun_us;
    if (status == VARVE_OK) {
        vv_writer_settle(&op, writer, table, &outcome);
        return;
    }
    varve_error failure = op.error;
    vv_forgive(&op);
    if (failure.table[0] == '\0') {
        size_t len = table->name.len < sizeof(failure.table) ? table->name.len
                                                             : sizeof(failure.table) - 1;
        memcpy(failure.table, table->name.ptr, len);
        failure.table[len] = '\0';
    }
    outcome.failure = &failure;
    vv_writer_settle(&op, writer, table, &outcome);
}
