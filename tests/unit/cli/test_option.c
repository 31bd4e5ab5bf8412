#include "cli/option.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/test.h"

/* A small command line of its own: two commands, a few options of each kind. */
struct globals {
    const char *lake;
    bool json;
    int32_t color;
    struct vv_integer memory;
};
struct scan {
    const char *where;
    struct vv_list checks;
    struct vv_integer limit;
    struct vv_real rate;
    const char *version;
    struct vv_integer every;
    int32_t ack;
};

static const struct vv_option global_options[] = {
    {.name = "lake",
        .kind = VV_OPTION_TEXT,
        .value = "F",
        .env = "VARVE_TEST_LAKE",
        .offset = offsetof(struct globals, lake)},
    {.name = "json", .kind = VV_OPTION_FLAG, .offset = offsetof(struct globals, json)},
    {.name = "color",
        .kind = VV_OPTION_CHOICE,
        .value = "C",
        .choices = "auto|always|never",
        .offset = offsetof(struct globals, color)},
    {.name = "memory",
        .kind = VV_OPTION_SIZE,
        .value = "S",
        .least = 1024,
        .most = INT64_MAX,
        .offset = offsetof(struct globals, memory)},
};
static const struct vv_option scan_options[] = {
    {.name = "where",
        .letter = 'w',
        .kind = VV_OPTION_TEXT,
        .value = "SQL",
        .offset = offsetof(struct scan, where)},
    {.name = "check",
        .kind = VV_OPTION_LIST,
        .value = "C",
        .offset = offsetof(struct scan, checks)},
    {.name = "limit",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = 100,
        .offset = offsetof(struct scan, limit)},
    {.name = "rate",
        .kind = VV_OPTION_REAL,
        .value = "R",
        .offset = offsetof(struct scan, rate)},
    {.name = "version",
        .kind = VV_OPTION_TEXT,
        .value = "N",
        .offset = offsetof(struct scan, version)},
    {.name = "every",
        .kind = VV_OPTION_DURATION,
        .value = "T",
        .least = 10,
        .most = 3600000,
        .offset = offsetof(struct scan, every)},
    {.name = "ack",
        .kind = VV_OPTION_CHOICE,
        .value = "[LEVEL]",
        .choices = "low|high",
        .implied = "high",
        .offset = offsetof(struct scan, ack)},
};
static const struct vv_command scan_command = {.name = "scan",
    .arguments = "TABLE",
    .options = scan_options,
    .options_len = VV_COUNT(scan_options),
    .options_bytes = sizeof(struct scan),
    .arguments_least = 1,
    .arguments_most = 2};
static const struct vv_command query_command = {
    .name = "query", .arguments = "SQL", .options_bytes = 1, .arguments_most = 1};
static const struct vv_command *const commands[] = {&scan_command, &query_command};

#define WORDS_MAX 16

struct line {
    struct globals globals;
    bool given[VV_COUNT(global_options)];
    struct vv_option_set set;
    struct vv_parsed parsed;
    const struct scan *scan;
    varve_error err;
    varve_status status;
};

/* Parses words parted by blanks behind the program's name. */
static void parse(struct line *line, const char *words)
{
    static char text[512];
    char *argv[WORDS_MAX] = {text};
    int argc = 1;
    *line = (struct line){.status = VARVE_OK};
    line->set = (struct vv_option_set){
        global_options, VV_COUNT(global_options), &line->globals, line->given};
    (void)snprintf(text, sizeof(text), "%s", words);
    for (char *at = text, *end = text; *at && argc < WORDS_MAX; at = end) {
        argv[argc++] = at;
        end = at + strcspn(at, " ");
        if (*end)
            *end++ = '\0';
    }
    line->status = vv_command_line_parse(argc, argv, commands, VV_COUNT(commands), &line->set,
        &line->parsed, &line->err);
    line->scan = line->parsed.options;
}

static void done(struct line *line)
{
    vv_parsed_done(&line->parsed);
}

TEST(option, global_options_stand_anywhere)
{
    static const char *const lines[] = {"--lake L --json scan t --where x",
        "scan --lake L t --json --where=x", "scan t -w x --json --lake=L",
        "--json scan --lake L -wx t"};
    for (size_t i = 0; i < VV_COUNT(lines); i++) {
        struct line line;
        parse(&line, lines[i]);
        if (!CHECK_INT(line.status, VARVE_OK))
            continue;
        CHECK_STR(line.parsed.command->name, "scan");
        CHECK_STR(line.globals.lake, "L");
        CHECK(line.globals.json);
        CHECK_STR(line.scan->where, "x");
        CHECK_INT(line.parsed.arguments_len, 1);
        CHECK_STR(line.parsed.arguments[0], "t");
        done(&line);
    }
}

TEST(option, values_of_all_kinds)
{
    struct line line;
    parse(&line, "scan t --check a --check b=c --limit 7 --rate 0 --color never --memory 1KiB");
    REQUIRE(line.status == VARVE_OK);
    CHECK_INT(line.scan->checks.len, 2);
    CHECK_STR(line.scan->checks.items[1], "b=c");
    CHECK(line.scan->limit.given);
    CHECK_INT(line.scan->limit.value, 7);
    CHECK(line.scan->rate.given);
    CHECK_INT(line.globals.color, 3);
    CHECK_INT(line.globals.memory.value, 1024);
    CHECK(line.scan->where == NULL);
    done(&line);
}

