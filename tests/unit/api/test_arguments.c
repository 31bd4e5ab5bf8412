/*
 * Arguments that make no sense: each is refused, and none is taken for another.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/test.h"
#include "varve/adopt.h"
#include "varve/alter.h"
#include "varve/audit.h"
#include "varve/doctor.h"
#include "varve/explain.h"
#include "varve/inspect.h"
#include "varve/maintain.h"
#include "varve/pin.h"
#include "varve/query.h"
#include "varve/writer.h"

struct lake {
    varve_lake *lake;
    varve_table *table;
    varve_error err;
    struct ArrowArrayStream stream; /* of the last call that gave one */
};

static void lake_done(struct lake *lake)
{
    varve_table_close(lake->table);
    varve_lake_close(lake->lake);
}

static bool lake_open(struct lake *lake)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_create_options create = VARVE_CREATE_OPTIONS_INIT;
    int32_t created = 0;
    *lake = (struct lake){0};
    options.create = 1;
    options.threads = 1;
    create.schema = "k int not null, s string";
    create.key = "k";
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &lake->lake, &lake->err),
               0) &&
           CHECK_INT(varve_lake_create_table(lake->lake, "t", &create, &created, &lake->err),
               0) &&
           CHECK_INT(varve_table_open(lake->lake, "t", &lake->table, &lake->err), 0);
}

/* A call with `text` where something may be left out. */
typedef varve_status (*call_fn)(struct lake *lake, const char *text);

static varve_status scan_at(struct lake *lake, const char *text)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.at = text;
    return varve_table_scan(lake->table, &options, &lake->stream, &lake->err);
}

static varve_status scan_where(struct lake *lake, const char *text)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.where = text;
    return varve_table_scan(lake->table, &options, &lake->stream, &lake->err);
}

static varve_status history_at(struct lake *lake, const char *text)
{
    return varve_table_history_at(lake->table, text, 0, &lake->stream, &lake->err);
}

static varve_status lake_history_at(struct lake *lake, const char *text)
{
    return varve_lake_history_at(lake->lake, "t", text, 0, &lake->stream, &lake->err);
}

static varve_status files_at(struct lake *lake, const char *text)
{
    return varve_table_files(lake->table, text, &lake->stream, &lake->err);
}

static varve_status changes_to(struct lake *lake, const char *text)
{
    return varve_table_changes(lake->table, "0", text, &lake->stream, &lake->err);
}

static varve_status query_at(struct lake *lake, const char *text)
{
    varve_query_options options = VARVE_QUERY_OPTIONS_INIT;
    options.at = text;
    return varve_lake_query(lake->lake, "SELECT * FROM t", &options, &lake->stream, &lake->err);
}

static varve_status describe_at(struct lake *lake, const char *text)
{
    char *json = NULL;
    varve_status status = varve_table_describe(lake->table, text, &json, &lake->err);
    varve_free(json);
    return status;
}

static varve_status pin_at(struct lake *lake, const char *text)
{
    varve_pin_options options = VARVE_PIN_OPTIONS_INIT;
    options.at = text;
    return varve_lake_pin(lake->lake, "a", &options, NULL, &lake->err);
}

static varve_status maintain_table(struct lake *lake, const char *text)
{
    varve_maintain_options options = VARVE_MAINTAIN_OPTIONS_INIT;
    varve_maintain_result result;
    options.table = text;
    return varve_lake_maintain(lake->lake, &options, &result, NULL, &lake->err);
}

static varve_status vacuum_retain(struct lake *lake, const char *text)
{
    varve_vacuum_options options = VARVE_VACUUM_OPTIONS_INIT;
    varve_vacuum_result result;
    options.retain = text;
    return varve_table_vacuum(lake->table, &options, &result, NULL, &lake->err);
}

static varve_status optimize_where(struct lake *lake, const char *text)
{
    varve_optimize_options options = VARVE_OPTIMIZE_OPTIONS_INIT;
    varve_optimize_result result;
    options.where = text;
    return varve_table_optimize(lake->table, &options, &result, &lake->err);
}

static varve_status known_at(struct lake *lake, const char *text)
{
    return varve_lake_known_at(lake->lake, text, &lake->err);
}

