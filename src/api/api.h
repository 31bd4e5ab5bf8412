/*
 * The inside of the public API: handles, options, and how a call begins and ends.
 */
#ifndef VV_API_API_H
#define VV_API_API_H

#include <stdatomic.h>

#include "lake/lake.h"
#include "table/read/read.h"
#include "table/upsert/upsert.h"
#include "varve/varve.h"

struct varve_lake {
    struct vv_lake *lake;
    struct vv_env env;
    atomic_bool cancel;
    bool interrupt_stays;
    varve_log_fn on_log;
    void *on_log_data;
    varve_progress_fn on_progress;
    void *on_progress_data;
};

struct varve_table {
    varve_lake *lake; /* borrowed */
    struct vv_table *table;
    char *warnings; /* of the last result; vv_free */
};

/*
 * A text that goes into the log, NULL or not. EUSAGE: it is not UTF-8, of which the log would keep
 * another text than the one that is looked for next time. `what` is for the message.
 */
varve_status vv_api_check_text(struct vv_op *op, const char *what, const char *text);
/* A property as it was said. EUSAGE: it is not UTF-8. */
varve_status vv_api_check_property(struct vv_op *op, const struct vv_pair *pair);
/* EUSAGE: a version without an id, or below 0; an id that is not UTF-8. */
varve_status vv_api_check_app(struct vv_op *op, struct vv_str app_id, int64_t app_version);
/*
 * EUSAGE: a text is there and empty, as a variable is that nobody has set: taken for one that was left
 * out it would ask for something else. NULL is not given.
 */
struct vv_api_given {
    const char *name, *text;
};
varve_status vv_api_check_given(struct vv_op *op, const struct vv_api_given *given, size_t len);
/* The same of one, as vv_api_text. */
varve_status vv_api_given(struct vv_op *op, const char *name, const char *text,
    struct vv_str *out);
/* The same of when a range or a report is about, and as of when. */
varve_status vv_api_check_span(struct vv_op *op, const char *last, const char *from,
    const char *to, const char *at);
/* NULL and "" alike: not given. */
struct vv_str vv_api_text(const char *text);

/*
 * Copies the caller's options over `*out`, which holds the defaults. `given` starts with its
 * size; NULL leaves the defaults. EUSAGE when the caller set a field that this library does not
 * know.
 */
varve_status vv_api_options(struct vv_op *op, const void *given, void *out, size_t out_bytes);

/* EUSAGE: a negative limit. */
varve_status vv_api_check_limit(struct vv_op *op, int64_t limit);
/* EUSAGE: likewise, and a condition or a version that is empty. */
varve_status vv_api_scan_request(struct vv_op *op, const varve_scan_options *options,
    struct vv_scan_request *out);

/* A varve_knowledge of the caller's. EUSAGE: there is no such one. */
varve_status vv_api_knowledge(struct vv_op *op, int32_t given, enum vv_knowledge *out);

/* Where the log of a table lies, unopened; the caller closes `out->store`. EUSAGE: no name. */
varve_status vv_api_log(struct vv_op *op, varve_lake *lake, const char *table,
    struct vv_log_handle *out);

/* A message of this call, else the lake's. EUSAGE: it is not UTF-8. */
varve_status vv_api_message(struct vv_op *op, const varve_table *table, const char *given,
    struct vv_str *out);

/* Inputs of a batch; streams stay where they are. EUSAGE: one that makes no sense. */
varve_status vv_api_inputs(struct vv_op *op, const varve_input *given, size_t len,
    struct vv_input **out);
/* Streams are taken over whatever happened; those that were read are released already. */
void vv_api_inputs_release(const varve_input *inputs, size_t len);

/* varve_table_upsert and _append within a call that has begun; the inputs are the caller's still. */
varve_status vv_api_upsert(struct vv_op *op, varve_table *table, const varve_input *inputs,
    size_t inputs_len, const varve_upsert_options *given, bool append,
    varve_upsert_result *out);
/* For the caller's eyes. */
void vv_api_upsert_result(const struct vv_upsert_result *result, varve_upsert_result *out);
/* A result's `warnings`: *text is freed, and then what comes back; NULL where no row warned,
 * or memory is out: what was written is written. */
const char *vv_api_warnings(struct vv_op *op, const struct vv_warned *warned, char **text);

struct vv_lake_maintained;
struct varve_maintain_result;
void vv_api_maintained(const struct vv_lake_maintained *result,
    struct varve_maintain_result *out);

/* Begins a call on a lake: an interrupt that came before it is forgotten. */
void vv_api_begin(struct vv_op *op, varve_lake *lake);
/* Ends a write to a table: a failure is about that one, where it does not say of which it is. */
varve_status vv_api_report(struct vv_op *op, const varve_table *table, varve_status status,
    varve_error *err);
/*
 * Hands the text of `buf` to the caller, who frees it with varve_free. It needs no memory, so that
 * what was done does not fail for being told.
 */
varve_status vv_api_give_text(struct vv_op *op, struct vv_buf *buf, char **out);

/* Rows are given away, or released where what is said of them could not be: returns `status`. */
varve_status vv_api_give_stream(varve_status status, struct ArrowArrayStream *stream,
    struct ArrowArrayStream *out);

#endif
