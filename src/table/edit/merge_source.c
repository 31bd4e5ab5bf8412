/*
 * The source of a merge, as rows: loaded once, whatever the number of attempts, and converted by
 * a schema that is supposed. It has the table's columns, which may all be NULL here, since the
 * rules of the table are for what a clause makes of a row; and behind them those that the table
 * lacks, with types as they come or as they are guessed.
 *
 * A column that a row says nothing of is NULL to conditions and to updates: a default is for a row
 * that is new, not for one that is there. `insert *` alone has the defaults.
 */
#include "engine/sql.h"
#include "table/alter/evolve.h"
#include "table/edit/merge_run.h"
#include "table/values.h"

static varve_status suppose_schema(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_additions *added, struct vv_schema *out)
{
    struct vv_field *fields = NULL;
    VV_NEW(op, &fields, struct vv_field, schema->fields_len + added->len + 1);
    for (size_t i = 0; i < schema->fields_len; i++) {
        fields[i] = schema->fields[i];
        fields[i].nullable = true;
    }
    for (size_t i = 0; i < added->len; i++)
        fields[schema->fields_len + i] = added->items[i].field;
    *out = (struct vv_schema){fields, schema->fields_len + added->len};
    return VARVE_OK;
}

static void add_brought(struct vv_merge_source *source, const struct vv_str *names, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int32_t at = vv_schema_find(&source->schema, names[i]);
        if (at >= 0)
            source->is_brought[at] = true;
    }
}

/* A null is a value to an update, as an empty cell of CSV is. */
static varve_status find_brought(struct vv_op *op, struct vv_merge_source *source)
{
    size_t len = 0;
    const struct vv_batch_input *inputs = vv_batch_inputs(source->loaded, &len);
    VV_NEW(op, &source->is_brought, bool, source->schema.fields_len + 1);
    source->is_open = false;
    for (size_t i = 0; i < len; i++) {
        source->is_open = source->is_open || inputs[i].format == VV_INPUT_NDJSON;
        add_brought(source, inputs[i].columns, inputs[i].columns_len);
        add_brought(source, inputs[i].null_columns, inputs[i].null_columns_len);
    }
    return VARVE_OK;
}

bool vv_merge_knows(const struct vv_merge_source *source, size_t column)
{
    return source->is_open || source->is_brought[column];
}

static bool has_default(const struct vv_rules *rules, size_t column)
{
    return rules->values != NULL && rules->values[column].default_text.ptr != NULL;
}

/* `filled`: rules whose defaults stand in VV_MERGE_FILLED; NULL: rows as they came. */
static varve_status write_sql(struct vv_op *op, const struct vv_merge_source *source,
    const struct vv_rules *filled, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql, "(SELECT b._row AS %.*srow", VV_ARG(source->prefix));
    for (size_t i = 0; i < source->schema.fields_len; i++) {
        if (!vv_merge_knows(source, i))
            continue;
        vv_buf_addf(&sql, ", %c.c%zu AS ", filled != NULL && has_default(filled, i) ? 'f' : 'b',
            i);
        vv_sql_name(&sql, source->schema.fields[i].name);
    }
    vv_buf_addf(&sql, " FROM %.*s AS b", VV_ARG(source->batch.sql));
    if (filled != NULL)
        vv_buf_adds(&sql, " JOIN temp." VV_MERGE_FILLED " AS f ON f._row = b._row");
    vv_buf_addc(&sql, ')');
    *out = vv_arena_str(&op->arena, vv_buf_str(&sql));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Of the table's rules the defaults alone. */
static varve_status suppose_rules(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_schema *schema, struct vv_rules *out)
{
    struct vv_column_value *values = NULL;
    *out = (struct vv_rules){.order = -1};
    VV_NEW(op, &values, struct vv_column_value, schema->fields_len + 1);
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        values[i].default_text = edit->rules->values[i].default_text;
        values[i].is_volatile = edit->rules->values[i].is_volatile;
    }
    out->values = values;
    return VARVE_OK;
}

/*
 * Whether a row that `insert *` takes may lack a column that others bring, and which has a default:
 * a line of NDJSON, or the rows of a file beside other files.
 */
