/*
 * What Varve itself has to know of CSV: the names in the header, in which line of the file a row
 * begins, and the rows of a small file. Those of others are read by the engine; this is the same
 * grammar (RFC 4180, and as the engine has it: lines end in LF, CRLF or CR; one blank before a
 * quoted field and any behind it are passed over, while more before it make it unquoted; a quote
 * within an unquoted field is a character like others; a line with nothing in it is no row, but
 * where there is one column only: there it is a row with NULL).
 *
 * Pure: no I/O. Bytes are fed in pieces of any length.
 */
#ifndef VV_TABLE_INPUT_CSV_H
#define VV_TABLE_INPUT_CSV_H

#include "base/buf.h"
#include "base/op.h"

enum vv_csv_fault {
    VV_CSV_FINE,
    VV_CSV_UTF8,         /* bytes that are not UTF-8 */
    VV_CSV_BEHIND_QUOTE, /* text between a closing quote and the end of its field */
    VV_CSV_OPEN_QUOTE    /* the file ends within quotes */
};

/* A record that has ended. */
struct vv_csv_record {
    int64_t line;            /* in which it begins, from 1 */
    size_t fields;           /* 0: the line is blank */
    enum vv_csv_fault fault; /* the first that it has */
    int64_t fault_line;
    /* Where text stands behind a quote that is closed in another line; its own where one is never
     * closed; 0: none is stray. */
    int64_t stray_line;
};

/*
 * Its quote is closed in another line with text behind it, or never: a stray one, that has taken in lines
 * of their own.
 */
static inline bool vv_csv_is_stray(const struct vv_csv_record *record)
{
    return record->stray_line > 0;
}

struct vv_csv_scan {
    int64_t line;
    struct vv_csv_record record; /* of the bytes seen since the last one ended */
    uint8_t state;
    uint8_t utf8_rest; /* continuation bytes due */
    uint8_t utf8_low;  /* the next one lies in low .. high */
    uint8_t utf8_high;
    uint8_t mark_bytes; /* of a byte order mark at the start */
    bool after_cr;      /* a LF now belongs to the line end before it */
};

void vv_csv_scan_init(struct vv_csv_scan *scan);
/* Begins at a line that is not the first of its file. */
void vv_csv_scan_resume(struct vv_csv_scan *scan, int64_t line);
/* Takes bytes from `*rest` until a record has ended (true) or they are used up (false). */
bool vv_csv_scan_next(struct vv_csv_scan *scan, struct vv_str *rest, struct vv_csv_record *out);
/* At the end of the file: the record that no line end has ended; false where there is none. */
bool vv_csv_scan_end(struct vv_csv_scan *scan, struct vv_csv_record *out);

/*
 * Cuts a field off a record that is sound, its line end left out. A quoted one comes without its
 * quotes, in `field`; else it is a part of `*rest`, as it stands there. VV_STR_LOST where memory is
 * out.
 */
struct vv_str vv_csv_field(struct vv_str *rest, struct vv_buf *field, bool *out_quoted);

/*
 * The names in the first record of a text; `text` may go on behind it. EINVALID where there is
 * none, it is broken or cut off (no line end and not `is_whole`), has a NUL, or an empty name.
 */
varve_status vv_csv_header(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    bool is_whole, struct vv_str **out_names, size_t *out_len);

/*
 * What the names of a header of one column seem to be parted by, instead of commas: "semicolons". NULL:
 * nothing.
 */
#define VV_CSV_PARTED                                                                         \
    "the header seems to be parted by %s: fields have to be parted by commas (and a decimal " \
    "comma be a point)"
const char *vv_csv_separator(const struct vv_str *columns, size_t len);

#endif
