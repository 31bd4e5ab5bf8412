#include "api/api.h"

#include <stdlib.h>

#include "base/seam.h"
#include "engine/engine.h"

const char *varve_version(void)
{
    return VARVE_VERSION;
}

const char *varve_build_info(void)
{
    /* A constant of the library: computed anew each time to the same bytes. */
    static _Thread_local char text[128];
    struct vv_str engine = vv_str_of(vv_engine_version());
    static const char head[] = "varve " VARVE_VERSION ", DuckDB ";
    static const char tail[] = ", Delta protocol reader 3, writer 7";
    size_t len = engine.len < 32 ? engine.len : 32;
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + sizeof(head) - 1, engine.ptr, len);
    memcpy(text + sizeof(head) - 1 + len, tail, sizeof(tail));
    return text;
}

void varve_free(void *text)
{
    vv_free(text);
}

varve_status vv_api_check_text(struct vv_op *op, const char *what, const char *text)
{
    if (text == NULL || vv_utf8_valid(vv_str_of(text)))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "%s is not UTF-8", what);
}

varve_status vv_api_check_property(struct vv_op *op, const struct vv_pair *pair)
{
    if (!vv_utf8_valid(pair->name) || !vv_utf8_valid(pair->value))
        return vv_fail(op, VARVE_EUSAGE, "property \"%.*s\" is not UTF-8", VV_ARG(pair->name));
    return VARVE_OK;
}

varve_status vv_api_message(struct vv_op *op, const varve_table *table, const char *given,
    struct vv_str *out)
{
    VV_TRY(vv_api_check_text(op, "the message", given));
    *out = given != NULL && given[0] != '\0' ? vv_str_of(given) : table->lake->lake->message;
    return VARVE_OK;
}

varve_status vv_api_check_app(struct vv_op *op, struct vv_str app_id, int64_t app_version)
{
    if (app_id.ptr == NULL && app_version != 0)
        return vv_fail(op, VARVE_EUSAGE, "an app version needs an app id");
    if (app_id.ptr != NULL && !vv_utf8_valid(app_id))
        return vv_fail(op, VARVE_EUSAGE, "the app id is not UTF-8");
    if (app_version < 0)
        return vv_fail(op, VARVE_EUSAGE, "app version %" PRId64 ": they count from 0",
            app_version);
    return VARVE_OK;
}

varve_status vv_api_check_given(struct vv_op *op, const struct vv_api_given *given, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (given[i].text != NULL && given[i].text[0] == '\0')
            return vv_fail(op, VARVE_EUSAGE,
                "`%s` is empty: leave it out, or say what it is to be", given[i].name);
    return VARVE_OK;
}

varve_status vv_api_check_span(struct vv_op *op, const char *last, const char *from,
    const char *to, const char *at)
{
    const struct vv_api_given given[] = {
        {"last", last}, {"from", from}, {"to", to}, {"at", at}};
    return vv_api_check_given(op, given, VV_COUNT(given));
}

varve_status vv_api_given(struct vv_op *op, const char *name, const char *text,
    struct vv_str *out)
{
    const struct vv_api_given given = {name, text};
    *out = vv_api_text(text);
    return vv_api_check_given(op, &given, 1);
}

struct vv_str vv_api_text(const char *text)
{
    return text == NULL || text[0] == '\0' ? VV_STR_NONE : vv_str_of(text);
}

varve_status vv_api_options(struct vv_op *op, const void *given, void *out, size_t out_bytes)
{
    uint32_t size = 0;
    if (given == NULL)
        return VARVE_OK;
    memcpy(&size, given, sizeof(size));
    if (size < sizeof(size))
        return vv_fail(op, VARVE_EUSAGE,
            "an options struct of %u bytes: start it with its _INIT", size);
    const unsigned char *bytes = given;
    for (size_t i = out_bytes; i < size; i++)
        if (bytes[i] != 0)
            return vv_fail(op, VARVE_EUSAGE,
                "an option that this library does not know: it is older than the program");
    memcpy(out, given, size < out_bytes ? size : out_bytes);
    return VARVE_OK;
}

void vv_api_begin(struct vv_op *op, varve_lake *lake)
{
    if (!lake->interrupt_stays)
        atomic_store(&lake->cancel, false);
    vv_op_init(op, &lake->env, VV_OP_BYTES_DEFAULT);
}

varve_status vv_api_report(struct vv_op *op, const varve_table *table, varve_status status,
    varve_error *err)
{
    if (status != VARVE_OK && op->error.table[0] == '\0')
        vv_error_table(op, table->table->name);
    return vv_op_report(op, status, err);
}

varve_status vv_api_give_text(struct vv_op *op, struct vv_buf *buf, char **out)
{
    char *text = vv_buf_take(buf);
    if (text == NULL)
        return vv_fail_memory(op);
    *out = text;
    return VARVE_OK;
}

varve_status vv_api_give_stream(varve_status status, struct ArrowArrayStream *stream,
    struct ArrowArrayStream *out)
{
    if (status != VARVE_OK)
        stream->release(stream);
    else
        *out = *stream;
    return status;
}
