/*
 * The objects of a store in memory, sorted by key. Not locked: that is up to the store.
 */
#ifndef VV_STORE_MEMORY_OBJECTS_H
#define VV_STORE_MEMORY_OBJECTS_H

#include "base/common.h"
#include "base/str.h"

struct vv_memory_object {
    char *memory; /* owned; holds what the two slices show */
    struct vv_str key;
    struct vv_str bytes; /* `ptr` NULL: a data file */
    int64_t file_bytes;
    int64_t modified_us;
    uint64_t number; /* differs for each content that a key ever had */
};

struct vv_memory_objects {
    struct vv_memory_object *items;
    size_t len;
    size_t capacity;
    uint64_t writes;
};

enum vv_memory_insertion {
    VV_MEMORY_DONE,
    VV_MEMORY_EXISTS,
    VV_MEMORY_FULL
};

/* Copies key and bytes into it; false when memory is out. */
bool vv_memory_object_fill(struct vv_memory_object *object, struct vv_str key,
    struct vv_str bytes);
void vv_memory_object_done(struct vv_memory_object *object);

void vv_memory_objects_done(struct vv_memory_objects *objects);
/* Index of the first whose key is not less. */
size_t vv_memory_objects_from(const struct vv_memory_objects *objects, struct vv_str key);
/* NULL where absent. */
struct vv_memory_object *vv_memory_objects_find(const struct vv_memory_objects *objects,
    struct vv_str key);
/*
 * Takes over what `object` owns; where it replaces another, `object` is that one afterwards.
 * Otherwise than with VV_MEMORY_DONE nothing is taken over.
 */
enum vv_memory_insertion vv_memory_objects_insert(struct vv_memory_objects *objects,
    struct vv_memory_object *object, bool replace);
void vv_memory_objects_remove(struct vv_memory_objects *objects, struct vv_str key);

#endif
