#include "varve/audit.h"

#include "api/api.h"
#include "base/sign.h"
#include "store/key_file.h"
#include "table/describe.h"
#include "table/audit/verify.h"
#include "table/read/read.h"

/* An empty text is no way to ask for nothing: it is what a file holds that was not read. */
static varve_status check_given(struct vv_op *op, const varve_verify_options *options)
{
    const struct {
        const char *name, *text;
    } given[] = {{"head", options->head}, {"signature", options->signature},
        {"public key", options->public_key}};
    for (size_t i = 0; i < VV_COUNT(given); i++)
        if (given[i].text != NULL && vv_str_trim(vv_str_of(given[i].text)).len == 0)
            return vv_fail(op, VARVE_EUSAGE, "the %s is empty", given[i].name);
    return VARVE_OK;
}

static varve_status check_signature(struct vv_op *op, const varve_verify_options *options)
{
    bool is_valid = false;
    struct vv_str head = vv_api_text(options->head);
    struct vv_str signature = vv_api_text(options->signature);
    if (signature.len == 0 && vv_api_text(options->public_key).len == 0)
        return VARVE_OK;
    if (signature.len == 0 || vv_api_text(options->public_key).len == 0 || head.len == 0)
        return vv_fail(op, VARVE_EUSAGE,
            "a signature is checked with all three of head, signature and public key");
    struct vv_str text = vv_arena_format(&op->arena, VV_SEAL_PREFIX "%.*s", VV_ARG(head));
    if (text.ptr == NULL)
        return vv_fail_memory(op);
    char pem[VV_KEY_FILE_BYTES_MAX];
    size_t pem_len = 0;
    VV_TRY(vv_key_file_read(op, options->public_key, false, pem, &pem_len));
    if (vv_sign_check(op, (struct vv_str){pem, pem_len}, text, signature, &is_valid) !=
        VARVE_OK)
        return vv_note(op, "%s", options->public_key);
    if (is_valid)
        return VARVE_OK;
    return vv_fail(op, VARVE_EVERIFY,
        "the signature is not one of this head by the key %s: the head is not the one that "
        "was sealed",
        options->public_key);
}

static varve_status verify(struct vv_op *op, const struct vv_log_handle *log, const char *table,
    const varve_verify_options *options, varve_verify_result *out, char **out_report)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_verify_result result = {0};
    const struct vv_verify_request request = {.table = vv_str_of(table),
        .head = vv_api_text(options->head),
        .is_signed = options->signature != NULL,
        .is_deep = options->deep != 0,
        .is_strict = options->strict != 0,
        .as_json = options->as_json != 0};
    VV_TRY(vv_verify(op, log, &request, &result, &report));
    if (out_report != NULL)
        VV_TRY(vv_api_give_text(op, &report, out_report));
    *out = (varve_verify_result){.whole = result.is_whole,
        .wrong = (int64_t)result.wrong,
        .first_version = result.first_version,
        .version = result.version,
        .unreferenced = (int64_t)result.unreferenced,
        .head_version = result.head_version};
    memcpy(out->head, result.head, sizeof(out->head));
    return VARVE_OK;
}

