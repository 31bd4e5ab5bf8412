/*
 * Where a result goes: stdout, a pager in front of it, or a file that appears when it is whole.
 */
#ifndef VV_CLI_TARGET_H
#define VV_CLI_TARGET_H

#include <stdio.h>

#include "cli/pager.h"

/* Stays where it is while it is open. */
struct vv_target {
    FILE *file;
    int fd;                 /* behind `file`; with a pager: stdout */
    int failure;            /* errno of the write that failed first */
    const char *path;       /* as it was asked for; NULL: stdout */
    char *real;             /* what `temporary` becomes: `path` behind its symbolic links */
    char *temporary;        /* NULL: written where it is, since `path` is a device or a pipe */
    struct vv_pager *pager; /* NULL: none */
};

/*
 * `output` NULL or "-": stdout; `pager` NULL or a command that gets what does not fit on the
 * screen. EIO: the file cannot be made.
 */
varve_status vv_target_open(const char *output, const char *pager, struct vv_target *target,
    varve_error *err);
/*
 * Ends the writing; `keep` false, or a failure: no file is left, and what was there stays; a power
 * cut leaves that or the new one. EIO where something could not be written. A reader that went away
 * (`| head`, `q` in the pager) has seen enough: no failure.
 */
varve_status vv_target_close(struct vv_target *target, bool keep, varve_error *err);

#endif
