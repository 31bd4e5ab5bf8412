/*
 * The words of a text of SQL, as far as they tell where a statement ends and where in it a name
 * stands: quotes, comments and brackets are seen, meaning is not. What a statement means is
 * DuckDB's to say (engine/sql_tree.h).
 */
#ifndef VV_ENGINE_SQL_LEX_H
#define VV_ENGINE_SQL_LEX_H

#include "base/str.h"

enum vv_sql_token_kind {
    VV_SQL_END,
    VV_SQL_WORD,  /* a keyword, a name, a number */
    VV_SQL_NAME,  /* "a name in quotes" */
    VV_SQL_VALUE, /* 'text', e'text', $$text$$ */
    VV_SQL_SIGN   /* any other single byte */
};

struct vv_sql_token {
    enum vv_sql_token_kind kind;
    struct vv_str text; /* as it is written, quotes and all */
    bool is_closed;     /* false: the text ends within these quotes */
};

/* Blanks and comments off the front; block comments nest. *out_closed (may be NULL): as above. */
struct vv_str vv_sql_skip_blank(struct vv_str sql, bool *out_closed);
/* Cuts the next token, and the blanks and comments before it, off the front of `*rest`. */
struct vv_sql_token vv_sql_token_next(struct vv_str *rest);
bool vv_sql_is_word(struct vv_sql_token token, const char *word); /* ignoring case */
bool vv_sql_is_sign(struct vv_sql_token token, char sign);
/* "AT (VERSION =>" or "AT (TIMESTAMP =>" at the front: nothing else reads like it. */
bool vv_sql_is_at(struct vv_str rest);

/*
 * Cuts the first statement that is more than blanks and comments off the front of `*rest`, with
 * the semicolon behind it, which is not part of it. False: there is none. *out_closed: a
 * semicolon ended it.
 */
bool vv_sql_split(struct vv_str *rest, struct vv_str *out_statement, bool *out_closed);

#endif
