#include "table/input/convert.h"

#include <stdio.h>

#include "base/json_write.h"
#include "batch_fixture.h"

/* A text and what it becomes; NULL: its row is rejected. */
struct pair {
    const char *text;
    const char *value;
};

/* All texts of a type as rows of one batch. */
static void check_type(const char *type, const char *input_tz, bool truncate_time,
    const struct pair *pairs, size_t pairs_len)
{
    struct batch_fixture fixture;
    VV_CLEANUP(vv_buf_done) struct vv_buf schema = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(1 << 20);
    vv_buf_addf(&schema, "k long not null, v %s", type);
    const struct batch_spec spec = {.schema = vv_buf_str(&schema).ptr};
    REQUIRE(batch_fixture_open(&fixture, &spec));
    fixture.options.reject_rows = true;
    fixture.options.input_tz = vv_str_of(input_tz);
    fixture.options.truncate_time = truncate_time;
    for (size_t index = 0; index < pairs_len; index++) {
        struct vv_json_writer writer = VV_JSON_WRITER_INIT(&content);
        vv_jw_object(&writer);
        vv_jw_key_int(&writer, "k", (int64_t)index);
        vv_jw_key_string(&writer, "v", vv_str_of(pairs[index].text));
        vv_jw_end(&writer);
        vv_buf_addc(&content, '\n');
    }
    if (CHECK_OK(&fixture.op,
            batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&content).ptr))) {
        for (size_t index = 0; index < pairs_len; index++) {
            struct vv_str sql =
                vv_arena_format(&fixture.op.arena, "SELECT %s FROM batch WHERE c0 = %zu",
                    strcmp(type, "binary") ? "c1" : "hex(c1)", index);
            struct vv_str value = batch_query(&fixture, sql.ptr);
            value.len -= value.len > 0;
            const char *expected = pairs[index].value ? pairs[index].value : "";
            if (!CHECK_STR(value, expected))
                CHECK_STR(type, pairs[index].text);
        }
    }
    batch_fixture_close(&fixture);
}

#define CHECK_TYPE(type, ...)                                      \
    do {                                                           \
        const struct pair pairs_[] = {__VA_ARGS__};                \
        check_type((type), NULL, false, pairs_, VV_COUNT(pairs_)); \
    } while (0)
#define CHECK_TYPE_WITH(type, tz, truncate, ...)                        \
    do {                                                                \
        const struct pair pairs_[] = {__VA_ARGS__};                     \
        check_type((type), (tz), (truncate), pairs_, VV_COUNT(pairs_)); \
    } while (0)

TEST(convert, integers_are_whole_however_they_are_written_and_fit)
{
    CHECK_TYPE("long", {"0", "0"}, {"-1", "-1"}, {"+5", "5"}, {" 7 ", "7"}, {"007", "7"},
        {"9223372036854775807", "9223372036854775807"}, {"9223372036854775808", NULL},
        {"-9223372036854775808", "-9223372036854775808"}, {"1.0", "1"}, {"-0.0", "0"},
        {"5.", "5"}, {"9223372036854775807.00", "9223372036854775807"},
        {"9007199254740993.0", "9007199254740993"}, {"1e3", "1000"}, {"-2E+1", "-20"},
        {"9e18", "9000000000000000000"}, {"1e19", NULL}, {"0e99", "0"}, {"1.5", NULL},
        {"15e-1", NULL}, {"10e-1", NULL}, {".0", NULL}, {"1.0.0", NULL}, {"1e", NULL},
        {"1_000", NULL}, {"0x10", NULL}, {"", NULL}, {"-", NULL}, {"true", NULL}, {"1 2", NULL},
        {"\xD9\xA3", NULL}, {"NaN", NULL}, {NULL, "NULL"});
    CHECK_TYPE("integer", {"2147483647", "2147483647"}, {"2147483648", NULL});
    CHECK_TYPE("short", {"-32768", "-32768"}, {"32768", NULL});
    CHECK_TYPE("byte", {"127", "127"}, {"128", NULL}, {"-129", NULL});
}

