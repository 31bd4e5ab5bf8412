#include "engine/spark_function.h"

#define ARGUMENTS_MAX 64

/* Where Spark and DuckDB agree, or can be made to by what stands around the arguments. */
static const struct vv_spark_function functions[] = {
    {"abs", 1, 1, "abs(", ", ", ")"},
    {"ceil", 1, 1, "ceil(", ", ", ")"},
    {"ceiling", 1, 1, "ceil(", ", ", ")"},
    {"floor", 1, 1, "floor(", ", ", ")"},
    {"sign", 1, 1, "sign(", ", ", ")"},
    {"signum", 1, 1, "sign(", ", ", ")"},
    {"greatest", 2, ARGUMENTS_MAX, "greatest(", ", ", ")"},
    {"least", 2, ARGUMENTS_MAX, "least(", ", ", ")"},
    {"coalesce", 1, ARGUMENTS_MAX, "coalesce(", ", ", ")"},
    {"ifnull", 2, 2, "coalesce(", ", ", ")"},
    {"nvl", 2, 2, "coalesce(", ", ", ")"},
    {"nullif", 2, 2, "nullif(", ", ", ")"},
    {"isnull", 1, 1, "(", ", ", " IS NULL)"},
    {"isnotnull", 1, 1, "(", ", ", " IS NOT NULL)"},
    {"isnan", 1, 1, "coalesce(isnan(CAST(", ", ", " AS DOUBLE)), false)"},
    {"length", 1, 1, "length(", ", ", ")"},
    {"char_length", 1, 1, "length(", ", ", ")"},
    {"character_length", 1, 1, "length(", ", ", ")"},
    {"lower", 1, 1, "lower(", ", ", ")"},
    {"lcase", 1, 1, "lower(", ", ", ")"},
    {"upper", 1, 1, "upper(", ", ", ")"},
    {"ucase", 1, 1, "upper(", ", ", ")"},
    {"trim", 1, 1, "trim(", ", ", ", ' ')"},
    {"ltrim", 1, 1, "ltrim(", ", ", ", ' ')"},
    {"rtrim", 1, 1, "rtrim(", ", ", ", ' ')"},
    {"concat", 1, ARGUMENTS_MAX, "(", " || ", ")"},
    {"startswith", 2, 2, "starts_with(", ", ", ")"},
    {"endswith", 2, 2, "ends_with(", ", ", ")"},
    {"contains", 2, 2, "contains(", ", ", ")"},
    {"year", 1, 1, "year(", ", ", ")"},
    {"month", 1, 1, "month(", ", ", ")"},
    {"day", 1, 1, "day(", ", ", ")"},
    {"dayofmonth", 1, 1, "day(", ", ", ")"},
    {"hour", 1, 1, "hour(", ", ", ")"},
    {"minute", 1, 1, "minute(", ", ", ")"},
    {"second", 1, 1, "second(", ", ", ")"},
    {"date", 1, 1, "TRY_CAST(", ", ", " AS DATE)"},
    {"to_date", 1, 1, "TRY_CAST(", ", ", " AS DATE)"},
};

const struct vv_spark_function *vv_spark_function_find(struct vv_str name)
{
    for (size_t index = 0; index < VV_COUNT(functions); index++)
        if (vv_str_eq_nocase(name, vv_str_of(functions[index].name)))
            return &functions[index];
    return NULL;
}
