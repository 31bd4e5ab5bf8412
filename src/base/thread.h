/*
 * Threads of ours in somebody else's program: signals are for its own, whose handlers would otherwise
 * run in the midst of our work.
 */
#ifndef VV_BASE_THREAD_H
#define VV_BASE_THREAD_H

#include <pthread.h>

/* 0, or an errno: there is no thread then. */
int vv_thread_start(pthread_t *out, void *(*run)(void *data), void *data);

#endif
