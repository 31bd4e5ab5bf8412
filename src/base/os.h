/*
 * What the operating system knows of this process.
 */
#ifndef VV_BASE_OS_H
#define VV_BASE_OS_H

#include "base/op.h"

/*
 * The login name of the user that runs the process, or "uid:1000" where that user has none.
 * `ptr` is NULL when memory is out.
 */
struct vv_str vv_os_user(struct vv_arena *arena);
/* Processors that are there; at least 1. */
uint32_t vv_os_cores(void);
/* Bytes of the machine's memory; 0: not known. */
uint64_t vv_os_memory(void);

#endif
