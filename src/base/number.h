/*
 * Doubles to text and back, the same under every locale of the process Varve lives in (which
 * strtod and printf are not).
 */
#ifndef VV_BASE_NUMBER_H
#define VV_BASE_NUMBER_H

#include "base/common.h"
#include "base/str.h"

#define VV_NUMBER_BYTES 48

/*
 * The whole text as a number in JSON's grammar, correctly rounded, or in any case "NaN", "Inf",
 * "Infinity" with an optional '-'. False on anything else and when the value is too big.
 */
bool vv_number_parse(struct vv_str text, double *out);

/*
 * The shortest text that reads back as the same finite double; with a point or an exponent
 * always, so that it stays a float. Returns its length; a NUL follows.
 */
size_t vv_number_format(double value, char out[VV_NUMBER_BYTES]);

/*
 * A decimal number: `len` bytes (at most 16), a little-endian two's complement, the last `scale`
 * (at most 38) digits behind the point. Returns the length; a NUL follows.
 */
size_t vv_number_format_decimal(const void *bytes, size_t len, uint8_t scale,
    char out[VV_NUMBER_BYTES]);
/*
 * A number of bytes as Spark's properties say it: plain, or with b, k, m, g, t, each with "b"
 * or without, of 1,024 ("100mb"). False on anything else and what does not fit.
 */
bool vv_bytes_parse(struct vv_str text, int64_t *out);

/* A number of bytes for people, in a call of printf: "812 bytes", "12.3 KB", "3.1 MB" (of 1,000). */
struct vv_size_text {
    char chars[32];
};
struct vv_size_text vv_size_text(int64_t bytes);

/* What a word ends in behind a count: "1 row", "2 rows". */
static inline const char *vv_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* The sum, or INT64_MAX where it would be more: sizes that somebody else wrote. Neither is < 0. */
static inline int64_t vv_add_sizes(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

#endif
