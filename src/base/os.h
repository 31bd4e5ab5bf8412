/*
 * What the operating system knows of this process.
 */
#ifndef VV_BASE_OS_H
#define VV_BASE_OS_H

#include "base/op.h"

/*
 * The login name of the user that runs the process, or "uid:1000" where that user has none.
 * VV_STR_LOST when memory is out: no name would be a value of its own.
 */
struct vv_str vv_os_user(struct vv_arena *arena);
/* What to do about a failure, as " (free some space there ...)"; "" where nothing is known. */
const char *vv_os_advice(int os_errno);
/*
 * The one of those with advice whose text is the end of `message`, as a library tells of it;
 * 0: none. *out_len: how long the message is without ": " and it.
 */
int vv_os_errno_told(struct vv_str message, size_t *out_len);
/* Processors that are there; at least 1. */
uint32_t vv_os_cores(void);
/* Bytes of the machine's memory; 0: not known. */
uint64_t vv_os_memory(void);

#endif
