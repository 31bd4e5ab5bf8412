/*
 * A variant: a value of any type in the binary encoding of Parquet (VariantEncoding.md of
 * apache/parquet-format, version 1), as JSON. The engine's own decoder believes lengths and
 * offsets that it finds in the bytes; this one believes none.
 *
 * Times are ISO 8601 with a Z where they have a zone, binaries base64, NaN and the infinities
 * strings, decimals numbers with all their digits.
 */
#ifndef VV_ENGINE_VARIANT_H
#define VV_ENGINE_VARIANT_H

#include "base/buf.h"
#include "base/op.h"

#define VV_VARIANT_FUNCTION "varve_variant_json"
/* What SQL fails with, by error(), where a file has the parts of variants in a plain struct. */
#define VV_VARIANT_IN_PARTS                                                                   \
    "a data file has shredded variants (variantShredding) in a column that it does not call " \
    "a variant, which Varve does not read"
#define VV_VARIANT_JSON_MAX ((size_t)64 << 20)

/*
 * Appends the value as JSON; false where it is none: cut short, of another version, nested
 * deeper than 60 levels. What was appended until then is of no use.
 */
bool vv_variant_json(struct vv_str metadata, struct vv_str value, struct vv_buf *out);

#endif
