#include "table/read/predicate.h"

#include <math.h>

#include "base/time.h"
#include "delta/stats.h"
#include "table/read/candidates.h"
#include "table/read/predicate_tree.h"

#define KNOWN_BYTES_MAX ((size_t)1 << 30) /* as much as statistics may have */

/* What is known of one file. */
struct known {
    struct vv_file_stats stats;
    bool *is_proof; /* by column asked for: bounds that a file may be removed by */
};

/* As numbers: false, NULL, true ascend, so AND is the least and OR the greatest of its parts. */
static const unsigned outcomes[] = {VV_OUTCOME_FALSE, VV_OUTCOME_NULL, VV_OUTCOME_TRUE};

static unsigned combine(unsigned a, unsigned b, bool is_and)
{
    unsigned result = 0;
    for (size_t i = 0; i < VV_COUNT(outcomes); i++)
        for (size_t j = 0; j < VV_COUNT(outcomes); j++)
            if ((a & outcomes[i]) != 0 && (b & outcomes[j]) != 0)
                result |= outcomes[(i < j) == is_and ? i : j];
    return result;
}

static unsigned negate(unsigned outcome)
{
    unsigned result = outcome & VV_OUTCOME_NULL;
    result |= (outcome & VV_OUTCOME_TRUE) != 0 ? VV_OUTCOME_FALSE : 0;
    result |= (outcome & VV_OUTCOME_FALSE) != 0 ? VV_OUTCOME_TRUE : 0;
    return result;
}

/* Values that are neither NULL, against a bound; unknown: either may be. */
struct sides {
    bool below, equal, above; /* some value may be less than the constant, ... */
};

static struct sides sides_of(const struct vv_bounds *bounds, const struct vv_value *value)
{
    struct sides sides = {true, true, true};
    bool is_nan = value->kind == VV_VALUE_DOUBLE && isnan(value->number);
    if (bounds->min.kind == value->kind && !is_nan) {
        int order = vv_value_cmp(&bounds->min, value);
        sides.below = order < 0;
        sides.equal = order <= 0;
    }
    /* A maximum that leaves NaN out says nothing of the values above it. */
    if (bounds->max.kind == value->kind && bounds->max_holds_nan && !is_nan) {
        int order = vv_value_cmp(&bounds->max, value);
        sides.above = order > 0;
        sides.equal = sides.equal && order >= 0;
    }
    return sides;
}

static unsigned truth(bool may_be_true, bool may_be_false)
{
    return (may_be_true ? VV_OUTCOME_TRUE : 0) | (may_be_false ? VV_OUTCOME_FALSE : 0);
}

static unsigned compare_values(const struct vv_predicate_node *node,
    const struct vv_bounds *bounds)
{
    struct sides sides = sides_of(bounds, &node->value);
    switch (node->compare) {
    case VV_COMPARE_EQ:
        return truth(sides.equal, sides.below || sides.above);
    case VV_COMPARE_LT:
        return truth(sides.below, sides.equal || sides.above);
    case VV_COMPARE_LE:
        return truth(sides.below || sides.equal, sides.above);
    case VV_COMPARE_GT:
        return truth(sides.above, sides.below || sides.equal);
    case VV_COMPARE_GE:
        return truth(sides.above || sides.equal, sides.below);
    }
    return VV_OUTCOME_ANY;
}

struct nulls {
    bool some, all; /* some value may be NULL; each of them is */
};

static struct nulls nulls_of(const struct vv_bounds *bounds, const struct vv_file_stats *stats)
{
    if (bounds->min.kind == VV_VALUE_NULL)
        return (struct nulls){true, true}; /* a partition */
    return (struct nulls){
        bounds->null_count != 0, bounds->null_count > 0 && bounds->null_count == stats->rows};
}

static unsigned leaf(const struct vv_predicate_node *node, const struct known *known,
    bool as_proof)
{
    static const struct vv_bounds unknown = {.null_count = -1};
    bool is_known = !as_proof || known->is_proof[node->asked];
    const struct vv_bounds *bounds = is_known ? &known->stats.columns[node->asked] : &unknown;
    struct nulls nulls = nulls_of(bounds, &known->stats);
    bool with_null = node->kind == VV_PREDICATE_IS_NULL ||
                     (node->kind == VV_PREDICATE_SAME && node->value.kind == VV_VALUE_NULL);
    if (with_null)
        return truth(nulls.some, !nulls.all);
    if (node->value.kind == VV_VALUE_NONE)
        return VV_OUTCOME_ANY;
    if (node->value.kind == VV_VALUE_NULL)
        return VV_OUTCOME_NULL;
    unsigned of_null = node->kind == VV_PREDICATE_SAME ? VV_OUTCOME_FALSE : VV_OUTCOME_NULL;
    if (nulls.all)
        return of_null;
    return compare_values(node, bounds) | (nulls.some ? of_null : 0);
}

