/*
 * Status codes and the error object: what every fallible call of libvarve returns and fills.
 *
 * A status number is also the exit status of the command, so that a shell script, a binding and
 * a C program tell the same failures apart by the same numbers. Numbers are never reused.
 */
#ifndef VARVE_STATUS_H
#define VARVE_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VARVE_API __attribute__((visibility("default")))
#define VARVE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define VARVE_API
#define VARVE_MUST_CHECK
#endif

typedef int32_t varve_status;

#define VARVE_OK 0
#define VARVE_EFAILED 1      /* anything without a code of its own; a defect in Varve */
#define VARVE_EUSAGE 2       /* the caller asked for something that makes no sense; bad SQL */
#define VARVE_EINVALID 3     /* the data breaks the table's rules; nothing was written */
#define VARVE_ECONFLICT 4    /* other writers won every attempt; nothing was written; retry */
#define VARVE_ENOTFOUND 5    /* no such table, version, tag, file */
#define VARVE_ECORRUPT 6     /* stored bytes are not what the protocol says they must be */
#define VARVE_EUNSUPPORTED 7 /* a table feature, named in the message, that Varve lacks */
#define VARVE_EIO 8          /* the storage refused or failed */
#define VARVE_ELIMIT 9       /* memory, size or time limit reached */
#define VARVE_EVERIFY 10     /* verification found bad data; the tool itself is fine */
#define VARVE_EUNKNOWN 11 /* the write may or may not have happened; retry with the same txn */
#define VARVE_EINTERRUPTED 130 /* cancelled by the caller */

#define VARVE_ERROR_MESSAGE_BYTES 640
#define VARVE_ERROR_DETAIL_BYTES 6144

/* Holds no pointers: copy it, keep it, throw it away. */
typedef struct varve_error {
    varve_status code;
    int32_t os_errno;                        /* errno of the failed system call, else 0 */
    int32_t http_status;                     /* of the failed request, else 0 */
    int32_t retryable;                       /* 1: the same call may succeed later */
    int64_t version;                         /* table version the failure is about, -1: none */
    char table[256];                         /* table the failure is about, "": none */
    char message[VARVE_ERROR_MESSAGE_BYTES]; /* "outer: inner: cause", one line, UTF-8 */
    char detail
        [VARVE_ERROR_DETAIL_BYTES]; /* lines, such as the rejected rows (the message has the first), or "" */
} varve_error;

/* The name of a code, such as "CONFLICT"; "FAILED" for an unknown one. Static storage. */
VARVE_API const char *varve_status_name(varve_status code);

#ifdef __cplusplus
}
#endif

#endif