varve_status vv_api_log(struct vv_op *op, varve_lake *lake, const char *table,
    struct vv_log_handle *out)
{
    if (table == NULL || table[0] == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no table given");
    return vv_lake_log(op, lake->lake, vv_str_of(table), out);
}

varve_status varve_lake_verify(varve_lake *lake, const char *table,
    const varve_verify_options *options, varve_verify_result *out, char **out_report,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    varve_verify_options known = VARVE_VERIFY_OPTIONS_INIT;
    struct vv_log_handle log = {0};
    vv_api_begin(&op, lake);
    varve_status status = vv_api_options(&op, options, &known, sizeof(known));
    if (status == VARVE_OK)
        status = check_given(&op, &known);
    if (status == VARVE_OK)
        status = check_signature(&op, &known);
    if (status == VARVE_OK)
        status = vv_api_log(&op, lake, table, &log);
    if (status == VARVE_OK)
        status = verify(&op, &log, table, &known, out, out_report);
    vv_store_close(&log.store);
    return vv_op_report(&op, status, err);
}

/* What was known of a table takes its snapshot of then. */
static varve_status known_history(struct vv_op *op, varve_lake *lake, const char *name,
    int64_t limit, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    if (name == NULL || name[0] == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no table given");
    VV_TRY(vv_lake_table_for_any(op, lake->lake, vv_str_of(name), &table));
    return vv_table_history(op, table, VV_STR_NONE, limit, out);
}

static varve_status history(struct vv_op *op, varve_lake *lake, const char *name, int64_t limit,
    struct ArrowArrayStream *out)
{
    struct vv_log_handle log = {0};
    if (lake->lake->known.is_set)
        return known_history(op, lake, name, limit, out);
    varve_status status = vv_api_log(op, lake, name, &log);
    if (status == VARVE_OK && vv_log_history_rows(op, &log, limit, out) != VARVE_OK)
        status = vv_note(op, "table %s", name);
    vv_store_close(&log.store);
    return status;
}

varve_status varve_lake_history(varve_lake *lake, const char *table, int64_t limit,
    struct ArrowArrayStream *out, varve_error *err)
{
    return varve_lake_history_at(lake, table, NULL, limit, out, err);
}

static varve_status history_at(struct vv_op *op, varve_lake *lake, const char *name,
    struct vv_str at, int64_t limit, struct ArrowArrayStream *out)
{
    struct vv_log_handle log = {0};
    int64_t version = VV_NO_VERSION;
    varve_status status = vv_api_log(op, lake, name, &log);
    if (status == VARVE_OK)
        status = vv_log_at(op, &log, vv_str_of(name), at, &version);
    if (status == VARVE_OK && vv_log_history_rows_to(op, &log, version, limit, out) != VARVE_OK)
        status = vv_note(op, "table %s", name);
    vv_store_close(&log.store);
    return status;
}

varve_status varve_lake_history_at(varve_lake *lake, const char *table, const char *at,
    int64_t limit, struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str place = VV_STR_NONE;
    vv_api_begin(&op, lake);
    varve_status status = vv_api_given(&op, "at", at, &place);
    if (status == VARVE_OK)
        status = vv_api_check_limit(&op, limit);
    if (status == VARVE_OK)
        status = place.len == 0 ? history(&op, lake, table, limit, out)
                                : history_at(&op, lake, table, place, limit, out);
    return vv_op_report(&op, status, err);
}

static varve_status seal(struct vv_op *op, const struct vv_log_handle *log, const char *table,
    const char *key_file, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_api_given key = {"key_file", key_file};
    struct vv_seal made;
    VV_TRY(vv_api_check_given(op, &key, 1));
    if (vv_seal(op, log, &made) != VARVE_OK)
        return vv_note_table(op, vv_str_of(table));
    struct vv_str name = vv_lake_lasting_name(vv_str_of(table), log->store);
    VV_TRY(vv_seal_write(op, name, &made, key_file, &json));
    return vv_api_give_text(op, &json, out_json);
}

varve_status varve_lake_seal(varve_lake *lake, const char *table, const char *key_file,
    char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_log_handle log = {0};
    vv_api_begin(&op, lake);
    varve_status status = vv_api_log(&op, lake, table, &log);
    if (status == VARVE_OK)
        status = seal(&op, &log, table, key_file, out_json);
    vv_store_close(&log.store);
    return vv_op_report(&op, status, err);
}

static varve_status keygen(struct vv_op *op, const char *file)
{
    VV_CLEANUP(vv_buf_wipe) struct vv_buf private_pem = VV_BUF_INIT(VV_KEY_FILE_BYTES_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf public_pem = VV_BUF_INIT(VV_KEY_FILE_BYTES_MAX);
    if (file == NULL || file[0] == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no file given for the key");
    struct vv_str public_path = vv_arena_format(&op->arena, "%s.pub", file);
    if (public_path.ptr == NULL)
        return vv_fail_memory(op);
    if (vv_key_file_is_there(public_path.ptr))
        return vv_fail(op, VARVE_EUSAGE,
            "%s is there already: a key is never overwritten, name another file",
            public_path.ptr);
    VV_TRY(vv_sign_keygen(op, &private_pem, &public_pem));
    if (!vv_buf_ok(&private_pem) || !vv_buf_ok(&public_pem))
        return vv_fail_memory(op);
    VV_TRY(vv_key_file_write(op, file, true, vv_buf_str(&private_pem)));
    varve_status status =
        vv_key_file_write(op, public_path.ptr, false, vv_buf_str(&public_pem));
    if (status != VARVE_OK)
        vv_key_file_remove(file);
    return status;
}

varve_status varve_keygen(const char *file, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    return vv_op_report(&op, keygen(&op, file), err);
}

static varve_status list_names(struct vv_op *op, varve_lake *lake, char **out_names)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_lake_list(op, lake->lake, &op->arena, &names, &len));
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&text, "%.*s\n", VV_ARG(names[i]));
    return vv_api_give_text(op, &text, out_names);
}

varve_status varve_lake_names(varve_lake *lake, char **out_names, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, list_names(&op, lake, out_names), err);
}
