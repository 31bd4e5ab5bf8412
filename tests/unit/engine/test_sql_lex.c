/* Where statements end, whatever stands in quotes and comments. */
#include <stdio.h>

#include "base/buf.h"
#include "engine/sql_lex.h"
#include "harness/test.h"

struct sample {
    const char *sql;
    const char *statements; /* each in brackets; "!" where no semicolon ended it */
};

static const struct sample samples[] = {
    {"", ""},
    {"  -- nothing\n /* at /* all */ */ ;; ", ""},
    {"SELECT 1", "[SELECT 1]!"},
    {"SELECT 1;", "[SELECT 1]"},
    {"a; b ;c", "[a][b ][c]!"},
    {"SELECT ';' ; x", "[SELECT ';' ][x]!"},
    {"SELECT 'it''s;' ; x", "[SELECT 'it''s;' ][x]!"},
    {"SELECT \"a;\"\"b\" ; x", "[SELECT \"a;\"\"b\" ][x]!"},
    {"SELECT e'\\';' ; x", "[SELECT e'\\';' ][x]!"},
    {"SELECT $$;$$ ; x", "[SELECT $$;$$ ][x]!"},
    {"SELECT $t$;$$;$t$ ; x", "[SELECT $t$;$$;$t$ ][x]!"},
    {"SELECT $1; x", "[SELECT $1][x]!"},
    {"a -- b;\n c; d", "[a -- b;\n c][d]!"},
    {"a /* ; /* ; */ ; */ b; c", "[a /* ; /* ; */ ; */ b][c]!"},
    {"a\xc2\xa0$$;$$; b", "[a\xc2\xa0$$;$$][b]!"}, /* blanks that are not ASCII */
    {"\xef\xbb\xbf"
     "a\xe2\x80\x8b"
     "e'\\';';\xe3\x80\x80; b",
        "[a\xe2\x80\x8b"
        "e'\\';'][b]!"},
    {"a 'never closed ; b", "[a 'never closed ; b]!"},
};

TEST(sql_lex, statements_end_at_semicolons_of_their_own)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf found = VV_BUF_INIT(1 << 20);
    for (size_t i = 0; i < VV_COUNT(samples); i++) {
        struct vv_str rest = vv_str_of(samples[i].sql);
        struct vv_str statement;
        bool is_closed = false;
        vv_buf_clear(&found);
        while (vv_sql_split(&rest, &statement, &is_closed))
            vv_buf_addf(&found, "[%.*s]%s", VV_ARG(statement), is_closed ? "" : "!");
        if (!CHECK_STR(vv_buf_str(&found), samples[i].statements))
            printf("# %s\n", samples[i].sql);
    }
}

TEST(sql_lex, tokens_say_whether_their_quotes_close)
{
    static const struct {
        const char *sql;
        enum vv_sql_token_kind kind;
        const char *text;
        bool is_closed;
    } cases[] = {
        {" word ", VV_SQL_WORD, "word", true},
        {"Größe+1", VV_SQL_WORD, "Größe", true},
        {"\"a\"\"b\" c", VV_SQL_NAME, "\"a\"\"b\"", true},
        {"\"a", VV_SQL_NAME, "\"a", false},
        {"'a''b'c", VV_SQL_VALUE, "'a''b'", true},
        {"'a\\' b'", VV_SQL_VALUE, "'a\\'", true},
        {"E'a\\' b' c", VV_SQL_VALUE, "E'a\\' b'", true},
        {"$x$ ' $x$ c", VV_SQL_VALUE, "$x$ ' $x$", true},
        {"$x$ '", VV_SQL_VALUE, "$x$ '", false},
        {"$1", VV_SQL_SIGN, "$", true},
        {"(", VV_SQL_SIGN, "(", true},
        {"  -- end", VV_SQL_END, "", true},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_str rest = vv_str_of(cases[i].sql);
        struct vv_sql_token token = vv_sql_token_next(&rest);
        bool ok = CHECK_INT(token.kind, cases[i].kind);
        ok = CHECK_STR(token.text, cases[i].text) && ok;
        if (!CHECK_INT(token.is_closed, cases[i].is_closed) || !ok)
            printf("# %s\n", cases[i].sql);
    }
}
