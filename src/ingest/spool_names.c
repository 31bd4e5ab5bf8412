#include "ingest/spool_state.h"

#define NUMBER_DIGITS 20
#define SUFFIX ".vs"

struct vv_str vv_spool_segment_name(struct vv_arena *arena, uint64_t number,
    uint32_t generation)
{
    return vv_arena_format(arena, "%020" PRIu64 ".%" PRIu32 SUFFIX, number, generation);
}

bool vv_spool_segment_name_parse(struct vv_str name, uint64_t *out_number,
    uint32_t *out_generation)
{
    int64_t number;
    int64_t generation;
    if (!vv_str_ends(name, VV_STR(SUFFIX)) || name.len < NUMBER_DIGITS + 2 + strlen(SUFFIX) ||
        name.ptr[NUMBER_DIGITS] != '.' || name.ptr[0] == '-')
        return false;
    struct vv_str digits = vv_str_skip(name, NUMBER_DIGITS + 1);
    digits = vv_str_first(digits, digits.len - strlen(SUFFIX));
    if (!vv_str_int64(vv_str_first(name, NUMBER_DIGITS), &number) || number <= 0 ||
        !vv_str_int64(digits, &generation) || generation <= 0 || generation > UINT32_MAX ||
        digits.ptr[0] == '0' || digits.ptr[0] == '+' || name.ptr[0] == '+')
        return false;
    *out_number = (uint64_t)number;
    *out_generation = (uint32_t)generation;
    return true;
}
