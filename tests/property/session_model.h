/*
 * What the tables of the session test hold, as the model has it: rows by their key, a copy for each
 * version. A batch, a condition and a change are a few numbers, from which the rows follow by
 * arithmetic that SQL (session_batch.h) does as well, so that a large batch costs nothing to make.
 */
#ifndef TESTS_PROPERTY_SESSION_MODEL_H
#define TESTS_PROPERTY_SESSION_MODEL_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/prop.h"

#define PARTS 40
#define PART_0_KEYS 25000 /* more than stay in memory, in one partition */
#define PART_KEYS 700
#define KEYS (PART_0_KEYS + (PARTS - 1) * PART_KEYS)
#define NONE INT32_MIN                     /* NULL */
#define FIRST_US INT64_C(1738195200000000) /* 2025-01-30T00:00:00Z */
#define DAY_US INT64_C(86400000000)

struct row {
    int32_t v; /* of quarters: 3 is 0.75 */
    int32_t o, e;
    int8_t s; /* an index among the texts; 0: NULL */
    bool is_there;
};

static const char *const texts[] = {NULL, "a", "b,c", "d\"e", "\xc3\xa7"};

struct state {
    bool has_e; /* a column that a batch may bring */
    struct row rows[KEYS];
};

/* Key i % count of it is low + (start + i * stride) % span; rows from `count` on come again. */
struct batch {
    int64_t low, span, start, stride, count, repeated;
    int32_t seed, order;
    bool has_s, has_v, has_e;
    int bad; /* rows i % 50 == bad have no key; -1: none */
};

enum where_kind {
    WHERE_REST,
    WHERE_BETWEEN,
    WHERE_PART,
    WHERE_V,
    WHERE_S,
    WHERE_BOTH,
    WHERE_KINDS
};
struct where {
    enum where_kind kind;
    int64_t a, b;
    char sql[80];
};

enum change {
    CHANGE_V,
    CHANGE_S,
    CHANGE_NULL,
    CHANGES
};
static const char *const change_columns[CHANGES] = {"v", "s", "v"};
static const char *const change_sql[CHANGES] = {"v + 0.25", "'b,c'", "NULL"};

struct counts {
    int64_t inserted, updated, unchanged, stale, repeated, rejected;
};

static inline int64_t part_of(int64_t k)
{
    return k < PART_0_KEYS ? 0 : 1 + (k - PART_0_KEYS) / PART_KEYS;
}

static inline int64_t time_of(int64_t k)
{
    return FIRST_US + part_of(k) * DAY_US + k * 1000000;
}

static inline int64_t batch_key(const struct batch *batch, int64_t i)
{
    return batch->low + (batch->start + i % batch->count * batch->stride) % batch->span;
}

static inline bool batch_is_bad(const struct batch *batch, int64_t i)
{
    return batch->bad >= 0 && i % 50 == batch->bad;
}

static inline struct row batch_row(const struct batch *batch, int64_t i)
{
    int64_t k = batch_key(batch, i);
    int64_t mixed = k + batch->seed;
    struct row row = {NONE, batch->order + (int32_t)(mixed % 3), NONE, 0, true};
    if (batch->has_v && mixed % 7 != 0)
        row.v = (int32_t)((k * 31 + batch->seed * 17 + i / batch->count) % 1000);
    if (batch->has_s)
        row.s = (int8_t)(mixed % 5);
    if (batch->has_e)
        row.e = (int32_t)(k % 100 + batch->seed);
    return row;
}

static inline bool same_values(const struct row *a, const struct row *b)
{
    return a->v == b->v && a->s == b->s && a->e == b->e;
}

/* One row of an upsert, that of its key which stays. */
static inline void upsert_row(struct row *stored, const struct row *row, bool has_order,
    struct counts *counts)
{
    bool is_same = same_values(stored, row) && (has_order || stored->o == row->o);
    if (!stored->is_there)
        counts->inserted++;
    else if (is_same)
        counts->unchanged++;
    else if (has_order && row->o < stored->o)
        counts->stale++;
    else
        counts->updated++;
    if (!stored->is_there || (!is_same && !(has_order && row->o < stored->o)))
        *stored = *row;
}

