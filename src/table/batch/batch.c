#include "table/batch/batch.h"

#include "base/crew.h"
#include "base/seam.h"
#include "engine/sql.h"
#include "table/batch/batch_empty.h"
#include "table/batch/batch_later.h"
#include "table/batch/batch_settle.h"
#include "table/input/batch_input.h"
#include "table/batch/rejects.h"
#include "table/batch/validate.h"
#include "table/values.h"

/* Fewer rows are decoded and judged in no more time than it takes to begin. */
#define PART_ROWS_MIN 25000
#define ROW_BYTES 16 /* of what a row of a batch has beside its columns */

/*
 * Rows go through two relations: what the input says (batch_input_N), and what it means
 * for the table (batch). Only the second is made anew when the table changes. A batch without a
 * bad row and without duplicates, which is nearly every one, is not copied once more.
 */
struct vv_batch_source {
    struct vv_arena arena;
    struct vv_batch_input *inputs;
    size_t inputs_len;
    struct vv_str schema_json; /* by which NDJSON was read */
    bool is_large;             /* worth the optimiser's time */
    bool has_told;             /* what there is to say of its rows but that they are bad */
    int64_t now_us;
};

static varve_status exec(struct vv_op *op, struct vv_session *session, const struct vv_buf *sql)
{
    return vv_buf_ok(sql) ? vv_session_exec(op, session, vv_buf_str(sql)) : vv_fail_memory(op);
}

void vv_inputs_release(const struct vv_input *inputs, size_t inputs_len)
{
    for (size_t index = 0; index < inputs_len; index++) {
        struct ArrowArrayStream *stream = inputs[index].stream;
        if (inputs[index].format == VV_INPUT_ARROW && stream && stream->release)
            stream->release(stream);
    }
}

static void input_close(struct vv_batch_input *input)
{
    vv_source_close(&input->source);
    vv_source_close(&input->digits);
}

void vv_batch_source_close(struct vv_batch_source **source)
{
    struct vv_batch_source *closed = VV_MOVE(*source);
    if (closed == NULL)
        return;
    for (size_t index = 0; index < closed->inputs_len; index++)
        input_close(&closed->inputs[index]);
    vv_arena_done(&closed->arena);
    vv_free(closed);
}

varve_status vv_input_lines(struct vv_op *op, const struct vv_batch_input *input,
    const int64_t *rows, size_t rows_len, int64_t *out_lines)
{
    switch (input->format) {
    case VV_INPUT_CSV:
        return vv_input_lines_csv(op, input, rows, rows_len, out_lines);
    case VV_INPUT_NDJSON:
        return vv_input_lines_ndjson(op, input, rows, rows_len, out_lines);
    case VV_INPUT_PARQUET:
    case VV_INPUT_IPC:
    case VV_INPUT_ARROW:
        memset(out_lines, 0, rows_len * sizeof(*out_lines));
        break;
    }
    return VARVE_OK;
}

static bool is_utc(struct vv_str zone)
{
    return zone.len == 0 || vv_str_eq_nocase(zone, VV_STR("UTC")) ||
           vv_str_eq(zone, VV_STR("Z"));
}

/* DuckDB's sentence about an unknown zone lists others that are alike; ours says what to give. */
varve_status vv_batch_check_zone(struct vv_op *op, struct vv_session *session,
    struct vv_str zone)
{
    if (is_utc(zone))
        return VARVE_OK;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    vv_buf_adds(&sql, "SELECT timezone(");
    vv_sql_literal(&sql, zone);
    vv_buf_adds(&sql, ", TIMESTAMP '2000-01-01')");
    varve_status status = exec(op, session, &sql);
    if (status != VARVE_EFAILED)
        return status;
    vv_forgive(op);
    return vv_fail(op, VARVE_EUSAGE,
        "there is no time zone \"%.*s\"; names look like America/New_York or UTC",
        VV_ARG(zone));
}

