/*
 * Words of a Spark SQL expression. Nothing is allocated: a token is a slice of the text.
 */
#ifndef VV_ENGINE_SPARK_LEX_H
#define VV_ENGINE_SPARK_LEX_H

#include "base/op.h"

enum vv_spark_kind {
    VV_SPARK_END,
    VV_SPARK_WORD,   /* keyword, function or bare name */
    VV_SPARK_NAME,   /* `quoted`; text without the quotes, `` still doubled */
    VV_SPARK_STRING, /* 'a' or "a"; text without the quotes, escapes still in it */
    VV_SPARK_NUMBER, /* without its type suffix */
    VV_SPARK_SYMBOL
};

struct vv_spark_token {
    enum vv_spark_kind kind;
    struct vv_str text;
    char suffix;   /* of a number: 'L', 'D', or 0 */
    size_t offset; /* in the expression */
};

struct vv_spark_lexer {
    struct vv_str text;
    size_t at;
};

/* The next token. EUNSUPPORTED for what has no meaning here, naming it and its place. */
varve_status vv_spark_next(struct vv_op *op, struct vv_spark_lexer *lexer,
    struct vv_spark_token *out);

/* Words of the grammar that are no names unless they are quoted. */
bool vv_spark_is_reserved(struct vv_str word);

#endif
