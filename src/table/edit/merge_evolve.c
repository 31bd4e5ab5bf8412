/*
 * Columns that a merge adds: those of the source that the table lacks and that a clause would set,
 * "*" all of them that have a value, an assignment the one that it names.
 *
 * As with an upsert the rows are judged first, on a table that is supposed to have the columns; a
 * merge that is refused adds none. Then they are committed, and the merge is planned anew on the
 * table that really has them.
 */
#include "delta/list.h"
#include "table/edit/merge_run.h"

enum wish {
    WISH_NONE,
    WISH_STAR, /* "*" would set it */
    WISH_NAME  /* an assignment does */
};

static enum wish find_wish(const struct vv_merge *merge, const struct vv_addition *addition)
{
    enum wish wish = WISH_NONE;
    for (size_t i = 0; i < merge->request->clauses_len; i++) {
        const struct vv_merge_step *step = &merge->steps[i];
        if (step->is_star)
            wish = WISH_STAR;
        for (size_t j = 0; j < step->assignments_len; j++)
            if (vv_str_eq_nocase(step->assignments[j].column, addition->field.name))
                return WISH_NAME;
    }
    return wish;
}

/* Told once, whatever the number of attempts. */
static bool is_wanted(struct vv_op *op, const struct vv_merge *merge,
    const struct vv_addition *addition)
{
    bool has_value = addition->is_typed || addition->guess.values > 0;
    enum wish wish = find_wish(merge, addition);
    bool is_wanted = wish != WISH_NONE && has_value;
    if (wish == WISH_NAME && !has_value)
        is_wanted = !addition->is_nan;
    if (wish != WISH_NONE && !is_wanted && !merge->has_told_empty)
        vv_addition_tell_empty(op, addition->field.name, addition->is_nan);
    return is_wanted;
}

varve_status vv_merge_suppose(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge,
    bool *out)
{
    const struct vv_additions *added = &merge->source.added;
    struct vv_evolution *evolution = &merge->evolution;
    evolution->added = (struct vv_additions){.items = NULL};
    for (size_t i = 0; i < added->len; i++) {
        if (!is_wanted(op, merge, &added->items[i]))
            continue;
        struct vv_addition *item = VV_LIST_NEW(&op->arena, &evolution->added);
        if (item == NULL)
            return vv_fail_memory(op);
        *item = added->items[i];
    }
    merge->has_told_empty = true;
    VV_TRY(vv_evolution_suppose_added(op, evolution));
    *out = evolution->real != NULL;
    if (!*out)
        return VARVE_OK;
    VV_NEW(op, &merge->supposed_rules, struct vv_rules, 1);
    edit->snapshot = edit->table->snapshot;
    VV_TRY(vv_rules_read(op, &op->arena, edit->snapshot, true, merge->supposed_rules));
    edit->rules = merge->supposed_rules;
    return vv_merge_load(op, edit, merge);
}

varve_status vv_merge_evolve(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge)
{
    const struct vv_upsert_options options = {.user_name = merge->options->user_name,
        .user_metadata = merge->options->user_metadata,
        .attempts_max = merge->options->attempts_max};
    edit->is_outdated = true;
    return vv_evolution_commit(op, &merge->evolution, &options);
}
