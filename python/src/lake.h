/*
 * A handle of the library on a lake, shared by count: the objects of Python, their tables and the
 * streams that are still read hold it, and the last one closes it. So a stream outlives the `with`
 * block of its lake, and nothing is closed under a call that runs.
 *
 * The library wants one call at a time on a lake and its tables. Each call therefore waits for its
 * turn. It runs without the GIL; where it comes from the main thread it runs in a thread of its
 * own, while the main thread waits and lets Python's signal handlers run: one that raises, as that
 * of Ctrl-C does, interrupts the call.
 *
 * After a fork the child must not use the handle, since the library's threads are not there: a
 * call fails, and to close it does nothing.
 */
#ifndef VP_LAKE_H
#define VP_LAKE_H

#include "common.h"

struct vp_lake;

/* Runs without the GIL, on whatever thread. */
typedef varve_status (*vp_run_fn)(void *args, varve_error *err);

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
/* An interrupt that ended a read of a stream shall not end the next one too. */
void vp_lake_forget_interrupt(struct vp_lake *lake);
varve_lake *vp_lake_handle(struct vp_lake *lake);

/*
 * Runs `run` on the lake, when its turn has come. 0, or -1 with an exception. An exception of a
 * signal handler wins over success: what `run` has put into its arguments is then the caller's to
 * give back, as it is where this succeeds.
 */
int vp_lake_call(struct vp_lake *lake, vp_run_fn run, void *args);

/*
 * Runs `run` beside the calls on the lake, for what needs no turn (streams, writers). In the main
 * thread signals interrupt it as they do a call. `err` may be NULL. The GIL is held.
 */
struct vp_beside {
    void (*interrupt)(void *args); /* NULL: can't be interrupted, and is waited for */
    vp_run_fn run;
    void *args;
};
/* The status of `run`; *out_raised: a signal handler has raised, and its exception is set. */
varve_status vp_run_beside(const struct vp_beside *what, varve_error *err, bool *out_raised);

/*
 * Between the two a thread reads an input for a call on the lake, as those of the engine may: what
 * it asks of the same lake meanwhile fails as it does in the thread of the call. They nest.
 */
struct vp_reading {
    const struct vp_lake *lake;
    const struct vp_reading *outer;
};
void vp_reading_begin(struct vp_reading *reading, const struct vp_lake *lake);
void vp_reading_end(const struct vp_reading *reading);

/* Closes a table when the lake's turn comes, at once where it is free. Never blocks for a call. */
void vp_lake_leave(struct vp_lake *lake, varve_table *table);

#endif
