#include "cli/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
    fputs("varve: out of memory\n", stderr);
    exit(VARVE_ELIMIT);
}

void *vv_cli_alloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *vv_cli_realloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes ? bytes : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

const char *vv_errno_text(int number)
{
    const char *text = strerrordesc_np(number);
    return text ? text : "unknown error";
}

varve_status vv_error_set(varve_error *err, varve_status code, const char *format, ...)
{
    va_list arguments;
    memset(err, 0, sizeof(*err));
    err->code = code;
    err->version = -1;
    va_start(arguments, format);
    (void)vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    return code;
}

void vv_text_done(struct vv_text *text)
{
    free(text->ptr);
    *text = (struct vv_text){0};
}

const char *vv_text_chars(struct vv_text *text)
{
    if (text->ptr == NULL)
        return "";
    text->ptr[text->len] = '\0';
    return text->ptr;
}

static char *make_room(struct vv_text *text, size_t bytes)
{
    size_t needed = text->len + bytes + 1;
    if (needed < bytes)
        out_of_memory();
    if (needed > text->capacity) {
        size_t capacity = text->capacity < 32 ? 64 : text->capacity * 2;
        if (capacity < needed)
            capacity = needed;
        text->ptr = vv_cli_realloc(text->ptr, capacity);
        text->capacity = capacity;
    }
    return text->ptr + text->len;
}

void vv_text_add(struct vv_text *text, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    memcpy(make_room(text, len), bytes, len);
    text->len += len;
}

void vv_text_adds(struct vv_text *text, const char *chars)
{
    vv_text_add(text, chars, strlen(chars));
}

void vv_text_addc(struct vv_text *text, char byte)
{
    *make_room(text, 1) = byte;
    text->len++;
}

void vv_text_fill(struct vv_text *text, char byte, size_t count)
{
    memset(make_room(text, count), byte, count);
    text->len += count;
}

void vv_text_addf(struct vv_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *end = make_room(text, 128);
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(end, 128, format, arguments);
    if (len >= 128)
        len = vsnprintf(make_room(text, (size_t)len), (size_t)len + 1, format, again);
    va_end(again);
    va_end(arguments);
    if (len > 0)
        text->len += (size_t)len;
}

void vv_text_add_base64(struct vv_text *text, const uint8_t *bytes, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (i + 1 < len)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < len)
            group |= bytes[i + 2];
        vv_text_addc(text, digits[group >> 18]);
        vv_text_addc(text, digits[group >> 12 & 63]);
        vv_text_addc(text, i + 1 < len ? digits[group >> 6 & 63] : '=');
        vv_text_addc(text, i + 2 < len ? digits[group & 63] : '=');
    }
}
