#include "ingest/random.h"

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

void vv_random_init(struct vv_random *random, uint64_t seed)
{
    for (size_t i = 0; i < VV_COUNT(random->state); i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = seed;
        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = mixed ^ mixed >> 31;
    }
}

uint64_t vv_random_next(struct vv_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

double vv_random_unit(struct vv_random *random)
{
    return (double)(vv_random_next(random) >> 11) / 9007199254740992.0;
}

/* The sum of twelve uniform numbers has variance 1 and looks like a bell. */
double vv_random_bell(struct vv_random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += vv_random_unit(random);
    return sum;
}

int64_t vv_random_between(struct vv_random *random, int64_t least, int64_t most)
{
    uint64_t range = (uint64_t)(most - least) + 1;
    return least + (int64_t)(vv_random_next(random) % range);
}

bool vv_random_chance(struct vv_random *random, double share)
{
    return vv_random_unit(random) < share;
}
