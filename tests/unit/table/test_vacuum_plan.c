#include "table/maintain/vacuum_plan.h"

#include "harness/test.h"

TEST(vacuum_plan, what_lies_in_a_log_or_in_varves_folder_is_never_removed)
{
    static const struct {
        const char *key;
        bool may;
    } cases[] = {{"a.parquet", true}, {"day=1/a.parquet", true},
        {"_change_data/day=1/a.parquet", true}, {"_delta_log.parquet", true},
        {"_varve=1/a.parquet", true}, {"_delta_log/00000000000000000000.json", false},
        {"_varve/pins/q1.json", false}, {"inner/_delta_log/a.parquet", false},
        {"inner/_varve/ledger/a.vl", false}};
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK(vv_vacuum_may_remove(vv_str_of(cases[i].key)) == cases[i].may);
}
