/* A stream of rows that is counted while it is read. */
#include <stdlib.h>

#include "cli/cli.h"

struct counted {
    struct ArrowArrayStream inner;
    struct vv_cli *cli;
    uint64_t rows;
};

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct counted *counted = self->private_data;
    return counted->inner.get_schema(&counted->inner, out);
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct counted *counted = self->private_data;
    int number = counted->inner.get_next(&counted->inner, out);
    if (number == 0 && out->release != NULL) {
        counted->rows += (uint64_t)out->length;
        (void)vv_on_progress(counted->cli, "rows", counted->rows, 0);
    }
    return number;
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
    struct counted *counted = self->private_data;
    return counted->inner.get_last_error(&counted->inner);
}

static void release(struct ArrowArrayStream *self)
{
    struct counted *counted = self->private_data;
    counted->inner.release(&counted->inner);
    free(counted);
    self->private_data = NULL;
    self->release = NULL;
}

void vv_progress_count(struct vv_cli *cli, struct ArrowArrayStream *stream)
{
    struct counted *counted = vv_cli_alloc(1, sizeof(*counted));
    *counted = (struct counted){*stream, cli, 0};
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
        .get_next = get_next,
        .get_last_error = get_last_error,
        .release = release,
        .private_data = counted};
}
