/*
 * The translator of Spark expressions from the inside: what spark_sql.c (operators) and
 * spark_term.c (literals, names, functions, CASE, CAST) share.
 */
#ifndef VV_ENGINE_SPARK_PARSER_H
#define VV_ENGINE_SPARK_PARSER_H

#include "base/buf.h"
#include "engine/spark_lex.h"
#include "engine/spark_sql.h"

#define VV_SPARK_TEXT_MAX ((size_t)64 << 10)

struct vv_spark_parser {
    struct vv_spark_lexer lexer;
    struct vv_spark_token token; /* the one to be looked at */
    const struct vv_spark_columns *columns;
    uint32_t depth;
};

/* To the next token. */
varve_status vv_spark_advance(struct vv_op *op, struct vv_spark_parser *parser);
/* EUNSUPPORTED: why, and the token that is in the way with its place. */
varve_status vv_spark_refuse(struct vv_op *op, const struct vv_spark_parser *parser,
    const char *why);
bool vv_spark_is_symbol(const struct vv_spark_parser *parser, const char *text);
bool vv_spark_is_word(const struct vv_spark_parser *parser, const char *word);
varve_status vv_spark_accept_word(struct vv_op *op, struct vv_spark_parser *parser,
    const char *word, bool *out);
varve_status vv_spark_expect_symbol(struct vv_op *op, struct vv_spark_parser *parser,
    const char *text);
varve_status vv_spark_expect_word(struct vv_op *op, struct vv_spark_parser *parser,
    const char *word);

/* What stands at the token, as SQL, with the token behind it as the next one. */
varve_status vv_spark_expression(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql);
varve_status vv_spark_string(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql);
varve_status vv_spark_number(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql);
varve_status vv_spark_word(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql);
/* A column named `first`, of which the token is already past. */
varve_status vv_spark_column(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_str first, struct vv_buf *sql);

#endif
