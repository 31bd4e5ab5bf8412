/*
 * Loaded before the C library of a racer (LD_PRELOAD): between a look whether a commit is there and the
 * rename over it goes by what may go by where a process has to wait for its turn.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <time.h>

#define WAIT_NS 300000000L

int rename(const char *from, const char *to)
{
    const struct timespec wait = {.tv_nsec = WAIT_NS};
    int (*real)(const char *, const char *) = 0;
    size_t len = strlen(to);
    *(void **)&real = dlsym(RTLD_NEXT, "rename");
    if (len > 5 && strcmp(to + len - 5, ".json") == 0)
        nanosleep(&wait, 0);
    return real(from, to);
}