TEST(convert, floats_know_nan_and_infinity_by_name_alone)
{
    CHECK_TYPE("double", {"1.5", "1.5"}, {"-0.0", "-0.0"}, {"1e3", "1000.0"}, {".5", "0.5"},
        {"5.", "5.0"}, {" 1 ", "1.0"}, {"NaN", "nan"}, {"nan", "nan"}, {"inf", "inf"},
        {"-Infinity", "-inf"}, {"+Inf", "inf"}, {"INFINITY", "inf"}, {"1e400", NULL},
        {"-1e400", NULL}, {"1e-400", "0.0"}, {"4.9e-324", "5e-324"}, {"1_000", NULL},
        {"1,5", NULL}, {"", NULL}, {"infinit", NULL}, {"none", NULL}, {"nano", NULL},
        {"1d", NULL}, {"0x1", NULL}, {"--1", NULL}, {"true", NULL}, {NULL, "NULL"});
    CHECK_TYPE("float", {"0.1", "0.1"}, {"3.4e38", "3.4e+38"}, {"1e39", NULL}, {"nan", "nan"});
}

TEST(convert, decimals_are_never_rounded)
{
    CHECK_TYPE("decimal(5,2)", {"1", "1.00"}, {"1.5", "1.50"}, {"-999.99", "-999.99"},
        {"1000", NULL}, {"1.005", NULL}, {"1.0500", "1.05"}, {".25", "0.25"}, {"5.", "5.00"},
        {"1e3", NULL}, {"nan", NULL}, {"1_0", NULL}, {".", NULL}, {"", NULL}, {NULL, "NULL"});
    CHECK_TYPE("decimal(3,0)", {"12", "12"}, {"12.0", "12"}, {"12.5", NULL}, {"1234", NULL});
    CHECK_TYPE("decimal(38,10)",
        {"1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"});
}

TEST(convert, an_exponent_only_moves_the_point)
{
    CHECK_TYPE("decimal(18,6)", {"1e-05", "0.000010"}, {"1E+2", "100.000000"},
        {"-2.50e-1", "-0.250000"}, {" +.5e1 ", "5.000000"}, {"5.e1", "50.000000"},
        {"\t-5e1", "-50.000000"}, {" \n+5e1", "50.000000"}, {"-0e1", "0.000000"},
        {"12e-6", "0.000012"}, {"120e-7", "0.000012"}, {"0e-20", "0.000000"},
        {"0.0000000001e10", "1.000000"}, {"1234567891234560000e-7", "123456789123.456000"},
        {"1e-07", NULL}, {"12e-7", NULL}, {"1.5e-6", NULL}, {"1e12", NULL}, {"1e99", NULL},
        {"-1e-99", NULL}, {"1e100", NULL}, {"e5", NULL}, {".e5", NULL}, {"1e", NULL},
        {"1e+", NULL}, {"1e1.5", NULL}, {"1e5e5", NULL}, {"1 e5", NULL});
    CHECK_TYPE("decimal(5,0)", {"1e2", "100"}, {"12.50e1", "125"}, {"100e-2", "1"},
        {"1e-1", NULL}, {"1e5", NULL});
    CHECK_TYPE("decimal(38,10)",
        {"123456789012345678901234567890e-10", "12345678901234567890.1234567890"},
        {"9.9999999999999999999999999999999999999e27",
            "9999999999999999999999999999.9999999999"});
}