static bool needs_filled(const struct vv_edit *edit, const struct vv_merge *merge)
{
    size_t inputs_len = 0;
    bool inserts = false;
    bool has_some = false;
    const struct vv_batch_input *inputs = vv_batch_inputs(merge->source.loaded, &inputs_len);
    bool varies = inputs_len > 1;
    for (size_t i = 0; i < inputs_len; i++)
        varies = varies || inputs[i].format == VV_INPUT_NDJSON;
    for (size_t i = 0; i < merge->request->clauses_len; i++)
        inserts =
            inserts || (merge->steps[i].action == VV_MERGE_INSERT && merge->steps[i].is_star);
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++)
        has_some = has_some || has_default(edit->rules, i);
    return varies && inserts && has_some;
}

/* Kept aside: the relation is made anew without defaults. */
static varve_status keep_filled(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge_source *source, const struct vv_rules *rules)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE " VV_MERGE_FILLED " AS SELECT _row");
    for (size_t i = 0; i < source->schema.fields_len; i++)
        if (has_default(rules, i))
            vv_buf_addf(&sql, ", c%zu", i);
    vv_buf_addf(&sql, " FROM %.*s", VV_ARG(source->batch.sql));
    return vv_buf_ok(&sql) ? vv_session_exec(op, edit->session, vv_buf_str(&sql))
                           : vv_fail_memory(op);
}

/* Rows of the inputs by the supposed schema. `filled`: with defaults; NULL: there are none. */
static varve_status prepare(struct vv_op *op, struct vv_edit *edit,
    const struct vv_batch_options *options, struct vv_merge_source *source,
    const struct vv_rules *filled)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    static const struct vv_rules no_rules = {.order = -1};
    struct vv_metadata metadata = *edit->snapshot->metadata;
    struct vv_snapshot supposed = {.version = edit->snapshot->version,
        .protocol = edit->snapshot->protocol,
        .metadata = &metadata,
        .mapping = edit->snapshot->mapping,
        .schema = source->schema};
    const struct vv_table table = {
        .name = edit->table->name, .engine = edit->table->engine, .snapshot = &supposed};
    if (source->schema.fields_len > edit->snapshot->schema.fields_len) {
        vv_schema_write(&source->schema, &json);
        if (!vv_buf_ok(&json))
            return vv_fail_memory(op);
        metadata.schema_json = vv_buf_str(&json);
    }
    if (filled != NULL) {
        VV_TRY(vv_batch_prepare(op, edit->work, source->loaded, &table, filled, options,
            &source->batch));
        VV_TRY(keep_filled(op, edit, source, filled));
    }
    return vv_batch_prepare(op, edit->work, source->loaded, &table, &no_rules, options,
        &source->batch);
}

static struct vv_batch_options options_of(const struct vv_merge_request *request)
{
    return (struct vv_batch_options){
        .input_tz = request->input_tz, .truncate_time = request->truncate_time, .evolve = true};
}

varve_status vv_merge_load_inputs(struct vv_op *op, struct vv_edit *edit, void *merge)
{
    const struct vv_merge_request *request = ((struct vv_merge *)merge)->request;
    struct vv_batch_source **loaded = &((struct vv_merge *)merge)->source.loaded;
    const struct vv_batch_options options = options_of(request);
    if (*loaded != NULL)
        return VARVE_OK;
    return vv_batch_load(op, edit->work, edit->table, request->inputs, request->inputs_len,
        &options, loaded);
}

varve_status vv_merge_load(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge)
{
    const struct vv_merge_request *request = merge->request;
    struct vv_merge_source *source = &merge->source;
    struct vv_additions added = {.items = NULL};
    const struct vv_batch_options options = options_of(request);
    struct vv_addition_search search = {.session = edit->session,
        .table = edit->table,
        .truncate_time = request->truncate_time,
        .keeps_empty = true};
    search.inputs = vv_batch_inputs(source->loaded, &search.inputs_len);
    VV_TRY(vv_additions_find(op, &search, &added));
    source->added = added;
    VV_TRY(suppose_schema(op, &edit->snapshot->schema, &added, &source->schema));
    bool is_filled = needs_filled(edit, merge);
    struct vv_rules defaults = {.order = -1};
    if (is_filled)
        VV_TRY(suppose_rules(op, edit, &source->schema, &defaults));
    VV_TRY(prepare(op, edit, &options, source, is_filled ? &defaults : NULL));
    VV_TRY(vv_session_optimize(op, edit->session, true));
    VV_TRY(find_brought(op, source));
    VV_TRY(vv_schema_prefix(op, &source->schema, &source->prefix));
    VV_TRY(write_sql(op, source, NULL, &source->sql));
    source->filled_sql = source->sql;
    return is_filled ? write_sql(op, source, &defaults, &source->filled_sql) : VARVE_OK;
}
