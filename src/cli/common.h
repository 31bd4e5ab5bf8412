/*
 * What every file of the command may use. The command sees libvarve through its public header
 * alone, so it has these few macros of its own.
 */
#ifndef VV_CLI_COMMON_H
#define VV_CLI_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "varve/varve.h"

/* Guarded, since test programs see those of base/common.h as well. */
#ifndef VV_CLEANUP
#define VV_CLEANUP(destructor) __attribute__((cleanup(destructor)))
#endif
#ifndef VV_PRINTF
#define VV_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#endif
#ifndef VV_COUNT
#define VV_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#endif
#ifndef VV_TRY
#define VV_TRY(call)                       \
    do {                                   \
        varve_status try_status_ = (call); \
        if (try_status_ != VARVE_OK)       \
            return try_status_;            \
    } while (0)
#endif

/* Zeroed memory. Never NULL: a command without memory says so and ends with status 9. */
void *vv_cli_alloc(size_t count, size_t size);
void *vv_cli_realloc(void *old, size_t bytes);

/* What an errno means. Static storage. */
const char *vv_errno_text(int number);

/* Fills the error object; returns `code`. */
varve_status vv_error_set(varve_error *err, varve_status code, const char *format, ...)
    VV_PRINTF(3, 4);

#endif
