/*
 * Where a session writes files by a statement that stays prepared: their path is a part of its
 * plan, so each is written under the one name of the draft, in the root of the table, and gets its
 * own when it is whole. No other session, and no child of this process, has that name; what a crash
 * leaves there is a file that nobody refers to, as any other.
 */
#ifndef VV_TABLE_WRITE_DRAFT_H
#define VV_TABLE_WRITE_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

struct vv_write_draft {
    char key[80];    /* "": none yet */
    int64_t process; /* whose name it is */
    bool is_unfit;   /* the table lies on several file systems */
};

#endif
