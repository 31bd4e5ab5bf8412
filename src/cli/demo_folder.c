/*
 * The folder of a demo lake. A marker file is written before anything else and stays until the
 * end, so that whatever a broken run leaves is still known for a demo.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo.h"

#define MARKER ".varve-demo"

static const char marker_text[] =
    "This folder was made by `varve demo`, which empties it when it runs again.\n";

static void folder_cleanup(DIR **folder)
{
    if (*folder)
        (void)closedir(*folder);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes what the folder holds but for `kept`; links are removed, not followed. */
static bool remove_content(int parent, const char *path, const char *kept)
{
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder VV_CLEANUP(folder_cleanup) = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL)
        return false;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        if (is_dots(name) || (kept && strcmp(name, kept) == 0))
            continue;
        if (unlinkat(fd, name, 0) == 0)
            continue;
        if ((errno != EISDIR && errno != EPERM) || !remove_content(fd, name, NULL) ||
            unlinkat(fd, name, AT_REMOVEDIR) != 0)
            return false;
    }
    return true;
}

static bool is_empty(const char *path)
{
    DIR *folder VV_CLEANUP(folder_cleanup) = opendir(path);
    if (folder == NULL)
        return false;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (!is_dots(entry->d_name))
            return false;
    return true;
}

/* Makes a folder and those above it. */
static bool make_folders(const char *path)
{
    struct vv_text part VV_CLEANUP(vv_text_done) = {0};
    for (const char *at = path; *at; at++) {
        if (*at == '/' && part.len > 0 && mkdir(vv_text_chars(&part), 0777) != 0 &&
            errno != EEXIST)
            return false;
        vv_text_addc(&part, *at);
    }
    return mkdir(vv_text_chars(&part), 0777) == 0 || errno == EEXIST;
}

static bool write_marker(const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    bool done = fputs(marker_text, file) >= 0;
    return fclose(file) == 0 && done;
}

varve_status vv_demo_folder_prepare(const char *folder, varve_error *err)
{
    struct vv_text marker VV_CLEANUP(vv_text_done) = {0};
    struct stat status;
    vv_text_addf(&marker, "%s/" MARKER, folder);
    if (lstat(folder, &status) != 0) {
        if (!make_folders(folder))
            return vv_error_set(err, VARVE_EIO, "cannot make the folder %s: %s", folder,
                vv_errno_text(errno));
    } else if (!S_ISDIR(status.st_mode) ||
               (access(vv_text_chars(&marker), F_OK) != 0 && !is_empty(folder))) {
        return vv_error_set(err, VARVE_EUSAGE,
            "%s is there and was not made by varve demo: nothing in it was touched; "
            "give another folder (--lake FOLDER)",
            folder);
    }
    if (!write_marker(vv_text_chars(&marker)))
        return vv_error_set(err, VARVE_EIO, "cannot write %s: %s", vv_text_chars(&marker),
            vv_errno_text(errno));
    if (!remove_content(AT_FDCWD, folder, MARKER))
        return vv_error_set(err, VARVE_EIO, "cannot empty %s: %s", folder,
            vv_errno_text(errno));
    return VARVE_OK;
}