TEST(convert, booleans_dates_and_binary_have_few_spellings)
{
    CHECK_TYPE("boolean", {"true", "true"}, {"True", "true"}, {"1", "true"}, {"false", "false"},
        {"False", "false"}, {"0", "false"}, {"TRUE", "true"}, {"yes", NULL}, {"t", NULL},
        {"", NULL}, {" true", NULL}, {NULL, "NULL"});
    CHECK_TYPE("date", {"2025-01-30", "2025-01-30"}, {"0001-01-01", "0001-01-01"},
        {"9999-12-31", "9999-12-31"}, {"2025-1-3", NULL}, {"2025-02-29", NULL},
        {"2024-02-29", "2024-02-29"}, {"epoch", NULL}, {"infinity", NULL}, {"2025/01/30", NULL},
        {"20250130", NULL}, {"2025-01-30 ", NULL}, {"0000-01-01", NULL}, {"10000-01-01", NULL},
        {"2025-01-30T00:00:00", "2025-01-30"}, {"2025-01-30 (BC)", NULL}, {NULL, "NULL"});
    CHECK_TYPE("binary", {"", ""}, {"AAE=", "0001"}, {"/+8=", "FFEF"}, {"AA", NULL},
        {"@@@@", NULL}, {"AAE", NULL}, {"AAEC", "000102"}, {NULL, "NULL"});
    CHECK_TYPE("string", {"", ""}, {" x ", " x "}, {"NULL", "NULL"}, {"'; --", "'; --"});
}

static const struct pair instants[] = {
    {"2025-01-30", "2025-01-30 00:00:00"},
    {"2025-01-30T10:00", "2025-01-30 10:00:00"},
    {"2025-01-30 10:00", "2025-01-30 10:00:00"},
    {"2025-01-30T10:00:01", "2025-01-30 10:00:01"},
    {"2025-01-30T10:00:01.5", "2025-01-30 10:00:01.5"},
    {"2025-01-30T10:00:01.123456", "2025-01-30 10:00:01.123456"},
    {"2025-01-30T10:00:01.123456000", "2025-01-30 10:00:01.123456"},
    {"2025-01-30T10:00:01.1234560Z", "2025-01-30 10:00:01.123456"},
    {"2025-01-30T10:00Z", "2025-01-30 10:00:00"},
    {"2025-01-30T10:00+01", "2025-01-30 09:00:00"},
    {"2025-01-30T10:00:00Z", "2025-01-30 10:00:00"},
    {"2025-01-30 10:00:00-05:00", "2025-01-30 15:00:00"},
    {"2025-01-30T10:00:00+0530", "2025-01-30 04:30:00"},
    {"2025-01-30T10:00:00+05", "2025-01-30 05:00:00"},
    {"2025-01-30T10:00:00+00:19:32", "2025-01-30 09:40:28"},
    {"2025-01-30T10:00:00.25-0000", "2025-01-30 10:00:00.25"},
    {"1969-12-31T23:59:59.999999Z", "1969-12-31 23:59:59.999999"},
    {"0001-01-01T00:00:00Z", "0001-01-01 00:00:00"},
    {"9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"},
    {"2025-01-30T10:00:01.1234567Z", NULL},
    {"2025-01-30T10:00:01.123456001", NULL},
    {"2025-01-30T10:00:01.1234567890", NULL},
    {"2025-01-30T10:00:00.Z", NULL},
    {"2025-01-30T10", NULL},
    {"2025-01-30T1:2:3", NULL},
    {"2025-1-3T10:00:00", NULL},
    {"2025-01-30T10:00:60Z", NULL},
    {"2025-01-30T25:00:00Z", NULL},
    {"2025-02-30T10:00:00Z", NULL},
    {"2025-01-30T10:00:00+24:00", NULL},
    {"2025-01-30T10:00:00 UTC", NULL},
    {"2025-01-30T10:00:00 Europe/Zurich", NULL},
    {"2025-01-30T10:00:00z", NULL},
    {"2025-01-30Z", NULL},
    {" 2025-01-30", NULL},
    {"2025-01-30\n", NULL},
    {"0001-01-01T00:00:00+01:00", NULL},
    {"9999-12-31T23:59:59-01:00", NULL},
    {"0000-06-01", NULL},
    {"infinity", NULL},
    {"epoch", NULL},
    {"now", NULL},
    {"1738231200", NULL},
    {"", NULL},
    {NULL, "NULL"},
};

