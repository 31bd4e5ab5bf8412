/*
 * Public operations on a lake, each tried while something fails: one allocation after the other,
 * one call of the store, one statement, or it is interrupted before one call of the store after the
 * other. Whatever happens: what was told is true, a failure says why, what only reads gives the
 * right answer or none, and the tables are at the old version or the new one: what becomes of a
 * change is held against a twin, a lake of its own on which the same was done and nothing failed.
 *
 *     static const struct operation operations[] = {{.name = "scan", .kind = READS, ...}, ...};
 *     OPERATION_TESTS(readers, operations)
 */
#ifndef VV_TESTS_FAULT_OPERATION_H
#define VV_TESTS_FAULT_OPERATION_H

#include "fault/world.h"

enum kind {
    READS, /* gives out the same each time, changes nothing */
    JUDGES, /* the same, or what begins with "not whole": what it could not see, it did not see */
    TELLS,  /* reads, and tells of what it can't read */
    TIDIES, /* may change versions, never a row */
    WRITES  /* a success is a change, a failure is none */
};

struct operation {
    const char *name;
    enum kind kind;
    /* What it gives out is in `said`. */
    varve_status (*run)(struct world *world, varve_error *err);
    /* Before it, without faults. NULL: nothing. */
    void (*prepare)(struct world *world);
    /* Behind it, without faults: whether all else is as was told (code VARVE_OK: done). NULL:
       nothing else. */
    bool (*check)(struct world *world, const varve_error *failure);
    bool is_quick; /* it is over before anybody could interrupt it */
};

void operations_fail_allocations(const struct operation *operations, size_t len);
void operations_fail_calls(const struct operation *operations, size_t len);
void operations_fail_statements(const struct operation *operations, size_t len);
void operations_interrupt(const struct operation *operations, size_t len);

#define OPERATION_TESTS(module, operations)                                     \
    TEST_SECONDS(module, tell_the_truth_whichever_allocation_fails, 600)        \
    {                                                                           \
        operations_fail_allocations(operations, VV_COUNT(operations));          \
    }                                                                           \
    TEST_SECONDS(module, tell_the_truth_whichever_call_of_the_store_fails, 600) \
    {                                                                           \
        operations_fail_calls(operations, VV_COUNT(operations));                \
    }                                                                           \
    TEST_SECONDS(module, tell_the_truth_whichever_statement_fails, 600)         \
    {                                                                           \
        operations_fail_statements(operations, VV_COUNT(operations));           \
    }                                                                           \
    TEST_SECONDS(module, tell_the_truth_wherever_they_are_interrupted, 600)     \
    {                                                                           \
        operations_interrupt(operations, VV_COUNT(operations));                 \
    }

#endif
