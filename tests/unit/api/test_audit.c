/*
 * Verify, vacuum and pins of a table that others use at the same time.
 */
#include <stdio.h>

#include "harness/test.h"
#include "varve/audit.h"
#include "varve/dml.h"
#include "varve/inspect.h"
#include "varve/maintain.h"
#include "varve/pin.h"
#include "varve/query.h"

#define UPDATES 12 /* more than a checkpoint is apart */

struct lakes {
    varve_lake *ours;
    varve_lake *theirs;
    varve_table *table;                     /* in theirs */
    const char *phase;                      /* of an operation of ours, during which ... */
    void (*meanwhile)(struct lakes *lakes); /* ... they do this, once */
    bool was_meanwhile;
    varve_error err;
};

static void lakes_done(struct lakes *lakes)
{
    varve_table_close(lakes->table);
    varve_lake_close(lakes->theirs);
    varve_lake_close(lakes->ours);
}

static int on_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
    struct lakes *lakes = data;
    (void)done;
    (void)total;
    if (lakes->was_meanwhile || lakes->phase == NULL || strcmp(phase, lakes->phase) != 0)
        return 0;
    lakes->was_meanwhile = true;
    lakes->meanwhile(lakes);
    return 0;
}

/* Data files, deletion vectors, change files, checkpoints. */
static void write_much(struct lakes *lakes)
{
    const varve_assignment set = {"v", "v + 1"};
    varve_edit_result result;
    varve_checkpoint_result checkpoint;
    for (int i = 0; i < UPDATES; i++)
        CHECK_INT(varve_table_update(lakes->table, &set, 1, "k = 1", NULL, &result,
                      &lakes->err),
            0);
    CHECK_INT(varve_table_checkpoint(lakes->table, &checkpoint, &lakes->err), 0);
}

static varve_status pin_second(struct lakes *lakes)
{
    varve_pin_options options = VARVE_PIN_OPTIONS_INIT;
    int64_t tables = 0;
    options.at = "2";
    return varve_lake_pin(lakes->theirs, "second", &options, &tables, &lakes->err);
}

static void pin_too_late(struct lakes *lakes)
{
    CHECK_INT(pin_second(lakes), VARVE_ECONFLICT);
    CHECK(strstr(lakes->err.message, "vacuum") != NULL);
}

static bool fill(struct lakes *lakes)
{
    static const char rows[] = "k,v\n1,1\n2,2\n3,3\n";
    varve_create_options create = VARVE_CREATE_OPTIONS_INIT;
    const char *const properties[] = {
        "delta.enableDeletionVectors=true", "delta.enableChangeDataFeed=true"};
    const varve_input input = {.format = VARVE_FORMAT_CSV, .path = test_path("rows.csv")};
    varve_upsert_result result;
    int32_t created = 0;
    FILE *file = fopen(test_path("rows.csv"), "w");
    if (!CHECK(file != NULL))
        return false;
    bool is_written = fputs(rows, file) >= 0;
    is_written = fclose(file) == 0 && is_written;
    create.schema = "k int not null, v int";
    create.key = "k";
    create.properties = properties;
    create.properties_len = VV_COUNT(properties);
    return CHECK(is_written) &&
           CHECK_INT(varve_lake_create_table(lakes->theirs, "t", &create, &created,
                         &lakes->err),
               0) &&
           CHECK_INT(varve_table_open(lakes->theirs, "t", &lakes->table, &lakes->err), 0) &&
           CHECK_INT(varve_table_upsert(lakes->table, &input, 1, NULL, &result, &lakes->err),
               0);
}

static bool lakes_open(struct lakes *lakes)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    *lakes = (struct lakes){0};
    options.create = 1;
    options.threads = 1;
    if (!CHECK_INT(varve_lake_open(test_path("lake"), &options, &lakes->theirs, &lakes->err),
            0))
        return false;
    options.on_progress = on_progress;
    options.on_progress_data = lakes;
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &lakes->ours, &lakes->err),
               0) &&
           fill(lakes);
}

TEST(audit, what_is_written_meanwhile_is_no_alarm)
{
    VV_CLEANUP(lakes_done) struct lakes lakes;
    varve_verify_options options = VARVE_VERIFY_OPTIONS_INIT;
    varve_verify_result result;
    char *report = NULL;
    REQUIRE(lakes_open(&lakes));
    lakes.phase = "verify";
    lakes.meanwhile = write_much;
    options.strict = 1;
    REQUIRE(CHECK_INT(varve_lake_verify(lakes.ours, "t", &options, &result, &report,
                          &lakes.err),
        0));
    CHECK(lakes.was_meanwhile);
    CHECK_INT(result.version, 1);
    CHECK_INT(result.unreferenced, 0);
    if (!CHECK_INT(result.whole, 1))
        fputs(report, stderr);
    varve_free(report);
}