TEST(convert, timestamps_are_utc_unless_they_say_otherwise)
{
    struct pair zoned[VV_COUNT(instants)];
    struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    for (size_t index = 0; index < VV_COUNT(instants); index++) {
        zoned[index] = instants[index];
        if (instants[index].value && strcmp(instants[index].value, "NULL") != 0)
            zoned[index].value = vv_arena_format(&arena, "%s+00", instants[index].value).ptr;
    }
    check_type("timestamp", NULL, false, zoned, VV_COUNT(zoned));
    check_type("timestamp", "UTC", false, zoned, VV_COUNT(zoned));
    vv_arena_done(&arena);
}

TEST(convert, naive_timestamps_are_of_the_zone_that_was_given)
{
    CHECK_TYPE_WITH("timestamp", "America/New_York", false,
        {"2025-01-30T10:00:00", "2025-01-30 15:00:00+00"},
        {"2025-07-30 10:00", "2025-07-30 14:00:00+00"},
        {"2025-01-30", "2025-01-30 05:00:00+00"},
        {"2025-01-30T10:00:00.000001", "2025-01-30 15:00:00.000001+00"},
        {"2025-01-30T10:00:00Z", "2025-01-30 10:00:00+00"},
        {"2025-01-30T10:00+01", "2025-01-30 09:00:00+00"},
        {"2025-01-30 10:00:00-05:00", "2025-01-30 15:00:00+00"},
        {"2025-01-30T10:00:00.0000001", NULL}, {"x", NULL});
}

/* The clock of nobody knows where: no zone is applied to it, and one that a text names is not lost. */
TEST(convert, times_without_a_zone_stay_as_they_stand)
{
    static const char *const zones[] = {NULL, "UTC", "Europe/Zurich", "America/New_York"};
    static const struct pair clocks[] = {
        {"2025-01-30T10:00:00", "2025-01-30 10:00:00"},
        {"2025-01-30", "2025-01-30 00:00:00"},
        {"2025-01-30 10:00", "2025-01-30 10:00:00"},
        {"2026-03-08T02:30:00.123456", "2026-03-08 02:30:00.123456"},
        {"2025-01-30T10:00:00Z", "2025-01-30 10:00:00"},
        {"2025-01-30T10:00+00", "2025-01-30 10:00:00"},
        {"2025-01-30T10:00:00-00:00", "2025-01-30 10:00:00"},
        {"2025-01-30T10:00:00+0000", "2025-01-30 10:00:00"},
        {"2025-01-30T10:00+01", NULL},
        {"2025-01-30 10:00:00-05:00", NULL},
        {"2025-01-30T10:00:00+00:30", NULL},
        {"2025-01-30T10:00:00+00:19:32", NULL},
        {"2025-01-30T10:00:00.0000001", NULL},
        {"0000-06-01", NULL},
        {"x", NULL},
        {NULL, "NULL"},
    };
    for (size_t i = 0; i < VV_COUNT(zones); i++)
        check_type("timestamp_ntz", zones[i], false, clocks, VV_COUNT(clocks));
}

TEST(convert, time_is_truncated_on_request)
{
    CHECK_TYPE_WITH("timestamp", NULL, true,
        {"2025-01-30T10:00:01.1234567Z", "2025-01-30 10:00:01.123456+00"},
        {"1960-01-30T10:00:01.123456999", "1960-01-30 10:00:01.123456+00"},
        {"2025-01-30T10:00:01.1234567890", NULL});
}

