/*
 * Macros that every file may use. Each exists because a function cannot do it.
 */
#ifndef VV_BASE_COMMON_H
#define VV_BASE_COMMON_H

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "varve/status.h"

/* Runs `destructor(&variable)` when the variable leaves its scope. */
#define VV_CLEANUP(destructor) __attribute__((cleanup(destructor)))

#define VV_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#define VV_MUST_CHECK __attribute__((warn_unused_result))

/* Hands over what a pointer owns: the expression is its old value, the pointer becomes NULL. */
#define VV_MOVE(pointer)                        \
    __extension__({                             \
        __typeof__(pointer) moved_ = (pointer); \
        (pointer) = NULL;                       \
        moved_;                                 \
    })

/* The only macro with a hidden return; allowed since every local owner has a cleanup. */
#define VV_TRY(call)                       \
    do {                                   \
        varve_status try_status_ = (call); \
        if (try_status_ != VARVE_OK)       \
            return try_status_;            \
    } while (0)

/* A broken precondition is a defect in Varve, never a matter of input: stays on in release. */
#define VV_PRE(condition) ((condition) ? (void)0 : vv_broken(#condition, __FILE__, __LINE__))
_Noreturn void vv_broken(const char *condition, const char *file, int line);

#define VV_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
