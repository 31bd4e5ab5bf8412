/*
 * The one file with state of the whole process: what a test asked for has to reach code that
 * knows nothing of tests. Unarmed, passing a seam costs one check of a flag.
 */
#include "base/seam.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

#define RULES_MAX 16
#define NAME_BYTES_MAX 256 /* of a seam, or the path of a list */

enum rule_kind {
    RULE_CRASH,
    RULE_FAIL,
    RULE_INTERRUPT,
    RULE_LIST,
    RULE_POINTS, /* a list of those that can kill */
    RULE_KINDS
};

struct rule {
    int64_t passages_left; /* fires on the passage that takes it to 0 */
    enum rule_kind kind;
    bool is_lasting; /* on those behind it, too */
    char name[NAME_BYTES_MAX];
};

static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static atomic_bool armed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES_MAX]; /* guarded by: lock */
static size_t rules_len;             /* guarded by: lock */

static atomic_uint_fast64_t allocations_left; /* 0: none is failed */

static const char *const kind_names[RULE_KINDS] = {
    "crash", "fail", "interrupt", "list", "points"};

static enum rule_kind kind_of(struct vv_str text)
{
    enum rule_kind kind = RULE_CRASH;
    while (kind < RULE_KINDS && !vv_str_eq(text, vv_str_of(kind_names[kind])))
        kind++;
    return kind;
}

/* A test that misspells its wish must not pass for lack of trouble, so that is a defect. */
static void rule_add(struct vv_str item)
{
    struct vv_str name = item;
    struct vv_str kind;
    VV_PRE(rules_len < RULES_MAX);
    VV_PRE(vv_str_split(&name, '=', &kind) && name.len > 0);
    struct rule rule = {.kind = kind_of(kind), .passages_left = 1};
    VV_PRE(rule.kind < RULE_KINDS);
    if (rule.kind < RULE_LIST) {
        struct vv_str count = name;
        (void)vv_str_split(&count, ':', &name);
        rule.is_lasting = vv_str_ends(count, VV_STR("+"));
        count.len -= rule.is_lasting ? 1 : 0;
        VV_PRE(!count.ptr ||
               (vv_str_int64(count, &rule.passages_left) && rule.passages_left > 0));
    }
    VV_PRE(name.len > 0 && name.len < NAME_BYTES_MAX);
    memcpy(rule.name, name.ptr, name.len);
    rules[rules_len++] = rule;
}

static void rules_set(struct vv_str spec)
{
    pthread_mutex_lock(&lock);
    rules_len = 0;
    struct vv_str item;
    while (vv_str_split(&spec, ',', &item)) {
        if (item.len > 0)
            rule_add(item);
    }
    atomic_store(&armed, rules_len > 0);
    pthread_mutex_unlock(&lock);
}

static void environment_read(void)
{
    rules_set(vv_str_of(getenv("VARVE_TEST_SEAMS")));
}

void vv_seam_set(const char *spec)
{
    /* Read first, so that the environment cannot take effect after this. */
    (void)pthread_once(&environment_once, environment_read);
    rules_set(vv_str_of(spec));
}

static void list_append(const char *path, const char *name)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    VV_PRE(fd >= 0);
    char line[NAME_BYTES_MAX + 1];
    size_t len = strnlen(name, NAME_BYTES_MAX);
    memcpy(line, name, len);
    line[len++] = '\n';
    VV_PRE(write(fd, line, len) == (ssize_t)len);
    (void)close(fd);
}

/* Counts a passage, and interrupts at it; true when a rule of this kind fires. */
static bool pass(enum rule_kind kind, const char *name)
{
    bool fires = false;
    bool interrupts = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rules_len; i++) {
        struct rule *rule = &rules[i];
        if (rule->kind == RULE_LIST || (rule->kind == RULE_POINTS && kind == RULE_CRASH))
            list_append(rule->name, name);
        if ((rule->kind != kind && rule->kind != RULE_INTERRUPT) ||
            strcmp(rule->name, name) != 0)
            continue;
        bool is_due =
            --rule->passages_left == 0 || (rule->is_lasting && rule->passages_left < 0);
        fires |= is_due && rule->kind == kind;
        interrupts |= is_due && rule->kind == RULE_INTERRUPT;
    }
    pthread_mutex_unlock(&lock);
    if (interrupts)
        (void)kill(getpid(), SIGINT);
    return fires;
}

static bool is_armed(void)
{
    (void)pthread_once(&environment_once, environment_read);
    return atomic_load_explicit(&armed, memory_order_relaxed);
}

void vv_crash_point(const char *name)
{
    if (is_armed() && pass(RULE_CRASH, name)) {
        (void)kill(getpid(), SIGKILL);
        for (;;)
            (void)pause();
    }
}

bool vv_fault_point(const char *name)
{
    return is_armed() && pass(RULE_FAIL, name);
}

void vv_seam_fail_allocation(uint64_t nth)
{
    atomic_store(&allocations_left, nth);
}

uint64_t vv_seam_allocations_left(void)
{
    return atomic_load(&allocations_left);
}

static bool allocation_fails(void)
{
    uint_fast64_t left = atomic_load_explicit(&allocations_left, memory_order_relaxed);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&allocations_left, &left, left - 1))
            return left == 1;
    }
    return false;
}

void *vv_malloc(size_t bytes)
{
    return allocation_fails() ? NULL : malloc(bytes > 0 ? bytes : 1);
}

void *vv_malloc_zeroed(size_t bytes)
{
    return allocation_fails() ? NULL : calloc(1, bytes > 0 ? bytes : 1);
}

void *vv_realloc(void *old, size_t bytes)
{
    return allocation_fails() ? NULL : realloc(old, bytes > 0 ? bytes : 1);
}

void vv_free(void *memory)
{
    free(memory);
}
