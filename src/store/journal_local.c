/*
 * A journal in a folder of the local file system.
 *
 * Blocks are allocated when a file is made (posix_fallocate), so a write to the mapping needs none
 * and the SIGBUS of a full disk can't happen. The lock is one of the open file (F_OFD_SETLK), on
 * the file that stands for the folder: a killed process gives it back by dying, a second opening in
 * the same process meets it too, and whether it is held can be asked without taking it. A child that
 * is forked would share it: it gets no mapping, and closes the descriptor (fork_close.h).
 */
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seam.h"
#include "store/fork_close.h"
#include "store/local.h"
#include "store/local_sys.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

struct local_journal {
    struct vv_journal journal; /* the first member */
    struct vv_store *store;    /* of the folder */
};

static struct local_journal *local_of(struct vv_journal *journal)
{
    return (struct local_journal *)journal;
}

static varve_status path_of(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    struct vv_str *out)
{
    return vv_path_of(op, &op->arena, vv_local_of(local_of(journal)->store), name, out);
}

static varve_status local_list(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str **out_names, size_t *out_len)
{
    struct vv_objects objects = {0};
    struct vv_str *names;
    VV_TRY(vv_store_list(op, local_of(journal)->store, arena, VV_STR(""), VV_STR_NONE, 0,
        &objects));
    names = vv_new(arena, struct vv_str, objects.len + 1);
    if (names == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < objects.len; i++)
        names[i] = objects.items[i].key;
    *out_names = names;
    *out_len = objects.len;
    return VARVE_OK;
}

static varve_status map_file(struct vv_op *op, struct vv_journal_file *file, size_t bytes,
    const char *path)
{
    if (bytes > 0) {
        int protection = PROT_READ | (file->writable ? PROT_WRITE : 0);
        if (vv_fault_point("journal.map"))
            return vv_sys_fail(op, ENOMEM, "map into memory", path);
        vv_fork_hold();
        void *at = mmap(NULL, bytes, protection, MAP_SHARED, file->fd, 0);
        int failure = at == MAP_FAILED ? errno : 0;
        if (failure == 0)
            (void)madvise(at, bytes, MADV_DONTFORK);
        vv_fork_go();
        if (failure != 0)
            return vv_sys_fail(op, failure, "map into memory", path);
        file->bytes = at;
    }
    file->mapped_bytes = bytes;
    return VARVE_OK;
}

static void unlock(const struct vv_journal_file *file)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl(file->fd, F_OFD_SETLK, &lock);
    vv_fork_hold();
    vv_fork_close_remove(file->fd);
    vv_fork_go();
}

static void local_shut(struct vv_journal_file *file)
{
    int before = errno;
    /* A child has neither mapping nor descriptor, and must not unlock what its parent has. */
    if (file->locked_by != 0 && file->locked_by != getpid())
        return;
    if (file->bytes != NULL)
        (void)munmap(file->bytes, file->mapped_bytes);
    if (file->locked_by != 0)
        unlock(file);
    vv_fd_close(&file->fd);
    errno = before;
}

static int allocate(int fd, size_t bytes)
{
    if (vv_fault_point("journal.allocate"))
        return ENOSPC;
    int failure;
    do
        failure = posix_fallocate(fd, 0, (off_t)bytes);
    while (failure == EINTR);
    return failure;
}

static varve_status fail_allocate(struct vv_op *op, int failure, size_t bytes, const char *path)
{
    char doing[64];
    (void)snprintf(doing, sizeof(doing), "allocate %zu bytes for", bytes);
    return vv_sys_fail(op, failure, doing, path);
}

static varve_status local_create(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name, size_t bytes, struct vv_journal_file *out)
{
    struct vv_str path;
    VV_TRY(path_of(op, journal, name, &path));
    VV_CLEANUP(vv_journal_shut)
    struct vv_journal_file file = {.journal = journal, .writable = true, .fd = -1};
    int failure = vv_sys_open(path.ptr, O_RDWR | O_CREAT | O_EXCL, &file.fd);
    if (failure != 0)
        return vv_sys_fail(op, failure, "create", path.ptr);
    failure = allocate(file.fd, bytes);
    varve_status status = failure == 0 ? map_file(op, &file, bytes, path.ptr)
                                       : fail_allocate(op, failure, bytes, path.ptr);
    if (status != VARVE_OK) {
        (void)vv_sys_unlink(path.ptr);
        return status;
    }
    *out = file;
    file = (struct vv_journal_file){0};
    return VARVE_OK;
}

static varve_status local_map(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes_max, struct vv_journal_file *out)
{
    struct vv_str path;
    struct stat status;
    VV_TRY(path_of(op, journal, name, &path));
    VV_CLEANUP(vv_journal_shut)
    struct vv_journal_file file = {.journal = journal, .fd = -1};
    int failure = vv_sys_open(path.ptr, O_RDONLY, &file.fd);
    if (failure == 0 && fstat(file.fd, &status) != 0)
        failure = errno;
    if (failure != 0)
        return vv_sys_fail(op, failure, "read", path.ptr);
    size_t bytes = (size_t)status.st_size;
    VV_TRY(map_file(op, &file, bytes_max > 0 && bytes > bytes_max ? bytes_max : bytes,
        path.ptr));
    *out = file;
    file = (struct vv_journal_file){0};
    return VARVE_OK;
}