static const struct {
    const char *name;
    call_fn run;
} calls[] = {{"scan at", scan_at}, {"scan where", scan_where}, {"history at", history_at},
    {"history of the lake at", lake_history_at}, {"files at", files_at},
    {"changes to", changes_to}, {"query at", query_at}, {"describe at", describe_at},
    {"pin at", pin_at}, {"maintain table", maintain_table}, {"vacuum retain", vacuum_retain},
    {"optimize where", optimize_where}, {"known at", known_at}};

TEST(arguments, an_empty_text_is_not_one_that_was_left_out)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    for (size_t i = 0; i < VV_COUNT(calls); i++) {
        if (!CHECK_INT(calls[i].run(&lake, ""), VARVE_EUSAGE) ||
            !CHECK(strstr(lake.err.message, " is empty") != NULL))
            printf("  %s: %s\n", calls[i].name, lake.err.message);
        if (!CHECK_INT(calls[i].run(&lake, NULL), 0))
            printf("  %s: %s\n", calls[i].name, lake.err.message);
        if (lake.stream.release != NULL)
            lake.stream.release(&lake.stream);
    }
}

TEST(arguments, an_empty_time_leaves_what_was_known_as_it_is)
{
    VV_CLEANUP(lake_done) struct lake lake;
    int64_t us = 0;
    REQUIRE(lake_open(&lake));
    REQUIRE(CHECK_INT(known_at(&lake, "2001-01-01"), 0));
    CHECK_INT(known_at(&lake, ""), VARVE_EUSAGE);
    CHECK_INT(varve_lake_known(lake.lake, &us), 1);
    CHECK_INT(us, INT64_C(978307200000000));
    CHECK_INT(known_at(&lake, NULL), 0);
    CHECK_INT(varve_lake_known(lake.lake, &us), 0);
}

TEST(arguments, a_negative_limit_is_not_all_rows)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    CHECK_INT(varve_table_history(lake.table, -1, &lake.stream, &lake.err), VARVE_EUSAGE);
    CHECK_INT(varve_table_history_at(lake.table, "0", -1, &lake.stream, &lake.err),
        VARVE_EUSAGE);
    CHECK_INT(varve_lake_history(lake.lake, "t", -1, &lake.stream, &lake.err), VARVE_EUSAGE);
    CHECK_INT(varve_lake_history_at(lake.lake, "t", "0", -1, &lake.stream, &lake.err),
        VARVE_EUSAGE);
    CHECK_STR(lake.err.message, "a limit of -1 rows");
}

TEST(arguments, a_message_that_is_no_text_is_refused)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_maintain_options options = VARVE_MAINTAIN_OPTIONS_INIT;
    varve_maintain_result result;
    REQUIRE(lake_open(&lake));
    options.message = "\xFF\xFE";
    CHECK_INT(varve_lake_maintain(lake.lake, &options, &result, NULL, &lake.err), VARVE_EUSAGE);
}

TEST(arguments, a_parameter_has_one_value)
{
    VV_CLEANUP(lake_done) struct lake lake;
    const char *const names[] = {"p", "P"};
    const char *const values[] = {"1", "2"};
    varve_query_options options = VARVE_QUERY_OPTIONS_INIT;
    REQUIRE(lake_open(&lake));
    options.param_names = names;
    options.param_values = values;
    options.params_len = 2;
    CHECK_INT(varve_lake_query(lake.lake, "SELECT $p AS a", &options, &lake.stream, &lake.err),
        VARVE_EUSAGE);
    CHECK_STR(lake.err.message, "parameter P is there twice, and has one value");
}

