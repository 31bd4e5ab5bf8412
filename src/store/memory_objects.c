#include "store/memory_objects.h"

#include "base/seam.h"

#define CAPACITY_MIN ((size_t)64)

void vv_memory_object_done(struct vv_memory_object *object)
{
    vv_free(object->memory);
    *object = (struct vv_memory_object){0};
}

bool vv_memory_object_fill(struct vv_memory_object *object, struct vv_str key,
    struct vv_str bytes)
{
    object->memory = vv_malloc(key.len + bytes.len + 1);
    if (object->memory == NULL)
        return false;
    memcpy(object->memory, key.ptr, key.len);
    object->key = (struct vv_str){object->memory, key.len};
    if (bytes.ptr == NULL)
        return true;
    memcpy(object->memory + key.len, bytes.ptr, bytes.len);
    object->bytes = (struct vv_str){object->memory + key.len, bytes.len};
    return true;
}

void vv_memory_objects_done(struct vv_memory_objects *objects)
{
    for (size_t i = 0; i < objects->len; i++)
        vv_memory_object_done(&objects->items[i]);
    vv_free(objects->items);
    *objects = (struct vv_memory_objects){0};
}

size_t vv_memory_objects_from(const struct vv_memory_objects *objects, struct vv_str key)
{
    size_t low = 0;
    size_t high = objects->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vv_str_cmp(objects->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vv_memory_object *vv_memory_objects_find(const struct vv_memory_objects *objects,
    struct vv_str key)
{
    size_t at = vv_memory_objects_from(objects, key);
    bool is_there = at < objects->len && vv_str_eq(objects->items[at].key, key);
    return is_there ? &objects->items[at] : NULL;
}

/* Room for one more; false when memory is out. */
static bool make_room(struct vv_memory_objects *objects)
{
    if (objects->len < objects->capacity)
        return true;
    size_t capacity = objects->capacity > 0 ? objects->capacity * 2 : CAPACITY_MIN;
    void *items = vv_realloc(objects->items, capacity * sizeof(objects->items[0]));
    if (items == NULL)
        return false;
    objects->items = items;
    objects->capacity = capacity;
    return true;
}

enum vv_memory_insertion vv_memory_objects_insert(struct vv_memory_objects *objects,
    struct vv_memory_object *object, bool replace)
{
    struct vv_memory_object *there = vv_memory_objects_find(objects, object->key);
    if (there != NULL && !replace)
        return VV_MEMORY_EXISTS;
    if (there == NULL && !make_room(objects))
        return VV_MEMORY_FULL;
    object->number = ++objects->writes;
    struct vv_memory_object old = {0};
    if (there != NULL) {
        old = *there;
    } else {
        size_t at = vv_memory_objects_from(objects, object->key);
        there = &objects->items[at];
        memmove(there + 1, there, (objects->len - at) * sizeof(*there));
        objects->len++;
    }
    *there = *object;
    *object = old;
    return VV_MEMORY_DONE;
}

void vv_memory_objects_remove(struct vv_memory_objects *objects, struct vv_str key)
{
    struct vv_memory_object *there = vv_memory_objects_find(objects, key);
    if (there == NULL)
        return;
    vv_memory_object_done(there);
    size_t behind = objects->len - (size_t)(there - objects->items) - 1;
    memmove(there, there + 1, behind * sizeof(*there));
    objects->len--;
}