static varve_status local_read(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out)
{
    return vv_store_get(op, local_of(journal)->store, arena, name, out);
}

/* Whose the lock is, by the text that the owner left at the end of the file. */
static struct vv_str owner_text(struct vv_op *op, struct vv_arena *arena, int fd)
{
    char text[VV_JOURNAL_OWNER_BYTES] = {0};
    struct stat status;
    (void)op;
    if (fstat(fd, &status) != 0 || status.st_size < VV_JOURNAL_OWNER_BYTES ||
        pread(fd, text, sizeof(text) - 1, status.st_size - VV_JOURNAL_OWNER_BYTES) <= 0 ||
        text[0] == '\0')
        return vv_arena_str(arena, VV_STR("another process"));
    return vv_arena_str(arena, vv_str_of(text));
}

static varve_status local_owner(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out)
{
    struct vv_str path;
    VV_TRY(path_of(op, journal, name, &path));
    VV_CLEANUP(vv_fd_close) int fd = -1;
    int failure = vv_sys_open(path.ptr, O_RDONLY, &fd);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (failure == 0 && fcntl(fd, F_OFD_GETLK, &lock) != 0)
        failure = errno;
    if (failure != 0)
        return vv_sys_fail(op, failure, "ask for the lock of", path.ptr);
    if (lock.l_type == F_UNLCK) {
        *out = VV_STR_NONE;
        return VARVE_OK;
    }
    *out = owner_text(op, arena, fd);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Says who has it from now on. */
static void sign(struct vv_journal_file *file)
{
    char host[128] = {0};
    char text[VV_JOURNAL_OWNER_BYTES] = {0};
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '?';
    (void)snprintf(text, sizeof(text), "process %ld on %s", (long)getpid(), host);
    memcpy(file->bytes + file->mapped_bytes - sizeof(text), text, sizeof(text));
}

/*
 * Opens and locks in one step, before which no child has the descriptor, nor after it. An errno:
 * there is no such file, or *out_failure: somebody has it.
 */
static int open_locked(const char *path, struct vv_journal_file *file, int *out_failure)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    vv_fork_hold();
    int failure = vv_sys_open(path, O_RDWR | O_CREAT, &file->fd);
    if (failure == 0)
        *out_failure = fcntl(file->fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
    if (failure == 0 && *out_failure == 0) {
        file->locked_by = getpid();
        vv_fork_close_add(file->fd);
    }
    vv_fork_go();
    return failure;
}

static varve_status local_claim(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name, size_t bytes, struct vv_journal_file *out)
{
    struct local_journal *local = local_of(journal);
    struct vv_local *folder = vv_local_of(local->store);
    struct vv_str path;
    VV_TRY(path_of(op, journal, name, &path));
    VV_CLEANUP(vv_journal_shut)
    struct vv_journal_file file = {.journal = journal, .writable = true, .fd = -1};
    int lock_failure = 0;
    int failure = open_locked(path.ptr, &file, &lock_failure);
    if (failure == ENOENT) {
        VV_TRY(vv_path_make(op, folder, folder->root));
        failure = open_locked(path.ptr, &file, &lock_failure);
    }
    if (failure != 0)
        return vv_sys_fail(op, failure, "open", path.ptr);
    if (lock_failure != 0) {
        if (lock_failure != EAGAIN && lock_failure != EACCES)
            return vv_sys_fail(op, lock_failure, "lock", path.ptr);
        struct vv_str owner = owner_text(op, &op->arena, file.fd);
        return vv_fail(op, VARVE_ECONFLICT,
            "%.*s belongs to %.*s: one process at a time; stop that one, or use a folder of "
            "your own",
            VV_ARG(journal->location), VV_ARG(owner));
    }
    struct stat status;
    failure = fstat(file.fd, &status) == 0 ? 0 : errno;
    if (failure == 0 && status.st_size < (off_t)bytes)
        failure = allocate(file.fd, bytes);
    if (failure != 0)
        return fail_allocate(op, failure, bytes, path.ptr);
    VV_TRY(map_file(op, &file, bytes, path.ptr));
    sign(&file);
    *out = file;
    file = (struct vv_journal_file){0};
    return VARVE_OK;
}

static varve_status local_identity(struct vv_op *op, struct vv_journal_file *file,
    struct vv_journal_identity *out)
{
    struct statx status;
    if (statx(file->fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status) != 0)
        return vv_sys_fail(op, errno, "look at a file of", file->journal->location.ptr);
    bool is_born = (status.stx_mask & STATX_BTIME) != 0;
    *out = (struct vv_journal_identity){
        .inode = status.stx_ino,
        .born_ns = is_born ? (int64_t)status.stx_btime.tv_sec * 1000000000 +
                                 (int64_t)status.stx_btime.tv_nsec
                           : 0,
    };
    return VARVE_OK;
}

static varve_status local_sync(struct vv_op *op, struct vv_journal_file *file)
{
    if (!vv_local_of(local_of(file->journal)->store)->sync)
        return VARVE_OK;
    int failure = vv_fault_point("journal.sync") ? EIO : 0;
    while (failure == 0 && fdatasync(file->fd) != 0)
        failure = errno == EINTR ? 0 : errno;
    if (failure != 0)
        return vv_sys_fail(op, failure, "sync a file of", file->journal->location.ptr);
    return VARVE_OK;
}

static varve_status local_cut(struct vv_op *op, struct vv_journal_file *file, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t kept = (bytes + page - 1) / page * page;
    if (kept < file->mapped_bytes)
        (void)munmap(file->bytes + kept, file->mapped_bytes - kept);
    if (kept == 0)
        file->bytes = NULL;
    file->mapped_bytes = bytes;
    int failure = vv_fault_point("journal.cut") ? EIO : 0;
    while (failure == 0 && ftruncate(file->fd, (off_t)bytes) != 0)
        failure = errno == EINTR ? 0 : errno;
    if (failure != 0)
        return vv_sys_fail(op, failure, "cut a file of", file->journal->location.ptr);
    return VARVE_OK;
}

static void local_warm(struct vv_journal_file *file, size_t from, size_t to)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t begin = from / page * page;
    int before = errno;
    (void)madvise(file->bytes + begin, to - begin, MADV_POPULATE_WRITE);
    errno = before;
}

