#include "table/write_files.h"

#include "harness/test.h"

TEST(write_files, rows_are_split_where_one_file_would_be_much_longer_than_the_target)
{
    static const struct {
        int64_t bytes, target, count;
    } cases[] = {{0, 100, 1}, {1, 100, 1}, {100, 100, 1}, {110, 100, 1}, {111, 100, 2},
        {200, 100, 2}, {201, 100, 3}, {110000000, 100000000, 1}, {110000001, 100000000, 2},
        {1000000000, 100000000, 10}, {5, 1, 5}, {INT64_MAX, INT64_MAX, 1},
        {INT64_MAX, INT64_MAX / 2, 3}};
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_INT(vv_write_files_count(cases[i].bytes, cases[i].target), cases[i].count);
}
