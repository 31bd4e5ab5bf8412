#include "engine/sound_json.h"

#include "fixture.h"

static const struct sound_json_case {
    const char *engine, *json;
} cases[] = {
    {"", ""},
    {"{\"a\":.50,\"b\":-.5,\"c\":[.5,1.5,-0.25,10.5]}",
        "{\"a\":0.50,\"b\":-0.5,\"c\":[0.5,1.5,-0.25,10.5]}"},
    {"[NaN,Infinity,-Infinity,1e300,null,true]",
        "[\"NaN\",\"Infinity\",\"-Infinity\",1e300,null,true]"},
    {"{\"NaN\":\"a:.5,\\\":-.5 Infinity\\\\\",\".\":.5}",
        "{\"NaN\":\"a:.5,\\\":-.5 Infinity\\\\\",\".\":0.5}"},
    {"\"cut:.5\\", "\"cut:.5\\"},
};

TEST(sound_json, is_json_where_the_engines_is_none)
{
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 16);
        vv_sound_json(vv_str_of(cases[i].engine), &json);
        CHECK_STR(vv_buf_str(&json), cases[i].json);
    }
}

TEST(sound_json, is_a_function_of_sql)
{
    FIXTURE(fixture);
    CHECK_STR(text(&fixture, "SELECT varve_sound_json(to_json({'d': 0.5::DECIMAL(18,18), 'x': "
                             "['nan'::DOUBLE], "
                             "'n': NULL})::VARCHAR)"),
        "{\"d\":0.500000000000000000,\"x\":[\"NaN\"],\"n\":null}");
    CHECK_STR(text(&fixture, "SELECT coalesce(varve_sound_json(NULL), 'none')"), "none");
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT varve_sound_json(CASE WHEN i % 3 <> 0 "
                  "THEN '[' || repeat('.5,', i) || '1]' END) AS t FROM range(5000) "
                  "AS r(i)) WHERE json_valid(t)"),
        3333);
}
