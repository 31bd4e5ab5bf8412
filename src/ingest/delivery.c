#include "ingest/delivery.h"

#include "base/seam.h"

struct vv_delivery_item {
    int64_t due_us;
    uint64_t number;
    struct vv_feed_row row;
};

void vv_delivery_done(struct vv_delivery *delivery)
{
    vv_free(delivery->items);
    *delivery = (struct vv_delivery){0};
}

static bool is_before(const struct vv_delivery_item *a, const struct vv_delivery_item *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

static void swap(struct vv_delivery_item *a, struct vv_delivery_item *b)
{
    struct vv_delivery_item kept = *a;
    *a = *b;
    *b = kept;
}

varve_status vv_delivery_put(struct vv_op *op, struct vv_delivery *delivery, int64_t due_us,
    const struct vv_feed_row *row)
{
    if (delivery->len == delivery->capacity) {
        size_t capacity = delivery->capacity ? delivery->capacity * 2 : 256;
        void *items = vv_realloc(delivery->items, capacity * sizeof(*delivery->items));
        if (items == NULL)
            return vv_fail_memory(op);
        delivery->items = items;
        delivery->capacity = capacity;
    }
    struct vv_delivery_item *items = delivery->items;
    size_t at = delivery->len++;
    items[at] = (struct vv_delivery_item){due_us, delivery->numbered++, *row};
    for (; at > 0 && is_before(&items[at], &items[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&items[at], &items[(at - 1) / 2]);
    return VARVE_OK;
}

bool vv_delivery_take(struct vv_delivery *delivery, int64_t before_us, struct vv_feed_row *out,
    int64_t *out_due_us)
{
    struct vv_delivery_item *items = delivery->items;
    if (delivery->len == 0 || items[0].due_us >= before_us)
        return false;
    *out = items[0].row;
    *out_due_us = items[0].due_us;
    items[0] = items[--delivery->len];
    for (size_t at = 0, child; (child = at * 2 + 1) < delivery->len; at = child) {
        if (child + 1 < delivery->len && is_before(&items[child + 1], &items[child]))
            child++;
        if (!is_before(&items[child], &items[at]))
            break;
        swap(&items[child], &items[at]);
    }
    return true;
}
