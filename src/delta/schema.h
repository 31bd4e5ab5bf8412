/*
 * The schema of a table: `metaData.schemaString` and back, Delta types and DuckDB types.
 * A schema is immutable and lives in an arena. Unknown field metadata is kept as it was.
 */
#ifndef VV_DELTA_SCHEMA_H
#define VV_DELTA_SCHEMA_H

#include "base/buf.h"
#include "base/json.h"
#include "base/op.h"

enum vv_type_kind {
    VV_TYPE_STRING,
    VV_TYPE_LONG,
    VV_TYPE_INTEGER,
    VV_TYPE_SHORT,
    VV_TYPE_BYTE,
    VV_TYPE_FLOAT,
    VV_TYPE_DOUBLE,
    VV_TYPE_BOOLEAN,
    VV_TYPE_BINARY,
    VV_TYPE_DATE,
    VV_TYPE_TIMESTAMP,
    VV_TYPE_TIMESTAMP_NTZ,
    VV_TYPE_DECIMAL,
    VV_TYPE_VARIANT,
    VV_TYPE_VOID,
    VV_TYPE_STRUCT,
    VV_TYPE_ARRAY,
    VV_TYPE_MAP
};

struct vv_type {
    enum vv_type_kind kind;
    uint8_t precision, scale;      /* decimal */
    bool contains_null;            /* array elements, map values */
    const struct vv_type *element; /* array element, map value */
    const struct vv_type *key;     /* map */
    const struct vv_field *fields; /* struct */
    size_t fields_len;
};

struct vv_field {
    struct vv_str name;
    struct vv_type type;
    bool nullable;
    const struct vv_json *metadata; /* object, or NULL */
    struct vv_str physical_name;    /* the name in files, statistics and partitionValues */
    int32_t field_id;               /* Parquet field id; 0: none */
};

struct vv_schema {
    const struct vv_field *fields;
    size_t fields_len;
};

/*
 * Structs, arrays and maps within each other, and likewise objects and arrays in the metadata of
 * a field. Each level of types takes three of JSON, and the JSON writer stops at 64.
 */
#define VV_SCHEMA_DEPTH_MAX 15
/* Columns, or fields of one struct: with more of them a plan of the engine is never done. */
#define VV_SCHEMA_FIELDS_MAX 20000

enum vv_column_mapping {
    VV_MAPPING_NONE,
    VV_MAPPING_NAME,
    VV_MAPPING_ID
};

/*
 * ECORRUPT when it is not a schema; EUNSUPPORTED naming a type that Varve does not know. No text
 * is a schema without columns, as Spark reads it: such a table has a history and files.
 */
varve_status vv_schema_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str json,
    enum vv_column_mapping mapping, struct vv_schema *out);
void vv_schema_write(const struct vv_schema *schema, struct vv_buf *out_json);
/*
 * What a person types at `create --schema`: "a timestamp not null, b string, c decimal(10,2),
 * d struct<x: int, y: array<string>>". SQL's names are understood too (bigint, int, double, f64,
 * i32, varchar, bool). A column may have "not null", "default EXPRESSION" or "generated always as
 * (EXPRESSION)", in Spark's SQL and not looked into here, and a comment. EUSAGE with the place. Names are checked
 * as those of a table with column mapping are; whether they may be without, vv_schema_check_names says.
 */
varve_status vv_schema_parse_ddl(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_schema *out);
/* EINVALID: names unique ignoring case; without column mapping none of " ,;{}()\n\t=". */
varve_status vv_schema_check_names(struct vv_op *op, const struct vv_schema *schema,
    enum vv_column_mapping mapping);
/* Top-level column by name, ignoring case; -1 where there is none. */
int32_t vv_schema_find(const struct vv_schema *schema, struct vv_str name);
/* A field by its name in files, letter by letter; NULL where there is none. */
const struct vv_field *vv_fields_find_physical(const struct vv_field *fields, size_t len,
    struct vv_str physical_name);
/* Whether a column has a default (CURRENT_DEFAULT). */
bool vv_schema_has_defaults(const struct vv_schema *schema);
/* A prefix that begins no name of the schema, ignoring case: for names of a statement's own. */
varve_status vv_schema_prefix(struct vv_op *op, const struct vv_schema *schema,
    struct vv_str *out);

void vv_type_sql(const struct vv_type *type,
    struct vv_buf *out); /* DuckDB's: TIMESTAMP WITH TIME ZONE */
/*
 * The other way: the narrowest type that holds all values of DuckDB's type, naive times as
 * `timestamp`. EUNSUPPORTED for one without a place in a table (TIME, INTERVAL, UNION, ...).
 */
varve_status vv_type_of_sql(struct vv_op *op, struct vv_arena *arena, struct vv_str sql,
    struct vv_type *out);
/* "long", "decimal(10,2)": a type without parts. EUNSUPPORTED, ECORRUPT. */
varve_status vv_type_parse_name(struct vv_op *op, struct vv_str name, struct vv_type *out);
void vv_type_name(const struct vv_type *type,
    struct vv_buf *out); /* Delta's: decimal(10,2), array<string> */
/* The kind of a name without parameters ("timestamp_ntz"); false where there is none. */
bool vv_type_simple_kind(struct vv_str name, enum vv_type_kind *out);
/* Whether the type is of that kind, or holds one of it at any depth. */
bool vv_type_holds(const struct vv_type *type, enum vv_type_kind kind);
bool vv_type_is_float(const struct vv_type *type);
bool vv_type_is_time(const struct vv_type *type); /* an instant, or a time without a zone */
/* The same type; names of nested fields count, nullability and metadata do not. */
bool vv_type_eq(const struct vv_type *a, const struct vv_type *b);
/* May be part of a key, of statistics' bounds, of an order: no nesting, no binary, variant, void. */
bool vv_type_is_ordered(const struct vv_type *type);

#endif
