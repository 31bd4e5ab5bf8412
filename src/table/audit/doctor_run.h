/*
 * One look of the doctor at a table, shared by the files doctor*.c.
 */
#ifndef VV_TABLE_AUDIT_DOCTOR_RUN_H
#define VV_TABLE_AUDIT_DOCTOR_RUN_H

#include "delta/log_times.h"
#include "table/audit/doctor.h"
#include "table/audit/peers.h"

/* What one of them can do with the table. */
struct vv_doctor_engine {
    const char *name;
    const char *version;
    enum vv_support read, write;
    struct vv_str read_note, write_note; /* len 0: none */
    const char *together;                /* "": it does not write */
    bool is_safe_together;
};

/* A feature that the table could get, and who would lose it. */
struct vv_doctor_upgrade {
    const char *feature;
    struct vv_str lost_readers, lost_writers;    /* names, parted by ", "; len 0: nobody */
    int32_t spark_read_since, spark_write_since; /* where they rise; 0: they don't */
};

enum vv_doctor_state {
    VV_DOCTOR_GOOD,
    VV_DOCTOR_AILS
};

/* One check of the table's health. */
struct vv_doctor_check {
    const char *name; /* "small_files" */
    enum vv_doctor_state state;
    int64_t count; /* of what it is about */
    struct vv_str message;
    struct vv_str advice; /* what to do; len 0: nothing */
};

struct vv_doctor_run {
    const struct vv_doctor_request *request;
    const struct vv_log_handle *log;
    struct vv_snapshot *snapshot; /* owned */
    bool is_unread;               /* Varve can't read its rows */
    int64_t bytes;
    struct vv_feature_state *features;
    size_t features_len;
    VV_ACTION_LIST(struct vv_doctor_engine) engines; /* Varve first */
    VV_ACTION_LIST(struct vv_doctor_upgrade) upgrades;
    VV_ACTION_LIST(struct vv_doctor_check) checks;
    struct vv_doctor_result result;
};

/* doctor_engines.c */
varve_status vv_doctor_engines(struct vv_op *op, struct vv_doctor_run *run);
varve_status vv_doctor_upgrades(struct vv_op *op, struct vv_doctor_run *run);

/* doctor_health.c: all checks; with request->fix_times the times are set before they are told. */
varve_status vv_doctor_health(struct vv_op *op, struct vv_doctor_run *run);

/* doctor_report.c */
void vv_doctor_report(const struct vv_doctor_run *run, struct vv_buf *out);

#endif
