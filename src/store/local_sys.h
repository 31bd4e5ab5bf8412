/*
 * System calls on files: repeated when a signal interrupts them, and failing where a test asks
 * for it. They return 0 or an errno.
 */
#ifndef VV_STORE_LOCAL_SYS_H
#define VV_STORE_LOCAL_SYS_H

#include <sys/stat.h>

#include "base/op.h"

int vv_sys_open(const char *path, int flags, int *out_fd);
/*
 * Until there is something to read, the end, or an error. EINTERRUPTED once the operation is to be
 * cancelled: what may wait for others (a pipe) is opened with O_NONBLOCK and waited for here.
 */
varve_status vv_sys_wait_readable(struct vv_op *op, int fd);
/* As many bytes as there are, at most `bytes_max`. */
int vv_sys_read(int fd, char *out, size_t bytes_max, size_t *out_bytes);
int vv_sys_write(int fd, struct vv_str bytes);
int vv_sys_touch(int fd, int64_t modified_us);
int vv_sys_sync(int fd, const char *seam);
int vv_sys_sync_device(int fd);
/* Begins to bring a file to the disk, and does not wait for it. */
void vv_sys_begin_sync(int fd);
/* The descriptor is gone and set to -1 either way. An error means that bytes may be lost. */
int vv_sys_close(int *fd);
int vv_sys_stat(const char *path, struct stat *out);
int vv_sys_link(const char *path, const char *new_path);
int vv_sys_rename(const char *path, const char *new_path);
/* EEXIST instead of replacing. EINVAL or ENOSYS where the file system cannot do that. */
int vv_sys_rename_new(const char *path, const char *new_path);
int vv_sys_unlink(const char *path);

/* For VV_CLEANUP of descriptors that were only read from. Leaves errno alone. */
void vv_fd_close(int *fd);

int64_t vv_sys_modified_us(const struct stat *status);

/* Fails with "cannot <doing> <path>", what to do where that is known, and the system's reason.
 */
varve_status vv_sys_fail(struct vv_op *op, int os_errno, const char *doing, const char *path);

#endif
