#include "cli/runs.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 16
#define CAPACITY_KEPT 1024 /* of one that is empty */

void vv_runs_done(struct vv_runs *runs)
{
    free(runs->items);
    *runs = (struct vv_runs){0};
}

static void make_room(struct vv_runs *runs)
{
    size_t len = runs->to - runs->from;
    if (runs->items != NULL && runs->from > 0 &&
        runs->from >= len) { /* half of it is free: no growth */
        memmove(runs->items, runs->items + runs->from, len * sizeof(*runs->items));
    } else {
        size_t capacity = runs->capacity ? runs->capacity * 2 : CAPACITY_FIRST;
        runs->items = vv_cli_realloc(runs->items, capacity * sizeof(*runs->items));
        runs->capacity = capacity;
        return;
    }
    runs->from = 0;
    runs->to = len;
}

void vv_runs_add(struct vv_runs *runs, uint64_t sequence, uint64_t line)
{
    struct vv_run *last = runs->to > runs->from ? &runs->items[runs->to - 1] : NULL;
    runs->line_last = line;
    if (last && last->sequence + last->len == sequence && last->line + last->len == line) {
        last->len++;
        return;
    }
    if (runs->to == runs->capacity)
        make_room(runs);
    runs->items[runs->to++] = (struct vv_run){sequence, line, 1};
}

/* The first run that has a row above `sequence`; `to`: none. */
static size_t find_above(const struct vv_runs *runs, uint64_t sequence)
{
    size_t low = runs->from, high = runs->to;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct vv_run *run = &runs->items[middle];
        if (run->sequence + run->len - 1 > sequence)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint64_t vv_runs_line_until(const struct vv_runs *runs, uint64_t sequence)
{
    size_t at = find_above(runs, sequence);
    if (at == runs->to)
        return runs->line_last;
    const struct vv_run *run = &runs->items[at];
    uint64_t below = sequence >= run->sequence ? sequence - run->sequence + 1 : 0;
    return run->line + below - 1;
}

uint64_t vv_runs_find(const struct vv_runs *runs, uint64_t sequence)
{
    size_t at = sequence > 0 ? find_above(runs, sequence - 1) : runs->to;
    if (at == runs->to || runs->items[at].sequence > sequence)
        return 0;
    return runs->items[at].line + (sequence - runs->items[at].sequence);
}

void vv_runs_forget(struct vv_runs *runs, uint64_t sequence)
{
    size_t at = find_above(runs, sequence);
    runs->from = at;
    if (at == runs->to) {
        runs->from = runs->to = 0;
        if (runs->capacity <= CAPACITY_KEPT)
            return;
        free(runs->items);
        runs->items = NULL;
        runs->capacity = 0;
        return;
    }
    struct vv_run *run = &runs->items[at];
    uint64_t below = sequence >= run->sequence ? sequence - run->sequence + 1 : 0;
    run->sequence += below;
    run->line += below;
    run->len -= below;
}
