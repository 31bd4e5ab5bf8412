/*
 * Step 4 of the upsert for few rows that may lie in few small files, which is what a bot does each
 * minute: both are in memory, and are compared here. A statement over the files would have another
 * text each time, and to plan it takes longer than all the rest of the upsert.
 *
 * The outcome is that of the statement (upsert_compare.c), row by row and column by column. What is
 * not for here (decimals, nested columns, files of another form) is left to it.
 */
#include "table/upsert/upsert_compare_few.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "delta/stats.h"
#include "engine/cell_appender.h"
#include "engine/rowset_parquet.h"
#include "table/batch/batch_few.h"
#include "table/batch/tuple.h"
#include "table/file_keys.h"
#include "table/read/small_scan.h"

#define NEAR_BYTES_MAX (INT64_C(256) << 10)
#define NEAR_FILES_MAX 64
#define NEAR_ROWS_MAX 100000 /* a few kB of a file can hold millions that are all the same */
#define BATCH_BYTES_MAX ((size_t)64 << 20)
#define TEXTS_BYTES_MAX ((size_t)1 << 20)
#define SCRATCH_BYTES_MAX ((size_t)128 << 20)

/* A row of the batch; `same` are its values in the columns that are compared. */
struct batch_row {
    int64_t row;
    bool own;
    struct vv_value order;
    struct vv_str same;
    const bool *passed; /* of these columns: it is not compared by them; NULL: by all */
    size_t index;
};

/* A stored row with its key. */
struct match {
    const struct batch_row *batch;
    int64_t file, pos;
    struct vv_value order;
    bool is_same;
    int64_t rank;
    enum vv_outcome what;
};

struct comparison {
    const struct vv_upsert_call *call;
    const struct vv_upsert_attempt *attempt;
    struct vv_arena *scratch;
    uint32_t *from; /* by column of the schema, in the rows of the files */
    int32_t *compared;
    size_t compared_len;
    uint32_t
        *moments; /* by index there: the batch's column that says which rows pass it; 0: none */
    bool has_moments;
    struct vv_map by_key; /* to a struct batch_row */
    struct match *matches;
    size_t len, capacity;
};

static bool is_whole(enum vv_type_kind kind)
{
    return kind == VV_TYPE_BYTE || kind == VV_TYPE_SHORT || kind == VV_TYPE_INTEGER ||
           kind == VV_TYPE_LONG || kind == VV_TYPE_DATE || kind == VV_TYPE_TIMESTAMP ||
           kind == VV_TYPE_TIMESTAMP_NTZ;
}

static bool is_for_here(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt)
{
    const struct vv_schema *schema = &attempt->snapshot->schema;
    const struct vv_candidates *candidates = &attempt->candidates;
    int32_t order = attempt->rules->order;
    if (!call->work->is_small || call->batch.few == NULL ||
        candidates->files_len > NEAR_FILES_MAX ||
        vv_files_bytes(candidates->files, candidates->files_len) > NEAR_BYTES_MAX ||
        (order >= 0 && !is_whole(schema->fields[order].type.kind)))
        return false;
    for (size_t i = 0; i < candidates->files_len; i++)
        if (candidates->files[i]->absolute)
            return false;
    for (size_t i = 0; i < schema->fields_len; i++)
        if (schema->fields[i].type.kind == VV_TYPE_DECIMAL ||
            schema->fields[i].type.kind == VV_TYPE_VOID)
            return false;
    return true;
}

/* What can't be read is the engine's to find, and to say. */
static varve_status read_file(struct vv_op *op, const struct comparison *c,
    const struct vv_file *file, struct vv_str *out, bool *out_is_read)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    *out_is_read =
        vv_store_get(&own, c->call->table->store, c->scratch, file->key, out) == VARVE_OK;
    if (*out_is_read)
        return vv_on_record_bytes(op, c->call->table->store, file, *out);
    vv_forgive(&own);
    return VARVE_OK;
}

