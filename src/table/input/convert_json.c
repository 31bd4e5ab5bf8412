/*
 * A nested value of a typed input as the JSON that a line of NDJSON has for it. The engine's JSON has NaN
 * and infinities as bare words, which no reader takes, bytes as a text of escapes, which as base64 would
 * be other bytes or none, nanoseconds as what they are loaded as, and decimals without the 0 in front of
 * their point, or as the doubles that they are nearest to: these leaves are texts that convert.h takes.
 */
#include "engine/sound_json.h"
#include "table/input/convert.h"
#include "table/input/source_type.h"

static bool is_float(struct vv_str type)
{
    return vv_str_eq(type, VV_STR("FLOAT")) || vv_str_eq(type, VV_STR("DOUBLE"));
}

static bool is_decimal(struct vv_str type)
{
    return vv_str_starts(type, VV_STR("DECIMAL("));
}

static bool is_changed(struct vv_str type)
{
    return is_float(type) || is_decimal(type) || vv_str_eq(type, VV_STR("BLOB")) ||
           vv_source_is_pair(type);
}

/* A key is a text in any case, NaN too. */
static void text_of(const void *data, struct vv_str type, struct vv_str part, bool is_key,
    struct vv_buf *sql)
{
    (void)data;
    if (vv_source_is_pair(type))
        vv_source_pair_text(type, part, sql);
    else if (is_decimal(type))
        vv_buf_addf(sql, VV_SOUND_JSON "(CAST(%.*s AS VARCHAR))", VV_ARG(part));
    else if (!is_float(type))
        vv_buf_addf(sql, "to_base64(%.*s)", VV_ARG(part));
    else if (is_key)
        vv_buf_add(sql, part);
    else
        vv_buf_addf(sql,
            "CASE WHEN isfinite(%.*s) THEN to_json(%.*s) ELSE to_json(CAST(%.*s AS VARCHAR)) "
            "END",
            VV_ARG(part), VV_ARG(part), VV_ARG(part));
}

void vv_convert_json(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql)
{
    static const struct vv_source_change change = {
        .is_changed = is_changed, .change = text_of, .maps = VV_SOURCE_MAPS_JSON};
    vv_buf_adds(sql, "CAST(to_json(");
    vv_source_value(&change, conversion->source_type, from, sql);
    vv_buf_adds(sql, ") AS VARCHAR)");
}
