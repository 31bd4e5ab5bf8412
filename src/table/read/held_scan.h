/*
 * Which of the files of a scan are read from memory (engine/held_files.h): those that this lake's
 * handle has read before; at once small ones where there are many, and all where they are little.
 */
#ifndef VV_TABLE_READ_HELD_SCAN_H
#define VV_TABLE_READ_HELD_SCAN_H

#include "table/read/small_scan.h"

/*
 * For the files of a source and its columns: none where the engine holds nothing. As with
 * vv_small_scan_open, a file that can't be read is the engine's, and ECORRUPT is one whose bytes
 * are not those that are on record. What a file is known by in memory is its place, its length, its
 * time and its hash in the log: with all of them the same it is the same file. Needs no
 * vv_small_scan_done; a stream of the statement may go on when the operation has ended.
 */
varve_status vv_held_scan_open(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_scan *out);

#endif
