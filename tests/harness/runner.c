/*
 * Runs the registered cases, each in a process group of its own, and reports in TAP.
 */
#include "harness/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct test_shared *test_shared;
const struct test_case *test_current;

static struct test_case *first_case;
static struct test_case **last_link = &first_case;

struct totals {
    unsigned passed;
    unsigned failed;
    unsigned skipped;
};

void test_register(struct test_case *test)
{
    *last_link = test;
    last_link = &test->next;
}

/* The identifier as people read it: "a_lost_reply" is "a lost reply". */
static void spell(const struct test_case *test, char out[256])
{
    snprintf(out, 256, "%s: %s", test->module, test->name);
    for (char *at = out; *at; at++) {
        if (*at == '_')
            *at = ' ';
    }
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool test_wait_pid(pid_t pid, int64_t timeout_ms, int *out_status)
{
    sigset_t child;
    sigset_t old;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    /* Blocked before the first look, so that an end after the look is not missed. */
    pthread_sigmask(SIG_BLOCK, &child, &old);
    int64_t end_ms = monotonic_ms() + timeout_ms;
    pid_t found = 0;
    for (;;) {
        found = waitpid(pid, out_status, WNOHANG);
        int64_t left_ms = end_ms - monotonic_ms();
        if ((found != 0 && !(found < 0 && errno == EINTR)) || left_ms <= 0)
            break;
        /* Another thread may be given the signal: look again at least every 100 ms. */
        left_ms = left_ms < 100 ? left_ms : 100;
        struct timespec limit = {.tv_sec = 0, .tv_nsec = (long)left_ms * 1000000};
        sigtimedwait(&child, NULL, &limit);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return found == pid;
}

/* The last act of a case: exit() and not _exit(), so that LeakSanitizer looks. */
static _Noreturn void run_here(const struct test_case *test)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    test_current = test;
    test->run();
    fflush(NULL);
    exit(atomic_load(&test_shared->failures) > 0 ? 1 : 0);
}

static int64_t limit_ms_of(const struct test_case *test)
{
    const char *text = getenv("VARVE_TEST_SECONDS");
    int64_t seconds = 0;
    if (text && vv_str_int64(vv_str_of(text), &seconds) && seconds > 0 && seconds < 86400)
        return seconds * 1000;
    return (test->seconds_max > 0 ? test->seconds_max : 60) * (int64_t)1000;
}

/* What went wrong with the process, or false for a case that ended well. */
static bool describe_end(bool in_time, int status, int64_t limit_ms, char out[128])
{
    if (!in_time)
        snprintf(out, 128, "still ran after %" PRId64 " s and was killed", limit_ms / 1000);
    else if (WIFSIGNALED(status))
        snprintf(out, 128, "ended by signal %d (%s)", WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0 && atomic_load(&test_shared->failures) == 0)
        snprintf(out, 128, "exit status %d%s", WEXITSTATUS(status),
            WEXITSTATUS(status) == 1 ? "" : " (a sanitizer's report?)");
    else if (atomic_load(&test_shared->failures) > 0)
        snprintf(out, 128, "%u checks failed", atomic_load(&test_shared->failures));
    else
        return false;
    return true;
}

static void report(unsigned number, const struct test_case *test, const char *problem,
    struct totals *totals)
{
    char name[256];
    spell(test, name);
    if (problem != NULL) {
        if (test_shared->seeded)
            printf("# repeat with VARVE_TEST_SEED=%" PRIu64 "\n", test_shared->seed);
        printf("# %s\nnot ok %u - %s\n", problem, number, name);
        totals->failed++;
    } else if (test_shared->skipped) {
        printf("ok %u - %s # SKIP %s\n", number, name, test_shared->reason);
        totals->skipped++;
    } else {
        printf("ok %u - %s\n", number, name);
        totals->passed++;
    }
    fflush(stdout);
}

static void run_one(unsigned number, const struct test_case *test, struct totals *totals)
{
    *test_shared = (struct test_shared){0};
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_here(test);
    if (pid < 0) {
        report(number, test, "fork failed", totals);
        return;
    }
    setpgid(pid, pid); /* both sides do it: whoever is first */

    int status = 0;
    int64_t limit_ms = limit_ms_of(test);
    bool in_time = test_wait_pid(pid, limit_ms, &status);
    kill(-pid, SIGKILL); /* the case, when it hangs, and whatever it left running */
    if (!in_time)
        waitpid(pid, &status, 0);

    char problem[128];
    bool bad = describe_end(in_time, status, limit_ms, problem);
    report(number, test, bad ? problem : NULL, totals);
    if (test_shared->dir[0] != '\0' && !test_dir_remove(test_shared->dir))
        printf("# %s could not be removed\n", test_shared->dir);
}

static bool is_wanted(const struct test_case *test, const char *only)
{
    char name[256];
    char spelled[256];
    snprintf(name, sizeof(name), "%s.%s", test->module, test->name);
    spell(test, spelled);
    return only == NULL || strstr(name, only) != NULL || strstr(spelled, only) != NULL;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--list] [--only TEXT]\n", program);
    return 2;
}

static int run_all(const char *only)
{
    test_shared = mmap(NULL, sizeof(*test_shared), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (test_shared == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    unsigned count = 0;
    for (const struct test_case *test = first_case; test; test = test->next)
        count += is_wanted(test, only);
    printf("1..%u\n", count);

    struct totals totals = {0};
    unsigned number = 0;
    for (const struct test_case *test = first_case; test; test = test->next) {
        if (is_wanted(test, only))
            run_one(++number, test, &totals);
    }
    munmap(test_shared, sizeof(*test_shared));
    /* Meson takes every line for TAP and complains of one that is not. */
    printf("%s%u passed, %u failed, %u skipped\n", getenv("VARVE_TEST_TAP") ? "# " : "",
        totals.passed, totals.failed, totals.skipped);
    if (count == 0)
        fprintf(stderr, "no case matches\n");
    return totals.failed > 0 || count == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            for (const struct test_case *test = first_case; test; test = test->next)
                printf("%s.%s\n", test->module, test->name);
            return 0;
        }
        if (strcmp(argv[i], "--only") != 0 || i + 1 >= argc)
            return usage(argv[0]);
        only = argv[++i];
    }
    return run_all(only);
}
