/*
 * CHECK constraints that somebody asks for. What becomes a property of a table is a condition over
 * its columns that the engine understands: a constraint that is none would refuse every row from
 * then on, here and in other software.
 */
#ifndef VV_TABLE_CONSTRAINT_H
#define VV_TABLE_CONSTRAINT_H

#include "engine/engine.h"
#include "table/table.h"

/* EUSAGE with the reason: an expression is no condition. */
varve_status vv_constraints_check(struct vv_op *op, struct vv_engine *engine,
    const struct vv_schema *schema, const struct vv_named_expression *checks, size_t len);

/*
 * The same of one in the engine's words, over a row of NULLs in the table's types: its type is
 * BOOLEAN, and it can be computed. `times`: columns beside the table's own, of instants.
 */
varve_status vv_condition_try(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, const struct vv_str *times, size_t times_len,
    struct vv_str sql);

/*
 * The property that a constraint of the name becomes, in small letters: Spark finds it by no other
 * name, and to it names that differ in case are one.
 */
varve_status vv_constraint_property(struct vv_op *op, struct vv_str name, struct vv_str *out);
/* What the property is called where it is there, letter by letter or else ignoring case; else `property`. */
struct vv_str vv_constraint_find(const struct vv_pairs *properties, struct vv_str property);

#endif
