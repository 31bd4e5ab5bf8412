/*
 * The functions of Spark SQL that have a translation.
 */
#ifndef VV_ENGINE_SPARK_FUNCTION_H
#define VV_ENGINE_SPARK_FUNCTION_H

#include "base/str.h"

struct vv_spark_function {
    const char *name;
    uint8_t arguments_min;
    uint8_t arguments_max;
    const char *before;    /* "abs(" */
    const char *separator; /* ", " */
    const char *after;     /* ")" */
};

/* NULL for a function that is not known; names are the same in any case of letters. */
const struct vv_spark_function *vv_spark_function_find(struct vv_str name);

#endif
