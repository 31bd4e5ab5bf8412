#include "cli/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"

int vv_durable_names(const char *path, const char *up, int fd)
{
    struct vv_text folder VV_CLEANUP(vv_text_done) = {0};
    const char *slash = strrchr(path, '/');
    vv_text_add(&folder, slash ? path : "./", slash ? (size_t)(slash - path) + 1 : 2);
    vv_text_adds(&folder, up);
    int folder_fd = open(vv_text_chars(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0 && errno == EACCES)
        return syncfs(fd) == 0 ? 0 : errno;
    int number = folder_fd >= 0 && fsync(folder_fd) == 0 ? 0 : errno;
    if (folder_fd >= 0)
        (void)close(folder_fd);
    return number;
}
