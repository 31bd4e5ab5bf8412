#include "cli/tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t vv_hash_bytes(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* False: there are fewer bytes. */
static bool read_all(int fd, char *bytes, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t got = pread(fd, bytes, len, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

bool vv_mark_make(int fd, uint64_t offset, struct vv_mark *out)
{
    char bytes[VV_MARK_HEAD_BYTES];
    struct stat status;
    struct vv_mark mark = {.offset = offset};
    mark.head_len = offset < VV_MARK_HEAD_BYTES ? offset : VV_MARK_HEAD_BYTES;
    mark.before_len = offset < VV_MARK_BEFORE_BYTES ? offset : VV_MARK_BEFORE_BYTES;
    if (fstat(fd, &status) != 0 || !read_all(fd, bytes, mark.head_len, 0))
        return false;
    mark.inode = (uint64_t)status.st_ino;
    mark.head_hash = vv_hash_bytes(bytes, mark.head_len);
    if (!read_all(fd, bytes, mark.before_len, offset - mark.before_len))
        return false;
    mark.before_hash = vv_hash_bytes(bytes, mark.before_len);
    *out = mark;
    return true;
}

bool vv_mark_fits(const struct vv_mark *mark, int fd)
{
    char bytes[VV_MARK_HEAD_BYTES];
    struct stat status;
    if (fstat(fd, &status) != 0 || (uint64_t)status.st_size < mark->offset ||
        mark->head_len > sizeof(bytes) || mark->before_len > sizeof(bytes))
        return false;
    return read_all(fd, bytes, mark->head_len, 0) &&
           vv_hash_bytes(bytes, mark->head_len) == mark->head_hash &&
           read_all(fd, bytes, mark->before_len, mark->offset - mark->before_len) &&
           vv_hash_bytes(bytes, mark->before_len) == mark->before_hash;
}

/* ---- The folder ------------------------------------------------------------------------------ */

/* The folder of a path, and the name in it. */
struct place {
    struct vv_text folder;
    const char *name;
};

static void place_done(struct place *place)
{
    vv_text_done(&place->folder);
}

static void place_of(const char *path, struct place *out)
{
    const char *slash = strrchr(path, '/');
    *out = (struct place){.name = slash ? slash + 1 : path};
    if (slash == NULL)
        vv_text_adds(&out->folder, ".");
    else
        vv_text_add(&out->folder, path, slash == path ? 1 : (size_t)(slash - path));
}

static void folder_cleanup(DIR **folder)
{
    if (*folder)
        (void)closedir(*folder);
}

/* A plain file, or -1. */
static int open_file(int folder, const char *name, struct stat *out)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, out) == 0 && S_ISREG(out->st_mode))
        return fd;
    (void)close(fd);
    errno = EINVAL;
    return -1;
}

int vv_tail_open(const char *path, struct stat *out)
{
    return open_file(AT_FDCWD, path, out);
}

static bool is_packed(const char *name)
{
    static const char *const ends[] = {".gz", ".xz", ".bz2", ".zst", ".lz4"};
    size_t len = strlen(name);
    for (size_t i = 0; i < VV_COUNT(ends); i++) {
        size_t end_len = strlen(ends[i]);
        if (len > end_len && strcmp(name + len - end_len, ends[i]) == 0)
            return true;
    }
    return false;
}

/* "feed.log.1", "feed.log-20250130": what rotation makes of "feed.log". */
static bool is_rotated_name(const char *name, const char *of)
{
    size_t len = strlen(of);
    return strncmp(name, of, len) == 0 && (name[len] == '.' || name[len] == '-');
}

static bool is_older(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

int vv_tail_find(const char *path, const struct vv_mark *mark)
{
    struct place place VV_CLEANUP(place_done) = {0};
    struct stat status;
    int copy = -1;
    int fd = vv_tail_open(path, &status);
    if (fd >= 0 && (uint64_t)status.st_ino == mark->inode && vv_mark_fits(mark, fd))
        return fd;
    if (fd >= 0)
        (void)close(fd);
    place_of(path, &place);
    DIR *folder VV_CLEANUP(folder_cleanup) = opendir(vv_text_chars(&place.folder));
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        if (!is_rotated_name(entry->d_name, place.name) || is_packed(entry->d_name))
            continue;
        fd = open_file(dirfd(folder), entry->d_name, &status);
        /* A mark at the very beginning fits any file: then the inode must. */
        bool fits = fd >= 0 && vv_mark_fits(mark, fd);
        bool is_it = fits && (uint64_t)status.st_ino == mark->inode;
        bool is_copy = fits && mark->offset > 0 && copy < 0;
        if (is_it || is_copy) {
            if (copy >= 0)
                (void)close(copy);
            copy = fd;
        } else if (fd >= 0) {
            (void)close(fd);
        }
        if (is_it)
            break;
    }
    return copy;
}

int vv_tail_next(const char *path, int fd, bool *out_packed)
{
    struct place place VV_CLEANUP(place_done) = {0};
    struct stat now = {0}, status, best_status = {0};
    int best = -1;
    *out_packed = false;
    if (fd >= 0 && fstat(fd, &now) != 0)
        return -1;
    place_of(path, &place);
    DIR *folder VV_CLEANUP(folder_cleanup) = opendir(vv_text_chars(&place.folder));
    for (struct dirent *entry; fd >= 0 && folder && (entry = readdir(folder)) != NULL;) {
        if (!is_rotated_name(entry->d_name, place.name))
            continue;
        int other = open_file(dirfd(folder), entry->d_name, &status);
        bool is_later = other >= 0 && status.st_ino != now.st_ino && is_older(&now, &status);
        bool is_best = is_later && (best < 0 || is_older(&status, &best_status));
        *out_packed = *out_packed || (is_later && is_packed(entry->d_name));
        if (is_best && !is_packed(entry->d_name)) {
            if (best >= 0)
                (void)close(best);
            best = other;
            best_status = status;
        } else if (other >= 0) {
            (void)close(other);
        }
    }
    if (best >= 0)
        return best;
    best = vv_tail_open(path, &status);
    if (best >= 0 && fd >= 0 && status.st_ino == now.st_ino) {
        (void)close(best);
        return -1;
    }
    return best;
}
