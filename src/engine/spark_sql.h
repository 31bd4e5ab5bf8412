/*
 * Spark SQL scalar expressions (CHECK constraints, invariants, defaults, generated columns) as
 * DuckDB SQL.
 *
 * Tables carry these expressions as text, and they may come from anyone: what is not understood
 * is refused by name instead of being run. No subqueries, no table functions, no unknown function.
 */
#ifndef VV_ENGINE_SPARK_SQL_H
#define VV_ENGINE_SPARK_SQL_H

#include "base/op.h"

/* What current_timestamp() and its like stand for. */
struct vv_spark_clock {
    struct vv_str us; /* an SQL expression: microseconds since 1970 */
    bool is_asked;    /* set where an expression is another one at another time */
};

struct vv_spark_columns {
    const struct vv_str *names; /* top-level columns of the table */
    size_t len;
    struct vv_spark_clock *clock; /* NULL: what depends on the time has no translation */
};

/*
 * EUNSUPPORTED naming the token or function that has no translation; EINVALID where a column is
 * not in the table. Column names come out quoted, in the table's case. Back-quotes quote names,
 * double quotes quote strings (Spark's default). NULL semantics are Spark's.
 */
varve_status vv_spark_sql_translate(struct vv_op *op, struct vv_str expression,
    const struct vv_spark_columns *columns, struct vv_arena *arena, struct vv_str *out_sql);

#endif
