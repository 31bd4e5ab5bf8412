/*
 * Files for a log that is written in place: one folder on local disk, owned by one process, of
 * files whose blocks are allocated ahead and which are mapped into memory. A byte written to the
 * mapping survives the death of the process; it survives a power cut once `sync` has returned.
 * A new file, a changed length and a removed name do so once `sync_folder` has, too.
 *
 * Two implementations: the local file system, and for tests a disk that loses at a simulated power
 * cut what was not synced (tests/harness/lossy.h).
 *
 * Names have no folder. One journal may be used by several threads; a file by one at a time, but
 * for the bytes of its mapping, which are its user's matter.
 */
#ifndef VV_STORE_JOURNAL_H
#define VV_STORE_JOURNAL_H

#include <sys/types.h>

#include "base/op.h"
#include "base/str.h"

struct vv_journal;

/* A file that is open and mapped. {0} is none. */
struct vv_journal_file {
    struct vv_journal *journal;
    unsigned char *bytes; /* NULL where `mapped_bytes` is 0 */
    size_t mapped_bytes;
    bool writable;
    int fd;
    pid_t locked_by; /* the process that has claimed it; 0: nobody */
    void *disk;      /* of the lossy one: its file */
};

/* What tells a file from a copy of it. */
struct vv_journal_identity {
    uint64_t inode;
    int64_t born_ns; /* 0: the file system doesn't say */
};

#define VV_JOURNAL_BOOT_BYTES 16
#define VV_JOURNAL_OWNER_BYTES 256

struct vv_journal_ops {
    varve_status (*list)(struct vv_op *op, struct vv_journal *journal, struct vv_arena *arena,
        struct vv_str **out_names, size_t *out_len);
    varve_status (*claim)(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
        size_t bytes, struct vv_journal_file *out);
    varve_status (*owner)(struct vv_op *op, struct vv_journal *journal, struct vv_arena *arena,
        struct vv_str name, struct vv_str *out);
    varve_status (*identity)(struct vv_op *op, struct vv_journal_file *file,
        struct vv_journal_identity *out);
    varve_status (*create)(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
        size_t bytes, struct vv_journal_file *out);
    varve_status (*map)(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
        size_t bytes_max, struct vv_journal_file *out);
    varve_status (*read)(struct vv_op *op, struct vv_journal *journal, struct vv_arena *arena,
        struct vv_str name, struct vv_str *out);
    varve_status (*sync)(struct vv_op *op, struct vv_journal_file *file);
    varve_status (*cut)(struct vv_op *op, struct vv_journal_file *file, size_t bytes);
    void (*warm)(struct vv_journal_file *file, size_t from, size_t to);
    void (*shut)(struct vv_journal_file *file);
    varve_status (*remove)(struct vv_op *op, struct vv_journal *journal, struct vv_str name);
    varve_status (*rename)(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
        struct vv_str new_name);
    varve_status (*sync_folder)(struct vv_op *op, struct vv_journal *journal);
    void (*boot)(struct vv_journal *journal, unsigned char out[VV_JOURNAL_BOOT_BYTES]);
    void (*close)(struct vv_journal *journal);
};

struct vv_journal {
    const struct vv_journal_ops *ops;
    struct vv_str location; /* for people, NUL behind it; owned by the journal */
};

/*
 * Of a folder of the local file system. With `create` it is made where it is not there (and is
 * durable after the first sync_folder); else that is ENOTFOUND. sync false: durability=off.
 */
varve_status vv_journal_open(struct vv_op *op, struct vv_str folder, bool create, bool sync,
    struct vv_journal **out);
void vv_journal_close(struct vv_journal **journal); /* accepts a pointer to NULL */

/* Names of the regular files, in byte order. */
varve_status vv_journal_list(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str **out_names, size_t *out_len);
/*
 * Opens the file that stands for the folder, making it of zero bytes where it is not there, and
 * locks it until it is shut or the process dies, whatever becomes of children that were forked. Its last VV_JOURNAL_OWNER_BYTES say who has it,
 * for people. ECONFLICT: another has.
 */
varve_status vv_journal_claim(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes, struct vv_journal_file *out);
/* Who has it locked ("process 4711 on host"); ptr NULL: nobody. Takes no lock. */
varve_status vv_journal_owner(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out);
varve_status vv_journal_identity(struct vv_op *op, struct vv_journal_file *file,
    struct vv_journal_identity *out);
/*
 * A new file of zero bytes with all its blocks, so that a full disk is met here (EIO, retryable)
 * and never by a write to the mapping. After a failure there is no such file.
 */
varve_status vv_journal_create(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes, struct vv_journal_file *out);
/* What is there, at most bytes_max (0: all), for reading. ENOTFOUND. */
varve_status vv_journal_map(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes_max, struct vv_journal_file *out);
/* A copy of what is there: for files that another process may cut at any time. ENOTFOUND. */
varve_status vv_journal_read(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out);
/* All that was written to the mapping before the call. After a failure: a new file. */
varve_status vv_journal_sync(struct vv_op *op, struct vv_journal_file *file);
/* Shortens the file; the mapping beyond is gone. */
varve_status vv_journal_cut(struct vv_op *op, struct vv_journal_file *file, size_t bytes);
/* Has the pages of [from, to) at hand, so that writing there meets no fault. A hint. */
void vv_journal_warm(struct vv_journal_file *file, size_t from, size_t to);
void vv_journal_shut(struct vv_journal_file *file); /* accepts {0} and leaves it */
/* No error where it is not there. */
varve_status vv_journal_remove(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name);
/* A file that is not mapped for writing. EIO where the new name is there already. */
varve_status vv_journal_rename(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    struct vv_str new_name);
varve_status vv_journal_sync_folder(struct vv_op *op, struct vv_journal *journal);
/* Differs from boot to boot of the machine; zero: can't be told. */
void vv_journal_boot(struct vv_journal *journal, unsigned char out[VV_JOURNAL_BOOT_BYTES]);

#endif
