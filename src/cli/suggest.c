/* "Did you mean": the nearest word by insertions, deletions, changes and swaps. */
#include "cli/option.h"

#include <string.h>

#define WORD_MAX 40

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to change to make one of the other; words that are too long are far apart. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    size_t *older = rows[0], *old = rows[1], *now = rows[2];
    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= b_len; j++)
        old[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = old[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            now[j] = least_of(least_of(old[j] + 1, now[j - 1] + 1), change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least_of(now[j], older[j - 2] + 1);
        }
        size_t *spare = older;
        older = old;
        old = now;
        now = spare;
    }
    return old[b_len];
}

const char *vv_nearest(const char *word, const char *(*next)(const void *data, size_t index),
    const void *data)
{
    const char *nearest = NULL;
    size_t len = strlen(word);
    size_t best = (len + 2) / 3 + 1; /* as far as this is a guess, not a typo */
    for (size_t i = 0;; i++) {
        const char *candidate = next(data, i);
        if (candidate == NULL)
            return nearest;
        bool is_head = len >= 2 && strncmp(candidate, word, len) == 0;
        size_t away = is_head ? 1 : distance(word, candidate);
        if (away < best) {
            best = away;
            nearest = candidate;
        }
    }
}
