/*
 * Blocks come zeroed from the system and pieces of them are handed out once, so no piece has to
 * be cleared. The newest block is the one with room; a request that would waste too much of a
 * fresh block gets a block of its own, put behind the newest. A fresh arena owns nothing.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/seam.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if !defined(VV_ARENA_DEBUG) && \
    (defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer))
#define VV_ARENA_DEBUG
#endif

#ifdef VV_ARENA_DEBUG
#define BLOCK_BYTES_MIN ((size_t)1) /* every request is too big to share a block */
#define BLOCK_BYTES_MAX ((size_t)1)
#else
#define BLOCK_BYTES_MIN ((size_t)4 << 10)
#define BLOCK_BYTES_MAX ((size_t)1 << 20)
#endif

struct vv_arena_block {
    struct vv_arena_block *next;
    size_t capacity;
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

void vv_arena_done(struct vv_arena *arena)
{
    struct vv_arena_block *block = arena->blocks;
    while (block) {
        struct vv_arena_block *next = block->next;
        vv_free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->bytes = 0;
}

/* As much again as the arena has given out, so that big arenas have few blocks. */
static size_t next_block_bytes(const struct vv_arena *arena)
{
    size_t bytes = arena->bytes;
    if (bytes < BLOCK_BYTES_MIN)
        bytes = BLOCK_BYTES_MIN;
    return bytes > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : bytes;
}

static struct vv_arena_block *block_new(size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(struct vv_arena_block))
        return NULL;
    struct vv_arena_block *block = vv_malloc_zeroed(sizeof(*block) + bytes);
    if (block)
        block->capacity = bytes;
    return block;
}

static void *take_own_block(struct vv_arena *arena, size_t bytes)
{
    struct vv_arena_block *block = block_new(bytes);
    if (!block)
        return NULL;
    block->used = bytes;
    if (arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        arena->blocks = block;
    }
    return block->data;
}

static void *take(struct vv_arena *arena, size_t bytes, size_t align)
{
    struct vv_arena_block *block = arena->blocks;
    if (block) {
        size_t at = (block->used + align - 1) & ~(align - 1);
        if (at <= block->capacity && bytes <= block->capacity - at) {
            block->used = at + bytes;
            return block->data + at;
        }
    }
    size_t next_bytes = next_block_bytes(arena);
    if (bytes > next_bytes / 2)
        return take_own_block(arena, bytes);
    block = block_new(next_bytes - sizeof(*block));
    if (!block)
        return NULL;
    block->next = arena->blocks;
    block->used = bytes;
    arena->blocks = block;
    return block->data;
}

void *vv_arena_alloc(struct vv_arena *arena, size_t count, size_t size, size_t align)
{
    VV_PRE(align > 0 && (align & (align - 1)) == 0);
    VV_PRE(align <= _Alignof(max_align_t));
    VV_PRE(arena->bytes <= arena->bytes_max);

    /* Also rules out an overflow of the product. */
    if (size > 0 && count > (arena->bytes_max - arena->bytes) / size)
        return NULL;
    size_t bytes = count * size;
    void *memory = take(arena, bytes > 0 ? bytes : 1, align);
    if (memory)
        arena->bytes += bytes;
    return memory;
}

struct vv_str vv_arena_str(struct vv_arena *arena, struct vv_str text)
{
    if (text.len == SIZE_MAX || vv_str_is_lost(text))
        return VV_STR_NONE;
    char *copy = vv_new(arena, char, text.len + 1);
    if (!copy)
        return VV_STR_NONE;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return (struct vv_str){copy, text.len};
}

struct vv_str vv_arena_lower(struct vv_arena *arena, struct vv_str text)
{
    if (text.len == SIZE_MAX || vv_str_is_lost(text))
        return VV_STR_NONE;
    char *copy = vv_new(arena, char, text.len + 1);
    if (!copy)
        return VV_STR_NONE;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        copy[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    return (struct vv_str){copy, text.len};
}

struct vv_str vv_arena_format(struct vv_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return VV_STR_NONE;

    size_t bytes = (size_t)len + 1;
    char *text = vv_new(arena, char, bytes);
    if (!text)
        return VV_STR_NONE;
    va_start(args, format);
    (void)vsnprintf(text, bytes, format, args);
    va_end(args);
    return (struct vv_str){text, (size_t)len};
}

bool vv_arena_grow(struct vv_arena *arena, void **items, size_t len, size_t *capacity,
    size_t size, size_t align)
{
    VV_PRE(len <= *capacity);
    if (len < *capacity)
        return true;
    if (*capacity > SIZE_MAX / 2)
        return false;
    size_t wider = *capacity > 0 ? *capacity * 2 : 8;
    void *moved = vv_arena_alloc(arena, wider, size, align);
    if (!moved)
        return false;
    /* By memcpy, since `items` is in truth a pointer to a pointer of the caller's type. */
    void *old;
    memcpy(&old, items, sizeof(old));
    if (len > 0)
        memcpy(moved, old, len * size);
    memcpy(items, &moved, sizeof(moved));
    *capacity = wider;
    return true;
}
