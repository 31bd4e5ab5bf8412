#include "engine/snappy.h"

#include "harness/test.h"

struct unpack_case {
    struct vv_str packed;
    struct vv_str text; /* ptr NULL: refused */
    size_t bytes;       /* that are asked for, where it is refused */
};

static const struct unpack_case cases[] = {
    {{"\x00", 1}, {"", 0}, 0},
    {{"\x03\x08"
      "abc",
         5},
        {"abc", 3}, 0},
    /* A literal whose length has a byte of its own. */
    {{"\x04\xf0\x03"
      "abcd",
         7},
        {"abcd", 4}, 0},
    /* Copies: two bytes of offset; one byte, overlapping itself. */
    {{"\x08\x0c"
      "abcd\x0e\x04\x00",
         9},
        {"abcdabcd", 8}, 0},
    {{"\x09\x00"
      "a\x11\x01",
         5},
        {"aaaaaaaaa", 9}, 0},
    {{"\x09\x00"
      "a\x1f\x01\x00\x00\x00",
         8},
        {"aaaaaaaaa", 9}, 0},
    /* The length in front is another one. */
    {{"\x03\x08"
      "abc",
         5},
        {NULL, 0}, 4},
    {{"\x04\x08"
      "abc",
         5},
        {NULL, 0}, 4},
    /* More than is asked for; cut short; a copy of what is not there, or of nothing. */
    {{"\x02\x08"
      "abc",
         5},
        {NULL, 0}, 2},
    {{"\x03\x08"
      "ab",
         4},
        {NULL, 0}, 3},
    {{"\x08\x0c"
      "abcd\x0e\x05\x00",
         9},
        {NULL, 0}, 8},
    {{"\x08\x0c"
      "abcd\x0e\x00\x00",
         9},
        {NULL, 0}, 8},
    {{"\x08\x0c"
      "abcd\x0e\x04",
         8},
        {NULL, 0}, 8},
    {{"\x08\x0c"
      "abcd\x12\x04\x00",
         9},
        {NULL, 0}, 8},
    {{"\xff\xff\xff\xff\xff", 5}, {NULL, 0}, 0},
    {{"", 0}, {NULL, 0}, 0},
};

TEST(snappy, unpacks_what_it_is_and_refuses_the_rest)
{
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        char out[16] = "";
        const struct unpack_case *unpack = &cases[i];
        size_t bytes = unpack->text.ptr ? unpack->text.len : unpack->bytes;
        if (CHECK_INT(vv_snappy_unpack(unpack->packed, out, bytes), unpack->text.ptr != NULL) &&
            unpack->text.ptr != NULL)
            CHECK_STR(((struct vv_str){out, bytes}), unpack->text);
    }
}
