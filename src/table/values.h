/*
 * Columns that have a value where a row says none: a default (CURRENT_DEFAULT), or an expression
 * over the other columns (delta.generationExpression), which then is what the column has to be.
 *
 * Both are Spark's SQL, and times of day are UTC. A default knows no column. One that depends on
 * the time has one value a commit.
 */
#ifndef VV_TABLE_VALUES_H
#define VV_TABLE_VALUES_H

#include "delta/schema.h"
#include "engine/engine.h"
#include "table/rules.h"

#define VV_FIELD_DEFAULT "CURRENT_DEFAULT"
#define VV_FIELD_GENERATED "delta.generationExpression"

struct vv_column_value {
    struct vv_str default_text; /* as stored; ptr NULL: none */
    bool is_volatile;           /* it depends on the time */
    struct vv_str generated_text;
    struct vv_str generated_sql; /* over columns quoted by name, in the column's type */
};

/*
 * For vv_rules_read: out->values where a column has any. EUNSUPPORTED naming the column whose
 * expression does not translate; EINVALID: it names a column that is not there.
 */
varve_status vv_values_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out);

/* What a field's metadata says; ptr NULL: nothing. */
struct vv_str vv_field_default(const struct vv_field *field);
struct vv_str vv_field_generated(const struct vv_field *field);

/* The default as SQL in the column's type; `us` is the time, an expression. In op's arena. */
varve_status vv_values_default_sql(struct vv_op *op, const struct vv_field *field,
    struct vv_str us, struct vv_str *out);

/* Whether the generated value comes of this column; of some column: the value of any. */
bool vv_value_uses(const struct vv_column_value *value, struct vv_str name);
bool vv_values_uses(const struct vv_rules *rules, struct vv_str name);

/*
 * What the engine says of the expressions of a schema that somebody asked for. EUSAGE: one has no
 * translation, another type than its column has, names a column it may not.
 */
varve_status vv_values_check(struct vv_op *op, struct vv_engine *engine,
    const struct vv_schema *schema);

#endif
