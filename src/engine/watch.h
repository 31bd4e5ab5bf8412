/*
 * Cancelling: a thread that looks at the cancel flags of the running statements every 10 ms and
 * interrupts those that are to stop. It starts with the first statement that can be cancelled
 * and sleeps when there has been none for half a second.
 */
#ifndef VV_ENGINE_WATCH_H
#define VV_ENGINE_WATCH_H

#include <duckdb.h>
#include <pthread.h>

#include "base/op.h"

/* One running statement; lives on the stack of the thread that runs it. */
struct vv_watched {
    struct vv_watch *watch; /* NULL: not watched */
    const atomic_bool *cancel;
    duckdb_connection connection;
    struct vv_watched *next;
    struct vv_watched **link; /* what points to this one */
};

struct vv_watch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started;             /* guarded by: lock */
    bool stopping;            /* guarded by: lock */
    bool sleeping;            /* guarded by: lock; until it is signalled */
    struct vv_watched *first; /* guarded by: lock */
};

varve_status vv_watch_init(struct vv_op *op, struct vv_watch *watch);
void vv_watch_done(struct vv_watch *watch);

/*
 * From here until vv_watch_end a true `*cancel` interrupts what the connection runs. `cancel`
 * NULL: nothing happens. EIO when the thread cannot be started.
 */
varve_status vv_watch_begin(struct vv_op *op, struct vv_watch *watch, const atomic_bool *cancel,
    duckdb_connection connection, struct vv_watched *out);
void vv_watch_end(struct vv_watched *watched);

#endif
