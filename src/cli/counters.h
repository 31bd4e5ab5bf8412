/*
 * The numbers of a result by their names: in JSON all of them, in a sentence those that have words
 * and are not zero.
 */
#ifndef VV_CLI_COUNTERS_H
#define VV_CLI_COUNTERS_H

#include "cli/text.h"

struct vv_counter {
    const char *name;  /* in JSON */
    const char *words; /* in the sentence; NULL: not there */
    size_t offset;     /* of an int64_t in the result */
};

int64_t vv_counter_value(const struct vv_counter *counter, const void *result);
/* "3 inserted, 1 updated" */
void vv_counters_say(const struct vv_counter *counters, size_t len, const void *result,
    struct vv_text *out);

#endif
