/*
 * The turn in a folder: a lock on the folder itself (flock), so that no file is made for it and a
 * killed process gives it back by dying. Where the file system has no such locks there are no
 * turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/local.h"
#include "store/local_sys.h"

static void give(struct vv_turn *turn)
{
    (void)flock(turn->fd,
        LOCK_UN); /* a child that was forked meanwhile has a descriptor, too */
    vv_fd_close(&turn->fd);
}

bool vv_local_try_turn(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    struct vv_turn *out)
{
    struct vv_str path;
    VV_CLEANUP(vv_fd_close) int fd = -1;
    if (vv_path_of(op, &op->arena, vv_local_of(store), folder, &path) != VARVE_OK) {
        vv_forgive(op);
        return true;
    }
    if (vv_sys_open(vv_path_text(path), O_RDONLY | O_DIRECTORY, &fd) != 0)
        return true;
    int failure = 0;
    do
        failure = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    while (failure == EINTR);
    if (failure == EWOULDBLOCK)
        return false;
    if (failure == 0) {
        *out = (struct vv_turn){.give = give, .fd = fd};
        fd = -1;
    }
    return true;
}
