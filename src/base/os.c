#include "base/os.h"

#include <pwd.h>
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
        return VV_STR_NONE;
    if (getpwuid_r(uid, &entry, buffer, PASSWD_BYTES, &found) == 0 && found != NULL &&
        found->pw_name[0] != '\0')
        return vv_arena_str(arena, vv_str_of(found->pw_name));
    return vv_arena_format(arena, "uid:%lld", (long long)uid);
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
