/*
 * Test seams: places where a test may kill the process or fail a call.
 *
 * Inert unless the environment variable VARVE_TEST_SEAMS is set when the process first passes
 * one: "crash=commit.linked:3" kills the process (SIGKILL) the third time it passes that crash
 * point, "fail=store.put:2" makes the second passage of that fault point fail with EIO, and
 * "fail=store.put:2+" each one from the second on, "interrupt=store.put:2" sends the process a SIGINT
 * at the second passage of a point of either kind, "list=PATH" appends the name of every seam passed
 * to a file, "points=PATH" those of the crash points alone. Several are parted by commas.
 * In a test program vv_seam_set does the same without the environment.
 */
#ifndef VV_BASE_SEAM_H
#define VV_BASE_SEAM_H

#include "base/common.h"

/* The process dies here when a test asked for it. Names are "noun.moment". */
void vv_crash_point(const char *name);
/* True when a test asked for a failure here. */
bool vv_fault_point(const char *name);
/* The same language as the environment variable; NULL or "": inert. For test programs. */
void vv_seam_set(const char *spec);
/* Fails the n-th allocation from now on (1 = the next), those of arenas too; 0 = never. */
void vv_seam_fail_allocation(uint64_t nth);
/* How many allocations it is until the one that fails: of a far one, how many there were. */
uint64_t vv_seam_allocations_left(void);
/* malloc, calloc, realloc that the line above can fail: all memory of Varve comes from them. */
void *vv_malloc(size_t bytes);
void *vv_malloc_zeroed(size_t bytes);
void *vv_realloc(void *old, size_t bytes);
void vv_free(void *memory);

#endif
