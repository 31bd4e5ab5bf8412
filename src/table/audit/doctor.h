/*
 * Doctor: who can read and write a table, what an upgrade of it would cost, and what ails it.
 *
 * That something ails is no failure. A table with features that Varve lacks is looked at as far as
 * its log goes. Nothing is written, but for the times of commit files (delta/log_times.h) where
 * that is asked for.
 */
#ifndef VV_TABLE_AUDIT_DOCTOR_H
#define VV_TABLE_AUDIT_DOCTOR_H

#include "delta/log.h"

struct vv_doctor_request {
    struct vv_str table; /* its name, for the report */
    bool fix_times;
    bool look_at_keys; /* reads the key columns of all files */
    bool as_json;      /* the report; else it is for people */
};

struct vv_doctor_result {
    int64_t version;
    size_t ailments;    /* checks that found something */
    size_t times_fixed; /* commit files that have another time now */
};

/* NOT_FOUND: no table there. CORRUPT: its newest version can't be read. */
varve_status vv_doctor(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_doctor_request *request, struct vv_doctor_result *out,
    struct vv_buf *out_report);

#endif
