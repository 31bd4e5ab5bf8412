/*
 * Hashing many files at once. Threads take the next file each; they share nothing but the number
 * of the next one, and are joined before anything is told.
 */
#include <stdatomic.h>

#include "base/os.h"
#include "base/thread.h"
#include "table/audit/verify_run.h"

#define JOBS_MAX 4096 /* that wait: each costs a few hundred bytes */
#define THREADS_MAX 64
#define OP_BYTES_MAX ((size_t)1 << 20)

struct work {
    struct vv_hash_job *jobs;
    size_t len;
    atomic_size_t next;
    const struct vv_env *env;
};

static void *hash_files(void *data)
{
    struct work *work = data;
    for (size_t i = atomic_fetch_add(&work->next, 1); i < work->len;
         i = atomic_fetch_add(&work->next, 1)) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_hash_job *job = &work->jobs[i];
        vv_op_init(&op, work->env, OP_BYTES_MAX);
        job->status = vv_sha256_file(&op, job->path.ptr, job->actual, &job->bytes);
        job->error = op.error;
        if (job->status != VARVE_OK)
            vv_forgive(&op);
        if (job->status == VARVE_EINTERRUPTED)
            break;
    }
    return NULL;
}

static varve_status tell_job(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_hash_job *job)
{
    if (job->status == VARVE_EINTERRUPTED || job->status == VARVE_ELIMIT)
        return vv_fail(op, job->status, "%s", job->error.message);
    if (job->status != VARVE_OK)
        return vv_verify_tell(op, run,
            &(struct vv_finding){"file.unreadable",
                job->status == VARVE_EIO ? VV_UNREAD : VV_WRONG, job->version, job->key,
                VV_STR_NONE},
            "%.*s can't be read: %s", VV_ARG(job->key), job->error.message);
    run->sizes.hashed++;
    if (vv_str_eq(job->sha256, vv_str_of(job->actual)))
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"file.altered", true, job->version, job->key, VV_STR_NONE},
        "%.*s was altered: its SHA-256 is %s, version %" PRId64 " added it with %.*s",
        VV_ARG(job->key), job->actual, job->version, VV_ARG(job->sha256));
}

static size_t threads_for(const struct vv_verify_run *run)
{
    size_t threads = run->request->threads > 0 ? run->request->threads : (size_t)vv_os_cores();
    if (threads > run->jobs.len)
        threads = run->jobs.len;
    return threads > THREADS_MAX ? THREADS_MAX : threads;
}

varve_status vv_verify_hash(struct vv_op *op, struct vv_verify_run *run, bool all)
{
    pthread_t threads[THREADS_MAX];
    size_t started = 0;
    if (run->jobs.len == 0 || (!all && run->jobs.len < JOBS_MAX))
        return VARVE_OK;
    struct vv_env env = *op->env;
    env.progress = NULL; /* is for the calling thread alone */
    struct work work = {.jobs = run->jobs.items, .len = run->jobs.len, .env = &env};
    size_t wanted = threads_for(run) - 1;
    while (started < wanted && vv_thread_start(&threads[started], hash_files, &work) == 0)
        started++;
    (void)hash_files(&work);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    VV_TRY(vv_check_cancel(op));
    for (size_t i = 0; i < run->jobs.len; i++)
        VV_TRY(tell_job(op, run, &run->jobs.items[i]));
    vv_arena_done(&run->jobs_arena);
    run->jobs.items = NULL;
    run->jobs.len = 0;
    run->jobs.capacity = 0;
    return VARVE_OK;
}
