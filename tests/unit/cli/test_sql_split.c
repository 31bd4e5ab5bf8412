#include <stdio.h>
#include <string.h>

#include "cli/sql_split.h"
#include "harness/test.h"

/* Cases are texts in which '@' stands where the first statement ends; none: it goes on. */
static void check_end(const char *marked)
{
    char sql[256];
    const char *mark = strchr(marked, '@');
    size_t head = mark ? (size_t)(mark - marked) : strlen(marked);
    (void)snprintf(sql, sizeof(sql), "%.*s%s", (int)head, marked, mark ? mark + 1 : "");
    printf("# %s\n", marked);
    CHECK_INT(vv_sql_statement_end(sql, strlen(sql)), mark ? head : 0);
}

TEST(sql_split, ends_at_a_semicolon_of_its_own)
{
    static const char *const cases[] = {"SELECT 1;@", "SELECT 1", ";@;", "", "SELECT ';';@",
        "SELECT 'it''s;", "SELECT 'it''s;';@ SELECT 2;", "SELECT \"a;b\";@", "SELECT \"a;b",
        "-- no; not here\nSELECT 1;@", "SELECT 1 -- ;", "/* ; */ SELECT 1;@",
        "/* /* ; */ ; */ SELECT 1;@", "/* ; ", "SELECT $$;$$;@", "SELECT $a$;$$;$a$;@",
        "SELECT $a$;", "SELECT $1;@", "SELECT $name;@", "SELECT a$b;@$b", "SELECT a$$b$;@$b$;",
        "SELECT $\xc3\xa9$;$\xc3\xa9$;@", "SELECT \xc3\xa9$a$;@$a$", "SELECT 1e'\\';@'",
        "SELECT E'\\';';@", "SELECT 'a\\';@ b'", "SELECT name'x;'", "SELECT 1 - -1;@",
        "SELECT 4 / 2 * 1;@", "SELECT\xc2\xa0$$;$$;@",
        "SELECT\xe3\x80\x80"
        "E'\\';';@",
        "a\xe2\x80\x83$$;$$;@", "SELECT $", "SELECT '", "SELECT /"};
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        check_end(cases[i]);
}

TEST(sql_split, knows_what_is_nothing)
{
    static const char *const blank[] = {"", " \t\n", ";", " ; ;", "-- x", "/* x */;",
        "-- x\n/* y */ ;\n", "\xc2\xa0;\xef\xbb\xbf"};
    static const char *const not_blank[] = {"a", "-- x\na", "/* x */ 1", "''", "- -", "/", "$"};
    for (size_t i = 0; i < VV_COUNT(blank); i++)
        CHECK(vv_sql_is_blank(blank[i], strlen(blank[i])));
    for (size_t i = 0; i < VV_COUNT(not_blank); i++)
        CHECK(!vv_sql_is_blank(not_blank[i], strlen(not_blank[i])));
}
