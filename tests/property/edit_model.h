/*
 * Rows and conditions as the model of the property tests of changes has them.
 */
#ifndef TESTS_PROPERTY_EDIT_MODEL_H
#define TESTS_PROPERTY_EDIT_MODEL_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/prop.h"

#define ROWS_MAX 128
#define NONE INT64_MIN /* NULL */

struct row {
    int64_t k, v, o;
    int g; /* 0: NULL, else 'a' and the letters after it */
};

struct rows {
    struct row items[ROWS_MAX];
    size_t len;
};

/* Three-valued: 1 true, 0 false, -1 NULL. */
struct condition {
    char sql[96];
    int kind;
    int64_t a, b;
    int g;
};

static int compare(int64_t a, int64_t b, int operation)
{
    if (a == NONE)
        return -1;
    return operation == 0 ? a == b : operation == 1 ? a < b : a >= b;
}

static int negate(int truth)
{
    return truth < 0 ? truth : !truth;
}

static int both(int a, int b)
{
    return a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
}

static int truth_of(const struct condition *where, const struct row *row)
{
    int is_g = row->g == 0 ? -1 : row->g == where->g;
    switch (where->kind) {
    case 0:
        return compare(row->k, where->a, 0);
    case 1:
        return compare(row->v, where->a, 1);
    case 2:
        return is_g;
    case 3:
        return both(compare(row->k, where->a, 2), negate(compare(row->k, where->b + 1, 2)));
    case 4:
        return row->v == NONE;
    case 5:
        return both(is_g, compare(row->v, where->a, 2));
    case 6:
        return 1;
    case 7:
        return row->k % 3 == 0;
    case 8:
        return negate(compare(row->v, where->a, 2));
    default:
        return negate(both(negate(is_g), compare(row->k, where->a, 1))); /* g or k >= a */
    }
}

static void any_condition(struct prop *prop, struct condition *out)
{
    *out = (struct condition){.kind = (int)prop_choose(prop, 10),
        .a = prop_int(prop, -2, 12),
        .b = prop_int(prop, 0, 14),
        .g = 1 + (int)prop_choose(prop, 3)};
    static const char *const forms[] = {"k = %" PRId64, "v < %" PRId64, "g = '%c'",
        "k BETWEEN %" PRId64 " AND %" PRId64, "v IS NULL", "g = '%c' AND v >= %" PRId64, "true",
        "k %% 3 = 0", "NOT (v >= %" PRId64 ")", "NOT (NOT (g = '%c') AND k < %" PRId64 ")"};
    const char *form = forms[out->kind];
    char letter = (char)('a' + out->g - 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (strstr(form, "%c") != NULL)
        (void)snprintf(out->sql, sizeof(out->sql), form, letter, out->a);
    else
        (void)snprintf(out->sql, sizeof(out->sql), form, out->a, out->b);
#pragma GCC diagnostic pop
}

static int by_row(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    const int64_t differences[][2] = {{a->k, b->k}, {a->g, b->g}, {a->v, b->v}, {a->o, b->o}};
    for (size_t i = 0; i < VV_COUNT(differences); i++)
        if (differences[i][0] != differences[i][1])
            return differences[i][0] < differences[i][1] ? -1 : 1;
    return 0;
}

#endif