/* The rows of the files into work->near. */
static varve_status read_near(struct vv_op *op, struct comparison *c, bool *out_is_taken)
{
    const struct vv_candidates *candidates = &c->attempt->candidates;
    const struct vv_schema *schema = &c->attempt->snapshot->schema;
    const struct vv_scan_source source = {.snapshot = c->attempt->snapshot};
    struct vv_small_column *columns = NULL;
    struct vv_str *bytes = NULL;
    size_t columns_len = 0;
    uint32_t at = VV_ROWSET_FIRST;
    *out_is_taken = false;
    VV_TRY(vv_small_scan_columns(op, &source, &columns, &columns_len));
    VV_NEW(op, &bytes, struct vv_str, candidates->files_len + 1);
    VV_NEW(op, &c->from, uint32_t, schema->fields_len + 1);
    for (size_t i = 0; i < schema->fields_len; i++)
        if (!vv_snapshot_is_partition(c->attempt->snapshot, (int32_t)i))
            c->from[i] = at++;
    bool is_read = columns_len > 0;
    for (size_t i = 0; i < candidates->files_len && is_read; i++)
        VV_TRY(read_file(op, c, candidates->files[i], &bytes[i], &is_read));
    if (!is_read)
        return VARVE_OK;
    VV_TRY(vv_rowset_fill_parquet(op, c->call->work->near, columns, columns_len, bytes,
        candidates->files_len, out_is_taken));
    *out_is_taken &= vv_rowset_rows(c->call->work->near) <= NEAR_ROWS_MAX;
    return VARVE_OK;
}

/* The columns that tell an unchanged row: as same_sql has them. */
static varve_status find_compared(struct vv_op *op, struct comparison *c)
{
    const struct vv_schema *schema = &c->attempt->snapshot->schema;
    const enum vv_moment *moments = c->call->batch.moments;
    uint32_t next = vv_tuple_column((int32_t)schema->fields_len);
    VV_NEW(op, &c->compared, int32_t, schema->fields_len + 1);
    VV_NEW(op, &c->moments, uint32_t, schema->fields_len + 1);
    for (size_t i = 0; i < schema->fields_len; i++) {
        uint32_t at = moments != NULL && moments[i] != VV_MOMENT_NEVER ? next++ : 0;
        if (!vv_upsert_is_compared(c->attempt, moments, (int32_t)i))
            continue;
        c->has_moments = c->has_moments || at > 0;
        c->moments[c->compared_len] = at;
        c->compared[c->compared_len++] = (int32_t)i;
    }
    return VARVE_OK;
}

/* By which of the columns the current row of the batch is not compared. */
static varve_status find_passed(struct vv_op *op, const struct comparison *c,
    const struct vv_rows *rows, const bool **out)
{
    *out = NULL;
    if (!c->has_moments)
        return VARVE_OK;
    bool *passed = vv_new(c->scratch, bool, c->compared_len);
    if (passed == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < c->compared_len; i++)
        passed[i] = c->moments[i] > 0 && vv_rows_bool(rows, c->moments[i]);
    *out = passed;
    return VARVE_OK;
}

static struct vv_tuple tuple_of(const struct comparison *c, const int32_t *columns, size_t len)
{
    return (struct vv_tuple){.arena = c->scratch,
        .schema = &c->attempt->snapshot->schema,
        .columns = columns,
        .len = len};
}

/* Before a row is read: those of the rows before it, once they are many. */
static void texts_pass(struct vv_arena *texts)
{
    if (texts->bytes > TEXTS_BYTES_MAX)
        vv_arena_done(texts);
}

