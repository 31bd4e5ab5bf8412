#include "table/input/csv.h"

enum csv_state {
    RECORD_START,
    FIELD_START,
    FIELD_BLANK, /* one blank of the field was seen: a quote behind more is text, to the engine */
    IN_TEXT,
    IN_QUOTES,
    AFTER_QUOTE, /* a quote within quotes: the first of two, or the closing one */
    AFTER_FIELD  /* blanks behind the closing one */
};

#define EXCEL VV_STR("sep=") /* and a character: a line that tells it what parts the fields */

static const char byte_order_mark[3] = {'\xEF', '\xBB', '\xBF'};

static void fault_set(struct vv_csv_scan *scan, enum vv_csv_fault fault)
{
    if (scan->record.fault == VV_CSV_FINE) {
        scan->record.fault = fault;
        scan->record.fault_line = scan->line;
    }
}

static void behind_quote(struct vv_csv_scan *scan)
{
    fault_set(scan, VV_CSV_BEHIND_QUOTE);
    if (scan->line > scan->record.line && scan->record.stray_line == 0)
        scan->record.stray_line = scan->line;
}

/* Neither overlong forms nor surrogates nor anything above U+10FFFF. */
static void utf8_lead(struct vv_csv_scan *scan, uint8_t byte)
{
    scan->utf8_low = 0x80;
    scan->utf8_high = 0xBF;
    if (byte < 0x80)
        return;
    if (byte < 0xC2 || byte > 0xF4) {
        fault_set(scan, VV_CSV_UTF8);
        return;
    }
    scan->utf8_rest = (uint8_t)(1 + (byte >= 0xE0) + (byte >= 0xF0));
    if (byte == 0xE0)
        scan->utf8_low = 0xA0;
    else if (byte == 0xF0)
        scan->utf8_low = 0x90;
    else if (byte == 0xED)
        scan->utf8_high = 0x9F;
    else if (byte == 0xF4)
        scan->utf8_high = 0x8F;
}

static void utf8_take(struct vv_csv_scan *scan, uint8_t byte)
{
    if (scan->utf8_rest > 0) {
        if (byte >= scan->utf8_low && byte <= scan->utf8_high) {
            scan->utf8_rest--;
            scan->utf8_low = 0x80;
            scan->utf8_high = 0xBF;
            return;
        }
        fault_set(scan, VV_CSV_UTF8);
        scan->utf8_rest = 0;
    }
    utf8_lead(scan, byte);
}

static void record_begin(struct vv_csv_scan *scan)
{
    scan->record = (struct vv_csv_record){.line = scan->line};
    scan->state = RECORD_START;
}

void vv_csv_scan_init(struct vv_csv_scan *scan)
{
    *scan = (struct vv_csv_scan){.line = 1};
    record_begin(scan);
}

void vv_csv_scan_resume(struct vv_csv_scan *scan, int64_t line)
{
    *scan = (struct vv_csv_scan){.line = line, .mark_bytes = sizeof(byte_order_mark)};
    record_begin(scan);
}

/* One byte outside of line ends; `state` and the count of fields follow it. */
static void byte_take(struct vv_csv_scan *scan, char byte)
{
    switch ((enum csv_state)scan->state) {
    case RECORD_START:
        scan->record.fields = 1;
        scan->state = FIELD_START;
        break;
    case AFTER_QUOTE:
        if (byte == '"') {
            scan->state = IN_QUOTES;
            return;
        }
        scan->state = AFTER_FIELD;
        __attribute__((fallthrough));
    case AFTER_FIELD:
        if (byte != ',' && byte != ' ')
            behind_quote(scan);
        break;
    case IN_QUOTES:
        if (byte == '"')
            scan->state = AFTER_QUOTE;
        return;
    case FIELD_START:
    case FIELD_BLANK:
    case IN_TEXT:
        break;
    }
    if (byte == ',') {
        scan->record.fields++;
        scan->state = FIELD_START;
    } else if (scan->state == FIELD_START || scan->state == FIELD_BLANK) {
        bool is_first_blank = byte == ' ' && scan->state == FIELD_START;
        scan->state = is_first_blank ? FIELD_BLANK : byte == '"' ? IN_QUOTES : IN_TEXT;
    }
}

/* True while the byte is one of a byte order mark at the very start. */
static bool mark_take(struct vv_csv_scan *scan, char byte)
{
    if (scan->mark_bytes >= sizeof(byte_order_mark))
        return false;
    if (scan->state == RECORD_START && scan->line == 1 && !scan->after_cr &&
        byte == byte_order_mark[scan->mark_bytes]) {
        scan->mark_bytes++;
        return true;
    }
    /* Part of a mark is no UTF-8. */
    if (scan->mark_bytes > 0)
        fault_set(scan, VV_CSV_UTF8);
    scan->mark_bytes = sizeof(byte_order_mark);
    return false;
}

static void record_close(struct vv_csv_scan *scan, struct vv_csv_record *out)
{
    if (scan->utf8_rest > 0)
        fault_set(scan, VV_CSV_UTF8);
    scan->utf8_rest = 0;
    *out = scan->record;
}

bool vv_csv_scan_next(struct vv_csv_scan *scan, struct vv_str *rest, struct vv_csv_record *out)
{
    size_t at = 0;
    bool has_record = false;
    while (at < rest->len && !has_record) {
        char byte = rest->ptr[at++];
        bool second_of_crlf = byte == '\n' && scan->after_cr;
        scan->after_cr = byte == '\r';
        if (second_of_crlf || mark_take(scan, byte))
            continue;
        utf8_take(scan, (uint8_t)byte);
        if (byte != '\n' && byte != '\r') {
            byte_take(scan, byte);
            continue;
        }
        has_record = scan->state != IN_QUOTES;
        if (has_record)
            record_close(scan, out);
        scan->line++;
        if (has_record)
            record_begin(scan);
    }
    *rest = vv_str_skip(*rest, at);
    return has_record;
}

