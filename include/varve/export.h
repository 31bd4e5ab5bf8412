/*
 * Rows out in formats of others. Conventions: varve.h, which includes this.
 */
#ifndef VARVE_EXPORT_H
#define VARVE_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#include "varve/arrow.h"
#include "varve/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct varve_lake;

/*
 * Writes the rows of a stream, which is taken over, as one Parquet file; one that is there is
 * overwritten. The stream is read while the file is written, by one thread at a time, which may be
 * one of the library's. After a failure what was at `path` is there still. *out_rows (may be
 * NULL): how many.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_export_parquet(struct varve_lake *lake,
    struct ArrowArrayStream *stream, const char *path, int64_t *out_rows, varve_error *err);

/* Takes all `len` bytes; non-zero, an errno, ends the export. */
typedef int (*varve_write_fn)(void *data, const void *bytes, size_t len);

/*
 * Writes the rows of a stream, which is taken over, as Arrow IPC: a stream, or (`as_file` 1) a
 * file. *out_rows (may be NULL): how many. EUNSUPPORTED: a column of a type without a place there.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_export_arrow(struct varve_lake *lake,
    struct ArrowArrayStream *stream, int32_t as_file, varve_write_fn write, void *write_data,
    int64_t *out_rows, varve_error *err);

typedef struct varve_audit_export_options {
    uint32_t size;
    int32_t without_sources;   /* 1: the data files that rows were read from are left out */
    const char *const *tables; /* names, or paths, of tables; NULL: all of the lake */
    size_t tables_len;
    const char *last;     /* event times back from now: "30d" */
    const char *from;     /* event time, included; NULL: open */
    const char *to;       /* event time, not included; NULL: open */
    const char *at;       /* version (of one table), time or tag; NULL: the latest */
    const char *key_file; /* signs, Ed25519, PEM; NULL: nothing is signed */
    const char *seals; /* lines that varve_lake_seal gave earlier: they must fit; NULL: none */
    int32_t without_changes; /* 1: what the versions did to the rows is left out */
} varve_audit_export_options;
#define VARVE_AUDIT_EXPORT_OPTIONS_INIT                                                       \
    {                                                                                         \
        sizeof(varve_audit_export_options), 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0 \
    }

/*
 * Exports tables for an auditor: a new folder, which appears whole or not at all, with the rows of
 * a range of event times as Parquet and CSV, every row of the range that a version inserted,
 * replaced or deleted, the commits and data files that prove them, a manifest with the SHA-256 of
 * each file, and an index.html that says what it is and how to check it with sha256sum and openssl.
 * *out_json (may be NULL): {"folder","tables","rows","changes","changes_missing","files","bytes",
 * "sha256"[,"signature"]}; changes_missing: versions whose changes can't be told; the hash stands
 * for the whole folder.
 * EUSAGE: the folder is there; a range, seal or key that is none. ENOTFOUND: no such table, version
 * or time. EVERIFY: the chain, a data file or an earlier seal does not fit. EIO: it can't be written.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_export(struct varve_lake *lake,
    const char *folder, const varve_audit_export_options *options, char **out_json,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
