/*
 * Memory that dies together: an operation's temporaries, or one immutable object.
 *
 * Allocations are zeroed and cannot be freed one by one. The limit makes a hostile table end in
 * an error instead of in the OOM killer. With VV_ARENA_DEBUG every allocation is a malloc of
 * its own, so that AddressSanitizer sees an overrun.
 */
#ifndef VV_BASE_ARENA_H
#define VV_BASE_ARENA_H

#include "base/common.h"
#include "base/str.h"

struct vv_arena_block;

struct vv_arena {
    struct vv_arena_block *blocks; /* newest first */
    size_t bytes;                  /* handed out so far */
    size_t bytes_max;
};

#define VV_ARENA_INIT(bytes_limit) ((struct vv_arena){.bytes_max = (bytes_limit)})

/* Frees all of it; the arena is empty afterwards and may be used again. */
void vv_arena_done(struct vv_arena *arena);

/* NULL when the limit is reached or memory is out; otherwise `count * size` zeroed bytes. */
void *vv_arena_alloc(struct vv_arena *arena, size_t count, size_t size, size_t align);

#define vv_new(arena, type, count) \
    ((type *)vv_arena_alloc((arena), (count), sizeof(type), _Alignof(type)))

/*
 * A copy with a NUL behind it, "" of VV_STR_NONE; `ptr` is NULL only when memory is out, or was
 * for `text` (VV_STR_LOST).
 */
struct vv_str vv_arena_str(struct vv_arena *arena, struct vv_str text);
/* The same in lower case, ASCII letters only: of names that differ in case alone there is one. */
struct vv_str vv_arena_lower(struct vv_arena *arena, struct vv_str text);

/* Formats into the arena; `ptr` is NULL when memory is out. */
struct vv_str vv_arena_format(struct vv_arena *arena, const char *format, ...) VV_PRINTF(2, 3);

/*
 * A growable array in an arena: room for one more element behind `len`. `*items` may move (the
 * old copy stays in the arena until it dies). Returns false when memory is out.
 */
bool vv_arena_grow(struct vv_arena *arena, void **items, size_t len, size_t *capacity,
    size_t size, size_t align);

#endif
