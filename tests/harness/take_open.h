/*
 * `open` and its like in the place of the C library's, for a file that follows or fails the calls of
 * a program. That file defines, before it includes this, what they all come to:
 *
 *     static int open_taken(int folder, const char *path, int flags, mode_t mode);
 */
#ifndef VARVE_TEST_TAKE_OPEN_H
#define VARVE_TEST_TAKE_OPEN_H

#include <fcntl.h>
#include <stdarg.h>

/* The mode is there only where a file may be made. */
static mode_t open_mode(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = open_mode(flags, arguments);
    va_end(arguments);
    return open_taken(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = open_mode(flags, arguments);
    va_end(arguments);
    return open_taken(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));

#endif
