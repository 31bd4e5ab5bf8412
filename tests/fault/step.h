/*
 * From one place for a fault to the next. Under a sanitizer, which is slow, the later ones by steps:
 * they differ less from one another.
 */
#ifndef VV_TESTS_FAULT_STEP_H
#define VV_TESTS_FAULT_STEP_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP(at) (1 + (at) / 8)
#else
#define STEP(at) 1
#endif

#endif
