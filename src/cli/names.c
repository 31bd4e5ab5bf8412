#include "cli/names.h"

#include <stdlib.h>
#include <string.h>

#include "cli/arrow_view.h"
#include "varve/pin.h"

static void stream_done(struct ArrowArrayStream *stream)
{
    if (stream->release != NULL)
        stream->release(stream);
}

static void schema_done(struct ArrowSchema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

static void table_done(varve_table **table)
{
    varve_table_close(*table);
}

void vv_names_done(struct vv_names *names)
{
    for (size_t i = 0; i < names->len; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct vv_names){0};
}

void vv_names_add(struct vv_names *names, const char *name)
{
    for (size_t i = 0; i < names->len; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    if (names->len == names->capacity) {
        names->capacity = names->capacity > 0 ? names->capacity * 2 : 16;
        names->items = vv_cli_realloc(names->items, names->capacity * sizeof(*names->items));
    }
    char *copy = vv_cli_alloc(strlen(name) + 1, 1);
    memcpy(copy, name, strlen(name) + 1);
    names->items[names->len++] = copy;
}

/* The texts of the first column of one batch. */
static void add_batch(const struct vv_type *type, const struct ArrowArray *batch,
    struct vv_names *names)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    for (int64_t row = 0; row < batch->length; row++) {
        struct vv_cell cell = {type, batch->children[0], batch->offset + row};
        if (!vv_cell_resolve(&cell))
            continue;
        vv_text_clear(&text);
        vv_cell_add_text(cell, &text);
        vv_names_add(names, vv_text_chars(&text));
    }
}

static void add_first_column(struct ArrowArrayStream *stream, struct vv_names *names)
{
    struct ArrowSchema schema VV_CLEANUP(schema_done) = {0};
    struct vv_type type VV_CLEANUP(vv_type_done) = {0};
    varve_error ignored;
    if (stream->get_schema(stream, &schema) != 0 || schema.n_children < 1 ||
        vv_type_read(schema.children[0], &type, &ignored) != VARVE_OK)
        return;
    for (;;) {
        struct ArrowArray batch = {0};
        if (stream->get_next(stream, &batch) != 0 || batch.release == NULL)
            return;
        add_batch(&type, &batch, names);
        batch.release(&batch);
    }
}

void vv_names_of_lake(varve_lake *lake, struct vv_names *names)
{
    struct ArrowArrayStream stream VV_CLEANUP(stream_done) = {0};
    if (varve_lake_tables(lake, &stream, NULL) == VARVE_OK)
        add_first_column(&stream, names);
}

varve_status vv_names_of_tags(varve_lake *lake, struct vv_names *names, varve_error *err)
{
    struct ArrowArrayStream stream VV_CLEANUP(stream_done) = {0};
    varve_status status = varve_lake_pins(lake, VARVE_PIN_TAG, &stream, err);
    if (status == VARVE_OK)
        add_first_column(&stream, names);
    return status;
}

void vv_names_of_table(varve_lake *lake, const char *table, struct vv_names *names)
{
    varve_table *opened VV_CLEANUP(table_done) = NULL;
    struct ArrowArrayStream stream VV_CLEANUP(stream_done) = {0};
    struct ArrowSchema schema VV_CLEANUP(schema_done) = {0};
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.limit = 1;
    if (varve_table_open(lake, table, &opened, NULL) != VARVE_OK ||
        varve_table_scan(opened, &options, &stream, NULL) != VARVE_OK ||
        stream.get_schema(&stream, &schema) != 0)
        return;
    for (int64_t i = 0; i < schema.n_children; i++)
        vv_names_add(names, schema.children[i]->name);
}
