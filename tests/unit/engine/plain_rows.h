/*
 * Rows of all types that our own reader of Parquet files knows, and how either reader is asked for
 * them.
 */
#ifndef VARVE_TEST_ENGINE_PLAIN_ROWS_H
#define VARVE_TEST_ENGINE_PLAIN_ROWS_H

#include "engine/small_files.h"

#include "fixture.h"

/* Every type that is known, NULLs, extreme values, texts short, long and not ASCII. */
#define SELECT                                                                                 \
    "SELECT CASE WHEN hash(i, 1) % 5 > 0 THEN i % 3 = 0 END AS flag, "                         \
    "CASE WHEN hash(i, 2) % 4 > 0 THEN ((hash(i) % 256)::BIGINT - 128)::TINYINT END AS tiny, " \
    "((hash(i) % 65536)::BIGINT - 32768)::SMALLINT AS small, "                                 \
    "CASE WHEN i % 7 = 0 THEN NULL WHEN i % 11 = 0 THEN -2147483648 ELSE i * 7 END::INTEGER "  \
    "AS mid, CASE WHEN i % 13 = 0 THEN -9223372036854775808 ELSE (hash(i) >> 1)::BIGINT "      \
    "END::BIGINT "                                                                             \
    "AS large, CASE i % 6 WHEN 0 THEN 'nan' WHEN 1 THEN '-inf' WHEN 2 THEN '-0.0' ELSE "       \
    "(i / 3)::VARCHAR END::FLOAT AS real, CASE i % 6 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' "     \
    "WHEN 2 THEN '-0.0' WHEN 3 THEN NULL ELSE (i / 7)::VARCHAR END::DOUBLE AS wide, "          \
    "CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'short' || i % 3 WHEN 3 THEN "     \
    "repeat('ä', (i % 40)::INTEGER) || i ELSE 'a text of middle length ' || i % 4 END AS "    \
    "name, CASE WHEN i % 9 > 0 THEN DATE '1900-01-01' + (i * 31)::INTEGER END AS day, "        \
    "make_timestamp((hash(i) % 4000000000000000)::BIGINT - 1000000000000000) AS at, "          \
    "CASE WHEN i % 8 > 0 THEN make_timestamptz((i * 1000003)::BIGINT) END AS at_zone, "        \
    "((i % 200)::INTEGER - 99)::DECIMAL(4, 1) AS d4, (-i)::DECIMAL(9, 2) AS d9, "              \
    "CASE WHEN i % 3 > 0 THEN (i * 1001)::DECIMAL(18, 6) END AS d18, "                         \
    "(i * -123456789012345678901234567)::DECIMAL(38, 3) AS d38, NULL::INTEGER AS nothing, "    \
    "i AS kept_out "

static const struct {
    const char *name, *physical_name;
    enum vv_small_type type;
    uint8_t precision, scale;
} kinds[] = {
    {"c0", "flag", VV_SMALL_BOOLEAN, 0, 0},
    {"c1", "tiny", VV_SMALL_TINYINT, 0, 0},
    {"c2", "small", VV_SMALL_SMALLINT, 0, 0},
    {"c3", "mid", VV_SMALL_INTEGER, 0, 0},
    {"c4", "large", VV_SMALL_BIGINT, 0, 0},
    {"c5", "real", VV_SMALL_FLOAT, 0, 0},
    {"c6", "wide", VV_SMALL_DOUBLE, 0, 0},
    {"c7", "name", VV_SMALL_VARCHAR, 0, 0},
    {"c8", "day", VV_SMALL_DATE, 0, 0},
    {"c9", "at", VV_SMALL_TIMESTAMP, 0, 0},
    {"c10", "at_zone", VV_SMALL_TIMESTAMPTZ, 0, 0},
    {"c11", "d4", VV_SMALL_DECIMAL, 4, 1},
    {"c12", "d9", VV_SMALL_DECIMAL, 9, 2},
    {"c13", "d18", VV_SMALL_DECIMAL, 18, 6},
    {"c14", "d38", VV_SMALL_DECIMAL, 38, 3},
    {"c15", "nothing", VV_SMALL_INTEGER, 0, 0},
    {"c16", "missing", VV_SMALL_VARCHAR, 0, 0},
};

#define COLUMNS VV_COUNT(kinds)

static inline void fill_columns(struct vv_small_column *out)
{
    for (size_t i = 0; i < COLUMNS; i++)
        out[i] = (struct vv_small_column){.name = vv_str_of(kinds[i].name),
            .physical_name = vv_str_of(kinds[i].physical_name),
            .type = kinds[i].type,
            .precision = kinds[i].precision,
            .scale = kinds[i].scale};
}

/* The same for the engine's reader. */
#define SCHEMA                                                                          \
    "map{'flag': {name: 'c0', type: 'BOOLEAN', default_value: NULL}, "                  \
    "'tiny': {name: 'c1', type: 'TINYINT', default_value: NULL}, "                      \
    "'small': {name: 'c2', type: 'SMALLINT', default_value: NULL}, "                    \
    "'mid': {name: 'c3', type: 'INTEGER', default_value: NULL}, "                       \
    "'large': {name: 'c4', type: 'BIGINT', default_value: NULL}, "                      \
    "'real': {name: 'c5', type: 'FLOAT', default_value: NULL}, "                        \
    "'wide': {name: 'c6', type: 'DOUBLE', default_value: NULL}, "                       \
    "'name': {name: 'c7', type: 'VARCHAR', default_value: NULL}, "                      \
    "'day': {name: 'c8', type: 'DATE', default_value: NULL}, "                          \
    "'at': {name: 'c9', type: 'TIMESTAMP', default_value: NULL}, "                      \
    "'at_zone': {name: 'c10', type: 'TIMESTAMP WITH TIME ZONE', default_value: NULL}, " \
    "'d4': {name: 'c11', type: 'DECIMAL(4,1)', default_value: NULL}, "                  \
    "'d9': {name: 'c12', type: 'DECIMAL(9,2)', default_value: NULL}, "                  \
    "'d18': {name: 'c13', type: 'DECIMAL(18,6)', default_value: NULL}, "                \
    "'d38': {name: 'c14', type: 'DECIMAL(38,3)', default_value: NULL}, "                \
    "'nothing': {name: 'c15', type: 'INTEGER', default_value: NULL}, "                  \
    "'missing': {name: 'c16', type: 'VARCHAR', default_value: NULL}}"

#define ALL                                                                                   \
    "file_index, file_row_number, c0, c1, c2, c3, c4, c5::VARCHAR AS c5, c6::VARCHAR AS c6, " \
    "c7, c8, c9, c10, c11, c12, "                                                             \
    "c13, c14, c15, c16"

#endif
