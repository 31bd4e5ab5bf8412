/*
 * C functions that end in overruns, truncation or shared state. The build includes this file
 * before every source of the library and the command, so that a use fails to compile.
 */
#ifndef VV_BASE_BANNED_H
#define VV_BASE_BANNED_H

/* These headers must be read before the names in them are taken away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An expression, so that the compiler gets as far as the text. */
#define VV_BANNED(function, instead)                                       \
    (int)sizeof(struct {                                                   \
        _Static_assert(0, #function " is banned in Varve: use " #instead); \
        int banned_;                                                       \
    })

/* No bound: */
#undef strcpy
#define strcpy(...) VV_BANNED(strcpy, vv_arena_str or vv_buf_add)
#undef strcat
#define strcat(...) VV_BANNED(strcat, vv_buf_add)
#undef sprintf
#define sprintf(...) VV_BANNED(sprintf, vv_buf_addf or vv_arena_format)
#undef vsprintf
#define vsprintf(...) VV_BANNED(vsprintf, vv_buf_addf)
#undef gets
#define gets(...) VV_BANNED(gets, getline)

/* A bound, but no NUL or the wrong one: */
#undef strncpy
#define strncpy(...) VV_BANNED(strncpy, vv_arena_str)
#undef strncat
#define strncat(...) VV_BANNED(strncat, vv_buf_add)

/* No way to tell an error from a zero: */
#undef atoi
#define atoi(...) VV_BANNED(atoi, vv_str_int64)
#undef atol
#define atol(...) VV_BANNED(atol, vv_str_int64)
#undef atoll
#define atoll(...) VV_BANNED(atoll, vv_str_int64)
#undef atof
#define atof(...) VV_BANNED(atof, vv_str_double)

/* State shared by all threads of somebody else's process: */
#undef strtok
#define strtok(...) VV_BANNED(strtok, vv_str_split)
#undef gmtime
#define gmtime(...) VV_BANNED(gmtime, vv_time_format_us)
#undef localtime
#define localtime(...) VV_BANNED(localtime, vv_time_format_us)
#undef ctime
#define ctime(...) VV_BANNED(ctime, vv_time_format_us)
#undef asctime
#define asctime(...) VV_BANNED(asctime, vv_time_format_us)
#undef mktime
#define mktime(...) VV_BANNED(mktime, vv_time_parse)
#undef strerror
#define strerror(...) VV_BANNED(strerror, vv_fail_errno)
#undef rand
#define rand(...) VV_BANNED(rand, vv_random64)
#undef srand
#define srand(...) VV_BANNED(srand, vv_random64)
#undef setenv
#define setenv(...) VV_BANNED(setenv, an argument)
#undef putenv
#define putenv(...) VV_BANNED(putenv, an argument)

/* A name that somebody else can take first: */
#undef tmpnam
#define tmpnam(...) VV_BANNED(tmpnam, vv_uuid)
#undef tempnam
#define tempnam(...) VV_BANNED(tempnam, vv_uuid)
#undef mktemp
#define mktemp(...) VV_BANNED(mktemp, vv_uuid)

/* A shell is somebody else's parser: */
#undef system
#define system(...) VV_BANNED(system, posix_spawn)
#undef popen
#define popen(...) VV_BANNED(popen, posix_spawn)

#endif
