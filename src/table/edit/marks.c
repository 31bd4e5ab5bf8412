#include "table/edit/marks.h"

#include "base/seam.h"
#include "delta/action_copy.h"
#include "delta/features.h"
#include "delta/stats.h"
#include "table/file_keys.h"
#include "table/row_count.h"
#include "table/taken_rows.h"
#include "table/write.h"

bool vv_marks_wanted(const struct vv_snapshot *snapshot)
{
    return vv_property_bool(snapshot->metadata, "delta.enableDeletionVectors", false) &&
           vv_features_has(snapshot->protocol, VV_STR("deletionVectors"));
}

void vv_marks_done(struct vv_marks *marks)
{
    for (size_t i = 0; i < marks->len; i++)
        vv_row_set_free(&marks->items[i].taken);
    marks->len = 0;
}

static varve_status new_mark(struct vv_op *op, struct vv_marks *marks,
    const struct vv_file *file, struct vv_row_set *taken)
{
    struct vv_mark *mark = &marks->items[marks->len++];
    *mark = (struct vv_mark){.file = *file, .taken = taken, .rows = -1};
    return vv_map_put(&marks->by_path, mark->file.key, mark, NULL) ? VARVE_OK
                                                                   : vv_fail_memory(op);
}

varve_status vv_marks_read(struct vv_op *op, struct vv_marks *marks, struct vv_str sql,
    const struct vv_file *const *files, size_t files_len)
{
    VV_CLEANUP(vv_taken_rows_done) struct vv_taken_rows taken = {.files = NULL};
    marks->items = vv_new(marks->arena, struct vv_mark, files_len + 1);
    marks->by_path = VV_MAP_INIT(marks->arena);
    if (marks->items == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_taken_rows_read(op, marks->session, sql, files_len, &taken));
    for (size_t i = 0; i < files_len; i++)
        if (taken.files[i] != NULL)
            VV_TRY(new_mark(op, marks, files[i], VV_MOVE(taken.files[i])));
    return VARVE_OK;
}

/*
 * The rows that lie in a file which is to lose `gone`. What other software says of its file is not
 * believed where nothing would be left by it, or less.
 */
static varve_status count_rows(struct vv_op *op, const struct vv_marks *marks,
    struct vv_mark *mark, const struct vv_row_set *gone)
{
    if (mark->is_counted)
        return VARVE_OK;
    VV_TRY(vv_stats_rows(op, &mark->file, &mark->rows));
    bool leaves_some =
        vv_row_set_len(gone) < mark->rows && vv_row_set_greatest(gone) < mark->rows;
    if (mark->rows >= 0 && (mark->file.by_varve || leaves_some))
        return VARVE_OK;
    mark->is_counted = true;
    return vv_row_count(op, marks->session, marks->table->store, &mark->file, &mark->rows);
}

static varve_status add_remove(struct vv_op *op, const struct vv_marks *marks,
    const struct vv_mark *mark, int64_t now_ms, struct vv_actions *actions)
{
    struct vv_remove *remove = vv_actions_new_remove(actions, marks->arena);
    if (remove == NULL)
        return vv_fail_memory(op);
    *remove = vv_remove_of(&mark->file, now_ms, true);
    return VARVE_OK;
}

/* The same file with another vector: bounds and tags stay, but the bounds may be too wide now. */
static varve_status add_marked(struct vv_op *op, const struct vv_marks *marks,
    const struct vv_mark *mark, const struct vv_deletion_vector *dv, struct vv_actions *actions)
{
    struct vv_deletion_vector *kept = vv_new(marks->arena, struct vv_deletion_vector, 1);
    struct vv_file *add = vv_actions_new_add(actions, marks->arena);
    if (kept == NULL || add == NULL)
        return vv_fail_memory(op);
    *kept = *dv;
    *add = mark->file;
    add->data_change = true;
    add->dv = kept;
    add->dv_id = vv_dv_id(kept, marks->arena);
    if (add->dv_id.ptr == NULL)
        return vv_fail_memory(op);
    add->hash = vv_file_hash(add->key, add->dv_id);
    return vv_stats_loosen(op, marks->arena, mark->file.stats, mark->rows, &add->stats);
}

struct application {
    struct vv_dv_reader reader;
    struct vv_dv_writer writer;
    bool is_begun; /* the writer */
};

static void application_done(struct application *application)
{
    vv_dv_reader_done(&application->reader);
    vv_dv_writer_done(&application->writer);
}

static varve_status apply_one(struct vv_op *op, struct vv_marks *marks, struct vv_mark *mark,
    struct application *application, struct vv_actions *actions)
{
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *gone = NULL;
    struct vv_deletion_vector dv;
    if (mark->file.dv != NULL)
        VV_TRY(vv_file_read_vector(op, &application->reader, &mark->file, &gone));
    else if ((gone = vv_row_set_new()) == NULL)
        return vv_fail_memory(op);
    if (!vv_row_set_unite(gone, mark->taken))
        return vv_fail_memory(op);
    VV_TRY(count_rows(op, marks, mark, gone));
    if (vv_row_set_len(gone) == mark->rows) {
        marks->emptied++;
        marks->emptied_with_vector += mark->file.dv != NULL;
        marks->emptied_bytes += mark->file.bytes;
        return VARVE_OK;
    }
    if (!application->is_begun)
        VV_TRY(vv_dv_begin(op, marks->arena, &application->writer));
    application->is_begun = true;
    VV_TRY(vv_dv_add(op, &application->writer, gone, &dv));
    marks->added += mark->file.dv == NULL;
    marks->updated += mark->file.dv != NULL;
    return add_marked(op, marks, mark, &dv, actions);
}