TEST(option, two_dashes_end_options)
{
    struct line line;
    parse(&line, "scan -- --json -");
    REQUIRE(line.status == VARVE_OK);
    CHECK(!line.globals.json);
    CHECK_INT(line.parsed.arguments_len, 2);
    CHECK_STR(line.parsed.arguments[0], "--json");
    CHECK_STR(line.parsed.arguments[1], "-");
    done(&line);
}

TEST(option, values_may_start_with_one_dash)
{
    struct line line;
    parse(&line, "scan t --where -7d");
    REQUIRE(line.status == VARVE_OK);
    CHECK_STR(line.scan->where, "-7d");
    done(&line);
}

TEST(option, wrong_lines_are_refused_with_what_to_do)
{
    static const struct wrong {
        const char *line;
        const char *part;
    } wrong[] = {
        {"scna t", "unknown command 'scna'; did you mean 'scan'?"},
        {"uqrey t", "did you mean 'query'?"},
        {"sc t", "did you mean 'scan'?"},
        {"frobnicate", "unknown command 'frobnicate'; varve help"},
        {"scan t --wher x", "unknown option --wher; did you mean --where?"},
        {"scan t --jsno", "did you mean --json?"},
        {"scan t --zzzzzzzz", "varve scan --help lists"},
        {"--limit 3 scan t", "unknown option --limit"},
        {"query --where x", "unknown option --where"},
        {"scan t --where", "option --where needs a value: --where SQL"},
        {"scan t --where --json", "write --where=--json"},
        {"scan t --where=", "--where is empty: it needs SQL"},
        {"scan t --limit x", "'x' is not a whole number"},
        {"scan t --limit 1x", "'1x' is not a whole number"},
        {"scan t --limit 0", "out of range (1 to 100)"},
        {"scan t --limit 99999999999999999999", "not a whole number"},
        {"scan t --rate -1", "not a number from 0"},
        {"scan t --rate nan", "not a number from 0"},
        {"scan t --memory 10", "10 is out of range (at least 1KiB)"},
        {"scan t --memory lots", "not a size such as"},
        {"scan t --memory 5XB", "not a size such as"},
        {"scan t --color blue", "'blue' is not one of auto|always|never"},
        {"scan t --color rainbow", "'rainbow' is not one of auto|always|never"},
        {"scan t --json=maybe", "--json takes no value"},
        {"scan t -z", "unknown option -z"},
    };
    for (size_t i = 0; i < VV_COUNT(wrong); i++) {
        struct line line;
        parse(&line, wrong[i].line);
        CHECK_INT(line.status, VARVE_EUSAGE);
        if (!CHECK(strstr(line.err.message, wrong[i].part) != NULL))
            CHECK_STR((const char *)line.err.message, wrong[i].part);
        done(&line);
    }
}

TEST(option, the_number_of_arguments_is_checked)
{
    struct line line;
    varve_error err;
    parse(&line, "scan");
    CHECK_INT(vv_arguments_check(&line.parsed, &err), VARVE_EUSAGE);
    CHECK(strstr(err.message, "varve scan TABLE") != NULL);
    done(&line);
    parse(&line, "scan a b c");
    CHECK_INT(vv_arguments_check(&line.parsed, &err), VARVE_EUSAGE);
    CHECK(strstr(err.message, "'c' is one argument too many") != NULL);
    done(&line);
    parse(&line, "scan a b");
    CHECK_INT(vv_arguments_check(&line.parsed, &err), VARVE_OK);
    done(&line);
}

TEST(option, line_over_environment_over_file)
{
    struct line line;
    struct vv_text storage = {0};
    const char *path = test_path("config");
    REQUIRE(test_file_write(path,
        VV_STR("# a comment\n\n lake = from file \r\ncolor=always\njson=true\n")));
    (void)setenv("VARVE_TEST_LAKE", "from environment", 1);
    parse(&line, "scan t --color never");
    CHECK_INT(vv_options_from_environment(&line.set, &line.err), VARVE_OK);
    CHECK_INT(vv_options_from_file(&line.set, path, &storage, &line.err), VARVE_OK);
    CHECK_STR(line.globals.lake, "from environment");
    CHECK_INT(line.globals.color, 3);
    CHECK(line.globals.json);
    done(&line);
    vv_text_done(&storage);
    (void)unsetenv("VARVE_TEST_LAKE");
    parse(&line, "scan t");
    CHECK_INT(vv_options_from_environment(&line.set, &line.err), VARVE_OK);
    CHECK_INT(vv_options_from_file(&line.set, path, &storage, &line.err), VARVE_OK);
    CHECK_STR(line.globals.lake, "from file");
    CHECK_INT(line.globals.color, 2);
    done(&line);
    vv_text_done(&storage);
}