/* As values where they are many: to make them of texts takes the engine longer. */
static varve_status ndjson_read(struct vv_op *op, struct vv_work *work,
    const struct vv_table *table, struct vv_batch_source *source, struct vv_batch_input *input)
{
    bool is_taken = false;
    if (input->has_cells && !work->is_small &&
        !vv_schema_has_defaults(&table->snapshot->schema))
        VV_TRY(vv_input_load_cells(op, work, &source->arena, table, input, &is_taken));
    input->has_cells = is_taken;
    return is_taken ? VARVE_OK : vv_input_load_ndjson(op, work, &source->arena, table, input);
}

static varve_status input_read(struct vv_op *op, struct vv_work *work,
    const struct vv_table *table, struct vv_batch_source *source, struct vv_batch_input *input)
{
    switch (input->format) {
    case VV_INPUT_CSV:
        return vv_input_load_csv(op, work, &source->arena, input);
    case VV_INPUT_NDJSON:
        return ndjson_read(op, work, table, source, input);
    case VV_INPUT_IPC:
        return vv_input_load_ipc(op, work, &source->arena, input);
    case VV_INPUT_PARQUET:
    case VV_INPUT_ARROW:
        break;
    }
    return vv_input_load_parquet(op, work, &source->arena, input);
}

static varve_status input_load(struct vv_op *op, struct vv_work *work,
    const struct vv_table *table, const struct vv_input *from,
    const struct vv_batch_options *options, struct vv_batch_source *source)
{
    struct vv_batch_input *input = &source->inputs[source->inputs_len];
    struct vv_arena *arena = &source->arena;
    struct vv_str name = from->name.len > 0 ? from->name : from->path;
    if (name.len == 0)
        name = from->format == VV_INPUT_ARROW ? VV_STR("<arrow>") : VV_STR("<input>");
    *input = (struct vv_batch_input){
        .format = from->format,
        .source = VV_SOURCE_NONE,
        .digits = VV_SOURCE_NONE,
        .name = vv_arena_str(arena, name),
        .table = vv_arena_format(arena, "batch_input_%zu", source->inputs_len),
        .table_sql = vv_arena_format(arena, "temp.batch_input_%zu", source->inputs_len),
        .arrivals = from->arrivals,
        .arrivals_len = from->arrivals_len,
        .faults = from->faults,
        .sets_aside = options->reject_rows,
        .passes_nulls = options->evolve,
        .truncates_time = options->truncate_time,
    };
    source->inputs_len++;
    if (input->name.ptr == NULL || input->table.ptr == NULL || input->table_sql.ptr == NULL) {
        vv_inputs_release(from, 1);
        return vv_fail_memory(op);
    }
    if (from->format == VV_INPUT_ARROW) {
        int64_t rows = 0;
        VV_TRY(vv_input_load_arrow(op, work, arena, from->stream, input, &rows));
        source->is_large = source->is_large || rows > VV_WORK_ROWS_MAX;
        return VARVE_OK;
    }
    input->has_cells = from->format == VV_INPUT_NDJSON && from->faults == NULL &&
                       !options->evolve && is_utc(options->input_tz);
    if (from->lines != NULL)
        vv_source_open_lines(from->lines, from->lines_len, &input->source);
    else
        VV_TRY(vv_source_open(op, from->path, from->fd, input->name, &input->source));
    bool is_large = input->source.bytes > VV_INPUT_SMALL_BYTES_MAX;
    source->is_large = source->is_large || is_large;
    work->is_small = work->is_small && !is_large;
    vv_engine_expect(table->engine, input->source.bytes);
    return input_read(op, work, table, source, input);
}

static varve_status source_make(struct vv_op *op, const struct vv_table *table,
    size_t inputs_len, struct vv_batch_source **out)
{
    struct vv_batch_source *source = vv_malloc(sizeof(*source));
    if (source == NULL)
        return vv_fail_memory(op);
    *source = (struct vv_batch_source){
        .arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT), .now_us = vv_now_us(op)};
    source->inputs = vv_new(&source->arena, struct vv_batch_input, inputs_len + 1);
    source->schema_json = vv_arena_str(&source->arena, table->snapshot->metadata->schema_json);
    if (source->inputs == NULL || source->schema_json.ptr == NULL) {
        vv_batch_source_close(&source);
        return vv_fail_memory(op);
    }
    *out = source;
    return VARVE_OK;
}

