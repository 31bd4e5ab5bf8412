#include "cli/counters.h"

#include <inttypes.h>
#include <string.h>

int64_t vv_counter_value(const struct vv_counter *counter, const void *result)
{
    int64_t value = 0;
    memcpy(&value, (const char *)result + counter->offset, sizeof(value));
    return value;
}

void vv_counters_say(const struct vv_counter *counters, size_t len, const void *result,
    struct vv_text *out)
{
    for (size_t i = 0; i < len; i++) {
        int64_t value = vv_counter_value(&counters[i], result);
        if (counters[i].words != NULL && value > 0)
            vv_text_addf(out, "%s%" PRId64 " %s", out->len > 0 ? ", " : "", value,
                counters[i].words);
    }
}
