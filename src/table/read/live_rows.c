#include "table/read/live_rows.h"

#include "base/seam.h"
#include "delta/deletion_vector.h"
#include "engine/row_filter.h"
#include "table/file_keys.h"

struct gone_rows {
    size_t len;
    struct vv_row_set *files[]; /* NULL: none are gone */
};

static void release(void *object)
{
    struct gone_rows *gone = object;
    for (size_t i = 0; i < gone->len; i++)
        vv_row_set_free(&gone->files[i]);
    vv_free(gone);
}

static void stays(const void *object, uint64_t file, const int64_t *rows, size_t len,
    bool *out_stays)
{
    const struct gone_rows *gone = object;
    if (file >= gone->len || gone->files[file] == NULL) {
        memset(out_stays, true, len * sizeof(*out_stays));
        return;
    }
    vv_row_set_find(gone->files[file], rows, len, out_stays);
    for (size_t i = 0; i < len; i++)
        out_stays[i] = !out_stays[i];
}

static const struct vv_row_set *taken_of(const struct vv_live_source *source, size_t file)
{
    return source->taken != NULL ? source->taken[file] : NULL;
}

static varve_status read_all(struct vv_op *op, const struct vv_live_source *source,
    struct gone_rows *gone)
{
    VV_CLEANUP(vv_dv_reader_done) struct vv_dv_reader reader;
    vv_dv_reader_init(&reader, source->store);
    for (size_t i = 0; i < gone->len; i++) {
        const struct vv_row_set *taken = taken_of(source, i);
        VV_TRY(vv_check_cancel(op));
        if (source->files[i]->dv != NULL)
            VV_TRY(vv_file_read_vector(op, &reader, source->files[i], &gone->files[i]));
        else if (taken != NULL && (gone->files[i] = vv_row_set_new()) == NULL)
            return vv_fail_memory(op);
        if (taken != NULL && !vv_row_set_unite(gone->files[i], taken))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

varve_status vv_live_rows(struct vv_op *op, struct vv_engine *engine,
    const struct vv_live_source *source, struct vv_live_rows *out)
{
    out->all = true;
    for (size_t i = 0; i < source->files_len && out->all; i++)
        out->all = source->files[i]->dv == NULL && taken_of(source, i) == NULL;
    if (out->all)
        return VARVE_OK;
    struct gone_rows *gone =
        vv_malloc_zeroed(sizeof(*gone) + source->files_len * sizeof(gone->files[0]));
    if (gone == NULL)
        return vv_fail_memory(op);
    gone->len = source->files_len;
    varve_status status = read_all(op, source, gone);
    if (status != VARVE_OK) {
        release(gone);
        return status;
    }
    const struct vv_row_filter filter = {gone, stays, release};
    return vv_engine_filter(op, engine, &filter, &out->id);
}
