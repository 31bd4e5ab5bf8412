#include "harness/prop.h"

#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

#include "harness/runner.h"

struct prop prop_start(void)
{
    const char *wish = getenv("VARVE_TEST_SEED");
    int64_t number = 0;
    uint64_t seed = vv_str_hash(vv_str_of(test_current->name));
    if (wish && strcmp(wish, "random") == 0) {
        if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
            abort();
    } else if (wish && vv_str_int64(vv_str_of(wish), &number)) {
        seed = (uint64_t)number;
    }
    seed &= INT64_MAX; /* so that what is printed can be given again */
    test_shared->seed = seed;
    test_shared->seeded = true;
    return (struct prop){seed};
}

/* SplitMix64: every state is good, also 0, and the period is 2^64. */
uint64_t prop_u64(struct prop *prop)
{
    prop->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = prop->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

size_t prop_choose(struct prop *prop, size_t count)
{
    VV_PRE(count > 0);
    return (size_t)(prop_u64(prop) % count);
}

bool prop_chance(struct prop *prop, unsigned of_100)
{
    return prop_u64(prop) % 100 < of_100;
}

int64_t prop_int(struct prop *prop, int64_t min, int64_t max)
{
    VV_PRE(min <= max);
    if (prop_chance(prop, 10)) {
        const int64_t corners[] = {min, max, 0, 1, -1};
        int64_t corner = corners[prop_choose(prop, VV_COUNT(corners))];
        if (corner >= min && corner <= max)
            return corner;
    }
    uint64_t width = (uint64_t)max - (uint64_t)min; /* of all values but one: cannot overflow */
    uint64_t step = width == UINT64_MAX ? prop_u64(prop) : prop_u64(prop) % (width + 1);
    return (int64_t)((uint64_t)min + step);
}

double prop_double(struct prop *prop)
{
    const double corners[] = {0.0, -0.0, 1.0, -1.0, 5e-324, 1.7976931348623157e308,
        (double)INFINITY, -(double)INFINITY, (double)NAN, 0.1};
    if (prop_chance(prop, 20))
        return corners[prop_choose(prop, VV_COUNT(corners))];
    if (prop_chance(prop, 50))
        return (double)prop_int(prop, -1000000, 1000000) / 1000.0;
    uint64_t bits = prop_u64(prop);
    double value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct vv_str prop_bytes(struct prop *prop, char *out, size_t bytes_max)
{
    size_t len = prop_choose(prop, bytes_max + 1);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(unsigned char)(prop_u64(prop) & 0xff);
    return (struct vv_str){out, len};
}

struct vv_str prop_str(struct prop *prop, char *out, size_t bytes_max, const char *alphabet)
{
    size_t len = prop_choose(prop, bytes_max + 1);
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[prop_choose(prop, letters)];
    return (struct vv_str){out, len};
}

/* Writes one character, at most four bytes; surrogates are no characters. */
static size_t put_character(char out[4], uint32_t code)
{
    unsigned char *byte = (unsigned char *)out;
    if (code < 0x80) {
        byte[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        byte[0] = (unsigned char)(0xc0 | (code >> 6));
        byte[1] = (unsigned char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        byte[0] = (unsigned char)(0xe0 | (code >> 12));
        byte[1] = (unsigned char)(0x80 | ((code >> 6) & 0x3f));
        byte[2] = (unsigned char)(0x80 | (code & 0x3f));
        return 3;
    }
    byte[0] = (unsigned char)(0xf0 | (code >> 18));
    byte[1] = (unsigned char)(0x80 | ((code >> 12) & 0x3f));
    byte[2] = (unsigned char)(0x80 | ((code >> 6) & 0x3f));
    byte[3] = (unsigned char)(0x80 | (code & 0x3f));
    return 4;
}

struct vv_str prop_utf8(struct prop *prop, char *out, size_t bytes_max)
{
    static const uint32_t ends[] = {0x20, 0x7f, 0x7ff, 0xd7ff, 0xffff, 0x10ffff};
    size_t wanted = prop_choose(prop, bytes_max + 1);
    size_t len = 0;
    while (len < wanted) {
        char one[4];
        uint32_t end = ends[prop_choose(prop, VV_COUNT(ends))];
        uint32_t code = (uint32_t)prop_choose(prop, (size_t)end + 1);
        if (code >= 0xd800 && code < 0xe000)
            continue;
        size_t bytes = put_character(one, code);
        if (len + bytes > wanted)
            continue;
        memcpy(out + len, one, bytes);
        len += bytes;
    }
    return (struct vv_str){out, len};
}

static void swap_bytes(char *a, char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

void prop_shuffle(struct prop *prop, void *items, size_t count, size_t item_bytes)
{
    char *bytes = items;
    for (size_t left = count; left > 1; left--) {
        size_t other = prop_choose(prop, left);
        swap_bytes(bytes + (left - 1) * item_bytes, bytes + other * item_bytes, item_bytes);
    }
}
