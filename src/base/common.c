#include "base/common.h"

#include <stdio.h>
#include <stdlib.h>

/* The one place that may end the process: going on would act on a state nobody thought of. */
void vv_broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "varve: defect at %s:%d: \"%s\" does not hold; please report it\n", file,
        line, condition);
    abort();
}