varve_status vv_batch_load(struct vv_op *op, struct vv_work *work, const struct vv_table *table,
    const struct vv_input *inputs, size_t inputs_len, const struct vv_batch_options *options,
    struct vv_batch_source **out)
{
    VV_CLEANUP(vv_batch_source_close) struct vv_batch_source *source = NULL;
    varve_status status = vv_batch_check_zone(op, work->session, options->input_tz);
    if (status == VARVE_OK)
        status = source_make(op, table, inputs_len, &source);
    if (status == VARVE_OK && inputs_len == 0)
        status = vv_fail(op, VARVE_EUSAGE, "there is no input to read rows from");
    size_t done = 0;
    work->is_small = work->is_single = inputs_len == 1;
    while (status == VARVE_OK && done < inputs_len) {
        status = input_load(op, work, table, &inputs[done], options, source);
        done++;
    }
    if (status != VARVE_OK) {
        vv_inputs_release(inputs + done, inputs_len - done);
        return status;
    }
    *out = VV_MOVE(source);
    return VARVE_OK;
}

struct vv_batch_input *vv_batch_inputs(struct vv_batch_source *source, size_t *out_len)
{
    *out_len = source->inputs_len;
    return source->inputs;
}

/* A member of NDJSON that was unknown may be a column now. */
static varve_status ndjson_reload(struct vv_op *op, struct vv_work *work,
    const struct vv_table *table, struct vv_batch_source *source)
{
    struct vv_str schema_json = table->snapshot->metadata->schema_json;
    if (vv_str_eq(source->schema_json, schema_json))
        return VARVE_OK;
    for (size_t index = 0; index < source->inputs_len; index++)
        if (source->inputs[index].format == VV_INPUT_NDJSON)
            VV_TRY(ndjson_read(op, work, table, source, &source->inputs[index]));
    source->schema_json = vv_arena_str(&source->arena, schema_json);
    return source->schema_json.ptr ? VARVE_OK : vv_fail_memory(op);
}

/* One for each input, and behind it one for its rest. */
struct plans {
    struct vv_plan *items;
    size_t len;
};

/* DuckDB answers a statement that makes rows with their number. */
static varve_status rows_insert(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, int64_t *out_rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql, "INSERT INTO %.*s ", VV_ARG(work->batch.sql));
    vv_plan_rows_sql(plan, &sql);
    return vv_buf_ok(&sql) ? vv_session_int64(op, work->session, vv_buf_str(&sql), out_rows)
                           : vv_fail_memory(op);
}

/* What a value of the type takes in memory; 0: nobody knows before it is there. */
static int64_t value_bytes(const struct vv_type *type)
{
    switch (type->kind) {
    case VV_TYPE_BOOLEAN:
    case VV_TYPE_BYTE:
        return 1;
    case VV_TYPE_SHORT:
        return 2;
    case VV_TYPE_INTEGER:
    case VV_TYPE_FLOAT:
    case VV_TYPE_DATE:
        return 4;
    case VV_TYPE_LONG:
    case VV_TYPE_DOUBLE:
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        return 8;
    case VV_TYPE_DECIMAL:
    case VV_TYPE_STRING: /* a long one takes more, which is seen when it comes */
    case VV_TYPE_BINARY:
        return 16;
    case VV_TYPE_VARIANT:
    case VV_TYPE_VOID:
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        break;
    }
    return 0;
}

/* Many rows of one input that may be tried to be held in memory. */
static bool may_fit(const struct vv_work *work, const struct vv_plan *plan)
{
    int64_t bytes = ROW_BYTES;
    if (!work->is_single || plan->input->rest != NULL ||
        plan->input->rows <= VV_WORK_ROWS_MAX ||
        plan->input->texts_bytes > work->many_bytes_max)
        return false;
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        int64_t value = value_bytes(&plan->schema->fields[index].type);
        if (value == 0)
            return false;
        bytes += value;
    }
    return plan->input->rows <= work->many_bytes_max / bytes;
}

