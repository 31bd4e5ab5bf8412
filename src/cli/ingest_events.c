/*
 * What the writer's threads report. They only leave word here and wake the loop, which does the
 * talking: a callback must not wait for a client.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/ingest.h"

#define REFUSALS_MAX 100000

varve_status vv_events_open(struct vv_events *events, varve_error *err)
{
    *events = (struct vv_events){.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    (void)pthread_mutex_init(&events->lock, NULL);
    if (events->wake_fd < 0)
        return vv_error_set(err, VARVE_EIO, "eventfd: %s", vv_errno_text(errno));
    return VARVE_OK;
}

void vv_events_close(struct vv_events *events)
{
    vv_refusals_free(events->refusals, events->refusals_len);
    for (size_t i = 0; i < events->troubles_len; i++)
        free(events->troubles[i].table);
    free(events->troubles);
    if (events->wake_fd >= 0)
        (void)close(events->wake_fd);
    (void)pthread_mutex_destroy(&events->lock);
    *events = (struct vv_events){.wake_fd = -1};
}

void vv_refusals_free(struct vv_refusal *refusals, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        free(refusals[i].table);
        free(refusals[i].reason);
    }
    free(refusals);
}

static void wake(const struct vv_events *events)
{
    const uint64_t one = 1;
    ssize_t len = write(events->wake_fd, &one, sizeof(one));
    (void)len; /* a counter that is full wakes as well */
}

static char *copy(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(vv_cli_alloc(bytes, 1), text, bytes);
}

static void on_durable(void *data, uint64_t sequence)
{
    (void)sequence; /* the loop asks the writer, once for all that came meanwhile */
    wake(data);
}

/* With the lock. NULL: the table has no trouble so far. */
static struct vv_trouble *find_trouble(struct vv_events *events, const char *table)
{
    for (size_t i = 0; i < events->troubles_len; i++)
        if (strcmp(events->troubles[i].table, table) == 0)
            return &events->troubles[i];
    return NULL;
}

static void on_commit(void *data, const varve_writer_commit *commit)
{
    struct vv_events *events = data;
    (void)pthread_mutex_lock(&events->lock);
    const char *const well[] = {commit->table, ""};
    for (size_t i = 0; i < VV_COUNT(well); i++) {
        struct vv_trouble *trouble = find_trouble(events, well[i]);
        if (trouble)
            trouble->is_over = true;
    }
    (void)pthread_mutex_unlock(&events->lock);
    wake(events);
}

static void on_quarantine(void *data, const char *table, uint64_t sequence,
    const char *row_json, const char *reason)
{
    struct vv_events *events = data;
    (void)row_json; /* the quarantine of the table has it */
    (void)pthread_mutex_lock(&events->lock);
    if (events->refusals_len == REFUSALS_MAX) {
        events->refusals_lost++;
    } else {
        if (events->refusals_len == events->refusals_capacity) {
            size_t capacity = events->refusals_capacity ? events->refusals_capacity * 2 : 64;
            events->refusals =
                vv_cli_realloc(events->refusals, capacity * sizeof(*events->refusals));
            events->refusals_capacity = capacity;
        }
        events->refusals[events->refusals_len++] =
            (struct vv_refusal){sequence, copy(table), copy(reason)};
    }
    (void)pthread_mutex_unlock(&events->lock);
    wake(events);
}

static void on_retry(void *data, const char *table, const varve_error *error, int64_t retry_ms)
{
    struct vv_events *events = data;
    (void)pthread_mutex_lock(&events->lock);
    struct vv_trouble *trouble = find_trouble(events, table);
    if (trouble == NULL) {
        events->troubles = vv_cli_realloc(events->troubles,
            (events->troubles_len + 1) * sizeof(*events->troubles));
        trouble = &events->troubles[events->troubles_len++];
        *trouble = (struct vv_trouble){.table = copy(table), .is_over = true};
    }
    if (trouble->is_over) {
        trouble->since_ms = vv_now_ms();
        trouble->retries = 0;
        trouble->is_over = false;
    }
    trouble->retries++;
    trouble->error = *error;
    trouble->retry_ms = retry_ms;
    trouble->again_ms = vv_now_ms() + retry_ms;
    (void)pthread_mutex_unlock(&events->lock);
    wake(events);
}

static void on_maintain(void *data, const varve_maintain_result *result)
{
    struct vv_events *events = data;
    struct vv_upkeep *upkeep = &events->upkeep;
    (void)pthread_mutex_lock(&events->lock);
    upkeep->runs++;
    upkeep->tasks += result->tasks;
    upkeep->left += result->left;
    upkeep->failed += result->failed;
    upkeep->skipped = result->skipped;
    upkeep->files_added += result->files_added;
    upkeep->files_removed += result->files_removed;
    upkeep->files_vacuumed += result->files_vacuumed;
    upkeep->checkpoints += result->checkpoints;
    (void)pthread_mutex_unlock(&events->lock);
}

struct vv_upkeep vv_events_upkeep(struct vv_events *events)
{
    (void)pthread_mutex_lock(&events->lock);
    struct vv_upkeep upkeep = events->upkeep;
    (void)pthread_mutex_unlock(&events->lock);
    return upkeep;
}

void vv_events_connect(struct vv_events *events, varve_writer_options *options)
{
    options->on_durable = on_durable;
    options->on_commit = on_commit;
    options->on_quarantine = on_quarantine;
    options->on_retry = on_retry;
    options->on_maintain = on_maintain;
    options->callback_data = events;
}

struct vv_refusal *vv_events_refusals(struct vv_events *events, size_t *out_len,
    uint64_t *out_lost)
{
    (void)pthread_mutex_lock(&events->lock);
    struct vv_refusal *refusals = events->refusals;
    *out_len = events->refusals_len;
    *out_lost = events->refusals_lost;
    events->refusals = NULL;
    events->refusals_len = events->refusals_capacity = 0;
    events->refusals_lost = 0;
    (void)pthread_mutex_unlock(&events->lock);
    return refusals;
}

int64_t vv_events_failing_since_ms(struct vv_events *events, varve_error *out_error)
{
    int64_t since_ms = 0;
    (void)pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < events->troubles_len; i++) {
        const struct vv_trouble *trouble = &events->troubles[i];
        if (trouble->is_over || (since_ms != 0 && trouble->since_ms >= since_ms))
            continue;
        since_ms = trouble->since_ms;
        if (out_error)
            *out_error = trouble->error;
    }
    (void)pthread_mutex_unlock(&events->lock);
    return since_ms;
}

int64_t vv_events_again_ms(struct vv_events *events)
{
    int64_t again_ms = 0;
    (void)pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < events->troubles_len; i++) {
        const struct vv_trouble *trouble = &events->troubles[i];
        if (!trouble->is_over && (again_ms == 0 || trouble->again_ms < again_ms))
            again_ms = trouble->again_ms;
    }
    (void)pthread_mutex_unlock(&events->lock);
    return again_ms;
}
