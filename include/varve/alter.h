/*
 * Changing the rules of a table: columns, properties, constraints, table features. Rows stay.
 * Conventions: varve.h.
 */
#ifndef VARVE_ALTER_H
#define VARVE_ALTER_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_alter_change {
    const char *verb;
    const char *const *words;
    size_t words_len;
} varve_alter_change;

typedef struct varve_alter_options {
    uint32_t size;
    int32_t upgrade; /* 1: the table may get a feature that fewer engines have */
    int32_t dry_run; /* 1: say what would change */
    const char *message;
} varve_alter_options;
#define VARVE_ALTER_OPTIONS_INIT                \
    {                                           \
        sizeof(varve_alter_options), 0, 0, NULL \
    }

typedef struct varve_alter_result {
    int64_t version; /* of the table afterwards */
    int32_t changed; /* 0: it was like that already; nothing was written */
} varve_alter_result;

/*
 * One change, one commit. Verbs and their words:
 *   add-column       'c double [not null] [default 1.5] [after x]'
 *   rename-column    a b
 *   drop-column      a
 *   move-column      a [after]           without `after`: to the front
 *   widen            a bigint
 *   drop-not-null    a
 *   set-default      a 'expression'      what a write gives rows that do not say the column
 *   drop-default     a
 *   cluster-by       'a, b' or none      the columns that optimize goes by where none are given
 *   set              name=value ...
 *   unset            name ...
 *   add-constraint   name 'expression'   (Spark's SQL; every row has to pass it)
 *   drop-constraint  name
 *   upgrade          feature
 * *out_diff (may be NULL): what changes, lines for people; varve_free.
 * EUSAGE: what makes no sense for this table; EINVALID: rows that break a new constraint,
 * share a new key or have NULL in it, or lie under another date than a new varve.partitionFrom says, some of
 * them in err->detail; EUNSUPPORTED: a change other than `upgrade` takes a table feature and
 * `options->upgrade` is not set, or it is one that Varve does not write.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_alter(varve_table *table,
    const varve_alter_change *change, const varve_alter_options *options,
    varve_alter_result *out, char **out_diff, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
