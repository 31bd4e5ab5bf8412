/*
 * An export for an auditor: a new folder with the rows of tables, and with all that is needed to
 * check without Varve that they are what the sealed chain says. docs/audit.md describes it.
 */
#ifndef VV_LAKE_EXPORT_H
#define VV_LAKE_EXPORT_H

#include "lake/report.h"

#define VV_EXPORT_FORMAT "varve-export-1"
#define VV_EXPORT_SUMS "SHA256SUMS"
#define VV_EXPORT_SIGNATURE "SHA256SUMS.sig"
#define VV_EXPORT_PUBLIC_KEY "key.pub"
#define VV_EXPORT_MANIFEST "manifest.json"
#define VV_EXPORT_INDEX "index.html"

struct vv_export_request {
    struct vv_str folder;        /* a new one, in a folder that is there */
    const struct vv_str *tables; /* as vv_lake_table takes them; none: all of the lake */
    size_t tables_len;
    struct vv_span_request
        span;             /* of event times; of a table without a time column: all rows */
    struct vv_str at;     /* vv_table_at; ptr NULL: the latest, or what was known */
    const char *key_file; /* signs heads and the list of hashes; NULL: nothing is signed */
    struct vv_str seals;  /* lines that seal printed earlier; ptr NULL: none */
    bool without_sources; /* the data files that the rows were read from are left out */
    bool without_changes; /* what the versions did to the rows is left out */
};

/*
 * *out_json: {"folder","tables","rows","changes","changes_missing","files","bytes","sha256"
 * [,"signature"]}; changes_missing counts the versions whose changes can't be told; the hash is that
 * of the list of hashes. EUSAGE: the folder is there, nothing to export. EVERIFY: a link of the chain, a
 * data file or an earlier seal does not fit: nothing is exported.
 */
varve_status vv_lake_export(struct vv_op *op, struct vv_lake *lake,
    const struct vv_export_request *request, struct vv_buf *out_json);

#endif