static varve_status local_remove(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name)
{
    return vv_store_remove(op, local_of(journal)->store, name);
}

static varve_status local_rename(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name, struct vv_str new_name)
{
    struct vv_str path;
    struct vv_str new_path;
    struct stat status;
    VV_TRY(path_of(op, journal, name, &path));
    VV_TRY(path_of(op, journal, new_name, &new_path));
    int failure = vv_sys_rename_new(path.ptr, new_path.ptr);
    /* The folder is ours alone, so nobody makes the name meanwhile. */
    if (failure == EINVAL || failure == ENOSYS)
        failure = vv_sys_stat(new_path.ptr, &status) == ENOENT
                      ? vv_sys_rename(path.ptr, new_path.ptr)
                      : EEXIST;
    return failure == 0 ? VARVE_OK : vv_sys_fail(op, failure, "rename", path.ptr);
}

static varve_status local_sync_folder(struct vv_op *op, struct vv_journal *journal)
{
    struct vv_local *local = vv_local_of(local_of(journal)->store);
    if (!local->sync)
        return VARVE_OK;
    struct vv_sync_set set = {0};
    VV_TRY(vv_sync_set_add(op, local, &set, local->root, true));
    return vv_sync_set_run(op, local, &set, NULL);
}

static void local_boot(struct vv_journal *journal, unsigned char out[VV_JOURNAL_BOOT_BYTES])
{
    char text[64];
    size_t len = 0;
    size_t digits = 0;
    VV_CLEANUP(vv_fd_close) int fd = -1;
    (void)journal;
    memset(out, 0, VV_JOURNAL_BOOT_BYTES);
    if (vv_sys_open(BOOT_ID_PATH, O_RDONLY, &fd) != 0 ||
        vv_sys_read(fd, text, sizeof(text), &len) != 0)
        return;
    for (size_t i = 0; i < len && digits < 2 * (size_t)VV_JOURNAL_BOOT_BYTES; i++) {
        char byte = text[i];
        bool is_digit = byte >= '0' && byte <= '9';
        if (!is_digit && !(byte >= 'a' && byte <= 'f'))
            continue;
        unsigned value = (unsigned)(is_digit ? byte - '0' : byte - 'a' + 10);
        out[digits / 2] = (unsigned char)((unsigned)out[digits / 2] << 4 | value);
        digits++;
    }
}

static void local_close(struct vv_journal *journal)
{
    struct local_journal *local = local_of(journal);
    vv_store_close(&local->store);
    vv_free(local);
}

static const struct vv_journal_ops local_ops = {
    .list = local_list,
    .claim = local_claim,
    .owner = local_owner,
    .identity = local_identity,
    .create = local_create,
    .map = local_map,
    .read = local_read,
    .sync = local_sync,
    .cut = local_cut,
    .warm = local_warm,
    .shut = local_shut,
    .remove = local_remove,
    .rename = local_rename,
    .sync_folder = local_sync_folder,
    .boot = local_boot,
    .close = local_close,
};

varve_status vv_journal_open(struct vv_op *op, struct vv_str folder, bool create, bool sync,
    struct vv_journal **out)
{
    const struct vv_store_options options = {.sync = sync, .create = create};
    struct local_journal *local = vv_malloc(sizeof(*local));
    if (local == NULL)
        return vv_fail_memory(op);
    *local = (struct local_journal){.journal.ops = &local_ops};
    varve_status status = vv_local_open(op, folder, &options, &local->store);
    if (status != VARVE_OK) {
        vv_free(local);
        return status;
    }
    local->journal.location = local->store->location;
    *out = &local->journal;
    return VARVE_OK;
}