varve_status vv_marks_apply(struct vv_op *op, struct vv_marks *marks, int64_t now_ms,
    struct vv_actions *actions)
{
    VV_CLEANUP(application_done) struct application application = {.is_begun = false};
    vv_dv_reader_init(&application.reader, marks->table->store);
    marks->added = 0;
    marks->updated = 0;
    marks->emptied = 0;
    marks->emptied_with_vector = 0;
    marks->emptied_bytes = 0;
    for (size_t i = 0; i < marks->len; i++) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(add_remove(op, marks, &marks->items[i], now_ms, actions));
        VV_TRY(apply_one(op, marks, &marks->items[i], &application, actions));
    }
    if (!application.is_begun)
        return VARVE_OK;
    marks->key = application.writer.key; /* first: a half-written file is ours to remove */
    vv_crash_point("marks.before_store");
    return vv_dv_store(op, marks->table->store, &application.writer);
}

void vv_marks_discard(struct vv_op *op, struct vv_marks *marks)
{
    if (marks->key.ptr != NULL)
        vv_write_discard_one(op, marks->table, marks->key);
    marks->key = VV_STR_NONE;
}

static bool is_same_file(const struct vv_file *file, const struct vv_remove *remove)
{
    return file->hash == remove->hash && vv_str_eq(file->key, remove->key) &&
           vv_str_eq(file->dv_id, remove->dv_id);
}

static struct vv_mark *find_mark(const struct vv_marks *marks, const struct vv_remove *remove)
{
    struct vv_mark *mark = vv_map_get(&marks->by_path, remove->key);
    return mark != NULL && is_same_file(&mark->file, remove) ? mark : NULL;
}

bool vv_marks_has(const struct vv_marks *marks, const struct vv_remove *remove)
{
    return find_mark(marks, remove) != NULL;
}

bool vv_marks_has_path(const struct vv_marks *marks, struct vv_str key)
{
    return vv_map_has(&marks->by_path, key);
}

/* The files that a commit adds, by their paths. */
static varve_status map_adds(struct vv_op *op, const struct vv_actions *winner,
    struct vv_map *out)
{
    *out = VV_MAP_INIT(&op->arena);
    for (size_t i = 0; i < winner->adds.len; i++)
        if (!vv_map_put(out, winner->adds.items[i].key, &winner->adds.items[i], NULL))
            return vv_fail_memory(op);
    return VARVE_OK;
}

/* Whether all that a file had lost is still lost: a restore can bring rows back. */
static varve_status brings_none(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_file *file, const struct vv_row_set *gone, bool *out)
{
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *before = NULL;
    *out = file->dv == NULL;
    if (file->dv == NULL || gone == NULL)
        return VARVE_OK;
    VV_TRY(vv_file_read_vector(op, reader, file, &before));
    if (!vv_row_set_unite(before, gone))
        return vv_fail_memory(op);
    *out = vv_row_set_len(before) == vv_row_set_len(gone);
    return VARVE_OK;
}

/* The winner's file in the place of ours, if it has the rows that we take and none that are new. */
static varve_status succeed(struct vv_op *op, struct vv_marks *marks, struct vv_mark *mark,
    const struct vv_file *successor, bool *out_is_fine)
{
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *gone = NULL;
    VV_CLEANUP(vv_dv_reader_done) struct vv_dv_reader reader;
    vv_dv_reader_init(&reader, marks->table->store);
    if (successor->dv != NULL)
        VV_TRY(vv_file_read_vector(op, &reader, successor, &gone));
    VV_TRY(brings_none(op, &reader, &mark->file, gone, out_is_fine));
    *out_is_fine = *out_is_fine && (gone == NULL || !vv_row_set_overlaps(gone, mark->taken));
    const struct vv_file *kept = vv_file_copy(marks->arena, successor);
    if (kept == NULL)
        return vv_fail_memory(op);
    mark->file = *kept;
    return VARVE_OK;
}

/* Takes the actions that vv_marks_apply has put there out again. */
static void withdraw(const struct vv_marks *marks, struct vv_actions *actions)
{
    size_t kept = 0;
    for (size_t i = 0; i < actions->adds.len; i++)
        if (!vv_marks_has_path(marks, actions->adds.items[i].key))
            actions->adds.items[kept++] = actions->adds.items[i];
    actions->adds.len = kept;
    kept = 0;
    for (size_t i = 0; i < actions->removes.len; i++)
        if (!vv_marks_has_path(marks, actions->removes.items[i].key))
            actions->removes.items[kept++] = actions->removes.items[i];
    actions->removes.len = kept;
}

varve_status vv_marks_rebuild(struct vv_op *op, struct vv_marks *marks,
    const struct vv_actions *winner, int64_t now_ms, struct vv_actions *actions,
    enum vv_verdict *out)
{
    struct vv_map adds;
    bool is_touched = false;
    *out = VV_VERDICT_REPLAN;
    VV_TRY(map_adds(op, winner, &adds));
    for (size_t i = 0; i < winner->removes.len; i++) {
        struct vv_mark *mark = find_mark(marks, &winner->removes.items[i]);
        bool is_fine = false;
        if (mark == NULL)
            continue;
        /* The same file with another vector, or it is gone. */
        const struct vv_file *successor = vv_map_get(&adds, mark->file.key);
        if (successor == NULL)
            return VARVE_OK;
        VV_TRY(succeed(op, marks, mark, successor, &is_fine));
        if (!is_fine)
            return VARVE_OK;
        is_touched = true;
    }
    *out = VV_VERDICT_REBASE;
    if (!is_touched)
        return VARVE_OK;
    withdraw(marks, actions);
    vv_marks_discard(op, marks);
    return vv_marks_apply(op, marks, now_ms, actions);
}
