/*
 * Verify of a table that others go on writing to.
 */
#include <stdio.h>

#include "harness/test.h"
#include "varve/audit.h"
#include "varve/dml.h"
#include "varve/pin.h"
#include "varve/query.h"

#define UPDATES 12 /* more than a checkpoint is apart */

struct lakes {
    varve_lake *ours;
    varve_lake *theirs;
    varve_table *table; /* in theirs */
    bool have_written;
    varve_error err;
};

static void lakes_done(struct lakes *lakes)
{
    varve_table_close(lakes->table);
    varve_lake_close(lakes->theirs);
    varve_lake_close(lakes->ours);
}

/* They write once the verify has begun: data files, deletion vectors, change files, checkpoints. */
static int write_meanwhile(void *data, const char *phase, uint64_t done, uint64_t total)
{
    struct lakes *lakes = data;
    const varve_assignment set = {"v", "v + 1"};
    varve_edit_result result;
    varve_checkpoint_result checkpoint;
    (void)done;
    (void)total;
    if (lakes->have_written || strcmp(phase, "verify") != 0)
        return 0;
    lakes->have_written = true;
    for (int i = 0; i < UPDATES; i++)
        CHECK_INT(varve_table_update(lakes->table, &set, 1, "k = 1", NULL, &result,
                      &lakes->err),
            0);
    CHECK_INT(varve_table_checkpoint(lakes->table, &checkpoint, &lakes->err), 0);
    return 0;
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
    options.on_progress = write_meanwhile;
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
    options.strict = 1;
    REQUIRE(CHECK_INT(varve_lake_verify(lakes.ours, "t", &options, &result, &report,
                          &lakes.err),
        0));
    CHECK(lakes.have_written);
    CHECK_INT(result.version, 1);
    CHECK_INT(result.unreferenced, 0);
    if (!CHECK_INT(result.whole, 1))
        fputs(report, stderr);
    varve_free(report);
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
