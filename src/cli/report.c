/* What goes to stderr: results in a sentence, warnings, errors, progress. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/json_view.h"

#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 100
#define PROGRESS_CELLS 30

void vv_say(const struct vv_cli *cli, const char *format, ...)
{
    va_list arguments;
    if (cli->globals.quiet)
        return;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

/* Messages quote data and names of others: nothing of them may steer the terminal. */
static void add_lines(struct vv_text *text, const char *lines, const char *indent)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        vv_text_adds(text, indent);
        vv_text_add_shown(text, lines, len);
        vv_text_addc(text, '\n');
        lines += len + (lines[len] == '\n' ? 1 : 0);
    }
}

/* The detail without its first line where the message ends with that. */
static const char *unsaid(const varve_error *error)
{
    size_t len = strcspn(error->detail, "\n");
    size_t message_len = strlen(error->message);
    if (len == 0 || len > message_len ||
        memcmp(error->message + message_len - len, error->detail, len) != 0)
        return error->detail;
    return error->detail + len + (error->detail[len] == '\n' ? 1 : 0);
}

/*
 * Messages repeat what was typed, and a private key may have been, in place of a name; errors are kept
 * in logs that others read. Where one begins, as a file has it or with that line left out: what every
 * Ed25519 key in PKCS#8 begins with (RFC 8410). NULL: there is none.
 */
static const char *find_key(const char *text)
{
    static const char *const begins[] = {"-----BEGIN PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEI"};
    const char *first = NULL;
    for (size_t i = 0; i < VV_COUNT(begins); i++) {
        const char *at = strstr(text, begins[i]);
        if (at != NULL && (first == NULL || at < first))
            first = at;
    }
    return first;
}

static void add_message(struct vv_text *text, const varve_error *error)
{
    const char *key = find_key(error->message);
    if (key == NULL) {
        vv_text_add_shown(text, error->message, strlen(error->message));
        return;
    }
    vv_text_add_shown(text, error->message, (size_t)(key - error->message));
    vv_text_adds(text, "(a private key; others may have seen it: make a new one)");
}

void vv_report_error(const varve_error *error)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&text, "varve: ");
    if (*error->message)
        add_message(&text, error);
    else
        vv_text_adds(&text, varve_status_name(error->code));
    vv_text_addc(&text, '\n');
    if (find_key(error->detail) == NULL)
        add_lines(&text, unsaid(error), "    ");
    if (error->code == VARVE_EUNKNOWN)
        vv_text_adds(&text, "    Whether it was written is not known: repeat it with the same "
                            "--app-id and --app-version.\n");
    else if (error->retryable)
        vv_text_adds(&text, "    Nothing was written; the same command may succeed later.\n");
    (void)fwrite(text.ptr, 1, text.len, stderr);
}

/* No warning, but told: what is about to change, and what an answer goes by. */
static bool is_news(const char *event)
{
    return strcmp(event, "evolve.add") == 0 || strcmp(event, "read.by_order") == 0;
}

void vv_on_log(void *data, int32_t level, const char *event, const char *fields)
{
    struct vv_cli *cli = data;
    struct vv_node node = {0};
    bool is_warning = level >= VARVE_LOG_WARN;
    bool is_told = is_warning || is_news(event);
    if (cli->globals.quiet || (!is_told && !cli->globals.verbose))
        return;
    vv_progress_clear(cli);
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&text, is_warning ? "varve: warning: " : "varve: ");
    bool is_object = fields && vv_node_read(fields, strlen(fields), &node);
    const char *message = vv_node_chars(vv_node_get(&node, "message"));
    if (cli->globals.verbose || *message == '\0')
        vv_text_addf(&text, "%s%s", event, *message ? ": " : "");
    vv_text_add_shown(&text, message, strlen(message));
    vv_text_addc(&text, '\n');
    if (is_object)
        vv_node_done(&node);
    (void)fwrite(text.ptr, 1, text.len, stderr);
}

int64_t vv_now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Where nothing is known of how far it is: how long it has taken. */
static void draw(const char *phase, uint64_t done, uint64_t total, int64_t ms)
{
    if (total == 0 && done == 0) {
        (void)fprintf(stderr, "\r\x1b[K%s: %" PRId64 " s", phase, ms / 1000);
        return;
    }
    if (total == 0) {
        (void)fprintf(stderr, "\r\x1b[K%s: %" PRIu64, phase, done);
        return;
    }
    double share = done < total ? (double)done / (double)total : 1.0;
    size_t filled = (size_t)(share * PROGRESS_CELLS);
    char bar[PROGRESS_CELLS + 1];
    memset(bar, '.', PROGRESS_CELLS);
    memset(bar, '#', filled);
    bar[PROGRESS_CELLS] = '\0';
    (void)fprintf(stderr, "\r\x1b[K%-12.12s [%s] %3d %%", phase, bar, (int)(share * 100));
}

int vv_on_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
    struct vv_cli *cli = data;
    struct vv_progress *progress = &cli->progress;
    if (vv_interrupt_signal() != 0)
        return 1;
    if (!progress->on)
        return 0;
    int64_t now = vv_now_ms();
    (void)pthread_mutex_lock(&progress->lock);
    if (progress->started_ms == 0)
        progress->started_ms = now;
    bool is_due = now - progress->started_ms >= PROGRESS_AFTER_MS &&
                  now - progress->drawn_ms >= PROGRESS_EVERY_MS;
    if (is_due) {
        progress->drawn_ms = now;
        progress->shown = true;
        draw(phase, done, total, now - progress->started_ms);
    }
    (void)pthread_mutex_unlock(&progress->lock);
    return 0;
}

void vv_progress_clear(struct vv_cli *cli)
{
    struct vv_progress *progress = &cli->progress;
    (void)pthread_mutex_lock(&progress->lock);
    if (progress->shown)
        (void)fputs("\r\x1b[K", stderr);
    progress->shown = false;
    progress->started_ms = 0; /* what comes next gets a second of its own */
    (void)pthread_mutex_unlock(&progress->lock);
}
