/*
 * Random numbers that are the same everywhere for the same seed: xoshiro256**, seeded through
 * splitmix64, and distributions that use +, -, * and / alone (no libm, whose last digits differ).
 */
#ifndef VV_INGEST_RANDOM_H
#define VV_INGEST_RANDOM_H

#include "base/common.h"

struct vv_random {
    uint64_t state[4];
};

void vv_random_init(struct vv_random *random, uint64_t seed);
uint64_t vv_random_next(struct vv_random *random);
double vv_random_unit(struct vv_random *random); /* 0 <= x < 1 */
/* Mean 0, variance 1, within -6 and 6. */
double vv_random_bell(struct vv_random *random);
/* `least` to `most`, both included. */
int64_t vv_random_between(struct vv_random *random, int64_t least, int64_t most);
bool vv_random_chance(struct vv_random *random, double share);

#endif
