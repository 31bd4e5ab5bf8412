#include "table/maintain/tiers.h"

int vv_tier_of(const struct vv_tier_rule *rule, int64_t bytes)
{
    int tier = 0;
    VV_PRE(rule->files >= 2);
    if (bytes >= rule->target_bytes / 2)
        return VV_TIER_FULL;
    for (int64_t limit = VV_TIER_BYTES_LEAST; bytes >= limit; limit *= rule->files) {
        tier++;
        if (limit > INT64_MAX / rule->files)
            break;
    }
    return tier;
}

size_t vv_tier_take(const struct vv_tier_rule *rule, const int64_t *bytes, size_t len)
{
    int64_t sum = 0;
    size_t taken = 0;
    while (taken < len && (taken == 0 || sum + bytes[taken] <= rule->target_bytes))
        sum += bytes[taken++];
    bool is_filled = taken < len && taken > 1;
    return is_filled || taken >= rule->files ? taken : 0;
}

bool vv_tier_is_hollow(int64_t rows, int64_t deleted)
{
    return deleted > 0 && rows >= 0 &&
           (double)deleted * 100 >= (double)rows * VV_DELETED_PERCENT_MAX;
}