TEST(option, a_broken_file_is_refused_with_its_line)
{
    static const struct wrong {
        const char *content;
        const char *part;
    } wrong[] = {
        {"lake\n", "line 1: expected name=value"},
        {"\n\nwhere=x\n", "line 3: 'where' is not a global option"},
        {"color=blue", "line 1: option --color: 'blue'"},
    };
    for (size_t i = 0; i < VV_COUNT(wrong); i++) {
        struct line line;
        struct vv_text storage = {0};
        const char *path = test_path("config");
        parse(&line, "scan t");
        REQUIRE(test_file_write(path, vv_str_of(wrong[i].content)));
        CHECK_INT(vv_options_from_file(&line.set, path, &storage, &line.err), VARVE_EUSAGE);
        if (!CHECK(strstr(line.err.message, wrong[i].part) != NULL))
            CHECK_STR((const char *)line.err.message, wrong[i].part);
        done(&line);
        vv_text_done(&storage);
    }
    struct line line;
    struct vv_text storage = {0};
    parse(&line, "scan t");
    CHECK_INT(vv_options_from_file(&line.set, test_path("absent"), &storage, &line.err),
        VARVE_ENOTFOUND);
    done(&line);
}

TEST(option, a_choice_may_imply_its_value)
{
    static const struct implied {
        const char *words;
        int32_t ack;
        size_t arguments_len;
    } lines[] = {
        {"scan t", 0, 1},
        {"scan t --ack", 2, 1},
        {"scan --ack t", 2, 1},
        {"scan --ack low t", 1, 1},
        {"scan --ack=low t", 1, 1},
        {"scan --ack --limit 3 t", 2, 1},
        {"scan --ack high", 2, 0},
    };
    for (size_t i = 0; i < VV_COUNT(lines); i++) {
        struct line line;
        parse(&line, lines[i].words);
        CHECK_INT(line.status, VARVE_OK);
        CHECK_INT(line.scan->ack, lines[i].ack);
        CHECK_INT(line.parsed.arguments_len, lines[i].arguments_len);
        done(&line);
    }
}

TEST(option, times_have_a_unit)
{
    static const struct duration {
        const char *text;
        int64_t ms; /* -1: none */
    } durations[] = {
        {"100ms", 100},
        {"60s", 60000},
        {"1.5s", 1500},
        {"5m", 300000},
        {"2h", 7200000},
        {"1d", 86400000},
        {"1.005s", 1005},
        {"0.0005s", 0},
        {"9000000000000000ms", INT64_C(9000000000000000)},
        {"9000000000000001ms", -1},
        {"60", -1},
        {"s", -1},
        {"0x1m", -1},
        {"1e1s", -1},
        {"-1s", -1},
        {"1 s", -1},
        {"1sec", -1},
        {"", -1},
    };
    struct line line;
    for (size_t i = 0; i < VV_COUNT(durations); i++) {
        int64_t ms = -1;
        CHECK_INT(vv_duration_read(durations[i].text, &ms), durations[i].ms >= 0);
        CHECK_INT(ms, durations[i].ms);
    }
    parse(&line, "scan t --every 2m");
    CHECK_INT(line.scan->every.value, 120000);
    done(&line);
    parse(&line, "scan t --every 5ms");
    CHECK_INT(line.status, VARVE_EUSAGE);
    CHECK(strstr(line.err.message, "out of range (10 to 3600000 ms)") != NULL);
    done(&line);
    parse(&line, "scan t --every 5");
    CHECK(strstr(line.err.message, "is not a time such as 60s") != NULL);
    done(&line);
}

TEST(option, sizes_are_decimal_or_binary)
{
    static const struct size {
        const char *text;
        int64_t bytes;
    } sizes[] = {{"0", 0}, {"4096", 4096}, {"1KB", 1000}, {"1KiB", 1024}, {"100MB", 100000000},
        {"1.5GiB", 1610612736}, {"2G", 2000000000}, {"1 TiB", 1099511627776},
        {"9007199254740993", INT64_C(9007199254740993)}, {"9223372036854775807", INT64_MAX},
        {"0.29KB", 290}, {"00.1 KiB", 102}};
    int64_t bytes = -1;
    for (size_t i = 0; i < VV_COUNT(sizes); i++) {
        CHECK(vv_size_read(sizes[i].text, &bytes));
        CHECK_INT(bytes, sizes[i].bytes);
    }
    CHECK(!vv_size_read("", &bytes));
    CHECK(!vv_size_read("-1", &bytes));
    CHECK(!vv_size_read("1e300", &bytes));
    CHECK(!vv_size_read("inf", &bytes));
    CHECK(!vv_size_read("9223372036854775808", &bytes));
    CHECK(!vv_size_read("99999999999999999999", &bytes));
    CHECK(!vv_size_read("8388608TiB", &bytes));
    CHECK(!vv_size_read("0x10", &bytes));
    CHECK(!vv_size_read("1.", &bytes));
    CHECK(!vv_size_read(" 1", &bytes));
    CHECK(!vv_size_read("1 . 5", &bytes));
    CHECK(!vv_size_read("1GiBs", &bytes));
}
