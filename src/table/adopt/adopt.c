/*
 * One edit: surplus rows go, rows under a wrong date go and come again under theirs, and where times
 * get a zone all files go and all rows come again. The metaData goes with them in the same commit,
 * so that a table is never seen half adopted.
 */
#include "table/adopt/adopt.h"

#include "base/seam.h"
#include "base/time.h"
#include "table/adopt/adopt_run.h"
#include "table/alter/dates.h"
#include "table/edit/feed_write.h"
#include "table/edit/new_rows.h"
#include "table/input/batch_input.h"
#include "table/read/scan_sql.h"
#include "table/record.h"

#define MADE "adopt_made"

/* All of them, as they came. */
static varve_status list_files(struct vv_op *op, struct vv_edit *edit)
{
    size_t len = edit->snapshot->files_len;
    edit->files = vv_new(&edit->arena, const struct vv_file *, len + 1);
    if (edit->files == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++)
        edit->files[i] = edit->snapshot->files[i];
    edit->files_len = len;
    vv_files_sort(edit->files, len);
    return VARVE_OK;
}

/* The columns of new rows; without one that is filled in. */
static varve_status list_columns(struct vv_op *op, const struct vv_adopt *adopt,
    struct vv_new_column **out, size_t *out_len)
{
    size_t len = adopt->supposed->schema.fields_len;
    VV_NEW(op, out, struct vv_new_column, len + 1);
    *out_len = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_filled = false;
        for (size_t p = 0; p < adopt->rules.partition_from_len; p++)
            is_filled = is_filled || adopt->rules.partition_from[p].partition == (int32_t)i;
        if (is_filled && adopt->request->dedupe)
            continue;
        struct vv_str name = vv_arena_format(&op->arena, "c%zu", i);
        if (name.ptr == NULL)
            return vv_fail_memory(op);
        (*out)[(*out_len)++] = (struct vv_new_column){.column = (int32_t)i, .sql = name};
    }
    return VARVE_OK;
}

/* Of all rows, or of those that move. */
static varve_status make_rows(struct vv_op *op, struct vv_edit *edit,
    const struct vv_adopt *adopt, const struct vv_new_column *columns, size_t columns_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE " MADE
                      " AS SELECT row_number() OVER () AS \"" VV_INPUT_ROW_COLUMN "\"");
    for (size_t i = 0; i < columns_len; i++)
        vv_buf_addf(&sql, ", %.*s", VV_ARG(columns[i].sql));
    if (adopt->has_naive) {
        vv_buf_adds(&sql, " FROM (");
        VV_TRY(vv_adopt_rows_sql(op, edit, adopt, &sql));
        vv_buf_adds(&sql, ") AS r WHERE NOT EXISTS (SELECT 1 FROM temp." VV_ADOPT_FOUND
                          " AS f WHERE f._rank > 1 AND f._file = r._file AND f._pos = r._pos)");
    } else {
        vv_buf_adds(&sql, " FROM temp." VV_ADOPT_FOUND " WHERE _rank = 1 AND _moved");
    }
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_engine_expect(edit->table->engine, vv_files_bytes(edit->files, edit->files_len));
    return vv_session_exec(op, edit->session, vv_buf_str(&sql));
}

static varve_status make_news(struct vv_op *op, struct vv_edit *edit, struct vv_adopt *adopt)
{
    struct vv_new_column *columns = NULL;
    size_t columns_len = 0;
    VV_TRY(list_columns(op, adopt, &columns, &columns_len));
    VV_TRY(make_rows(op, edit, adopt, columns, columns_len));
    edit->snapshot = adopt->supposed;
    const struct vv_new_rows rows = {.name = "adopt",
        .table = VV_STR("temp." MADE),
        .columns = columns,
        .columns_len = columns_len,
        .keeps_order = true};
    return vv_new_rows_take(op, edit, &rows);
}

/* Which rows go: all files whole, or the rows that were found. */
static varve_status make_gone(struct vv_op *op, struct vv_edit *edit,
    const struct vv_adopt *adopt)
{
    if (adopt->has_naive) {
        edit->whole = edit->files;
        edit->whole_len = edit->files_len;
        edit->files_len = 0;
        return VARVE_OK;
    }
    if (adopt->result.rows_removed + adopt->result.rows_redated == 0) {
        edit->files_len = 0;
        return VARVE_OK;
    }
    return vv_session_exec(op, edit->session,
        adopt->result.rows_redated > 0
            ? VV_STR("CREATE OR REPLACE TEMP TABLE " VV_EDIT_GONE
                     " AS SELECT _file, _pos, _rank > 1 AS _surplus FROM temp." VV_ADOPT_FOUND
                     " WHERE _rank > 1 OR _moved")
            : VV_STR("CREATE OR REPLACE TEMP TABLE " VV_EDIT_GONE
                     " AS SELECT _file, _pos, true AS _surplus FROM temp." VV_ADOPT_FOUND
                     " WHERE _rank > 1"));
}

static varve_status check(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt)
{
    if (adopt->rules.key_len == 0)
        return vv_fail(op, VARVE_EUSAGE,
            "by which columns is a row told from others? Give --key");
    if (adopt->has_naive && vv_feed_wanted(edit->snapshot))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "table %.*s has its change feed on, which can't tell a change of types: unset "
            "delta.enableChangeDataFeed first",
            VV_ARG(adopt->table->name));
    return VARVE_OK;
}

