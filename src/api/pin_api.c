#include "varve/pin.h"

#include "api/api.h"
#include "lake/pins.h"

static varve_status read_kind(struct vv_op *op, int32_t kind, enum vv_pin_kind *out)
{
    if (kind != VARVE_PIN_TAG && kind != VARVE_PIN_HOLD)
        return vv_fail(op, VARVE_EUSAGE, "there is no kind %d of pin", kind);
    *out = kind == VARVE_PIN_HOLD ? VV_PIN_HOLD : VV_PIN_TAG;
    return VARVE_OK;
}

static varve_status pin(struct vv_op *op, varve_lake *lake, const char *name,
    const varve_pin_options *given, size_t *out_tables)
{
    varve_pin_options options = VARVE_PIN_OPTIONS_INIT;
    struct vv_str *tables = NULL;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_str at = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "at", options.at, &at));
    struct vv_pin_request request = {
        .name = vv_api_text(name), .at = at, .message = vv_api_text(options.message)};
    VV_TRY(read_kind(op, options.kind, &request.kind));
    VV_TRY(vv_api_check_text(op, "the message", options.message));
    VV_NEW(op, &tables, struct vv_str, options.tables_len + 1);
    for (size_t i = 0; i < options.tables_len; i++)
        tables[i] = vv_api_text(options.tables[i]);
    request.tables = tables;
    request.tables_len = options.tables_len;
    return vv_lake_pin(op, lake->lake, &request, out_tables);
}

varve_status varve_lake_pin(varve_lake *lake, const char *name,
    const varve_pin_options *options, int64_t *out_tables, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    size_t tables = 0;
    vv_api_begin(&op, lake);
    varve_status status = pin(&op, lake, name, options, &tables);
    if (status == VARVE_OK && out_tables != NULL)
        *out_tables = (int64_t)tables;
    return vv_op_report(&op, status, err);
}

varve_status varve_lake_unpin(varve_lake *lake, const char *name, int32_t kind,
    int64_t *out_tables, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    enum vv_pin_kind inner = VV_PIN_TAG;
    size_t tables = 0;
    vv_api_begin(&op, lake);
    varve_status status = read_kind(&op, kind, &inner);
    if (status == VARVE_OK)
        status = vv_lake_unpin(&op, lake->lake, inner, vv_api_text(name), &tables);
    if (status == VARVE_OK && out_tables != NULL)
        *out_tables = (int64_t)tables;
    return vv_op_report(&op, status, err);
}

varve_status varve_lake_pins(varve_lake *lake, int32_t kind, struct ArrowArrayStream *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    enum vv_pin_kind inner = VV_PIN_TAG;
    vv_api_begin(&op, lake);
    varve_status status = read_kind(&op, kind, &inner);
    if (status == VARVE_OK)
        status = vv_lake_pins(&op, lake->lake, inner, out);
    return vv_op_report(&op, status, err);
}
