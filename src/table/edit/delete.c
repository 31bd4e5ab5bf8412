#include "table/edit/dml.h"
#include "table/read/predicate.h"
#include "table/record.h"

struct deletion {
    struct vv_str where;
    struct vv_predicate *predicate; /* of the attempt's snapshot */
};

static varve_status find(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct deletion *deletion = data;
    VV_TRY(vv_edit_read_condition(op, edit, deletion->where, &deletion->predicate));
    VV_TRY(vv_edit_choose(op, edit, deletion->predicate, true));
    return edit->files_len > 0 ? vv_edit_read_gone(op, edit, deletion->where) : VARVE_OK;
}

static varve_status matters(struct vv_op *op, const struct vv_edit *edit, const void *data,
    const struct vv_file *added, bool *out)
{
    const struct deletion *deletion = data;
    enum vv_match match = VV_MATCH_SOME;
    (void)edit;
    VV_TRY(vv_predicate_match(op, deletion->predicate, added, &match));
    *out = match != VV_MATCH_NONE;
    return VARVE_OK;
}

static varve_status record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out)
{
    const struct deletion *deletion = data;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    VV_TRY(vv_edit_predicate(op, edit, deletion->where, &out->parameters_json));
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numDeletedRows", edit->rows_gone);
    vv_edit_metrics(op, edit, &writer);
    vv_jw_end(&writer);
    return vv_record_keep(op, &edit->arena, &json, &out->metrics_json);
}

varve_status vv_table_delete(struct vv_op *op, struct vv_table *table, struct vv_str where,
    const struct vv_edit_options *options, struct vv_edit_result *out)
{
    static const struct vv_edit_kind kind = {.name = "delete",
        .operation = {"DELETE", 6},
        .gone_type = "'delete'",
        .find = find,
        .matters = matters,
        .record = record};
    struct deletion deletion = {.where = where};
    VV_TRY(vv_edit_run(op, table, &kind, &deletion, options, out));
    out->deleted = out->rows_gone;
    return VARVE_OK;
}
