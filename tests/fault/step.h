/*
 * From one place for a fault to the next. Under a sanitizer, which is slow, the later ones by steps:
 * they differ less from one another.
 */
#ifndef VV_TESTS_FAULT_STEP_H
#define VV_TESTS_FAULT_STEP_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP(at) (1 + (at) / 8)
#define CASES_STEP 2 /* of kinds of fault and of change, each place of which is tried */
#else
#define STEP(at) 1
#define CASES_STEP 1
#endif

#endif
