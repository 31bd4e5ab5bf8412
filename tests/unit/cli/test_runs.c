#include "cli/runs.h"

#include "harness/prop.h"
#include "harness/test.h"

TEST(runs, rows_and_lines_that_rise_together_are_one)
{
    struct vv_runs runs = {0};
    for (uint64_t i = 0; i < 1000; i++)
        vv_runs_add(&runs, 51 + i, 1 + i);
    CHECK_INT(runs.to - runs.from, 1);
    CHECK_INT(vv_runs_find(&runs, 50), 0);
    CHECK_INT(vv_runs_find(&runs, 51), 1);
    CHECK_INT(vv_runs_find(&runs, 1050), 1000);
    CHECK_INT(vv_runs_find(&runs, 1051), 0);
    CHECK_INT(vv_runs_line_until(&runs, 0), 0);
    CHECK_INT(vv_runs_line_until(&runs, 50), 0);
    CHECK_INT(vv_runs_line_until(&runs, 51), 1);
    CHECK_INT(vv_runs_line_until(&runs, 9999), 1000);
    vv_runs_done(&runs);
}

TEST(runs, lines_without_a_row_are_acknowledged_with_those_before_them)
{
    struct vv_runs runs = {0};
    vv_runs_add(&runs, 10, 2); /* line 1 was refused */
    vv_runs_add(&runs, 11, 5);
    vv_runs_add(&runs, 20, 6); /* rows of another stream came between */
    runs.line_last = 9;        /* so were lines 7 to 9 */
    CHECK_INT(vv_runs_line_until(&runs, 9), 1);
    CHECK_INT(vv_runs_line_until(&runs, 10), 4);
    CHECK_INT(vv_runs_line_until(&runs, 15), 5);
    CHECK_INT(vv_runs_line_until(&runs, 20), 9);
    CHECK_INT(vv_runs_find(&runs, 15), 0);
    vv_runs_forget(&runs, 10);
    CHECK_INT(vv_runs_find(&runs, 10), 0);
    CHECK_INT(vv_runs_find(&runs, 11), 5);
    CHECK_INT(vv_runs_line_until(&runs, 10), 4);
    vv_runs_forget(&runs, 20);
    CHECK(vv_runs_is_empty(&runs));
    CHECK_INT(vv_runs_line_until(&runs, 0), 9);
    vv_runs_done(&runs);
}

/* Against a list with an entry a row. */
TEST(runs, agree_with_a_plain_list)
{
    struct prop prop = prop_start();
    for (int round = 0; round < 50; round++) {
        struct vv_runs runs = {0};
        uint64_t lines[3000] = {0}; /* by sequence */
        uint64_t sequence = 1, line = 1, forgotten = 0;
        for (int step = 0; step < 1000; step++) {
            sequence += prop_chance(&prop, 20) ? 1 : 0;
            line += prop_chance(&prop, 20) ? 1 : 0;
            lines[sequence] = line;
            vv_runs_add(&runs, sequence++, line++);
            if (prop_chance(&prop, 5)) {
                forgotten = prop_choose(&prop, (size_t)sequence);
                vv_runs_forget(&runs, forgotten);
                for (uint64_t i = 0; i <= forgotten; i++)
                    lines[i] = 0;
            }
        }
        for (uint64_t i = 0; i < sequence; i++)
            CHECK_INT(vv_runs_find(&runs, i), lines[i]);
        for (uint64_t i = forgotten; i < sequence; i++) {
            uint64_t next = i + 1;
            while (next < sequence && lines[next] == 0)
                next++;
            CHECK_INT(vv_runs_line_until(&runs, i),
                next < sequence ? lines[next] - 1 : line - 1);
        }
        vv_runs_done(&runs);
    }
}
