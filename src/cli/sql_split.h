/*
 * Where a statement ends, as far as one can tell without parsing SQL: at a semicolon that stands
 * in no string, no quoted name and no comment.
 */
#ifndef VV_CLI_SQL_SPLIT_H
#define VV_CLI_SQL_SPLIT_H

#include "cli/common.h"

/*
 * Bytes of `sql` up to and with the first semicolon that ends a statement; 0 where none does, since
 * the statement, a string or a comment goes on. '...' and "..." with doubled quotes, $tag$...$tag$,
 * comments to the end of the line and between slash-stars, which nest.
 */
size_t vv_sql_statement_end(const char *sql, size_t len);
/* Nothing but blanks, comments and semicolons. */
bool vv_sql_is_blank(const char *sql, size_t len);
/* Where something else begins; the end of the text where nothing does. */
const char *vv_sql_blank_end(const char *sql, size_t len);

#endif
