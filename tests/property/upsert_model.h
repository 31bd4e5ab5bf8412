/*
 * The upsert as 2-semantics says it, over rows in an array: no files, no SQL, no cleverness.
 */
#ifndef VARVE_TEST_UPSERT_MODEL_H
#define VARVE_TEST_UPSERT_MODEL_H

#include <math.h>

#include "table/upsert/upsert.h"

#define MODEL_ROWS_MAX 64
#define MODEL_VERSIONS_MAX 64
#define MODEL_APPS 2

struct model_row {
    int64_t ts;
    double x;
    bool has_v;
    double v;
    int s; /* an index among the texts, -1: NULL */
    bool has_o;
    int64_t o;
    int64_t date; /* 0 where the table has no such column */
    bool bad;     /* of a batch: breaks a rule */
};

struct model_rows {
    struct model_row items[MODEL_ROWS_MAX];
    size_t len;
};

struct model {
    bool has_order;
    struct model_rows versions[MODEL_VERSIONS_MAX];
    int64_t version;
    int64_t txns[MODEL_APPS];
};

struct model_batch {
    struct model_rows rows;
    int64_t now_us;
    int app; /* -1: no txn */
    int64_t app_version;
    bool keep_good_rows; /* bad ones are counted instead of failing the batch */
};

static inline bool same_double(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static inline bool same_key(const struct model_row *a, const struct model_row *b)
{
    return a->ts == b->ts && same_double(a->x, b->x);
}

/* In every column but the order column. */
static inline bool same_content(const struct model_row *a, const struct model_row *b)
{
    return same_key(a, b) && a->has_v == b->has_v && (!a->has_v || same_double(a->v, b->v)) &&
           a->s == b->s && a->date == b->date;
}

static inline bool is_own(const struct model *model, const struct model_row *row)
{
    return model->has_order && row->has_o;
}

/* Whether `b`, which comes later in the batch, takes the place of `a`. */
static inline bool outranks(const struct model *model, const struct model_row *b,
    const struct model_row *a)
{
    if (is_own(model, a) != is_own(model, b))
        return is_own(model, a);
    return !is_own(model, a) || b->o >= a->o;
}

/* Step 3. */
static inline void dedupe(const struct model *model, const struct model_rows *from,
    struct model_rows *out)
{
    out->len = 0;
    for (size_t i = 0; i < from->len; i++) {
        size_t at = 0;
        if (from->items[i].bad)
            continue;
        while (at < out->len && !same_key(&out->items[at], &from->items[i]))
            at++;
        if (at == out->len)
            out->items[out->len++] = from->items[i];
        else if (outranks(model, &from->items[i], &out->items[at]))
            out->items[at] = from->items[i];
    }
}

/* Takes the stored rows with a key out; the one with the greatest order value is `newest`. */
static inline size_t take_stored(struct model_rows *stored, const struct model_row *row,
    struct model_row *newest)
{
    size_t kept = 0;
    size_t taken = 0;
    for (size_t i = 0; i < stored->len; i++) {
        const struct model_row *item = &stored->items[i];
        if (!same_key(item, row)) {
            stored->items[kept++] = *item;
            continue;
        }
        if (taken == 0 || (item->has_o && (!newest->has_o || item->o > newest->o)))
            *newest = *item;
        taken++;
    }
    stored->len = kept;
    return taken;
}

/* A row without an order value of its own is the newest on arrival. */
static inline void stamp(const struct model *model, struct model_row *row,
    const struct model_row *old, int64_t now_us)
{
    if (!model->has_order || row->has_o)
        return;
    row->has_o = true;
    row->o = old != NULL && old->has_o && old->o >= now_us ? old->o + 1 : now_us;
}

/* Step 4 for one row. */
static inline void compare(const struct model *model, struct model_rows *stored,
    const struct model_row *row, int64_t now_us, struct vv_upsert_result *result)
{
    struct model_row old = {0};
    struct model_row kept = *row;
    size_t taken = take_stored(stored, row, &old);
    if (taken == 0) {
        result->inserted++;
        stamp(model, &kept, NULL, now_us);
    } else if (same_content(&old, row)) {
        result->unchanged++;
        kept = old;
    } else if (is_own(model, row) && old.has_o && row->o < old.o) {
        result->stale++;
        kept = old;
    } else {
        result->updated++;
        stamp(model, &kept, &old, now_us);
    }
    result->repaired += taken > 1 ? (int64_t)taken - 1 : 0;
    stored->items[stored->len++] = kept;
}

/* The whole batch. False: it is refused, and nothing has changed. */
static inline bool model_upsert(struct model *model, const struct model_batch *batch,
    struct vv_upsert_result *out)
{
    struct model_rows rows;
    struct model_rows stored = model->versions[model->version];
    *out = (struct vv_upsert_result){.version = model->version};
    if (batch->app >= 0 && batch->app_version <= model->txns[batch->app]) {
        out->already_applied = true;
        return true;
    }
    out->rows_in = (int64_t)batch->rows.len;
    for (size_t i = 0; i < batch->rows.len; i++)
        out->rejected += batch->rows.items[i].bad;
    if (out->rejected > 0 && !batch->keep_good_rows)
        return false;
    dedupe(model, &batch->rows, &rows);
    out->duplicates_in_batch = out->rows_in - out->rejected - (int64_t)rows.len;
    for (size_t i = 0; i < rows.len; i++)
        compare(model, &stored, &rows.items[i], batch->now_us, out);
    out->rows_written = out->inserted + out->updated;
    if (batch->app >= 0)
        model->txns[batch->app] = batch->app_version;
    if (out->rows_written + out->repaired > 0 || batch->app >= 0)
        model->versions[++model->version] = stored;
    out->version = model->version;
    return true;
}

#endif