TEST(convert, unknown_zone_is_bad_usage)
{
    struct batch_fixture fixture;
    const struct batch_spec spec = {.schema = "v timestamp"};
    REQUIRE(batch_fixture_open(&fixture, &spec));
    const char *const zones[] = {"Nowhere/City", "'; DROP TABLE x; --", "+02:00"};
    for (size_t index = 0; index < VV_COUNT(zones); index++) {
        fixture.options.input_tz = vv_str_of(zones[index]);
        CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "v\n2025-01-30\n"),
            VARVE_EUSAGE);
        CHECK(strstr(fixture.op.error.message, zones[index]) != NULL);
    }
    batch_fixture_close(&fixture);
}

/* Of a text of JSON: {type, value of the member, what it becomes}. */
static const struct {
    const char *type;
    const char *json;
    const char *value;
} nested[] = {
    {"array<integer>", "[1,null,3]", "[1, NULL, 3]"},
    {"array<integer>", "[]", "[]"},
    {"array<integer>", "[1.5]", NULL},
    {"array<integer>", "[\"7\"]", "[7]"},
    {"array<integer>", "7", NULL},
    {"array<integer>", "\"[1]\"", NULL},
    {"array<array<double>>", "[[1,\"NaN\"],null,[]]", "[[1.0, nan], NULL, []]"},
    {"array<double>", "[1e400]", NULL},
    {"array<decimal(30,1)>", "[12345678901234567890123456789.5]",
        "[12345678901234567890123456789.5]"},
    {"struct<a: int, b: string>", "{\"b\":\"x\",\"a\":1}", "{'a': 1, 'b': x}"},
    {"struct<a: int, b: string>", "{\"A\":1}", "{'a': 1, 'b': NULL}"},
    {"struct<a: int, b: string>", "{}", "{'a': NULL, 'b': NULL}"},
    {"struct<a: int, b: string>", "{\"a\":1,\"c\":2}", NULL},
    {"struct<a: int, b: string>", "{\"a\":1,\"A\":2}", NULL},
    {"struct<a: int, b: string>", "{\"a\":\"x\"}", NULL},
    {"struct<a: int, b: string>", "{\"b\":[1]}", NULL},
    {"struct<a: int, b: string>", "[1]", NULL},
    {"struct<a: struct<t: timestamp>>", "{\"a\":{\"t\":\"2025-01-30T10:00:00+01:00\"}}",
        "{'a': {'t': '2025-01-30 09:00:00+00'}}"},
    {"struct<a: struct<t: timestamp>>", "{\"a\":{\"t\":\"2025-01-30T10:00:00.0000001\"}}",
        NULL},
    {"struct<a: struct<t: timestamp>>", "{\"a\":null}", "{'a': NULL}"},
    {"map<string, integer>", "{\"x\":1,\"y\":null}", "{x=1, y=NULL}"},
    {"map<string, integer>", "{\"x\":1,\"x\":2}", NULL},
    {"map<integer, string>", "{\"1\":\"a\",\"2\":\"b\"}", "{1=a, 2=b}"},
    {"map<integer, string>", "{\"1\":\"a\",\"01\":\"b\"}", NULL},
    {"map<integer, string>", "{\"z\":\"a\"}", NULL},
    {"map<string, integer>", "{}", "{}"},
    {"array<struct<m: map<string, boolean>>>", "[{\"m\":{\"k\":true}}]", "[{'m': {k=true}}]"},
    {"struct<`a'\"c`: int>", "{\"a'\\\"c\":1}", "{'a\\'\"c': 1}"},
    {"array<integer>", "null", "NULL"},
    {"string", "[1,{\"a\":\"b\"}]", "[1,{\"a\":\"b\"}]"},
    {"string", "1.50", "1.50"},
    {"string", "true", "true"},
    {"boolean", "true", "true"},
    {"long", "12345678901234567", "12345678901234567"},
    {"long", "1.0", "1"},
    {"long", "1.5", NULL},
    {"long", "{}", NULL},
};