/* Of the current row; NULL too where the table has none. */
static struct vv_value order_of(const struct comparison *c, const struct vv_rows *rows,
    const uint32_t *from, const struct vv_value *fixed)
{
    int32_t order = c->attempt->rules->order;
    if (order < 0)
        return (struct vv_value){.kind = VV_VALUE_INT};
    if (fixed != NULL && fixed[order].kind != VV_VALUE_NONE)
        return fixed[order];
    uint32_t at = from != NULL ? from[order] : vv_tuple_column(order);
    if (vv_rows_is_null(rows, at))
        return (struct vv_value){.kind = VV_VALUE_NULL};
    return (struct vv_value){.kind = VV_VALUE_INT, .integer = vv_rows_int64(rows, at)};
}

/* False: few rows, but long ones. */
static varve_status read_batch(struct vv_op *op, struct comparison *c, bool *out_is_known)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_arena_done) struct vv_arena texts = VV_ARENA_INIT(SCRATCH_BYTES_MAX);
    struct vv_tuple key = tuple_of(c, c->attempt->rules->key, c->attempt->rules->key_len);
    struct vv_tuple same = tuple_of(c, c->compared, c->compared_len);
    size_t index = 0;
    key.arena = same.arena = &texts;
    *out_is_known = true;
    VV_TRY(vv_tuple_make(op, &key));
    VV_TRY(vv_tuple_make(op, &same));
    VV_TRY(vv_rowset_read(op, c->call->batch.few, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        struct batch_row *row = vv_new(c->scratch, struct batch_row, 1);
        texts_pass(&texts);
        VV_TRY(find_passed(op, c, rows, &same.passed));
        VV_TRY(vv_tuple_read(op, &same, rows, &text));
        *out_is_known = c->scratch->bytes + text.len <= BATCH_BYTES_MAX;
        if (!*out_is_known)
            return VARVE_OK;
        struct vv_str of_same = vv_arena_str(c->scratch, vv_buf_str(&text));
        VV_TRY(vv_tuple_read(op, &key, rows, &text));
        struct vv_str of_key = vv_arena_str(c->scratch, vv_buf_str(&text));
        if (row == NULL || of_same.ptr == NULL || of_key.ptr == NULL)
            return vv_fail_memory(op);
        *row = (struct batch_row){.row = vv_rows_int64(rows, 0),
            .own = vv_rows_bool(rows, 1),
            .order = order_of(c, rows, NULL, NULL),
            .same = of_same,
            .passed = same.passed,
            .index = index};
        index++;
        if (!vv_map_put(&c->by_key, of_key, row, NULL))
            return vv_fail_memory(op);
    }
}

/* What the log says of the rows of one file. */
struct near_file {
    struct vv_value *fixed;  /* by column: partition values */
    struct vv_row_set *gone; /* NULL: none are */
};

static varve_status open_near(struct vv_op *op, const struct comparison *c,
    struct vv_dv_reader *reader, const struct vv_file *file, struct near_file *out,
    bool *out_is_known)
{
    const struct vv_schema *schema = &c->attempt->snapshot->schema;
    VV_NEW(op, &out->fixed, struct vv_value, schema->fields_len + 1);
    *out_is_known = true;
    for (size_t i = 0; i < schema->fields_len; i++)
        if (vv_snapshot_is_partition(c->attempt->snapshot, (int32_t)i))
            *out_is_known &= vv_partition_parse(vv_pairs_get(&file->partition_values,
                                                    schema->fields[i].physical_name),
                &schema->fields[i].type, &out->fixed[i]);
    return file->dv != NULL && *out_is_known ? vv_file_read_vector(op, reader, file, &out->gone)
                                             : VARVE_OK;
}

struct near_files {
    struct near_file *items;
    size_t len;
};

static void near_files_done(struct near_files *files)
{
    for (size_t i = 0; i < files->len; i++)
        vv_row_set_free(&files->items[i].gone);
}

