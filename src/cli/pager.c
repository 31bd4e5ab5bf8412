#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/text.h"

/* As git has it: quit where all fits, keep colours, do not wrap lines, leave the screen as it is. */
#define LESS_DEFAULT "LESS=FRSX"

struct vv_pager {
    const char *command;
    struct vv_text held; /* what was written before it had to be started */
    size_t rows, rows_max, columns;
    pid_t child; /* 0: not started */
    int fd;      /* its stdin */
    bool is_left;
    int failure; /* an errno */
};

static bool is_in_path(const char *name)
{
    const char *path = getenv("PATH");
    struct vv_text file VV_CLEANUP(vv_text_done) = {0};
    while (path && *path) {
        size_t len = strcspn(path, ":");
        vv_text_clear(&file);
        vv_text_add(&file, path, len);
        vv_text_addf(&file, "/%s", name);
        if (access(vv_text_chars(&file), X_OK) == 0)
            return true;
        path += len + (path[len] == ':' ? 1 : 0);
    }
    return false;
}

const char *vv_pager_command(void)
{
    static const char *const names[] = {"VARVE_PAGER", "PAGER"};
    const char *terminal = getenv("TERM");
    if (!isatty(STDOUT_FILENO) || terminal == NULL || strcmp(terminal, "dumb") == 0)
        return NULL;
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value)
            return *value == '\0' || strcmp(value, "cat") == 0 ? NULL : value;
    }
    return is_in_path("less") ? "less" : NULL;
}

/* Ours with LESS, where that is not set. */
static char **make_environment(void)
{
    size_t len = 0;
    while (environ[len])
        len++;
    char **copy = vv_cli_alloc(len + 2, sizeof(*copy));
    memcpy(copy, environ, len * sizeof(*copy));
    static char less[] = LESS_DEFAULT;
    if (getenv("LESS") == NULL)
        copy[len] = less;
    return copy;
}

static int spawn(struct vv_pager *pager, int from)
{
    char shell[] = "sh", option[] = "-c";
    struct vv_text command VV_CLEANUP(vv_text_done) = {0};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    vv_text_adds(&command, pager->command);
    (void)vv_text_chars(&command);
    char *arguments[] = {shell, option, command.ptr, NULL};
    char **environment = make_environment();
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
    (void)posix_spawnattr_init(&attributes);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGPIPE); /* ignored here, and so they would be there */
    (void)sigaddset(&signals, SIGXFSZ);
    (void)posix_spawnattr_setsigdefault(&attributes, &signals);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int failure =
        posix_spawn(&pager->child, "/bin/sh", &actions, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return failure;
}

static bool write_all(struct vv_pager *pager, const char *bytes, size_t len)
{
    while (len > 0 && pager->failure == 0) {
        ssize_t written = write(pager->fd, bytes, len);
        if (written < 0 && (errno != EINTR || vv_interrupt_signal() != 0))
            pager->failure = errno;
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    pager->is_left = pager->failure == EPIPE;
    return pager->failure == 0;
}

static bool start(struct vv_pager *pager)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        pager->failure = errno;
        return false;
    }
    pager->failure = spawn(pager, ends[0]);
    (void)close(ends[0]);
    pager->fd = ends[1];
    if (pager->failure != 0) {
        pager->child = 0;
        (void)close(ends[1]);
        return false;
    }
    return write_all(pager, pager->held.ptr, pager->held.len);
}

/* Rows of the screen that lines take, where long ones go on in the next row. */
static size_t rows_of(const struct vv_pager *pager, const char *bytes, size_t len)
{
    size_t rows = 0, column = 0;
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)bytes[i] & 0xc0) == 0x80)
            continue; /* not the first byte of a character */
        column = bytes[i] == '\n' ? 0 : column + 1;
        rows += bytes[i] == '\n' || column == pager->columns ? 1 : 0;
        column = column == pager->columns ? 0 : column;
    }
    return rows;
}

static ssize_t take(void *cookie, const char *bytes, size_t len)
{
    struct vv_pager *pager = cookie;
    if (pager->child == 0) {
        vv_text_add(&pager->held, bytes, len);
        pager->rows += rows_of(pager, bytes, len);
        if (pager->rows < pager->rows_max || start(pager))
            return (ssize_t)len;
    } else if (write_all(pager, bytes, len)) {
        return (ssize_t)len;
    }
    errno = pager->failure;
    return 0;
}

struct vv_pager *vv_pager_open(const char *command, FILE **out_file)
{
    cookie_io_functions_t functions = {.write = take};
    struct winsize size = {0};
    struct vv_pager *pager = vv_cli_alloc(1, sizeof(*pager));
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
    pager->command = command;
    pager->rows_max = is_known ? size.ws_row : 24;
    pager->columns = size.ws_col > 0 ? size.ws_col : 80;
    *out_file = fopencookie(pager, "w", functions);
    if (*out_file == NULL) {
        free(pager);
        return NULL;
    }
    return pager;
}

static bool show_held(struct vv_pager *pager)
{
    size_t len = pager->held.len;
    if (fwrite(pager->held.ptr ? pager->held.ptr : "", 1, len, stdout) < len ||
        fflush(stdout) != 0)
        pager->failure = errno;
    return pager->failure == 0;
}

bool vv_pager_is_left(const struct vv_pager *pager)
{
    return pager->is_left;
}

bool vv_pager_close(struct vv_pager **closed)
{
    struct vv_pager *pager = *closed;
    int status = 0;
    bool is_shown = pager->failure == 0 || pager->is_left;
    *closed = NULL;
    if (pager->child == 0) {
        is_shown = show_held(pager);
    } else {
        (void)close(pager->fd);
        /* Ctrl-C is the reader's, who may want to read on; what ends us ends it. */
        while (waitpid(pager->child, &status, 0) < 0 && errno == EINTR)
            if (vv_interrupt_signal() == SIGTERM)
                (void)kill(pager->child, SIGTERM);
        /* The shell's words for a program that is not there, or is none. */
        if (WIFEXITED(status) && (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == 126)) {
            is_shown = false;
            pager->failure = ENOEXEC;
        }
    }
    int failure = pager->failure;
    vv_text_done(&pager->held);
    free(pager);
    errno = failure;
    return is_shown;
}