static unsigned evaluate(const struct vv_predicate_node *node, const struct known *known,
    bool as_proof)
{
    unsigned result = VV_OUTCOME_ANY;
    bool is_and = node->kind == VV_PREDICATE_AND;
    switch (node->kind) {
    case VV_PREDICATE_ANY:
        return VV_OUTCOME_ANY;
    case VV_PREDICATE_FIXED:
        if (node->value.kind == VV_VALUE_BOOL)
            return node->value.integer != 0 ? VV_OUTCOME_TRUE : VV_OUTCOME_FALSE;
        return node->value.kind == VV_VALUE_NULL ? VV_OUTCOME_NULL : VV_OUTCOME_ANY;
    case VV_PREDICATE_AND:
    case VV_PREDICATE_OR:
        result = is_and ? VV_OUTCOME_TRUE : VV_OUTCOME_FALSE;
        for (const struct vv_predicate_node *child = node->first; child; child = child->next)
            result = combine(result, evaluate(child, known, as_proof), is_and);
        return result;
    case VV_PREDICATE_NOT:
        return negate(evaluate(node->first, known, as_proof));
    case VV_PREDICATE_COMPARE:
    case VV_PREDICATE_SAME:
    case VV_PREDICATE_IS_NULL:
        return leaf(node, known, as_proof);
    }
    return VV_OUTCOME_ANY;
}

/* The rows of a file that is known to lie under their date are no earlier and no later. */
static void narrow_by_date(const struct vv_predicate *predicate, const struct vv_file *file,
    int32_t column, struct vv_bounds *bounds)
{
    const struct vv_rules *rules = predicate->rules;
    for (size_t i = 0; i < rules->partition_from_len && vv_file_is_dated(file); i++) {
        const struct vv_field *field =
            &predicate->snapshot->schema.fields[rules->partition_from[i].partition];
        struct vv_value date;
        if (rules->partition_from[i].source != column ||
            !vv_partition_parse(vv_pairs_get(&file->partition_values, field->physical_name),
                &field->type, &date) ||
            date.kind != VV_VALUE_INT)
            continue;
        int64_t first_us = date.integer * VV_US_PER_DAY;
        int64_t last_us = first_us + VV_US_PER_DAY - 1;
        if (bounds->min.kind != VV_VALUE_INT || bounds->min.integer < first_us)
            bounds->min = (struct vv_value){.kind = VV_VALUE_INT, .integer = first_us};
        if (bounds->max.kind != VV_VALUE_INT || bounds->max.integer > last_us)
            bounds->max = (struct vv_value){.kind = VV_VALUE_INT, .integer = last_us};
    }
}

/* In an arena of its own: there may be a hundred thousand files. */
static varve_status learn(struct vv_op *op, struct vv_arena *arena,
    const struct vv_predicate *predicate, const struct vv_file *file, struct known *out)
{
    const struct vv_stats_columns asked = {&predicate->snapshot->schema,
        predicate->snapshot->metadata, predicate->columns, predicate->columns_len};
    VV_TRY(vv_stats_read(op, arena, file, &asked, &out->stats));
    out->is_proof = vv_new(arena, bool, predicate->columns_len + 1);
    if (out->is_proof == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < predicate->columns_len; i++) {
        int32_t column = predicate->columns[i];
        out->is_proof[i] =
            file->by_varve || vv_snapshot_is_partition(predicate->snapshot, column);
        narrow_by_date(predicate, file, column, &out->stats.columns[i]);
    }
    return VARVE_OK;
}

static bool may_be_true(const struct vv_predicate *predicate, const struct known *known)
{
    return (evaluate(predicate->root, known, false) & VV_OUTCOME_TRUE) != 0;
}

varve_status vv_predicate_match(struct vv_op *op, const struct vv_predicate *predicate,
    const struct vv_file *file, enum vv_match *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(KNOWN_BYTES_MAX);
    struct known known;
    VV_TRY(learn(op, &scratch, predicate, file, &known));
    if (!may_be_true(predicate, &known))
        *out = VV_MATCH_NONE;
    else if (evaluate(predicate->root, &known, true) == VV_OUTCOME_TRUE)
        *out = VV_MATCH_ALL;
    else
        *out = VV_MATCH_SOME;
    return VARVE_OK;
}

varve_status vv_predicate_match_partition(struct vv_op *op,
    const struct vv_predicate *predicate, const struct vv_file *file, enum vv_match *out)
{
    struct vv_file unmeasured = *file;
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(KNOWN_BYTES_MAX);
    struct known known;
    unmeasured.stats = VV_STR_NONE;
    VV_TRY(learn(op, &scratch, predicate, &unmeasured, &known));
    *out = may_be_true(predicate, &known) ? VV_MATCH_SOME : VV_MATCH_NONE;
    return VARVE_OK;
}
