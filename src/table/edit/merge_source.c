/*
 * The source of a merge, as rows: loaded once, whatever the number of attempts, and converted by
 * a schema that is supposed. It has the table's columns, which may all be NULL here, since the
 * rules of the table, but for defaults, are for what a clause makes of a row; and behind them those that the table
 * lacks, with types as they come or as they are guessed.
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

static varve_status find_brought(struct vv_op *op, struct vv_merge_source *source)
{
    size_t len = 0;
    const struct vv_batch_input *inputs = vv_batch_inputs(source->loaded, &len);
    VV_NEW(op, &source->is_brought, bool, source->schema.fields_len + 1);
    source->is_open = false;
    for (size_t i = 0; i < len; i++) {
        source->is_open = source->is_open || inputs[i].format == VV_INPUT_NDJSON;
        for (size_t column = 0; column < inputs[i].columns_len; column++) {
            int32_t at = vv_schema_find(&source->schema, inputs[i].columns[column]);
            if (at >= 0)
                source->is_brought[at] = true;
        }
    }
    return VARVE_OK;
}

bool vv_merge_knows(const struct vv_merge_source *source, size_t column)
{
    return source->is_open || source->is_brought[column];
}

static varve_status write_sql(struct vv_op *op, struct vv_merge_source *source)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(vv_schema_prefix(op, &source->schema, &source->prefix));
    vv_buf_addf(&sql, "(SELECT _row AS %.*srow", VV_ARG(source->prefix));
    for (size_t i = 0; i < source->schema.fields_len; i++) {
        if (!vv_merge_knows(source, i))
            continue;
        vv_buf_addf(&sql, ", c%zu AS ", i);
        vv_sql_name(&sql, source->schema.fields[i].name);
    }
    vv_buf_addf(&sql, " FROM %.*s)", VV_ARG(source->batch.sql));
    source->sql = vv_arena_str(&op->arena, vv_buf_str(&sql));
    return source->sql.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/*
 * Of the table's rules the defaults alone: a line of NDJSON that says nothing of a column that others
 * bring, or a file beside others that have it, has the default, as in every way into the table.
 */
static varve_status suppose_rules(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_schema *schema, struct vv_rules *out)
{
    struct vv_column_value *values = NULL;
    *out = (struct vv_rules){.order = -1};
    if (edit->rules->values == NULL)
        return VARVE_OK;
    VV_NEW(op, &values, struct vv_column_value, schema->fields_len + 1);
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        values[i].default_text = edit->rules->values[i].default_text;
        values[i].is_volatile = edit->rules->values[i].is_volatile;
    }
    out->values = values;
    return VARVE_OK;
}

/* Rows of the inputs by the supposed schema. */
static varve_status prepare(struct vv_op *op, struct vv_edit *edit,
    const struct vv_batch_options *options, struct vv_merge_source *source)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_rules rules;
    struct vv_metadata metadata = *edit->snapshot->metadata;
    struct vv_snapshot supposed = {.version = edit->snapshot->version,
        .protocol = edit->snapshot->protocol,
        .metadata = &metadata,
        .mapping = edit->snapshot->mapping,
        .schema = source->schema};
    const struct vv_table table = {
        .name = edit->table->name, .engine = edit->table->engine, .snapshot = &supposed};
    VV_TRY(suppose_rules(op, edit, &source->schema, &rules));
    if (source->schema.fields_len > edit->snapshot->schema.fields_len) {
        vv_schema_write(&source->schema, &json);
        if (!vv_buf_ok(&json))
            return vv_fail_memory(op);
        metadata.schema_json = vv_buf_str(&json);
    }
    return vv_batch_prepare(op, edit->work, source->loaded, &table, &rules, options,
        &source->batch);
}

varve_status vv_merge_load(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge)
{
    const struct vv_merge_request *request = merge->request;
    struct vv_merge_source *source = &merge->source;
    struct vv_additions added = {.items = NULL};
    const struct vv_batch_options options = {
        .input_tz = request->input_tz, .truncate_time = request->truncate_time, .evolve = true};
    if (source->loaded == NULL)
        VV_TRY(vv_batch_load(op, edit->work, edit->table, request->inputs, request->inputs_len,
            &options, &source->loaded));
    struct vv_addition_search search = {.session = edit->session,
        .table = edit->table,
        .truncate_time = request->truncate_time,
        .keeps_empty = true};
    search.inputs = vv_batch_inputs(source->loaded, &search.inputs_len);
    VV_TRY(vv_additions_find(op, &search, &added));
    source->added = added;
    VV_TRY(suppose_schema(op, &edit->snapshot->schema, &added, &source->schema));
    VV_TRY(prepare(op, edit, &options, source));
    VV_TRY(vv_session_optimize(op, edit->session, true));
    VV_TRY(find_brought(op, source));
    return write_sql(op, source);
}
