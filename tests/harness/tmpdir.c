#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/runner.h"

/* Memory of a case: reachable from here, so that it is no leak; it ends with the process. */
struct kept {
    struct kept *next;
    char bytes[];
};
static struct kept *all_kept;

static char *keep(size_t bytes)
{
    struct kept *kept = malloc(sizeof(*kept) + bytes + 1);
    if (kept == NULL)
        abort();
    kept->next = all_kept;
    all_kept = kept;
    kept->bytes[bytes] = '\0';
    return kept->bytes;
}

const char *test_dir(void)
{
    if (test_shared->dir[0] != '\0')
        return test_shared->dir;
    const char *base = getenv("TMPDIR");
    char path[sizeof(test_shared->dir)];
    int len =
        snprintf(path, sizeof(path), "%s/varve-test-XXXXXX", base && *base ? base : "/tmp");
    if (len < 0 || (size_t)len >= sizeof(path) || mkdtemp(path) == NULL) {
        fprintf(stderr, "no folder for the test at %s: %s\n", path, strerror(errno));
        abort();
    }
    memcpy(test_shared->dir, path, (size_t)len + 1);
    return test_shared->dir;
}

const char *test_path(const char *name)
{
    const char *dir = test_dir();
    size_t bytes = strlen(dir) + 1 + strlen(name);
    char *path = keep(bytes);
    snprintf(path, bytes + 1, "%s/%s", dir, name);
    return path;
}

bool test_file_write(const char *path, struct vv_str content)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return test_check(TEST_HERE(path), false);
    bool whole = fwrite(content.ptr ? content.ptr : "", 1, content.len, file) == content.len;
    whole = fclose(file) == 0 && whole;
    return test_check(TEST_HERE(path), whole);
}

struct vv_str test_file_read(const char *path)
{
    struct stat stat;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &stat) != 0) {
        test_check(TEST_HERE(path), false);
        if (file)
            fclose(file);
        return VV_STR_NONE;
    }
    size_t bytes = (size_t)stat.st_size;
    char *content = keep(bytes);
    size_t got = fread(content, 1, bytes, file);
    fclose(file);
    test_check(TEST_HERE(path), got == bytes);
    return (struct vv_str){content, got};
}

/* Folders are made accessible on the way down: a test may have closed them. */
static int open_up(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)ftw;
    if (kind == FTW_D || kind == FTW_DNR)
        chmod(path, 0700);
    return 0;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

bool test_dir_remove(const char *path)
{
    nftw(path, open_up, 16, FTW_PHYS);
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0;
}
