/*
 * A seeded generator for property tests. The seed of a case is fixed by its name, so that a test
 * does not fail today and pass tomorrow; VARVE_TEST_SEED=N sets another, VARVE_TEST_SEED=random
 * one that was never tried. The runner prints the seed of a case that fails.
 *
 *     struct prop prop = prop_start();
 *     for (int i = 0; i < 10000; i++) {
 *         char text[32];
 *         struct vv_str input = prop_bytes(&prop, text, sizeof(text));
 *         ...
 */
#ifndef VARVE_TEST_PROP_H
#define VARVE_TEST_PROP_H

#include "harness/test.h"

struct prop {
    uint64_t state;
};

struct prop prop_start(void);

uint64_t prop_u64(struct prop *prop);
/* Both ends included; the ends and the values beside zero come up more often than by chance. */
int64_t prop_int(struct prop *prop, int64_t min, int64_t max);
/* An index below `count`, each as likely as the other. `count` must not be 0. */
size_t prop_choose(struct prop *prop, size_t count);
/* True `of_100` times of a hundred. */
bool prop_chance(struct prop *prop, unsigned of_100);
/* Any double: ordinary ones, zeros of both signs, subnormals, infinities, NaN. */
double prop_double(struct prop *prop);
/* 0 to `bytes_max` bytes of any value. The slice lies in `out`. */
struct vv_str prop_bytes(struct prop *prop, char *out, size_t bytes_max);
/* The same with characters of `alphabet` only. */
struct vv_str prop_str(struct prop *prop, char *out, size_t bytes_max, const char *alphabet);
/* Valid UTF-8 with characters of one to four bytes, control characters among them. */
struct vv_str prop_utf8(struct prop *prop, char *out, size_t bytes_max);
/* Puts the elements of an array in random order. */
void prop_shuffle(struct prop *prop, void *items, size_t count, size_t item_bytes);

#endif
