/*
 * The operations of the matrix of conflicts (test_conflicts.c), on tables of a key k, a value v and an
 * order column o.
 */
#ifndef VV_TESTS_CONFLICTS_H
#define VV_TESTS_CONFLICTS_H

#include "api/api.h"
#include "harness/test.h"
#include "varve/adopt.h"
#include "varve/alter.h"
#include "varve/dml.h"
#include "varve/maintain.h"
#include "varve/quarantine.h"

static inline varve_input input_of(const char *rows)
{
    static int number;
    char name[32];
    (void)snprintf(name, sizeof(name), "rows%d.ndjson", number++ % 8);
    const char *path = test_path(name);
    CHECK(test_file_write(path, vv_str_of(rows)));
    return (varve_input){.format = VARVE_FORMAT_NDJSON, .path = path};
}

static inline varve_status append(varve_table *table, const char *rows, varve_error *err)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result;
    const varve_input input = input_of(rows);
    options.allow_duplicates = 1;
    return varve_table_append(table, &input, 1, &options, &result, err);
}

static inline varve_status upsert(varve_table *table, const char *rows, varve_error *err)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result;
    const varve_input input = input_of(rows);
    options.app_id = "ours";
    options.app_version = 1;
    return varve_table_upsert(table, &input, 1, &options, &result, err);
}

static inline varve_status erase(varve_table *table, const char *where, const char *app_id,
    varve_error *err)
{
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result;
    options.app_id = app_id;
    options.app_version = app_id != NULL ? 1 : 0;
    return varve_table_delete(table, where, &options, &result, err);
}

static inline varve_status update(varve_table *table, varve_error *err)
{
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result;
    const varve_assignment assignment = {"v", "v + 50"};
    options.app_id = "ours";
    options.app_version = 1;
    return varve_table_update(table, &assignment, 1, "k < 10", &options, &result, err);
}

static inline varve_status overwrite(varve_table *table, varve_error *err)
{
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result;
    const varve_input input = input_of("{\"k\":5,\"v\":55,\"o\":9}\n");
    options.app_id = "ours";
    options.app_version = 1;
    return varve_table_overwrite(table, &input, 1, "k < 10", &options, &result, err);
}

static inline varve_status merge(varve_table *table, varve_error *err)
{
    static const varve_merge_clause clauses[] = {
        {VARVE_MERGE_MATCHED, "update *"}, {VARVE_MERGE_NOT_MATCHED, "insert *"}};
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result;
    const varve_input input =
        input_of("{\"k\":1,\"v\":71,\"o\":9}\n{\"k\":7,\"v\":77,\"o\":9}\n");
    const varve_merge given = {&input, 1, "t.k = s.k", clauses, 2};
    options.app_id = "ours";
    options.app_version = 1;
    return varve_table_merge(table, &given, &options, &result, err);
}

/* Rows that match and are not taken keep source rows from being inserted. */
static inline varve_status merge_by(varve_table *table, const varve_merge_clause *clauses,
    size_t len, varve_error *err)
{
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result;
    const varve_input input = input_of("{\"k\":1,\"v\":71,\"o\":9}\n{\"k\":2,\"v\":72,\"o\":9}"
                                       "\n{\"k\":7,\"v\":77,\"o\":9}\n");
    const varve_merge given = {&input, 1, "t.k = s.k", clauses, len};
    options.app_id = "ours";
    options.app_version = 1;
    return varve_table_merge(table, &given, &options, &result, err);
}

static inline varve_status merge_some(varve_table *table, varve_error *err)
{
    static const varve_merge_clause clauses[] = {
        {VARVE_MERGE_MATCHED, "and t.v = 1 update set v = s.v"},
        {VARVE_MERGE_NOT_MATCHED, "insert *"}};
    return merge_by(table, clauses, 2, err);
}

static inline varve_status merge_new(varve_table *table, varve_error *err)
{
    static const varve_merge_clause clauses[] = {{VARVE_MERGE_NOT_MATCHED, "insert *"}};
    return merge_by(table, clauses, 1, err);
}

static inline varve_status optimize(varve_table *table, varve_error *err)
{
    varve_optimize_result result;
    return varve_table_optimize(table, NULL, &result, err);
}

static inline varve_status restore(varve_table *table, varve_error *err)
{
    varve_restore_options options = VARVE_RESTORE_OPTIONS_INIT;
    varve_restore_result result;
    options.at = "1";
    return varve_table_restore(table, &options, &result, err);
}

static inline varve_status alter(varve_table *table, const char *verb, const char *word,
    const char *more, varve_error *err)
{
    const char *const words[] = {word, more};
    const varve_alter_change change = {verb, words, more != NULL ? 2 : 1};
    varve_alter_options options = VARVE_ALTER_OPTIONS_INIT;
    varve_alter_result result;
    char *diff = NULL;
    options.upgrade = 1;
    varve_status status = varve_table_alter(table, &change, &options, &result, &diff, err);
    varve_free(diff);
    return status;
}

/* Declares a key; rows that came twice with it go, or are told. */
static inline varve_status adopt(varve_table *table, int32_t dedupe, varve_error *err)
{
    varve_adopt_options options = VARVE_ADOPT_OPTIONS_INIT;
    varve_adopt_result result;
    char *report = NULL;
    options.key = "k";
    options.dedupe = dedupe;
    varve_status status = varve_table_adopt(table, &options, &result, &report, err);
    varve_free(report);
    return status;
}

static inline varve_status release(varve_table *table, varve_error *err)
{
    varve_release_options options = VARVE_RELEASE_OPTIONS_INIT;
    varve_release_result result;
    return varve_table_quarantine_release(table, NULL, 0, &options, &result, err);
}

/* Two rows, by a rule that goes again. */
static inline varve_status set_aside(varve_table *table, varve_error *err)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result;
    const varve_input input =
        input_of("{\"k\":1,\"v\":71,\"o\":9}\n{\"k\":7,\"v\":77,\"o\":9}\n");
    options.quarantine = 1;
    varve_status status = alter(table, "add-constraint", "low", "v < 70", err);
    if (status == VARVE_OK)
        status = varve_table_upsert(table, &input, 1, &options, &result, err);
    return status == VARVE_OK ? alter(table, "drop-constraint", "low", NULL, err) : status;
}

#endif
