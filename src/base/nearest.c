#include "base/nearest.h"

#define WORD_MAX 64

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char lower(char byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
}

static bool is_same(struct vv_str a, size_t i, struct vv_str b, size_t j)
{
    return lower(a.ptr[i]) == lower(b.ptr[j]);
}

/* Words that are too long are far apart. */
static size_t distance(struct vv_str a, struct vv_str b)
{
    size_t rows[3][WORD_MAX + 1] = {{0}};
    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return SIZE_MAX;
    size_t *older = rows[0];
    size_t *old = rows[1];
    size_t *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        old[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = old[j - 1] + (is_same(a, i - 1, b, j - 1) ? 0 : 1);
            now[j] = least_of(least_of(old[j] + 1, now[j - 1] + 1), change);
            if (i > 1 && j > 1 && is_same(a, i - 1, b, j - 2) && is_same(a, i - 2, b, j - 1))
                now[j] = least_of(now[j], older[j - 2] + 1);
        }
        size_t *spare = older;
        older = old;
        old = now;
        now = spare;
    }
    return old[b.len];
}

struct vv_str vv_nearest_name(struct vv_str word, const struct vv_str *names, size_t len)
{
    struct vv_str nearest = VV_STR_NONE;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < len && word.len > 0; i++) {
        size_t far = distance(word, names[i]);
        bool is_begun = vv_str_eq_nocase(vv_str_first(names[i], word.len), word);
        /* Of a word of one letter nothing would be left to be near by. */
        bool is_near = is_begun || (far < word.len && far <= (word.len + 2) / 3);
        if (is_near && (nearest.ptr == NULL || far < least)) {
            nearest = names[i];
            least = far;
        }
    }
    return nearest;
}