bool vv_csv_scan_end(struct vv_csv_scan *scan, struct vv_csv_record *out)
{
    if (scan->mark_bytes > 0 && scan->mark_bytes < sizeof(byte_order_mark))
        fault_set(scan, VV_CSV_UTF8);
    if (scan->state == RECORD_START && scan->record.fault == VV_CSV_FINE)
        return false;
    if (scan->state == IN_QUOTES) {
        /* Its first line says more than the last one of the file. */
        scan->line = scan->record.line;
        fault_set(scan, VV_CSV_OPEN_QUOTE);
        if (scan->record.stray_line == 0)
            scan->record.stray_line = scan->line;
    }
    record_close(scan, out);
    return true;
}

struct vv_str vv_csv_field(struct vv_str *rest, struct vv_buf *field, bool *out_quoted)
{
    vv_buf_clear(field);
    size_t at = rest->len > 0 && rest->ptr[0] == ' ' ? 1 : 0;
    *out_quoted = at < rest->len && rest->ptr[at] == '"';
    if (!*out_quoted) {
        struct vv_str text = vv_str_first(*rest, vv_str_find(*rest, ','));
        *rest = vv_str_skip(*rest, text.len + 1);
        return text;
    }
    for (at++; at < rest->len; at++) {
        if (rest->ptr[at] == '"' && !(at + 1 < rest->len && rest->ptr[at + 1] == '"'))
            break;
        at += rest->ptr[at] == '"';
        vv_buf_addc(field, rest->ptr[at]);
    }
    *rest = vv_str_skip(*rest, at);
    *rest = vv_str_skip(*rest, vv_str_find(*rest, ',') + 1);
    return vv_buf_ok(field) ? vv_buf_str(field) : VV_STR_LOST;
}

static varve_status header_check(struct vv_op *op, const struct vv_csv_record *record)
{
    if (record->fields == 0)
        return vv_fail(op, VARVE_EINVALID,
            "line 1 is blank: the first line has to hold the names of the columns");
    switch (record->fault) {
    case VV_CSV_FINE:
        break;
    case VV_CSV_UTF8:
        return vv_fail(op, VARVE_EINVALID,
            "line %" PRId64 ", the header, is not UTF-8: convert the file, or unpack it",
            record->fault_line);
    case VV_CSV_BEHIND_QUOTE:
        return vv_fail(op, VARVE_EINVALID,
            "line %" PRId64 ", the header, has text behind a closing quote",
            record->fault_line);
    case VV_CSV_OPEN_QUOTE:
        return vv_fail(op, VARVE_EINVALID, "a quote in line 1, the header, is never closed");
    }
    return VARVE_OK;
}

varve_status vv_csv_header(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    bool is_whole, struct vv_str **out_names, size_t *out_len)
{
    struct vv_csv_scan scan;
    struct vv_csv_record record = {.line = 0};
    struct vv_str rest = text;
    vv_csv_scan_init(&scan);
    if (!vv_csv_scan_next(&scan, &rest, &record)) {
        if (!is_whole)
            return vv_fail(op, VARVE_EINVALID,
                "line 1, the header, does not end within %zu bytes", text.len);
        if (!vv_csv_scan_end(&scan, &record))
            return vv_fail(op, VARVE_EINVALID, "there is no header, the file is empty");
    }
    VV_TRY(header_check(op, &record));
    rest = vv_str_first(text, text.len - rest.len);
    if (vv_str_find(rest, '\0') < rest.len)
        return vv_fail(op, VARVE_EINVALID,
            "line 1, the header, has a NUL in it: this is no text, or one in UTF-16; convert "
            "the "
            "file");
    while (rest.len > 0 && (rest.ptr[rest.len - 1] == '\n' || rest.ptr[rest.len - 1] == '\r'))
        rest.len--;
    if (vv_str_starts(rest, (struct vv_str){byte_order_mark, sizeof(byte_order_mark)}))
        rest = vv_str_skip(rest, sizeof(byte_order_mark));
    if (rest.len == EXCEL.len + 1 && vv_str_eq_nocase(vv_str_first(rest, EXCEL.len), EXCEL))
        return vv_fail(op, VARVE_EINVALID,
            "line 1 is Excel's \"%.*s\", not the names of the columns: take it out",
            VV_ARG(rest));
    struct vv_str *names = vv_new(arena, struct vv_str, record.fields);
    if (names == NULL)
        return vv_fail_memory(op);
    VV_CLEANUP(vv_buf_done) struct vv_buf field = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t index = 0; index < record.fields; index++) {
        bool is_quoted = false;
        names[index] = vv_arena_str(arena, vv_csv_field(&rest, &field, &is_quoted));
        if (names[index].ptr == NULL || !vv_buf_ok(&field))
            return vv_fail_memory(op);
        if (names[index].len == 0)
            return vv_fail(op, VARVE_EINVALID, "column %zu has no name in line 1, the header",
                index + 1);
    }
    *out_names = names;
    *out_len = record.fields;
    return VARVE_OK;
}

const char *vv_csv_separator(const struct vv_str *columns, size_t len)
{
    static const struct {
        char byte;
        const char *name;
    } separators[] = {{';', "semicolons"}, {'\t', "tabs"}, {'|', "bars (|)"}};
    for (size_t i = 0; i < VV_COUNT(separators) && len == 1; i++)
        if (vv_str_find(columns[0], separators[i].byte) < columns[0].len)
            return separators[i].name;
    return NULL;
}
