/*
 * A pager: what would not fit on the screen goes through a program that shows it page by page.
 */
#ifndef VV_CLI_PAGER_H
#define VV_CLI_PAGER_H

#include <stdio.h>

#include "cli/common.h"

struct vv_pager;

/*
 * The command for it: VARVE_PAGER, else PAGER, else less where that is installed. NULL: none, since
 * stdout is no terminal that can do it, or one of them is "" or cat. Borrowed.
 */
const char *vv_pager_command(void);

/* `*out_file` takes what is to be shown. It is closed before the pager. */
struct vv_pager *vv_pager_open(const char *command, FILE **out_file);
/* Shows what waits, or waits for who looks at it. False, with errno: it could not be shown. */
bool vv_pager_close(struct vv_pager **pager);
/* Whoever looked has seen enough before the end. */
bool vv_pager_is_left(const struct vv_pager *pager);

#endif