TEST(arguments, a_failure_says_which_table_it_is_about)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_scan_options scan = VARVE_SCAN_OPTIONS_INIT;
    varve_adopt_options adopt = VARVE_ADOPT_OPTIONS_INIT;
    varve_restore_options restore = VARVE_RESTORE_OPTIONS_INIT;
    varve_optimize_options optimize = VARVE_OPTIMIZE_OPTIONS_INIT;
    varve_vacuum_options vacuum = VARVE_VACUUM_OPTIONS_INIT;
    const char *const words[] = {"zz"};
    const varve_alter_change change = {"drop-column", words, 1};
    varve_adopt_result adopted;
    varve_alter_result altered;
    varve_restore_result restored;
    varve_optimize_result optimized;
    varve_vacuum_result vacuumed;
    char *json = NULL;
    REQUIRE(lake_open(&lake));
    scan.columns = adopt.key = optimize.zorder = "zz";
    restore.at = "77";
    vacuum.retain = "0s";
    for (int i = 0; i < 7; i++) {
        varve_status status =
            i == 0   ? varve_table_scan(lake.table, &scan, &lake.stream, &lake.err)
            : i == 1 ? varve_table_adopt(lake.table, &adopt, &adopted, NULL, &lake.err)
            : i == 2 ? varve_table_alter(lake.table, &change, NULL, &altered, NULL, &lake.err)
            : i == 3 ? varve_table_restore(lake.table, &restore, &restored, &lake.err)
            : i == 4 ? varve_table_optimize(lake.table, &optimize, &optimized, &lake.err)
            : i == 5 ? varve_table_vacuum(lake.table, &vacuum, &vacuumed, NULL, &lake.err)
                     : varve_table_describe(lake.table, "77", &json, &lake.err);
        CHECK(status == VARVE_EUSAGE || status == VARVE_ENOTFOUND);
        if (!CHECK_STR(lake.err.table, "t") || !CHECK(strstr(lake.err.message, "--") == NULL))
            printf("  %d: %s\n", i, lake.err.message);
    }
}

TEST(arguments, a_text_that_nobody_wants_need_not_be_taken)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_verify_result verified;
    varve_doctor_result looked;
    REQUIRE(lake_open(&lake));
    CHECK_INT(varve_lake_verify(lake.lake, "t", NULL, &verified, NULL, &lake.err), 0);
    CHECK_INT(varve_lake_doctor(lake.lake, "t", NULL, &looked, NULL, &lake.err), 0);
    REQUIRE(CHECK_INT(varve_lake_explain(lake.lake, "SELECT * FROM t", NULL, &lake.stream, NULL,
                          &lake.err),
        0));
    lake.stream.release(&lake.stream);
    REQUIRE(CHECK_INT(varve_table_explain_scan(lake.table, NULL, &lake.stream, NULL, &lake.err),
        0));
    lake.stream.release(&lake.stream);
}

TEST(arguments, limits_of_a_writer_are_not_added_up_beyond_what_there_is)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    varve_writer *writer = NULL;
    REQUIRE(lake_open(&lake));
    options.interval_ms = -1;
    options.sync_ms = INT64_MIN;
    CHECK_INT(varve_writer_open(lake.lake, &options, &writer, &lake.err), VARVE_EUSAGE);
    options.sync_ms = 0;
    options.bytes_max = INT64_MAX;
    REQUIRE(CHECK_INT(varve_writer_open(lake.lake, &options, &writer, &lake.err), 0));
    for (int i = 0; i < 3; i++)
        CHECK_INT(varve_writer_put_json(writer, "t", "{\"k\":1}", 7, NULL, &lake.err), 0);
    varve_writer_stats stats;
    varve_writer_get_stats(writer, &stats);
    CHECK_INT(stats.segments_waiting, 1); /* it had one for each row */
    CHECK_INT(varve_writer_close(writer, &lake.err), 0);
}

TEST(arguments, a_forked_child_is_told_nothing_of_the_writer_of_its_parent)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    varve_writer *writer = NULL;
    int status = -1;
    REQUIRE(lake_open(&lake));
    options.interval_ms = -1;
    REQUIRE(CHECK_INT(varve_writer_open(lake.lake, &options, &writer, &lake.err), 0));
    CHECK_INT(varve_writer_put_json(writer, "t", "{\"k\":1}", 7, NULL, &lake.err), 0);
    pid_t child = fork();
    if (child == 0) {
        varve_writer_stats stats;
        char *json = NULL;
        varve_writer_get_stats(writer, &stats);
        bool is_nothing = stats.rows_put == 0 && stats.sequence_accepted == 0;
        _exit(is_nothing ? varve_writer_metrics(writer, &json, &lake.err) : 99);
    }
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), VARVE_EUSAGE);
    CHECK_INT(varve_writer_close(writer, &lake.err), 0);
}