static varve_status open_all(struct vv_op *op, const struct comparison *c,
    struct near_files *files, bool *out_is_known)
{
    const struct vv_candidates *candidates = &c->attempt->candidates;
    VV_CLEANUP(vv_dv_reader_done) struct vv_dv_reader reader;
    vv_dv_reader_init(&reader, c->call->table->store);
    VV_NEW(op, &files->items, struct near_file, candidates->files_len + 1);
    files->len = candidates->files_len;
    *out_is_known = true;
    for (size_t i = 0; i < files->len && *out_is_known; i++)
        VV_TRY(open_near(op, c, &reader, candidates->files[i], &files->items[i], out_is_known));
    return VARVE_OK;
}

static varve_status add_match(struct vv_op *op, struct comparison *c, const struct match *match)
{
    void *matches = c->matches;
    if (!vv_arena_grow(c->scratch, &matches, c->len, &c->capacity, sizeof(*c->matches),
            _Alignof(struct match)))
        return vv_fail_memory(op);
    c->matches = matches;
    c->matches[c->len++] = *match;
    return VARVE_OK;
}

static varve_status find_matches(struct vv_op *op, struct comparison *c,
    const struct near_files *files)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_arena_done) struct vv_arena texts = VV_ARENA_INIT(SCRATCH_BYTES_MAX);
    struct vv_tuple key = tuple_of(c, c->attempt->rules->key, c->attempt->rules->key_len);
    struct vv_tuple same = tuple_of(c, c->compared, c->compared_len);
    key.arena = same.arena = &texts;
    key.from = same.from = c->from;
    VV_TRY(vv_tuple_make(op, &key));
    VV_TRY(vv_tuple_make(op, &same));
    VV_TRY(vv_rowset_read(op, c->call->work->near, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        struct match match = {.file = vv_rows_int64(rows, VV_ROWSET_FILE),
            .pos = vv_rows_int64(rows, VV_ROWSET_POS)};
        const struct near_file *file = &files->items[match.file];
        bool is_gone = false;
        texts_pass(&texts);
        if (file->gone != NULL)
            vv_row_set_find(file->gone, &match.pos, 1, &is_gone);
        if (is_gone)
            continue;
        key.fixed = same.fixed = file->fixed;
        VV_TRY(vv_tuple_read(op, &key, rows, &text));
        if (!vv_buf_ok(&text))
            return vv_fail_memory(op);
        match.batch = vv_map_get(&c->by_key, vv_buf_str(&text));
        if (match.batch == NULL)
            continue;
        same.passed = match.batch->passed;
        VV_TRY(vv_tuple_read(op, &same, rows, &text));
        if (!vv_buf_ok(&text))
            return vv_fail_memory(op);
        match.is_same = vv_str_eq(match.batch->same, vv_buf_str(&text));
        match.order = order_of(c, rows, c->from, file->fixed);
        VV_TRY(add_match(op, c, &match));
    }
}

