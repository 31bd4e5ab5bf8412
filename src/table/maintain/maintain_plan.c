#include "table/maintain/maintain_plan.h"

#include "base/time.h"

/* A file so much longer than the target is worth being written anew by itself. */
#define LONG_PERCENT 150

struct facts {
    bool is_worth_it;  /* to lay out */
    int64_t first_us;  /* the oldest file that is not laid out */
    int64_t settle_us; /* when the place is over if nobody writes */
};

/* Saturates, since times and spans come from a log and a property. */
static int64_t later(int64_t us, int64_t by_us)
{
    return by_us > 0 && us > INT64_MAX - by_us ? INT64_MAX : us + by_us;
}

static void look(const struct vv_policy *policy, const struct vv_place *place,
    struct vv_place_verdict *out, struct facts *facts)
{
    int64_t long_bytes = policy->tiers.target_bytes / 100 * LONG_PERCENT;
    *out = (struct vv_place_verdict){
        .written_us = INT64_MIN, .laid_us = INT64_MIN, .next_us = INT64_MAX};
    *facts = (struct facts){.first_us = INT64_MAX};
    for (size_t i = 0; i < place->files_len; i++) {
        const struct vv_place_file *file = &place->files[i];
        int64_t *newest = file->is_laid_out ? &out->laid_us : &out->written_us;
        *newest = file->modified_us > *newest ? file->modified_us : *newest;
        out->vectors += file->has_vector;
        if (file->is_laid_out)
            continue;
        out->loose++;
        facts->first_us =
            file->modified_us < facts->first_us ? file->modified_us : facts->first_us;
        facts->is_worth_it = facts->is_worth_it || file->bytes > long_bytes;
    }
    facts->is_worth_it = facts->is_worth_it || place->files_len > 1 || out->vectors > 0;
}

static int64_t settle_us(const struct vv_policy *policy, const struct vv_place *place,
    const struct vv_place_verdict *verdict)
{
    int64_t quiet_us = policy->seal_after_us;
    if (!place->has_day && quiet_us < VV_US_PER_DAY)
        quiet_us = VV_US_PER_DAY;
    int64_t settled =
        verdict->written_us == INT64_MIN ? INT64_MIN : later(verdict->written_us, quiet_us);
    int64_t over =
        place->has_day ? later(((int64_t)place->day + 1) * VV_US_PER_DAY, quiet_us) : INT64_MIN;
    return over > settled ? over : settled;
}

void vv_place_judge(const struct vv_policy *policy, int64_t now_us,
    const struct vv_place *place, struct vv_place_verdict *out)
{
    struct facts facts;
    look(policy, place, out, &facts);
    bool has_layout = out->laid_us != INT64_MIN;
    out->state = VV_PLACE_SEALED;
    if ((out->loose == 0 && out->vectors == 0) || !facts.is_worth_it)
        return;
    facts.settle_us = settle_us(policy, place, out);
    bool is_settled = now_us >= facts.settle_us;
    int64_t turn_us =
        later(has_layout ? out->laid_us : facts.first_us, policy->recluster_after_us);
    bool is_turn = now_us >= turn_us;
    if (!has_layout && (is_settled || (!place->has_day && is_turn))) {
        out->state = VV_PLACE_SEAL;
    } else if (has_layout && is_turn && (is_settled || !place->has_day)) {
        out->state = VV_PLACE_RECLUSTER;
    } else if (is_settled) {
        out->state = VV_PLACE_LATE;
        out->next_us = turn_us;
    } else {
        out->state = VV_PLACE_OPEN;
        out->next_us = facts.settle_us;
    }
}

bool vv_checkpoint_is_due(const struct vv_policy *policy, int64_t version,
    int64_t checkpoint_version)
{
    int64_t since = checkpoint_version < 0 ? version : version - checkpoint_version;
    return version > 0 && since >= policy->checkpoint_every;
}

bool vv_turn_is_due(int64_t every_us, int64_t last_us, int64_t now_us)
{
    return last_us <= 0 || last_us > now_us || now_us - last_us >= every_us;
}
