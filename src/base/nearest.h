/*
 * "Did you mean": the word that another may be a slip of the pen for.
 */
#ifndef VV_BASE_NEAREST_H
#define VV_BASE_NEAREST_H

#include "base/str.h"

/*
 * The one of `names` that `word` begins, or that is fewest insertions, deletions, changes and
 * swaps of letters away, if those are few; case does not count. The first of equals; ptr NULL:
 * none is near. Borrowed from `names`.
 */
struct vv_str vv_nearest_name(struct vv_str word, const struct vv_str *names, size_t len);

#endif
