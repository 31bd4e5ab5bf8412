/*
 * Tags and holds: versions of all tables that stay readable. Conventions: varve.h.
 */
#ifndef VARVE_PIN_H
#define VARVE_PIN_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum varve_pin_kind {
    VARVE_PIN_TAG = 0, /* keeps one version of each table; `at` takes its name */
    VARVE_PIN_HOLD = 1 /* keeps all versions from that one on */
} varve_pin_kind;

typedef struct varve_pin_options {
    uint32_t size;
    int32_t kind;              /* varve_pin_kind */
    const char *at;            /* version, time or tag; NULL: the latest of each table */
    const char *const *tables; /* NULL: all tables of the lake */
    size_t tables_len;
    const char *message; /* NULL: the lake's */
} varve_pin_options;
#define VARVE_PIN_OPTIONS_INIT                            \
    {                                                     \
        sizeof(varve_pin_options), 0, NULL, NULL, 0, NULL \
    }

/*
 * Pins a version of each table under a name that begins with a letter; all or none. Varve's vacuum
 * and clean-up of the log leave what a pin keeps; other software does not know pins.
 * *out_tables (may be NULL): how many. EUSAGE: the name is none or is taken; ENOTFOUND: no such
 * version, or its files are gone, for a hold those of a later version or its commit, too (the message
 * names the first that can be held from), or no table; ECONFLICT: a vacuum is under way, which may be
 * about to remove them.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_pin(varve_lake *lake, const char *name,
    const varve_pin_options *options, int64_t *out_tables, varve_error *err);
/* Gives the versions free. ENOTFOUND: no table has a pin of that name and kind. */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_unpin(varve_lake *lake, const char *name,
    int32_t kind, int64_t *out_tables, varve_error *err);
/* name, table, version, created, user, message; by name and table. */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_pins(varve_lake *lake, int32_t kind,
    struct ArrowArrayStream *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
