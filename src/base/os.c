#include "base/os.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define PASSWD_BYTES ((size_t)16 << 10)

struct vv_str vv_os_user(struct vv_arena *arena)
{
    /*
     * The effective user, not getlogin(): a service has no terminal, and the login of a terminal
     * under sudo would name somebody whose rights were not the ones used.
     */
    uid_t uid = geteuid();
    struct passwd entry;
    struct passwd *found = NULL;
    char *buffer = vv_new(arena, char, PASSWD_BYTES);
    if (buffer == NULL)
        return VV_STR_LOST;
    if (getpwuid_r(uid, &entry, buffer, PASSWD_BYTES, &found) == 0 && found != NULL &&
        found->pw_name[0] != '\0')
        return vv_str_or_lost(vv_arena_str(arena, vv_str_of(found->pw_name)));
    return vv_str_or_lost(vv_arena_format(arena, "uid:%lld", (long long)uid));
}

const char *vv_os_advice(int os_errno)
{
    switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
        return " (free some space there)";
    case EROFS:
        return " (mounted read-only: mount it for writing)";
    case EACCES:
    case EPERM:
        return " (give the user that runs Varve the right to it)";
    case EMFILE:
        return " (the process has too many files open: raise ulimit -n)";
    case ENFILE:
        return " (the system has too many files open: raise fs.file-max)";
    case EIO:
        return " (look at the disk and the system's log)";
    case ENOTDIR:
        return " (a part of its path is a file, not a folder)";
    default:
        return "";
    }
}

int vv_os_errno_told(struct vv_str message, size_t *out_len)
{
    static const int known[] = {ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EMFILE, ENFILE, EIO};
    for (size_t i = 0; i < VV_COUNT(known); i++) {
        char text[128];
        struct vv_str reason = vv_str_of(strerror_r(known[i], text, sizeof(text)));
        if (!vv_str_ends(message, reason))
            continue;
        struct vv_str head = vv_str_first(message, message.len - reason.len);
        if (!vv_str_ends(head, VV_STR(": ")))
            continue;
        *out_len = head.len - 2;
        return known[i];
    }
    return 0;
}

uint32_t vv_os_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (uint32_t)cores : 1;
}

uint64_t vv_os_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : 0;
}