/* How many threads are to decode and judge the rows, each a part of them. */
static size_t parts_count(const struct vv_work *work, const struct vv_plan *plan)
{
    size_t threads = vv_engine_threads(work->engine);
    int64_t parts = plan->input->rows / PART_ROWS_MIN;
    if (plan->input->format != VV_INPUT_PARQUET || plan->options->has_later || parts < 1)
        return 1; /* what else is read lies in the session */
    threads = threads < VV_CREW_MAX ? threads : VV_CREW_MAX;
    return parts < (int64_t)threads ? (size_t)parts : threads;
}

static varve_status make_many(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, struct vv_str sql, int64_t *out_rows)
{
    struct vv_query parts[VV_CREW_MAX];
    const struct vv_query whole = {.sql = sql};
    size_t len = parts_count(work, plan);
    for (size_t i = 0; len > 1 && i < len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf part_sql = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_batch_input input = *plan->input;
        struct vv_plan part = *plan;
        VV_TRY(vv_input_part_parquet(op, plan->input, i, len, &input.sql));
        part.input = &input;
        vv_plan_rows_sql(&part, &part_sql);
        parts[i] = (struct vv_query){.sql = vv_arena_str(&op->arena, vv_buf_str(&part_sql))};
        if (!vv_buf_ok(&part_sql) || parts[i].sql.ptr == NULL)
            return vv_fail_memory(op);
    }
    return vv_work_make_many(op, work, &work->batch, &whole, parts, len, out_rows);
}

static varve_status rows_make_first(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, int64_t *out_rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_plan_rows_sql(plan, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    if (!work->is_small && may_fit(work, plan))
        return make_many(op, work, plan, vv_buf_str(&sql), out_rows);
    const struct vv_query query = {
        .sql = vv_buf_str(&sql), .is_kept = !plan->options->has_later};
    return vv_work_make(op, work, &work->batch, &query, out_rows);
}

/* The clock of a small batch is the number beside its rows, so that their statement comes again. */
static varve_status clock_set(struct vv_op *op, struct vv_work *work, struct vv_plan *plan)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 10);
    if (!work->is_small)
        return VARVE_OK;
    vv_rowset_set_number(work->input, plan->now_us);
    vv_rowset_number_sql(work->input, &sql);
    plan->clock_sql = vv_arena_str(&op->arena, vv_buf_str(&sql));
    return vv_buf_ok(&sql) && plan->clock_sql.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* A file of Parquet is read here, and nowhere before: what is wrong with it comes out here. */
static varve_status input_rows_make(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, bool is_first, int64_t *out_rows)
{
    varve_status status = is_first ? rows_make_first(op, work, plan, out_rows)
                                   : rows_insert(op, work, plan, out_rows);
    if (plan->input->format != VV_INPUT_PARQUET)
        return status;
    bool is_of_file = status == VARVE_ECORRUPT || status == VARVE_EFAILED;
    if (is_of_file)
        return vv_input_fail_parquet(op, plan->input, status);
    return status == VARVE_OK ? vv_input_check_same(op, plan->input) : status;
}

static bool is_read_again(const struct vv_batch_input *input)
{
    bool is_lines = input->format == VV_INPUT_NDJSON && input->sets_aside;
    return input->format == VV_INPUT_PARQUET || (is_lines && input->source.lines == NULL);
}

/*
 * Of Parquet the rows stay in the file, and of NDJSON what only the lines say of rows that are set
 * aside: it is read again for what is wrong with them. `status` is what came of that.
 */
static varve_status inputs_check_same(struct vv_op *op, const struct plans *plans,
    varve_status status)
{
    if (status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT)
        return status;
    for (size_t i = 0; i < plans->len; i++) {
        const struct vv_batch_input *input = plans->items[i].input;
        if (!is_read_again(input) || vv_source_is_same(&input->source))
            continue;
        if (status != VARVE_OK)
            vv_forgive(op);
        return vv_input_check_same(op, input);
    }
    return status;
}

