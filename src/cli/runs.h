/*
 * Which line of a stream a row of the spool came from: rows in the order of their sequence, in
 * runs where both numbers rise by one. So acknowledgements are told from sequences, and what
 * befalls a row later is told with its line.
 */
#ifndef VV_CLI_RUNS_H
#define VV_CLI_RUNS_H

#include "cli/common.h"

struct vv_run {
    uint64_t sequence; /* of the first row */
    uint64_t line;
    uint64_t len;
};

struct vv_runs {
    struct vv_run *items; /* ascending */
    size_t from, to, capacity;
    uint64_t line_last; /* all lines up to it were given to the spool, or refused */
};

void vv_runs_done(struct vv_runs *runs);
void vv_runs_add(struct vv_runs *runs, uint64_t sequence, uint64_t line);
/* The last line such that no row of it and of those before is above `sequence`. */
uint64_t vv_runs_line_until(const struct vv_runs *runs, uint64_t sequence);
/* The line of a row; 0: it is of another stream, or forgotten. */
uint64_t vv_runs_find(const struct vv_runs *runs, uint64_t sequence);
/* Forgets the rows up to `sequence`. */
void vv_runs_forget(struct vv_runs *runs, uint64_t sequence);
static inline bool vv_runs_is_empty(const struct vv_runs *runs)
{
    return runs->from == runs->to;
}

#endif
