/*
 * delta.dataSkippingStatsColumns names columns as people do, so it follows a column that gets
 * another name, or goes: else files had no statistics of it from then on.
 */
#include "table/alter/alter_change.h"

#include "delta/stats_names.h"

varve_status vv_alter_statistics(struct vv_op *op, struct vv_draft *draft, struct vv_str old,
    struct vv_str name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    struct vv_str value = vv_draft_property(draft, VV_STR(VV_PROPERTY_STATS_COLUMNS));
    const struct vv_name_path *paths = NULL;
    struct vv_name_path *kept = NULL;
    size_t len = 0;
    size_t kept_len = 0;
    bool is_hit = false;
    if (value.ptr == NULL)
        return VARVE_OK;
    VV_TRY(vv_stats_names_read(op, value, &paths, &len));
    VV_NEW(op, &kept, struct vv_name_path, len + 1);
    for (size_t i = 0; i < len; i++) {
        bool is_old = paths[i].len > 0 && vv_str_eq_nocase(paths[i].names[0], old);
        is_hit = is_hit || is_old;
        if (is_old && name.ptr == NULL)
            continue;
        if (is_old)
            paths[i].names[0] = name;
        kept[kept_len++] = paths[i];
    }
    if (!is_hit)
        return VARVE_OK;
    /* None left is a list of none, as in Spark, not the first columns of the table. */
    vv_stats_names_write(kept, kept_len, &text);
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    return vv_draft_set(op, draft, VV_STR(VV_PROPERTY_STATS_COLUMNS), vv_buf_str(&text));
}
