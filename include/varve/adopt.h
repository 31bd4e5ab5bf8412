/*
 * Taking over a table that other software made. Conventions: varve.h.
 */
#ifndef VARVE_ADOPT_H
#define VARVE_ADOPT_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_adopt_options {
    uint32_t size;
    const char *key;      /* column names parted by commas; NULL: what the table has declared */
    const char *order_by; /* NULL: none, or what it has */
    const char *zorder;   /* likewise */
    int32_t dedupe;       /* 1: repair keys that are doubled and dates that are wrong */
    const char *assume_tz; /* the zone of times that say none; NULL: they stay without */
    int32_t dry_run;       /* 1: say what would be done */
    const char *message;
} varve_adopt_options;
#define VARVE_ADOPT_OPTIONS_INIT                                        \
    {                                                                   \
        sizeof(varve_adopt_options), NULL, NULL, NULL, 0, NULL, 0, NULL \
    }

typedef struct varve_adopt_result {
    int64_t version;         /* of the table afterwards */
    int64_t changed;         /* 0: it was like that already; nothing was written */
    int64_t rows;            /* that were looked at */
    int64_t keys_doubled;    /* that several rows had */
    int64_t rows_removed;    /* of those, all but one each */
    int64_t rows_misdated;   /* under another date than the UTC date of their timestamp */
    int64_t rows_redated;    /* of those, moved: with dedupe */
    int64_t times_ambiguous; /* that the zone had twice: the earlier one was taken */
} varve_adopt_result;

/*
 * Declares what tells rows from one another, once it is known to: a key, an order column, a z-order,
 * and where a date partitions the table by a timestamp of the key, that it does (partitionFrom). As
 * one commit ("ADOPT") with what is repaired, or none. Of rows with one key the one with the greatest
 * order value stays, of these the one that was written last. Naive times are all columns of
 * timestamp_ntz, and those of texts among the key and order columns, if all of their values are times;
 * they become timestamps, and the table's files are written anew.
 * *out_report (may be NULL): what changes and what was found, lines for people; varve_free.
 * EINVALID     NULL in the key; keys that are doubled, without dedupe; times that are in a gap of the
 *              zone, texts of times with digits below a microsecond: err->detail names rows; nothing
 *              was changed
 * EUSAGE       a column or a zone that there is none of
 * EUNSUPPORTED times without a zone that partition the table, or are in a change feed
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_adopt(varve_table *table,
    const varve_adopt_options *options, varve_adopt_result *out, char **out_report,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