static int descending(int64_t a, int64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

/* By row of the batch, then by rank: the greatest order value, NULLs last, then the last stored. */
static int by_rank(const void *left, const void *right)
{
    const struct match *a = left;
    const struct match *b = right;
    bool a_is_null = a->order.kind == VV_VALUE_NULL;
    bool b_is_null = b->order.kind == VV_VALUE_NULL;
    if (a->batch->index != b->batch->index)
        return a->batch->index < b->batch->index ? -1 : 1;
    if (a_is_null != b_is_null)
        return a_is_null ? 1 : -1;
    int order = a_is_null ? 0 : descending(a->order.integer, b->order.integer);
    if (order == 0)
        order = descending(a->file, b->file);
    return order != 0 ? order : descending(a->pos, b->pos);
}

static void judge(struct comparison *c)
{
    const struct match *first = NULL;
    if (c->len > 1)
        qsort(c->matches, c->len, sizeof(*c->matches), by_rank);
    for (size_t i = 0; i < c->len; i++) {
        struct match *match = &c->matches[i];
        bool is_first = first == NULL || first->batch != match->batch;
        match->rank = is_first ? 1 : match[-1].rank + 1;
        first = is_first ? match : first;
        bool is_stale = match->batch->own && first->order.kind == VV_VALUE_INT &&
                        match->batch->order.kind == VV_VALUE_INT &&
                        match->batch->order.integer < first->order.integer;
        match->what = first->is_same ? VV_OUTCOME_UNCHANGED
                      : is_stale     ? VV_OUTCOME_STALE
                                     : VV_OUTCOME_UPDATE;
    }
}

static struct vv_cell cell_of(const struct vv_value *value)
{
    return (struct vv_cell){
        .is_null = value->kind == VV_VALUE_NULL, .as.integer = value->integer};
}

/* In the columns of the statement, and as `stored` of the work. */
static varve_status store(struct vv_op *op, struct comparison *c)
{
    struct vv_work *work = c->call->work;
    int32_t order = c->attempt->rules->order;
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(1 << 10);
    VV_CLEANUP(vv_cell_appender_close) struct vv_cell_appender *appender = NULL;
    if (order >= 0)
        vv_type_sql(&c->attempt->snapshot->schema.fields[order].type, &type);
    else
        vv_buf_adds(&type, "INTEGER");
    if (!vv_buf_ok(&type))
        return vv_fail_memory(op);
    const struct vv_cell_column columns[] = {{VV_STR("_pos"), VV_STR("BIGINT")},
        {VV_STR("_row"), VV_STR("BIGINT")}, {VV_STR("_own"), VV_STR("BOOLEAN")},
        {VV_STR("_o"), vv_buf_str(&type)}, {VV_STR("_batch_o"), vv_buf_str(&type)},
        {VV_STR("_same"), VV_STR("BOOLEAN")}, {VV_STR("_what"), VV_STR("INTEGER")},
        {VV_STR("_rank"), VV_STR("BIGINT")}};
    const struct vv_load_target target = {
        .row_column = VV_STR("_file"), .rowset = work->stored.rowset, .rows_max = INT64_MAX};
    VV_TRY(vv_cell_appender_open(op, work->session, &target, columns, VV_COUNT(columns),
        &appender));
    for (size_t i = 0; i < c->len; i++) {
        const struct match *match = &c->matches[i];
        const struct vv_cell cells[] = {{.as.integer = match->pos},
            {.as.integer = match->batch->row}, {.as.integer = match->batch->own},
            cell_of(&match->order), cell_of(&match->batch->order),
            {.as.integer = match->is_same}, {.as.integer = match->what},
            {.as.integer = match->rank}};
        VV_TRY(vv_cell_appender_row(op, appender, match->file, cells));
    }
    VV_TRY(vv_cell_appender_finish(op, appender));
    work->stored.sql = vv_rowset_sql(work->stored.rowset);
    work->stored.in_memory = true;
    work->stored.is_view = false;
    return VARVE_OK;
}

varve_status vv_upsert_compare_few(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, bool *out_is_done)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(SCRATCH_BYTES_MAX);
    VV_CLEANUP(near_files_done) struct near_files files = {0};
    struct comparison c = {
        .call = call, .attempt = attempt, .scratch = &scratch, .by_key = VV_MAP_INIT(&scratch)};
    *out_is_done = false;
    if (!is_for_here(call, attempt))
        return VARVE_OK;
    bool is_known = false;
    VV_TRY(find_compared(op, &c));
    VV_TRY(read_near(op, &c, &is_known));
    if (is_known)
        VV_TRY(open_all(op, &c, &files, &is_known));
    if (is_known)
        VV_TRY(read_batch(op, &c, &is_known));
    if (!is_known) {
        vv_rowset_clear(call->work->near);
        return VARVE_OK;
    }
    VV_TRY(find_matches(op, &c, &files));
    judge(&c);
    VV_TRY(store(op, &c));
    vv_rowset_clear(call->work->near);
    *out_is_done = true;
    return VARVE_OK;
}