/* The rows of all inputs, good and bad, numbered through. */
static varve_status rows_make(struct vv_op *op, struct vv_work *work, struct vv_plan *plans,
    size_t plans_len, int64_t *out_rows)
{
    int64_t rows_before = 0;
    for (size_t index = 0; index < plans_len; index++) {
        int64_t rows = 0;
        /* A rest has the numbers that its whole has left out. */
        bool is_rest = plans[index].input->rest_of != NULL;
        plans[index].rows_before = is_rest ? plans[index - 1].rows_before : rows_before;
        VV_TRY(clock_set(op, work, &plans[index]));
        VV_TRY(vv_plan_make(op, &plans[index]));
        bool is_view = plans_len == 1 && plans[0].input->has_cells && plans[0].input->in_memory;
        if (is_view) {
            rows = vv_rowset_rows(work->input);
            VV_TRY(vv_batch_view(op, &plans[0], &work->batch));
        } else {
            VV_TRY(input_rows_make(op, work, &plans[index], index == 0, &rows));
        }
        rows_before += rows;
    }
    *out_rows = rows_before;
    return VARVE_OK;
}

static varve_status bad_rows_handle(struct vv_op *op, struct vv_work *work,
    struct vv_batch_source *source, const struct vv_table *table, const struct plans *plans,
    const struct vv_batch_counts *counts, struct vv_str *out_rejects)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(VV_BUF_MAX);
    bool rejects = plans->items[0].options->reject_rows;
    work->has_tables = true;
    VV_TRY(inputs_check_same(op, plans,
        vv_rejects_make(op, work, plans->items, plans->len, rejects)));
    if (!rejects)
        return vv_rejects_fail(op, work->session, plans->items, plans->len, counts->bad,
            counts->rows);
    VV_TRY(inputs_check_same(op, plans,
        vv_rejects_write(op, work->session, table, plans->items, plans->len, &lines)));
    *out_rejects = vv_arena_str(&source->arena, vv_buf_str(&lines));
    return vv_buf_ok(&lines) && out_rejects->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status plans_make(struct vv_op *op, const struct vv_batch_source *source,
    const struct vv_plan *common, struct plans *out)
{
    VV_NEW(op, &out->items, struct vv_plan, source->inputs_len * 2);
    out->len = 0;
    for (size_t index = 0; index < source->inputs_len; index++) {
        const struct vv_batch_input *input = &source->inputs[index];
        for (; input != NULL; input = input->rest) {
            out->items[out->len] = *common;
            out->items[out->len++].input = input;
        }
    }
    return VARVE_OK;
}

/* The relation of all rows, and what is in it. */
static varve_status rows_judge(struct vv_op *op, struct vv_work *work,
    const struct vv_batch_source *source, const struct vv_plan *common, struct plans *plans,
    struct vv_batch_counts *counts)
{
    *counts = (struct vv_batch_counts){.rows = 0};
    VV_NEW(op, &counts->by_warning, int64_t, common->rules->warnings_len + 1);
    for (bool has_more = true; has_more;) {
        has_more = false;
        VV_TRY(plans_make(op, source, common, plans));
        VV_TRY(rows_make(op, work, plans->items, plans->len, &counts->rows));
        if (common->options->has_later && common->options->dedupe)
            VV_TRY(vv_batch_later_spread(op, work, common->rules, &has_more));
    }
    return vv_batch_count(op, work, &plans->items[0], counts);
}

static bool have_cells(const struct vv_batch_source *source)
{
    bool has_cells = false;
    for (size_t index = 0; index < source->inputs_len; index++)
        has_cells = has_cells || source->inputs[index].has_cells;
    return has_cells;
}

static varve_status cells_demote(struct vv_op *op, struct vv_work *work,
    struct vv_batch_source *source, const struct vv_table *table, const struct plans *plans)
{
    for (size_t plan = 0, index = 0; index < source->inputs_len; index++) {
        struct vv_batch_input *input = &source->inputs[index];
        int64_t rows_before = plans->items[plan].rows_before;
        plan += input->rest != NULL ? 2 : 1;
        if (input->has_cells)
            VV_TRY(vv_input_demote_cells(op, work, &source->arena, table, input, rows_before));
    }
    return VARVE_OK;
}