/* What a file holds that could not be read: to take it for none would prove nothing. */
TEST(audit, an_empty_head_is_no_head)
{
    VV_CLEANUP(lakes_done) struct lakes lakes;
    varve_verify_result result;
    char *report = NULL;
    REQUIRE(lakes_open(&lakes));
    for (int i = 0; i < 3; i++) {
        varve_verify_options options = VARVE_VERIFY_OPTIONS_INIT;
        const char **texts[] = {&options.head, &options.signature, &options.public_key};
        *texts[i] = i == 1 ? " " : "";
        CHECK_INT(varve_lake_verify(lakes.ours, "t", &options, &result, &report, &lakes.err),
            VARVE_EUSAGE);
        CHECK(strstr(lakes.err.message, "is empty") != NULL);
    }
}

TEST(audit, a_table_that_was_not_made_yet_has_no_version_to_pin)
{
    VV_CLEANUP(lakes_done) struct lakes lakes;
    int64_t tables = 0;
    REQUIRE(lakes_open(&lakes));
    REQUIRE(CHECK_INT(varve_lake_known_at(lakes.ours, "2001-01-01", &lakes.err), 0));
    CHECK_INT(varve_lake_pin(lakes.ours, "q3", NULL, &tables, &lakes.err), VARVE_ENOTFOUND);
    CHECK(strstr(lakes.err.message, "not made yet") != NULL);
    REQUIRE(CHECK_INT(varve_lake_known_at(lakes.ours, NULL, &lakes.err), 0));
    CHECK_INT(varve_lake_pin(lakes.ours, "q3", NULL, &tables, &lakes.err), 0);
    CHECK_INT(tables, 1);
}

/* How many rows; gives the stream back. -1: it could not be had, or read. */
static int64_t count_of(varve_status status, struct ArrowArrayStream *rows)
{
    int64_t count = 0;
    if (status != VARVE_OK)
        return -1;
    for (;;) {
        struct ArrowArray batch = {0};
        bool is_read = rows->get_next(rows, &batch) == 0;
        if (!is_read || batch.release == NULL) {
            rows->release(rows);
            return is_read ? count : -1;
        }
        count += batch.length;
        batch.release(&batch);
    }
}

/* Opened before a time was set or with it set: what counts is what is set when it is read. */
static void check_counts(varve_table *table, int64_t count, varve_error *err)
{
    static const char *const key[] = {"k=1"};
    struct ArrowArrayStream rows = {0};
    CHECK_INT(count_of(varve_table_scan(table, NULL, &rows, err), &rows), 3 * count);
    CHECK_INT(count_of(varve_table_files(table, NULL, &rows, err), &rows), count);
    CHECK_INT(count_of(varve_table_history(table, 0, &rows, err), &rows), 2 * count);
    CHECK_INT(count_of(varve_table_changes(table, "0", NULL, &rows, err), &rows), 3 * count);
    CHECK_INT(count_of(varve_table_trace(table, key, 1, &rows, err), &rows), count);
    CHECK_INT(count_of(varve_table_history_at(table, "0", 0, &rows, err), &rows), 1);
    CHECK_INT(count_of(varve_table_changes(table, "0", "1", &rows, err), &rows), 3);
    CHECK_INT(count_of(varve_table_trace_at(table, "1", key, 1, &rows, err), &rows), 1);
}

TEST(audit, an_open_table_is_read_as_it_was_known)
{
    VV_CLEANUP(lakes_done) struct lakes lakes;
    struct ArrowArrayStream rows = {0};
    varve_table *later = NULL;
    REQUIRE(lakes_open(&lakes));
    REQUIRE(CHECK_INT(varve_lake_known_at(lakes.theirs, "2001-01-01", &lakes.err), 0));
    REQUIRE(CHECK_INT(varve_table_open(lakes.theirs, "t", &later, &lakes.err), 0));
    check_counts(lakes.table, 0, &lakes.err);
    check_counts(later, 0, &lakes.err);
    CHECK_INT(count_of(varve_lake_history(lakes.theirs, "t", 0, &rows, &lakes.err), &rows), 0);
    CHECK_INT(varve_lake_known_at(lakes.theirs, NULL, &lakes.err), 0);
    check_counts(lakes.table, 1, &lakes.err);
    check_counts(later, 1, &lakes.err);
    CHECK_INT(count_of(varve_lake_history(lakes.theirs, "t", 0, &rows, &lakes.err), &rows), 2);
    varve_table_close(later);
}

TEST(audit, what_a_vacuum_may_be_about_to_remove_is_not_pinned)
{
    VV_CLEANUP(lakes_done) struct lakes lakes;
    varve_vacuum_options options = VARVE_VACUUM_OPTIONS_INIT;
    varve_vacuum_result result;
    varve_table *table = NULL;
    REQUIRE(lakes_open(&lakes));
    write_much(&lakes);
    REQUIRE(CHECK_INT(varve_table_open(lakes.ours, "t", &table, &lakes.err), 0));
    lakes.phase = "vacuum";
    lakes.meanwhile = pin_too_late;
    options.retain = "0s";
    options.unsafe = 1;
    options.remove = 1;
    CHECK_INT(varve_table_vacuum(table, &options, &result, NULL, &lakes.err), 0);
    CHECK(lakes.was_meanwhile);
    varve_table_close(table);
    CHECK_INT(pin_second(&lakes), VARVE_ENOTFOUND); /* it is gone now */
}
