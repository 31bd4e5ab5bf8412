#include "cli/json_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    unsigned depth;
};

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at != '\0')
        reader->at++;
}

static bool take(struct reader *reader, char byte)
{
    skip_blanks(reader);
    if (reader->at == reader->end || *reader->at != byte)
        return false;
    reader->at++;
    return true;
}

static bool read_hex(struct reader *reader, uint32_t *out)
{
    uint32_t value = 0;
    if (reader->end - reader->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char digit = *reader->at++;
        uint32_t nibble = digit >= '0' && digit <= '9'   ? (uint32_t)(digit - '0')
                          : digit >= 'a' && digit <= 'f' ? (uint32_t)(digit - 'a') + 10
                          : digit >= 'A' && digit <= 'F' ? (uint32_t)(digit - 'A') + 10
                                                         : 16;
        if (nibble > 15)
            return false;
        value = value << 4 | nibble;
    }
    *out = value;
    return true;
}

static void add_utf8(struct vv_text *text, uint32_t point)
{
    if (point < 0x80) {
        vv_text_addc(text, (char)point);
        return;
    }
    if (point >= 0x10000) {
        vv_text_addc(text, (char)(0xf0 | point >> 18));
        vv_text_addc(text, (char)(0x80 | (point >> 12 & 0x3f)));
    } else if (point >= 0x800) {
        vv_text_addc(text, (char)(0xe0 | point >> 12));
    } else {
        vv_text_addc(text, (char)(0xc0 | point >> 6));
    }
    if (point >= 0x800)
        vv_text_addc(text, (char)(0x80 | (point >> 6 & 0x3f)));
    vv_text_addc(text, (char)(0x80 | (point & 0x3f)));
}

/* What follows a backslash and "u": one unit, or the two of a surrogate pair. */
static bool read_unicode_escape(struct reader *reader, struct vv_text *out)
{
    uint32_t point = 0, low = 0;
    if (!read_hex(reader, &point))
        return false;
    if (point >= 0xd800 && point < 0xdc00) {
        if (reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u')
            return false;
        reader->at += 2;
        if (!read_hex(reader, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    add_utf8(out, point);
    return true;
}

static bool read_escape(struct reader *reader, struct vv_text *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end)
        return false;
    char byte = *reader->at++;
    if (byte == 'u')
        return read_unicode_escape(reader, out);
    const char *known = byte == '\0' ? NULL : strchr(from, byte);
    if (known == NULL)
        return false;
    vv_text_addc(out, to[known - from]);
    return true;
}

static bool read_string(struct reader *reader, struct vv_text *out)
{
    if (!take(reader, '"'))
        return false;
    while (reader->at < reader->end) {
        char byte = *reader->at++;
        if (byte == '"') {
            (void)vv_text_chars(out); /* ends it with a NUL */
            return true;
        }
        if (byte != '\\')
            vv_text_addc(out, byte);
        else if (!read_escape(reader, out))
            return false;
    }
    return false;
}

static bool read_value(struct reader *reader, struct vv_node *node);

static struct vv_node *add_child(struct vv_node *node, size_t *capacity)
{
    if (node->children_len == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 8;
        node->children = vv_cli_realloc(node->children, *capacity * sizeof(*node->children));
    }
    struct vv_node *child = &node->children[node->children_len++];
    *child = (struct vv_node){0};
    return child;
}

/* Members or elements up to `close`; the opening bracket has been taken. */
static bool read_children(struct reader *reader, struct vv_node *node, char close)
{
    size_t capacity = 0;
    if (take(reader, close))
        return true;
    do {
        struct vv_node *child = add_child(node, &capacity);
        if (close == '}' && !(read_string(reader, &child->name) && take(reader, ':')))
            return false;
        if (!read_value(reader, child))
            return false;
    } while (take(reader, ','));
    return take(reader, close);
}

/* true, false, null and numbers: a run of their characters. */
static bool read_word(struct reader *reader, struct vv_node *node)
{
    const char *start = reader->at;
    while (reader->at < reader->end &&
           (strchr("+-.", *reader->at) || (*reader->at >= '0' && *reader->at <= '9') ||
               (*reader->at >= 'a' && *reader->at <= 'z') || *reader->at == 'E') &&
           *reader->at != '\0')
        reader->at++;
    vv_text_add(&node->text, start, (size_t)(reader->at - start));
    const char *word = vv_text_chars(&node->text);
    char *end = NULL;
    if (strcmp(word, "null") == 0)
        node->kind = VV_NODE_NULL;
    else if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        node->kind = VV_NODE_BOOL;
    else
        node->kind = VV_NODE_NUMBER;
    if (node->kind != VV_NODE_NUMBER)
        return true;
    (void)strtod(word, &end);
    return end != word && *end == '\0' && strpbrk(word, "xni") == NULL;
}

static bool read_value(struct reader *reader, struct vv_node *node)
{
    bool done = false;
    skip_blanks(reader);
    if (reader->at == reader->end || ++reader->depth > VV_NODE_DEPTH_MAX)
        return false;
    if (*reader->at == '"') {
        node->kind = VV_NODE_STRING;
        done = read_string(reader, &node->text);
    } else if (*reader->at == '{' || *reader->at == '[') {
        char open = *reader->at++;
        node->kind = open == '{' ? VV_NODE_OBJECT : VV_NODE_ARRAY;
        done = read_children(reader, node, open == '{' ? '}' : ']');
    } else {
        done = read_word(reader, node);
    }
    reader->depth--;
    return done;
}

bool vv_node_read(const char *json, size_t len, struct vv_node *out)
{
    struct reader reader = {json, json + len, 0};
    struct vv_node node = {0};
    bool done = read_value(&reader, &node);
    skip_blanks(&reader);
    if (!done || reader.at != reader.end) {
        vv_node_done(&node);
        return false;
    }
    *out = node;
    return true;
}

void vv_node_done(struct vv_node *node)
{
    for (size_t i = 0; i < node->children_len; i++)
        vv_node_done(&node->children[i]);
    free(node->children);
    vv_text_done(&node->name);
    vv_text_done(&node->text);
    *node = (struct vv_node){0};
}

const struct vv_node *vv_node_get(const struct vv_node *object, const char *name)
{
    static const struct vv_node none = {.kind = VV_NODE_NONE};
    for (size_t i = 0; object->kind == VV_NODE_OBJECT && i < object->children_len; i++) {
        const struct vv_node *child = &object->children[i];
        if (child->name.len == strlen(name) &&
            (child->name.len == 0 || memcmp(child->name.ptr, name, child->name.len) == 0))
            return child;
    }
    return &none;
}

const char *vv_node_chars(const struct vv_node *node)
{
    bool has_text = node->kind == VV_NODE_STRING || node->kind == VV_NODE_NUMBER ||
                    node->kind == VV_NODE_BOOL;
    return has_text && node->text.ptr ? node->text.ptr : "";
}

int64_t vv_node_int(const struct vv_node *node, int64_t fallback)
{
    char *end = NULL;
    const char *chars = vv_node_chars(node);
    errno = 0;
    long long value = strtoll(chars, &end, 10);
    return node->kind == VV_NODE_NUMBER && end != chars && *end == '\0' && errno == 0
               ? value
               : fallback;
}
