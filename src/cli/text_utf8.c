/* Text as people and JSON readers see it: code points, escapes, terminal columns. */
#include "cli/text.h"

#include <string.h>
#include <wchar.h>

/* The code point at the start of `bytes` and its length; -1 and 1 where that is not UTF-8. */
static int32_t next_point(const char *bytes, size_t len, size_t *out_len)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)bytes[0];
    size_t count = first < 0x80             ? 1
                   : (first & 0xe0) == 0xc0 ? 2
                   : (first & 0xf0) == 0xe0 ? 3
                   : (first & 0xf8) == 0xf0 ? 4
                                            : 0;
    *out_len = 1;
    if (count == 1)
        return first;
    if (count == 0 || count > len)
        return -1;
    int32_t point = first & (0x7f >> count);
    for (size_t i = 1; i < count; i++) {
        if (((uint8_t)bytes[i] & 0xc0) != 0x80)
            return -1;
        point = point << 6 | ((uint8_t)bytes[i] & 0x3f);
    }
    if (point < least[count] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return -1;
    *out_len = count;
    return point;
}

void vv_text_add_json(struct vv_text *text, const char *bytes, size_t len)
{
    size_t plain = 0; /* bytes before `i` that can be copied as they are */
    vv_text_addc(text, '"');
    for (size_t i = 0; i < len;) {
        size_t point_len = 1;
        uint8_t byte = (uint8_t)bytes[i];
        bool is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        int32_t point = is_plain ? byte : next_point(bytes + i, len - i, &point_len);
        if (is_plain || point >= 0x80) {
            i += point_len;
            plain += point_len;
            continue;
        }
        vv_text_add(text, bytes + i - plain, plain);
        plain = 0;
        if (point < 0)
            vv_text_adds(text, "\xef\xbf\xbd");
        else if (point == '"' || point == '\\')
            vv_text_addf(text, "\\%c", (char)point);
        else if (point == '\n')
            vv_text_adds(text, "\\n");
        else
            vv_text_addf(text, "\\u%04x", (unsigned)point);
        i += point_len;
    }
    vv_text_add(text, bytes + len - plain, plain);
    vv_text_addc(text, '"');
}

/* Characters that move the cursor, colour the screen or turn the direction of text around. */
static bool is_unsafe(int32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void vv_text_add_shown(struct vv_text *text, const char *bytes, size_t len)
{
    size_t point_len = 1;
    for (size_t i = 0; i < len; i += point_len) {
        int32_t point = next_point(bytes + i, len - i, &point_len);
        if (point < 0)
            vv_text_addf(text, "\\x%02x", (unsigned)(uint8_t)bytes[i]);
        else if (!is_unsafe(point))
            vv_text_add(text, bytes + i, point_len);
        else if (point == '\n')
            vv_text_adds(text, "\\n");
        else if (point == '\r')
            vv_text_adds(text, "\\r");
        else if (point == '\t')
            vv_text_adds(text, "\\t");
        else if (point < 0x80)
            vv_text_addf(text, "\\x%02x", (unsigned)point);
        else
            vv_text_addf(text, "\\u{%x}", (unsigned)point);
    }
}

static size_t point_columns(int32_t point)
{
    if (point < 0)
        return 1;
    if (point < 0x300)
        return 1;
    int columns = wcwidth((wchar_t)point);
    return columns < 0 ? 1 : (size_t)columns;
}

size_t vv_text_columns(const char *bytes, size_t len)
{
    size_t columns = 0, point_len = 1;
    for (size_t i = 0; i < len; i += point_len)
        columns += point_columns(next_point(bytes + i, len - i, &point_len));
    return columns;
}

size_t vv_text_head(const char *bytes, size_t len, size_t columns)
{
    size_t i = 0, point_len = 1, used = 0;
    for (; i < len; i += point_len) {
        used += point_columns(next_point(bytes + i, len - i, &point_len));
        if (used > columns)
            break;
    }
    return i;
}

void vv_text_add_fitted(struct vv_text *text, const char *bytes, size_t len, size_t columns,
    bool utf8)
{
    bool is_cut = vv_text_columns(bytes, len) > columns;
    size_t room = is_cut ? columns - 1 : columns;
    size_t head = vv_text_head(bytes, len, room);
    vv_text_add(text, bytes, head);
    if (is_cut)
        vv_text_adds(text, utf8 ? "\u2026" : "~");
    vv_text_fill(text, ' ', room - vv_text_columns(bytes, head));
}
