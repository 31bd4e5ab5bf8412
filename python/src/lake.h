/*
 * A handle of the library on a lake, shared by count: the objects of Python, their tables and the
 * streams that are still read hold it, and the last one closes it. So a stream outlives the `with`
 * block of its lake, and nothing is closed under a call that runs.
 *
 * The library wants one call at a time on a lake and its tables. Each call therefore waits for its
 * turn. It runs without the GIL, in the main thread beside it (beside.h).
 *
 * After a fork the child must not use the handle, since the library's threads are not there: a
 * call fails, and to close it does nothing.
 */
#ifndef VP_LAKE_H
#define VP_LAKE_H

#include "beside.h"

struct vp_lake;

/*
 * What Lake() was given, and a callable for log events or NULL: (level, event, fields as JSON).
 * Raises what the library says. The callable is borrowed until vp_lake_silence.
 */
struct vp_lake *vp_lake_open(const char *location, varve_lake_options *options,
    PyObject *on_log);
void vp_lake_silence(struct vp_lake *lake);
struct vp_lake *vp_lake_retain(struct vp_lake *lake);
/* May close the lake, which can take some milliseconds: better without the GIL. */
void vp_lake_release(struct vp_lake *lake);
/* No more calls; a call that waits for its turn fails. What is read from streams goes on. */
void vp_lake_shut(struct vp_lake *lake);
bool vp_lake_is_shut(const struct vp_lake *lake);
/* False: this process is a child of the one that opened the lake. */
bool vp_lake_is_ours(const struct vp_lake *lake);
/* The same, with UsageError. */
bool vp_lake_check_process(const struct vp_lake *lake);
void vp_lake_interrupt(struct vp_lake *lake);
/* How often that was called: for what is done of a call before it is the library's. */
unsigned vp_lake_interrupts(const struct vp_lake *lake);
/*
 * Ends reads of streams, and calls too where somebody insists; else, while one of another thread runs, does
 * nothing. Takes a while, or until `*is_over`: who reads tries again. Without the GIL.
 */
void vp_lake_interrupt_reads(struct vp_lake *lake, bool insists, const atomic_bool *is_over);
/* An interrupt that ended a read of a stream shall not end the next one too. */
void vp_lake_forget_interrupt(struct vp_lake *lake);
varve_lake *vp_lake_handle(struct vp_lake *lake);

/*
 * Runs `run` on the lake, when its turn has come. 0, or -1 with an exception. An exception of a
 * signal handler wins over success: what `run` has put into its arguments is then the caller's to
 * give back, as it is where this succeeds.
 */
int vp_lake_call(struct vp_lake *lake, vp_run_fn run, void *args);

/* What a call reads: where its input may ask the main thread, and the interrupts before it was begun. */
struct vp_reads {
    struct vp_desk desk;
    unsigned interrupts;
};
/* The same; an interrupt since then ends it too. `reads` may be NULL. */
int vp_lake_call_reading(struct vp_lake *lake, struct vp_reads *reads, vp_run_fn run,
    void *args);

/*
 * Between the two a thread works for a call on the lake, as those of the engine that read an input
 * do: what it asks of the same lake meanwhile fails as it does in the thread of the call. They nest.
 */
struct vp_within {
    const struct vp_lake *lake;
    bool is_log;
    const struct vp_within *outer;
};
void vp_within_begin(struct vp_within *within, const struct vp_lake *lake);
void vp_within_end(const struct vp_within *within);
/* Whether this thread is in the callback for log events of the lake. */
bool vp_lake_is_telling(const struct vp_lake *lake);

/* Closes a table when the lake's turn comes, at once where it is free. Never blocks for a call. */
void vp_lake_leave(struct vp_lake *lake, varve_table *table);

#endif
