/*
 * Syncing several files at once. The file system's journal takes all that wait together to the
 * disk in one go, so thirty files synced by eight threads cost about as much as two or three, but
 * one after the other as much as thirty.
 */
#include <fcntl.h>
#include <stdatomic.h>

#include "base/seam.h"
#include "base/thread.h"
#include "store/local.h"
#include "store/local_sys.h"

#define THREADS_MAX 8
#define ITEMS_ALONE_MAX 3 /* so few are not worth a thread */

struct work {
    const struct vv_sync_batch *batch;
    atomic_size_t next; /* index of the item that nobody has taken yet */
};

static void sync_one(const struct vv_sync_batch *batch, struct vv_sync_item *item)
{
    VV_CLEANUP(vv_fd_close) int fd = -1;
    int flags = O_RDONLY | (batch->folders ? O_DIRECTORY : O_NONBLOCK);
    item->failure = vv_sys_open(vv_path_text(item->path), flags, &fd);
    if (item->failure != 0)
        return;
    item->failure = vv_sys_sync(fd, batch->fault_point);
    item->spoiled = item->failure != 0;
    if (item->failure == 0 && batch->crash_point != NULL)
        vv_crash_point(batch->crash_point);
}

static void *work_off(void *data)
{
    struct work *work = data;
    for (;;) {
        size_t index = atomic_fetch_add(&work->next, 1);
        if (index >= work->batch->len)
            return NULL;
        sync_one(work->batch, &work->batch->items[index]);
    }
}

void vv_sync_batch_run(const struct vv_sync_batch *batch)
{
    struct work work = {.batch = batch};
    pthread_t threads[THREADS_MAX - 1];
    size_t threads_len = 0;
    size_t wanted = batch->len <= ITEMS_ALONE_MAX ? 0 : batch->len - 1;
    if (wanted > VV_COUNT(threads))
        wanted = VV_COUNT(threads);

    while (threads_len < wanted) {
        if (vv_thread_start(&threads[threads_len], work_off, &work) != 0)
            break; /* those that there are, this one at least, do it all */
        threads_len++;
    }
    (void)work_off(&work);
    for (size_t i = 0; i < threads_len; i++)
        (void)pthread_join(threads[i], NULL);
}
