/*
 * Names that survive a power cut.
 */
#ifndef VV_CLI_DURABLE_H
#define VV_CLI_DURABLE_H

/*
 * Syncs the folder that the file at `path` lies in, or, with `up` "..", the one that that folder lies
 * in. One that may not be listed can't be opened for that: all of the file system of `fd`, a file
 * that lies there, is synced instead. 0, or an errno.
 */
int vv_durable_names(const char *path, const char *up, int fd);

#endif
