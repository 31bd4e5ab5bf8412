/*
 * Descriptors that children of this process give up when they are forked, as CLOEXEC has them do when
 * they run another program. A lock of an open file lasts until its last descriptor is closed, and its
 * last mapping gone: a child that lives on would keep it for a parent that was killed.
 */
#ifndef VV_STORE_FORK_CLOSE_H
#define VV_STORE_FORK_CLOSE_H

/* Between the two no child is forked, by whatever thread: for what must not be inherited half made. */
void vv_fork_hold(void);
void vv_fork_go(void);
/* Between them. Of more than a few dozen at a time the further ones are inherited all the same. */
void vv_fork_close_add(int fd);
void vv_fork_close_remove(int fd); /* before it is closed; accepts one that was not added */

#endif