/* Other software keeps old versions for days where Varve's own tables keep them for a year. */
static void tell_history(struct vv_adopt *adopt)
{
    static const struct {
        const char *name, *fallback, *what;
    } spans[] = {
        {"delta.deletedFileRetentionDuration", "7 days, the default", "files of old versions"},
        {"delta.logRetentionDuration", "30 days, the default", "the log"}};
    for (size_t i = 0; i < VV_COUNT(spans); i++) {
        struct vv_str text = vv_draft_property(&adopt->draft, vv_str_of(spans[i].name));
        if (vv_str_starts(text, VV_STR("interval ")))
            text = vv_str_skip(text, VV_STR("interval ").len);
        vv_buf_addf(&adopt->report, "= history: %s for %.*s (%s)\n", spans[i].what,
            VV_ARG(text.len > 0 ? text : vv_str_of(spans[i].fallback)), spans[i].name);
    }
}

static varve_status find(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct vv_adopt *adopt = data;
    bool is_derived_anew = false; /* rows of others matter as it is */
    vv_draft_done(&adopt->draft);
    vv_buf_clear(&adopt->report);
    VV_TRY(list_files(op, edit));
    VV_TRY(vv_adopt_draft(op, edit, adopt));
    VV_TRY(check(op, edit, adopt));
    VV_TRY(vv_adopt_find(op, edit, adopt));
    if (adopt->result.rows_misdated == adopt->result.rows_redated)
        VV_TRY(vv_adopt_derive(op, adopt));
    else if (!adopt->has_naive)
        VV_TRY(vv_dates_check(op, adopt->table, &adopt->rules, &is_derived_anew));
    adopt->result.is_changed = adopt->draft.is_changed || adopt->result.rows_removed > 0 ||
                               adopt->result.rows_redated > 0;
    edit->rules = &adopt->rules;
    tell_history(adopt);
    if (adopt->draft.is_changed)
        edit->actions.metadata = &adopt->draft.metadata;
    if (adopt->request->edit.dry_run) {
        edit->files_len = 0;
        return VARVE_OK;
    }
    if (adopt->has_naive || adopt->result.rows_redated > 0)
        VV_TRY(make_news(op, edit, adopt));
    return make_gone(op, edit, adopt);
}

/* Its rows may have a key of ours, or a date that is wrong. */
static varve_status matters(struct vv_op *op, const struct vv_edit *edit, const void *data,
    const struct vv_file *added, bool *out)
{
    (void)op;
    (void)edit;
    (void)data;
    (void)added;
    *out = true;
    return VARVE_OK;
}

static varve_status record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out)
{
    const struct vv_adopt *adopt = data;
    const struct vv_draft *draft = &adopt->draft;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "key", vv_draft_property(draft, VV_STR(VV_PROPERTY_KEY)));
    vv_jw_key_string(&writer, "orderBy",
        vv_draft_property(draft, VV_STR(VV_PROPERTY_ORDER_BY)));
    vv_jw_key_string(&writer, "zorder", vv_draft_property(draft, VV_STR(VV_PROPERTY_ZORDER)));
    vv_jw_key_string(&writer, "dedupe",
        adopt->request->dedupe ? VV_STR("true") : VV_STR("false"));
    vv_jw_key_string(&writer, "assumeTz",
        adopt->has_naive ? adopt->request->assume_tz : VV_STR_NONE);
    vv_jw_end(&writer);
    VV_TRY(vv_record_keep(op, &edit->arena, &json, &out->parameters_json));
    vv_buf_clear(&json);
    writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numDeletedRows", adopt->result.rows_removed);
    vv_record_metric(&writer, "numUpdatedRows", edit->news_len);
    vv_edit_metrics(op, edit, &writer);
    vv_jw_end(&writer);
    return vv_record_keep(op, &edit->arena, &json, &out->metrics_json);
}

void vv_adopt_result_done(struct vv_adopt_result *result)
{
    vv_free(result->report);
    result->report = NULL;
}

/* The diff and what was found. */
static varve_status keep_report(struct vv_op *op, const struct vv_adopt *adopt,
    struct vv_adopt_result *out)
{
    struct vv_str diff = vv_buf_str(&adopt->draft.diff);
    struct vv_str found = vv_buf_str(&adopt->report);
    out->report = vv_malloc(diff.len + found.len + 1);
    if (out->report == NULL || !vv_buf_ok(&adopt->draft.diff) || !vv_buf_ok(&adopt->report))
        return vv_fail_memory(op);
    memcpy(out->report, diff.ptr, diff.len);
    memcpy(out->report + diff.len, found.ptr, found.len);
    out->report[diff.len + found.len] = '\0';
    return VARVE_OK;
}

static void adopt_done(struct vv_adopt *adopt)
{
    vv_snapshot_release(&adopt->supposed);
    vv_draft_done(&adopt->draft);
    vv_buf_done(&adopt->report);
}

static varve_status check_zone(struct vv_op *op, struct vv_table *table, struct vv_str zone)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    if (zone.len == 0)
        return VARVE_OK;
    VV_TRY(vv_session_open(op, table->engine, &session));
    return vv_batch_check_zone(op, session, zone);
}

varve_status vv_adopt(struct vv_op *op, struct vv_table *table,
    const struct vv_adopt_request *request, struct vv_adopt_result *out)
{
    static const struct vv_edit_kind kind = {.name = "adopt",
        .operation = {"ADOPT", 5},
        .gone_type = "CASE WHEN g._surplus THEN 'delete' ELSE 'update_preimage' END",
        .news_type = "'update_postimage'",
        .find = find,
        .matters = matters,
        .record = record};
    VV_CLEANUP(adopt_done)
    struct vv_adopt adopt = {
        .table = table, .request = request, .report = VV_BUF_INIT(VV_BUF_MAX)};
    struct vv_edit_result edited;
    VV_TRY(check_zone(op, table, request->assume_tz));
    VV_TRY(vv_edit_run(op, table, &kind, &adopt, &request->edit, &edited));
    adopt.result.version = edited.version;
    *out = adopt.result;
    return keep_report(op, &adopt, out);
}
