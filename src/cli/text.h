/*
 * Growable text, always with a NUL behind it, and the ways values of all kinds become text.
 */
#ifndef VV_CLI_TEXT_H
#define VV_CLI_TEXT_H

#include "cli/common.h"

struct vv_text {
    char *ptr; /* NULL while nothing was added */
    size_t len;
    size_t capacity;
};

void vv_text_done(struct vv_text *text);
static inline void vv_text_clear(struct vv_text *text)
{
    text->len = 0;
}
/* Never NULL; borrowed until the next call. */
const char *vv_text_chars(struct vv_text *text);

void vv_text_add(struct vv_text *text, const char *bytes, size_t len);
void vv_text_adds(struct vv_text *text, const char *chars);
void vv_text_addc(struct vv_text *text, char byte);
void vv_text_addf(struct vv_text *text, const char *format, ...) VV_PRINTF(2, 3);
void vv_text_fill(struct vv_text *text, char byte, size_t count);

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void vv_text_add_json(struct vv_text *text, const char *bytes, size_t len);
/* As it may be shown on a terminal: control and direction characters as \n, \x1b, \u{202e}. */
void vv_text_add_shown(struct vv_text *text, const char *bytes, size_t len);
void vv_text_add_base64(struct vv_text *text, const uint8_t *bytes, size_t len);

/* A number of bytes for people: "812 bytes", "12.3 KB", "3.1 MB" (of 1,000). */
struct vv_text_size {
    char chars[32];
};
struct vv_text_size vv_text_size(int64_t bytes);

/* "" for one, "s" for any other count. */
const char *vv_text_plural(int64_t count);

/* Columns that a text takes on a terminal, and the longest head of it that takes `columns`. */
size_t vv_text_columns(const char *bytes, size_t len);
size_t vv_text_head(const char *bytes, size_t len, size_t columns);
/* A text in so many columns, at least one where it is not empty: filled with blanks, or cut, with an
 * ellipsis ("~" where the terminal has none) in the last one. */
void vv_text_add_fitted(struct vv_text *text, const char *bytes, size_t len, size_t columns,
    bool utf8);

/* In decimal, with zeros in front up to `digits`. */
void vv_text_add_uint(struct vv_text *text, uint64_t value, uint32_t digits);
void vv_text_add_int(struct vv_text *text, int64_t value);
/* Shortest texts that read back as the same number; "NaN", "Infinity", "-Infinity". */
void vv_text_add_double(struct vv_text *text, double value);
void vv_text_add_float(struct vv_text *text, float value);
/* `value` / 10^scale, exact. `value` is the two's complement of 16 bytes, little-endian. */
void vv_text_add_decimal(struct vv_text *text, const uint8_t value[16], int32_t scale);

/* Days since 1970 as "2025-01-30". */
void vv_text_add_date(struct vv_text *text, int64_t days);
/* Units since 1970, `digits` (0, 3, 6, 9) of a fraction each, as "2025-01-30T10:00:00.000000". */
void vv_text_add_time(struct vv_text *text, int64_t units, uint32_t digits);
/* Units since midnight as "10:00:00.000000". */
void vv_text_add_clock(struct vv_text *text, int64_t units, uint32_t digits);

#endif