static inline void model_upsert(struct state *state, const struct batch *batch, bool has_order,
    struct counts *counts)
{
    *counts = (struct counts){0};
    for (int64_t i = 0; i < batch->count + batch->repeated; i++)
        counts->rejected += batch_is_bad(batch, i);
    for (int64_t i = 0; i < batch->count; i++) {
        bool is_bad = batch_is_bad(batch, i);
        bool is_again = i < batch->repeated && !batch_is_bad(batch, i + batch->count);
        struct row row = batch_row(batch, is_again ? i + batch->count : i);
        if (is_bad && !is_again)
            continue;
        counts->repeated += is_again && !is_bad;
        upsert_row(&state->rows[batch_key(batch, i)], &row, has_order, counts);
    }
}

static inline bool is_true(const struct where *where, int64_t k, const struct row *row)
{
    switch (where->kind) {
    case WHERE_REST:
        return k % where->a == where->b;
    case WHERE_BETWEEN:
        return k >= where->a && k <= where->b;
    case WHERE_PART:
        return part_of(k) == where->a;
    case WHERE_V:
        return row->v != NONE && row->v < where->a;
    case WHERE_S:
        return row->s == 1;
    case WHERE_BOTH:
        return part_of(k) == where->a && k % 3 == where->b;
    case WHERE_KINDS:
        break;
    }
    return false;
}

static inline int64_t model_delete(struct state *state, const struct where *where)
{
    int64_t deleted = 0;
    for (int64_t k = 0; k < KEYS; k++) {
        struct row *row = &state->rows[k];
        if (!row->is_there || !is_true(where, k, row))
            continue;
        *row = (struct row){0};
        deleted++;
    }
    return deleted;
}

static inline void change_row(struct row *row, enum change change, bool has_order)
{
    if (change == CHANGE_V && row->v != NONE)
        row->v++;
    else if (change == CHANGE_S)
        row->s = 2;
    else if (change == CHANGE_NULL)
        row->v = NONE;
    row->o += has_order; /* so that it is newer than what it replaces */
}

static inline int64_t model_update(struct state *state, const struct where *where,
    enum change change, bool has_order)
{
    int64_t updated = 0;
    for (int64_t k = 0; k < KEYS; k++) {
        struct row *row = &state->rows[k];
        if (!row->is_there || !is_true(where, k, row))
            continue;
        change_row(row, change, has_order);
        updated++;
    }
    return updated;
}

/* Of a merge: what is done with rows that match, and whether the others are inserted. */
enum merge_matched {
    MATCHED_SET_V,
    MATCHED_ALL,
    MATCHED_DELETE,
    MATCHED_KINDS
};
struct merge {
    enum merge_matched matched;
    bool inserts;
    const struct where
        *by_source; /* of the table's rows without a match: deleted; NULL: none */
};

static inline void merge_row(struct row *stored, const struct row *row,
    const struct merge *merge, const struct batch *batch, bool has_order)
{
    if (!stored->is_there) {
        if (merge->inserts)
            *stored = *row;
        return;
    }
    if (merge->matched == MATCHED_DELETE) {
        *stored = (struct row){0};
        return;
    }
    stored->v = batch->has_v ? row->v : stored->v;
    if (merge->matched == MATCHED_SET_V) {
        stored->o += has_order;
        return;
    }
    stored->s = batch->has_s ? row->s : stored->s;
    stored->e = batch->has_e ? row->e : stored->e;
    stored->o = row->o;
}

/* `matched`: KEYS of them, false. */
static inline void model_merge(struct state *state, const struct batch *batch,
    const struct merge *merge, bool has_order, bool *matched)
{
    for (int64_t i = 0; i < batch->count; i++)
        matched[batch_key(batch, i)] = true;
    for (int64_t k = 0; merge->by_source != NULL && k < KEYS; k++)
        if (!matched[k] && state->rows[k].is_there &&
            is_true(merge->by_source, k, &state->rows[k]))
            state->rows[k] = (struct row){0};
    for (int64_t i = 0; i < batch->count; i++) {
        struct row row = batch_row(batch, i);
        merge_row(&state->rows[batch_key(batch, i)], &row, merge, batch, has_order);
    }
}

#endif