TEST(convert, nested_values_come_from_json_whole_or_not_at_all)
{
    for (size_t index = 0; index < VV_COUNT(nested); index++) {
        struct batch_fixture fixture;
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 16);
        vv_buf_addf(&text, "v %s", nested[index].type);
        const struct batch_spec spec = {.schema = vv_buf_str(&text).ptr};
        REQUIRE(batch_fixture_open(&fixture, &spec));
        VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(1 << 16);
        vv_buf_addf(&line, "{\"v\":%s}\n", nested[index].json);
        varve_status expected = nested[index].value ? VARVE_OK : VARVE_EINVALID;
        varve_status status = batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&line).ptr);
        if (!CHECK_INT(status, expected))
            CHECK_STR(fixture.op.failed ? fixture.op.error.message : "", nested[index].json);
        vv_forgive(&fixture.op);
        if (status == VARVE_OK && nested[index].value) {
            struct vv_str value = batch_query(&fixture, "SELECT c0 FROM batch");
            value.len -= value.len > 0;
            CHECK_STR(value, nested[index].value);
        }
        batch_fixture_close(&fixture);
    }
}

TEST(convert, structs_without_a_member_in_common_are_not_cast)
{
    static const struct {
        const char *source, *type;
        bool casts;
    } cases[] = {
        {"STRUCT(a INTEGER)", "struct<a:int>", true},
        {"STRUCT(\"A\" INTEGER)", "struct<a:int>", true},
        {"STRUCT(q INTEGER, \"a\" VARCHAR)", "struct<a:int,b:int>", true},
        {"STRUCT(q INTEGER)", "struct<a:int>", false},
        {"STRUCT(q INTEGER)[]", "array<struct<a:int>>", false},
        {"STRUCT(q INTEGER)[3]", "array<struct<a:int>>", false},
        {"STRUCT(a INTEGER)[][]", "array<array<struct<a:int>>>", true},
        {"STRUCT(q INTEGER)[][]", "array<array<struct<a:int>>>", false},
        {"MAP(VARCHAR, STRUCT(q INTEGER))", "map<string,struct<a:int>>", false},
        {"MAP(VARCHAR, STRUCT(a INTEGER))", "map<string,struct<a:int>>", true},
        {"MAP(STRUCT(q DECIMAL(5,2)), INTEGER)", "map<struct<a:int>,int>", false},
        {"STRUCT(a STRUCT(q INTEGER), b INTEGER)", "struct<a:struct<c:int>,b:int>", false},
        {"STRUCT(a STRUCT(q INTEGER), b INTEGER)", "struct<b:int>", true},
        {"STRUCT(\"b, \"\"a INTEGER\" DECIMAL(5,2), x ENUM('a, )', 'a INT'))", "struct<a:int>",
            false},
        {"STRUCT(m MAP(VARCHAR, INTEGER), a STRUCT(z INTEGER)[])",
            "struct<a:array<struct<z:int>>>", true},
        {"INTEGER", "struct<a:int>", true}, /* each value is lost, and the statement runs */
        {"INTEGER[]", "array<struct<a:int>>", true},
        {"STRUCT(a INTEGER)", "array<int>", false}, /* all are lost, and it may not */
        {"STRUCT(a STRUCT(q INTEGER))", "map<string,struct<a:int>>", false},
        {"STRUCT(a INTEGER)", "map<string,int>", false},
        {"MAP(VARCHAR, STRUCT(a INTEGER))", "struct<a:struct<q:int>>", false},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 1 << 20);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_schema schema;
        char text[200];
        (void)snprintf(text, sizeof(text), "x %s", cases[i].type);
        REQUIRE_OK(&op, vv_schema_parse_ddl(&op, &op.arena, vv_str_of(text), &schema));
        if (!CHECK_INT(vv_convert_nested_casts(vv_str_of(cases[i].source),
                           &schema.fields[0].type),
                cases[i].casts))
            CHECK_STR(vv_str_of(cases[i].type), cases[i].source);
    }
}
