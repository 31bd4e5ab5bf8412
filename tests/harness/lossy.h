/*
 * A journal (store/journal.h) on a disk in memory that knows what was synced, and what a power cut
 * may make of the rest.
 *
 *     struct lossy_disk *disk = lossy_disk_new();
 *     vv_spool_open_on(&op, lossy_disk_mount(disk), ...);     as often as you like
 *     ... at any moment, between two calls or within one (`before`, `after`):
 *     size_t units = lossy_disk_units(disk);                  what was not synced
 *     struct lossy_disk *after = lossy_disk_cut(disk, fates); the disk as it is found
 *
 * A unit is one block that was written and not synced, a file's new length, a name made or
 * removed. At a cut each is kept, dropped, or, a block, cut in two, or as it was at some moment in
 * between. A sync that was made to fail leaves the blocks in the cache, clean, and never on the
 * disk, as Linux does.
 *
 * What a process wrote to its mappings is noticed at each call to the journal and at
 * lossy_disk_observe.
 */
#ifndef VARVE_TEST_LOSSY_H
#define VARVE_TEST_LOSSY_H

#include "store/journal.h"

enum lossy_fate {
    LOSSY_DROP,
    LOSSY_KEEP,
    LOSSY_TEAR,   /* a block: the first half is kept; others are dropped */
    LOSSY_BETWEEN /* a block: as it was between two observations; others are dropped */
};
#define LOSSY_FATES 4

struct lossy_disk;

struct lossy_disk *lossy_disk_new(void);
void lossy_disk_free(struct lossy_disk *disk);
/* Taken over by whoever opens a spool on it; the disk outlives it. */
struct vv_journal *lossy_disk_mount(struct lossy_disk *disk);
void lossy_disk_observe(struct lossy_disk *disk);
size_t lossy_disk_units(struct lossy_disk *disk);
/* The disk after the machine went down and was booted again; one fate a unit. */
struct lossy_disk *lossy_disk_cut(struct lossy_disk *disk, const unsigned char *fates);
/* The disk after the process died: the machine, with what it has in its cache, went on. */
struct lossy_disk *lossy_disk_kill(struct lossy_disk *disk);
/* Makes the n-th sync from now on fail (1: the next), and `count - 1` after it. */
void lossy_disk_fail_sync(struct lossy_disk *disk, uint64_t nth, uint64_t count);
/* Called before and after each call that changes the disk, by its name; not under a lock. */
void lossy_disk_watch(struct lossy_disk *disk, void (*at)(void *data, const char *call),
    void *data);

#endif
