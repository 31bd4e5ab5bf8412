/*
 * Growable lists in an arena, of the shape of VV_ACTION_LIST: {items, len, capacity}.
 */
#ifndef VV_DELTA_LIST_H
#define VV_DELTA_LIST_H

#include "base/arena.h"

/*
 * A pointer to a new last element, NULL when memory is out. A macro for the sake of the element's
 * type: writing to a `type *` through a `void **` would break the rules of aliasing.
 */
#define VV_LIST_NEW(arena, list)                                                 \
    __extension__({                                                              \
        void *items_ = (list)->items;                                            \
        __typeof__((list)->items) item_ = NULL;                                  \
        if (vv_arena_grow((arena), &items_, (list)->len, &(list)->capacity,      \
                sizeof(*(list)->items), _Alignof(__typeof__(*(list)->items)))) { \
            (list)->items = items_;                                              \
            item_ = &(list)->items[(list)->len++];                               \
        }                                                                        \
        item_;                                                                   \
    })

#endif
