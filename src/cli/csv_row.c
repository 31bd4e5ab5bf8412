#include "cli/csv_row.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 10000

#define FAULT_BEHIND "text behind a closing quote (within quotes, a quote is written twice)"
#define FAULT_OPEN "a quote that is never closed"
#define FAULT_CR "a CR without quotes (a line ends in LF or CRLF)"

/* One field of a record, and what is left behind it. */
struct field {
    const char *bytes;
    size_t len;
    bool is_quoted;    /* `bytes` are those between the quotes, a quote in them written twice */
    const char *fault; /* NULL: none */
};

/* False: the record has no more fields. `*rest` NULL: it is used up. */
static bool field_take(const char **rest, const char *end, struct field *out)
{
    const char *at = *rest;
    if (at == NULL)
        return false;
    if (at < end && *at == ' ')
        at++;
    *out = (struct field){.is_quoted = at < end && *at == '"'};
    const char *comma = memchr(*rest, ',', (size_t)(end - *rest));
    if (out->is_quoted) {
        const char *close = at + 1;
        while (close < end && (*close != '"' || (close + 1 < end && close[1] == '"')))
            close += *close == '"' ? 2 : 1;
        out->bytes = at + 1;
        out->len = (size_t)(close - at - 1);
        const char *behind = close < end ? close + 1 : end;
        comma = memchr(behind, ',', (size_t)(end - behind));
        for (const char *next = comma ? comma : end; behind < next; behind++)
            if (*behind != ' ')
                out->fault = FAULT_BEHIND;
        if (close >= end)
            out->fault = FAULT_OPEN;
    } else {
        out->bytes = *rest;
        out->len = (size_t)((comma ? comma : end) - *rest);
        /* Of a file whose lines end in CR alone, which are one line here. */
        if (memchr(out->bytes, '\r', out->len) != NULL)
            out->fault = FAULT_CR;
    }
    *rest = comma ? comma + 1 : NULL;
    return true;
}

/* Bytes that are not UTF-8 stay what they are: whoever reads the row will say so. */
static void add_string(const struct field *field, struct vv_text *out)
{
    vv_text_addc(out, '"');
    for (size_t i = 0; i < field->len; i++) {
        unsigned char byte = (unsigned char)field->bytes[i];
        if (byte == '"' || byte == '\\') {
            vv_text_addc(out, '\\');
            vv_text_addc(out, (char)byte);
            i += field->is_quoted && byte == '"' ? 1 : 0;
        } else if (byte < 0x20) {
            vv_text_addf(out, "\\u%04x", byte);
        } else {
            vv_text_addc(out, (char)byte);
        }
    }
    vv_text_addc(out, '"');
}

static size_t without_line_end(const char *record, size_t len)
{
    return len > 0 && record[len - 1] == '\r' ? len - 1 : len;
}

void vv_csv_names_done(struct vv_csv_names *names)
{
    for (size_t i = 0; i < names->len; i++)
        vv_text_done(&names->names[i]);
    free(names->names);
    *names = (struct vv_csv_names){0};
}

static varve_status add_name(struct vv_csv_names *names, const struct field *field,
    varve_error *err)
{
    struct vv_text name = {0};
    if (field->fault)
        return vv_error_set(err, VARVE_EINVALID, "column %zu of the header has %s",
            names->len + 1, field->fault);
    if (field->len == 0)
        return vv_error_set(err, VARVE_EINVALID, "column %zu has no name in the header",
            names->len + 1);
    if (names->len == NAMES_MAX)
        return vv_error_set(err, VARVE_EINVALID, "the header has more than %d names",
            NAMES_MAX);
    add_string(field, &name);
    for (size_t i = 0; i < names->len; i++) {
        if (strcasecmp(vv_text_chars(&names->names[i]), vv_text_chars(&name)) != 0)
            continue;
        (void)vv_error_set(err, VARVE_EINVALID, "column %s is in the header twice",
            vv_text_chars(&name));
        vv_text_done(&name);
        return VARVE_EINVALID;
    }
    names->names = vv_cli_realloc(names->names, (names->len + 1) * sizeof(*names->names));
    names->names[names->len++] = name;
    return VARVE_OK;
}

/* Behind the mark that a file may begin with. */
static const char *header_begin(const char *record, size_t len)
{
    return len >= 3 && memcmp(record, "\xef\xbb\xbf", 3) == 0 ? record + 3 : record;
}

varve_status vv_csv_names_read(struct vv_csv_names *names, const char *record, size_t len,
    varve_error *err)
{
    struct field field;
    varve_status status = VARVE_OK;
    const char *rest = header_begin(record, len);
    const char *end = record + without_line_end(record, len);
    while (status == VARVE_OK && field_take(&rest, end, &field))
        status = add_name(names, &field, err);
    if (status != VARVE_OK)
        vv_csv_names_done(names);
    return status;
}

bool vv_csv_names_has(const struct vv_csv_names *names, const char *name)
{
    struct vv_text wanted VV_CLEANUP(vv_text_done) = {0};
    vv_text_add_json(&wanted, name, strlen(name));
    for (size_t i = 0; i < names->len; i++)
        if (strcmp(vv_text_chars(&names->names[i]), vv_text_chars(&wanted)) == 0)
            return true;
    return false;
}

void vv_csv_header_write(const char *record, size_t len, const char *except,
    struct vv_text *out)
{
    struct field field;
    const char *rest = header_begin(record, len);
    const char *end = record + without_line_end(record, len);
    size_t before = out->len;
    while (field_take(&rest, end, &field)) {
        if (except && field.len == strlen(except) &&
            memcmp(field.bytes, except, field.len) == 0)
            continue;
        const char *quote = field.is_quoted ? "\"" : "";
        vv_text_addf(out, "%s%s", out->len > before ? "," : "", quote);
        vv_text_add(out, field.bytes, field.len);
        vv_text_adds(out, quote);
    }
}

varve_status vv_csv_row_write(const struct vv_csv_names *names, const char *record, size_t len,
    struct vv_text *out, varve_error *err)
{
    struct field field;
    size_t fields = 0;
    const char *rest = record, *end = record + without_line_end(record, len);
    vv_text_addc(out, '{');
    for (; field_take(&rest, end, &field); fields++) {
        if (field.fault)
            return vv_error_set(err, VARVE_EINVALID, "field %zu has %s", fields + 1,
                field.fault);
        if (fields >= names->len || (!field.is_quoted && field.len == 0))
            continue;
        if (out->ptr[out->len - 1] != '{')
            vv_text_addc(out, ',');
        vv_text_add(out, names->names[fields].ptr, names->names[fields].len);
        vv_text_addc(out, ':');
        add_string(&field, out);
    }
    vv_text_addc(out, '}');
    if (fields != names->len)
        return vv_error_set(err, VARVE_EINVALID, "%zu field%s, the header has %zu", fields,
            vv_text_plural((int64_t)fields), names->len);
    return VARVE_OK;
}
