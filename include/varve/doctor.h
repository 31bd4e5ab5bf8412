/*
 * Doctor: who can read and write a table, and what ails it. docs/engines.md has what is known of
 * other software. Conventions: varve.h.
 */
#ifndef VARVE_DOCTOR_H
#define VARVE_DOCTOR_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_doctor_options {
    uint32_t size;
    int32_t fix_times; /* 1: commit files get the times that their commits tell, where wrong */
    int32_t keys;      /* 1: doubled and NULL keys, wrong dates; reads the key columns */
    int32_t as_json;   /* 1: the report is a JSON object; 0: text for people */
} varve_doctor_options;
#define VARVE_DOCTOR_OPTIONS_INIT             \
    {                                         \
        sizeof(varve_doctor_options), 0, 0, 0 \
    }

typedef struct varve_doctor_result {
    int64_t version;     /* of the table */
    int64_t ailments;    /* checks that found something to do */
    int64_t times_fixed; /* commit files that have another time now */
} varve_doctor_result;

/*
 * Looks at a table, which may have features that Varve lacks. That something ails it is a result,
 * not a failure. ENOTFOUND: no such table; ECORRUPT: its newest version can't be read; EUNSUPPORTED: times are
 * to be fixed on a storage that sets them itself. out_report may be NULL.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_doctor(varve_lake *lake, const char *table,
    const varve_doctor_options *options, varve_doctor_result *out, char **out_report,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
