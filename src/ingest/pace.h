/* When the rows of a stream are due. */
#ifndef VV_INGEST_PACE_H
#define VV_INGEST_PACE_H

#include "base/common.h"

struct vv_pace {
    double rate;  /* rows a second, > 0 */
    double burst; /* of every ten seconds the last one has so many times the rate; >= 1 */
};

/* Time of the row behind `rows` others, in us since the first. Never falls. */
int64_t vv_pace_us(const struct vv_pace *pace, double rows);

#endif