/* No row says anything of the column, not even NULL where that is something. */
static bool is_absent(const struct plans *plans, size_t column, bool null_counts)
{
    for (size_t index = 0; index < plans->len; index++) {
        const struct vv_plan *plan = &plans->items[index];
        if (plan->from[column] >= 0 || (null_counts && plan->input->nulls_sql.len > 0))
            return false;
    }
    return true;
}

static enum vv_moment moment_of(const struct plans *plans, size_t column)
{
    const struct vv_plan *plan = &plans->items[0];
    bool is_default = plan->rules->values[column].is_volatile;
    bool is_always = is_default && is_absent(plans, column, true);
    if (!vv_plan_is_momentary(plan, column))
        return VV_MOMENT_NEVER;
    for (size_t from = 0; from < plan->schema->fields_len && !is_default; from++)
        is_always =
            is_always ||
            (vv_plan_is_of_moment(plan, column, from) && is_absent(plans, column, false) &&
                is_absent(plans, from, (int32_t)from != plan->rules->order));
    return is_always ? VV_MOMENT_ALWAYS : VV_MOMENT_SOME;
}

/* Values that tell nothing of a row but when it came. */
static varve_status moments_find(struct vv_op *op, const struct plans *plans,
    const enum vv_moment **out)
{
    size_t len = plans->items[0].schema->fields_len;
    enum vv_moment *moments = NULL;
    *out = NULL;
    if (plans->items[0].rules->values == NULL)
        return VARVE_OK;
    VV_NEW(op, &moments, enum vv_moment, len + 1);
    for (size_t column = 0; column < len; column++)
        moments[column] = moment_of(plans, column);
    *out = moments;
    return VARVE_OK;
}

varve_status vv_batch_prepare(struct vv_op *op, struct vv_work *work,
    struct vv_batch_source *source, const struct vv_table *table, const struct vv_rules *rules,
    const struct vv_batch_options *options, struct vv_batch *out)
{
    if (options->dedupe && rules->key_len == 0)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no key, so that rows cannot be told apart: declare a key (varve "
            "alter %.*s set varve.key=A,B)",
            VV_ARG(table->name), VV_ARG(table->name));
    struct plans plans = {.len = 0};
    const struct vv_plan common = {.schema = &table->snapshot->schema,
        .rules = rules,
        .options = options,
        .now_us = source->now_us};
    struct vv_batch_counts counts;
    VV_TRY(ndjson_reload(op, work, table, source));
    VV_TRY(vv_session_optimize(op, work->session, source->is_large));
    VV_TRY(rows_judge(op, work, source, &common, &plans, &counts));
    struct vv_str rejects = VV_STR_NONE;
    if (counts.bad > 0 && have_cells(source)) {
        VV_TRY(cells_demote(op, work, source, table, &plans));
        VV_TRY(rows_judge(op, work, source, &common, &plans, &counts));
    }
    if (!source->has_told)
        VV_TRY(vv_batch_tell_empty(op, work, table, plans.items, plans.len));
    source->has_told = true;
    if (counts.bad > 0)
        VV_TRY(bad_rows_handle(op, work, source, table, &plans, &counts, &rejects));
    int64_t duplicates = counts.rows - counts.bad - counts.keys;
    const struct vv_relation *settled = NULL;
    VV_TRY(vv_batch_settle(op, work, plans.items, counts.bad > 0, duplicates > 0, &settled));
    bool is_many = counts.rows > VV_WORK_ROWS_MAX;
    *out = (struct vv_batch){.rows_in = counts.rows,
        .rows_rejected = counts.bad,
        .rows_duplicate = duplicates,
        .times_ambiguous = counts.twice,
        .rows = counts.keys,
        .warned = {counts.warned, counts.by_warning, rules->warnings, rules->warnings_len},
        .sql = settled->sql,
        .few = settled->in_memory && !is_many ? settled->rowset : NULL,
        .many = settled->in_memory && is_many ? settled->rowset : NULL,
        .partition_runs = counts.runs,
        .is_ascending = counts.is_ascending,
        .now_us = source->now_us,
        .rejects = rejects};
    return moments_find(op, &plans, &out->moments);
}
