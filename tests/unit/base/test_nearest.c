#include "base/nearest.h"

#include "harness/test.h"

/* Literals, so that what is given back stays. */
static struct vv_str nearest(const char *word)
{
    const struct vv_str names[] = {
        VV_STR("add-column"), VV_STR("drop-column"), VV_STR("widen"), VV_STR("timestamp")};
    return vv_nearest_name(vv_str_of(word), names, VV_COUNT(names));
}

TEST(nearest, a_letter_too_few_too_many_another_or_two_swapped)
{
    CHECK(vv_str_eq(nearest("add-colum"), VV_STR("add-column")));
    CHECK(vv_str_eq(nearest("widden"), VV_STR("widen")));
    CHECK(vv_str_eq(nearest("wiben"), VV_STR("widen")));
    CHECK(vv_str_eq(nearest("timetsamp"), VV_STR("timestamp")));
    CHECK(vv_str_eq(nearest("TIMESTAMPS"), VV_STR("timestamp")));
}

TEST(nearest, a_word_that_begins_one)
{
    CHECK(vv_str_eq(nearest("dro"), VV_STR("drop-column")));
    CHECK(vv_str_eq(nearest("t"), VV_STR("timestamp")));
}

TEST(nearest, none_is_near)
{
    char longer[200];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    CHECK(nearest("price").ptr == NULL);
    CHECK(nearest("").ptr == NULL);
    CHECK(nearest(longer).ptr == NULL);
    CHECK(vv_nearest_name(VV_STR("a"), NULL, 0).ptr == NULL);
    const struct vv_str letters[] = {VV_STR("k"), VV_STR("v")};
    CHECK(vv_nearest_name(VV_STR("w"), letters, VV_COUNT(letters)).ptr == NULL);
    CHECK(vv_str_eq(vv_nearest_name(VV_STR("K"), letters, VV_COUNT(letters)), letters[0]));
}
