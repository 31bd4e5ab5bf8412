/* The folder of a spool as bytes, to be damaged and put back. */
#ifndef VARVE_SPOOL_FOLDER_H
#define VARVE_SPOOL_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool_fixture.h"

#define FOLDER_FILES_MAX 8

struct folder_file {
    char name[64];
    struct vv_str content;
};

struct folder {
    char path[300];
    struct folder_file files[FOLDER_FILES_MAX];
    size_t len;
};

static inline bool folder_read(struct folder *folder, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    folder->len = 0;
    (void)snprintf(folder->path, sizeof(folder->path), "%s", path);
    if (!CHECK(dir != NULL))
        return false;
    while ((entry = readdir(dir)) != NULL) {
        char file[600];
        if (entry->d_name[0] == '.' || !CHECK(folder->len < FOLDER_FILES_MAX))
            continue;
        struct folder_file *to = &folder->files[folder->len++];
        (void)snprintf(to->name, sizeof(to->name), "%.60s", entry->d_name);
        (void)snprintf(file, sizeof(file), "%s/%s", path, to->name);
        to->content = test_file_read(file);
    }
    (void)closedir(dir);
    return folder->len > 0;
}

static inline struct folder_file *folder_find(struct folder *folder, const char *start)
{
    for (size_t i = 0; i < folder->len; i++)
        if (strncmp(folder->files[i].name, start, strlen(start)) == 0)
            return &folder->files[i];
    return NULL;
}

/* In place, so that a file keeps its inode: a spool knows its header by it. */
static inline bool write_in_place(const char *folder, const char *name, struct vv_str content)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    bool is_done = fd >= 0 && ftruncate(fd, (off_t)content.len) == 0 &&
                   pwrite(fd, content.ptr, content.len, 0) == (ssize_t)content.len;
    if (fd >= 0)
        (void)close(fd);
    return CHECK(is_done);
}

/* The folder has these files again, and no others. */
static inline bool folder_restore(const struct folder *folder)
{
    DIR *dir = opendir(folder->path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[600];
        bool is_known = entry->d_name[0] == '.';
        for (size_t i = 0; i < folder->len; i++)
            is_known = is_known || strcmp(folder->files[i].name, entry->d_name) == 0;
        (void)snprintf(path, sizeof(path), "%s/%s", folder->path, entry->d_name);
        if (!is_known)
            (void)unlink(path);
    }
    if (dir != NULL)
        (void)closedir(dir);
    for (size_t i = 0; i < folder->len; i++)
        if (!write_in_place(folder->path, folder->files[i].name, folder->files[i].content))
            return false;
    return true;
}

#endif
