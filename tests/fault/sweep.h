/*
 * One allocation after the other fails, or one passage after the other of a place of base/seam.h,
 * or one call after the other of a store (or the work is cancelled before it), until one is to
 * fail that nobody comes to:
 *
 *     struct sweep sweep = {.steps = 50};
 *     for (; !sweep.is_over; sweep_on(&sweep)) {
 *         sweep_arm(&sweep);
 *         varve_status status = ...;
 *         sweep_disarm(&sweep, status);
 *     }
 *
 * That a call succeeded says nothing of the end: some go on without the memory that they did not
 * get. In the first round nothing fails: they are counted.
 */
#ifndef VV_TESTS_FAULT_SWEEP_H
#define VV_TESTS_FAULT_SWEEP_H

#include <stdio.h>
#include <stdlib.h>

#include "base/seam.h"
#include "harness/test.h"
#include "store/store.h"

/* A sanitizer is slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SWEEP_STEPS(number) (1 + (number) / 3)
#else
#define SWEEP_STEPS(number) (number)
#endif

struct sweep {
    const char *place;            /* of base/seam.h; or */
    struct vv_fault_plan *plan;   /* of the store; both NULL: allocations */
    struct vv_fault_plan how;     /* its calls fail, unless */
    void (*cancel)(void *object); /* is called before one of them */
    void *object;
    uint64_t steps;     /* about so many are tried; 0: each. With VARVE_FAULT_ALL each, too */
    uint64_t nth;       /* that fails; 0: none */
    uint64_t total;     /* that there were where none failed */
    uint64_t failures;  /* rounds that did not succeed */
    uint64_t tolerated; /* rounds that did, although one failed */
    uint64_t in_a_row;  /* of them, since the last failure */
    bool is_over;
};

/* Before a call of the store. */
static inline void sweep_count(void *data, const char *call, struct vv_str key)
{
    const struct sweep *sweep = data;
    (void)call;
    (void)key;
    if (__atomic_load_n(&sweep->plan->calls, __ATOMIC_RELAXED) + 1 == sweep->nth)
        sweep->cancel(sweep->object);
}

static inline void sweep_arm_place(const struct sweep *sweep)
{
    char spec[512];
    const char *list = test_path("passages");
    (void)remove(list);
    int len = snprintf(spec, sizeof(spec), "list=%s", list);
    if (sweep->nth > 0)
        len = snprintf(spec, sizeof(spec), "list=%s,fail=%s:%" PRIu64, list, sweep->place,
            sweep->nth);
    if (CHECK(len > 0 && (size_t)len < sizeof(spec)))
        vv_seam_set(spec);
}

static inline void sweep_arm(struct sweep *sweep)
{
    if (sweep->place != NULL) {
        sweep_arm_place(sweep);
    } else if (sweep->plan == NULL) {
        vv_seam_fail_allocation(sweep->nth > 0 ? sweep->nth : UINT64_MAX);
    } else if (sweep->cancel != NULL) {
        *sweep->plan = (struct vv_fault_plan){.before = sweep_count, .before_data = sweep};
    } else {
        *sweep->plan = sweep->how;
        sweep->plan->at = sweep->nth;
    }
}

/* How often the place was passed. */
static inline uint64_t sweep_passages(const char *place)
{
    char line[256];
    uint64_t passages = 0;
    FILE *list = fopen(test_path("passages"), "r");
    while (list != NULL && fgets(line, sizeof(line), list) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        passages += strcmp(line, place) == 0;
    }
    if (list != NULL)
        (void)fclose(list);
    return passages;
}

/* Behind the work in which one was to fail. False: it failed although nothing did. */
static inline bool sweep_disarm(struct sweep *sweep, varve_status status)
{
    uint64_t most = sweep->nth > 0 ? sweep->nth : UINT64_MAX;
    uint64_t met = most - vv_seam_allocations_left();
    vv_seam_fail_allocation(0);
    vv_seam_set(NULL);
    if (sweep->place != NULL) {
        met = sweep_passages(sweep->place);
    } else if (sweep->plan != NULL) {
        met = sweep->plan->calls;
        *sweep->plan = (struct vv_fault_plan){0};
    }
    bool is_untouched = met < most;
    sweep->is_over = is_untouched && sweep->nth > 0;
    if (is_untouched)
        sweep->total = met;
    sweep->failures += status != VARVE_OK;
    sweep->tolerated += status == VARVE_OK && !is_untouched;
    sweep->in_a_row = status == VARVE_OK ? sweep->in_a_row + 1 : 0;
    return CHECK(!is_untouched || status == VARVE_OK);
}

/*
 * The first ones closely; from then on by equal steps: the last ones are those of what is
 * compared, written and committed.
 */
static inline void sweep_on(struct sweep *sweep)
{
    uint64_t longest = sweep->steps > 0 ? 1 + sweep->total / sweep->steps : 1;
    uint64_t step = 1 + sweep->nth / 4;
    /* Where each success makes the next one longer, steps of one would never come to the end. */
    if (getenv("VARVE_FAULT_ALL") != NULL)
        step = longest = 1 + sweep->in_a_row / 8;
    sweep->nth += step < longest ? step : longest;
}

static inline void sweep_tell(const struct sweep *sweep, const char *what)
{
    const char *those = sweep->place != NULL    ? sweep->place
                        : sweep->plan == NULL   ? "allocations"
                        : sweep->cancel != NULL ? "calls to cancel before"
                                                : "calls";
    printf("# %s: %" PRIu64 " %s, %" PRIu64 " made it fail, %" PRIu64 " did not\n", what,
        sweep->total, those, sweep->failures, sweep->tolerated);
}

#endif
