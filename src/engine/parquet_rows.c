#include "engine/parquet_rows.h"

#include "base/json_write.h"

varve_status vv_pq_rows_begin(struct vv_op *op, struct vv_pq_rows *rows)
{
    rows->cursors = vv_new(rows->arena, struct vv_pq_cursor *, rows->file->leaves_len);
    rows->scratch = vv_new(rows->arena, struct vv_pq_cursor *, rows->file->leaves_len);
    rows->read = vv_new(rows->arena, struct vv_pq_cursor *, rows->file->leaves_len);
    rows->read_len = 0;
    return rows->cursors != NULL && rows->scratch != NULL && rows->read != NULL
               ? VARVE_OK
               : vv_fail_memory(op);
}

static varve_status read_leaf(struct vv_op *op, struct vv_pq_rows *rows, uint32_t leaf)
{
    if (rows->cursors[leaf] != NULL)
        return VARVE_OK;
    if (rows->file->leaves[leaf]->type == VV_PQ_FIXED_BYTES)
        return vv_fail(op, VARVE_EUNSUPPORTED, "a column of values of a fixed length");
    struct vv_pq_cursor *cursor = vv_new(rows->arena, struct vv_pq_cursor, 2);
    if (cursor == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_pq_read_column(op, rows->file, rows->group, leaf, rows->arena, &cursor->column));
    rows->cursors[leaf] = cursor;
    rows->scratch[leaf] = cursor + 1;
    rows->read[rows->read_len++] = cursor;
    return VARVE_OK;
}

varve_status vv_pq_rows_read(struct vv_op *op, struct vv_pq_rows *rows,
    const struct vv_pq_node *node, struct vv_str without)
{
    const struct vv_pq_node *end = vv_pq_behind(rows->file, node);
    const struct vv_pq_node *at = node;
    while (at < end) {
        bool is_left_out = without.ptr != NULL && vv_str_ends(at->name, without);
        if (!is_left_out && at->type != VV_PQ_GROUP)
            VV_TRY(read_leaf(op, rows, at->leaf));
        at = is_left_out ? vv_pq_behind(rows->file, at) : at + 1;
    }
    return VARVE_OK;
}

/* The definition level of the entry; behind the last one nothing is there. */
static uint8_t level_of(const struct vv_pq_cursor *cursor)
{
    const struct vv_pq_column *column = &cursor->column;
    if (cursor->entry >= column->entries)
        return 0;
    return column->def != NULL ? column->def[cursor->entry] : column->node->def_max;
}

bool vv_pq_cursor_is_null(const struct vv_pq_cursor *cursor)
{
    return cursor->value >= cursor->column.values_len ||
           level_of(cursor) != cursor->column.node->def_max;
}

int64_t vv_pq_cursor_int(const struct vv_pq_cursor *cursor)
{
    bool is_there = cursor->column.ints != NULL && !vv_pq_cursor_is_null(cursor);
    return is_there ? cursor->column.ints[cursor->value] : 0;
}

struct vv_str vv_pq_cursor_text(const struct vv_pq_cursor *cursor)
{
    bool is_there = cursor->column.texts != NULL && !vv_pq_cursor_is_null(cursor);
    return is_there ? cursor->column.texts[cursor->value] : VV_STR_NONE;
}

bool vv_pq_cursor_step(struct vv_pq_cursor *cursor)
{
    const struct vv_pq_column *column = &cursor->column;
    if (cursor->entry >= column->entries)
        return false;
    cursor->value += level_of(cursor) == column->node->def_max;
    cursor->entry++;
    return cursor->entry < column->entries && column->rep != NULL &&
           column->rep[cursor->entry] > 0;
}

void vv_pq_rows_next(struct vv_pq_rows *rows)
{
    for (uint32_t i = 0; i < rows->read_len; i++)
        while (vv_pq_cursor_step(rows->read[i]))
            continue;
}

bool vv_pq_is_text_map(const struct vv_pq_file *file, const struct vv_pq_node *node)
{
    if (node->type != VV_PQ_GROUP || node->shape != VV_PQ_MAP || node->children != 1)
        return false;
    const struct vv_pq_node *pair = node + 1;
    if (pair->type != VV_PQ_GROUP || pair->repetition != VV_PQ_REPEATED || pair->children != 2)
        return false;
    const struct vv_pq_node *key = pair + 1;
    const struct vv_pq_node *value = vv_pq_behind(file, key);
    return key->type == VV_PQ_BYTES && key->repetition != VV_PQ_REPEATED &&
           value->type == VV_PQ_BYTES && value->repetition != VV_PQ_REPEATED;
}

struct writer {
    struct vv_op *op;
    const struct vv_pq_rows *rows;
    struct vv_json_writer json;
};

/* A column of a node that was read; all of them know whether the node is there. NULL: none was. */
static struct vv_pq_cursor *any_cursor(const struct writer *writer,
    const struct vv_pq_node *node)
{
    uint32_t len = vv_pq_leaves(writer->rows->file, node);
    for (uint32_t leaf = node->leaf; leaf < node->leaf + len; leaf++)
        if (writer->rows->cursors[leaf] != NULL)
            return writer->rows->scratch[leaf];
    return NULL;
}

/* A node that is not there has one entry in each of its columns. */
static void pass_over(const struct writer *writer, const struct vv_pq_node *node)
{
    uint32_t len = vv_pq_leaves(writer->rows->file, node);
    for (uint32_t leaf = node->leaf; leaf < node->leaf + len; leaf++)
        if (writer->rows->cursors[leaf] != NULL)
            (void)vv_pq_cursor_step(writer->rows->scratch[leaf]);
}

static varve_status write_node(struct writer *writer, const struct vv_pq_node *node);

static void write_leaf(struct writer *writer, struct vv_pq_cursor *cursor)
{
    const struct vv_pq_column *column = &cursor->column;
    if (vv_pq_cursor_is_null(cursor))
        vv_jw_null(&writer->json);
    else if (column->texts != NULL)
        vv_jw_string(&writer->json, column->texts[cursor->value]);
    else if (column->doubles != NULL)
        vv_jw_double(&writer->json, column->doubles[cursor->value]);
    else if (column->node->type == VV_PQ_BOOLEAN)
        vv_jw_bool(&writer->json, column->ints[cursor->value] != 0);
    else
        vv_jw_int(&writer->json, column->ints[cursor->value]);
    (void)vv_pq_cursor_step(cursor);
}

static varve_status write_members(struct writer *writer, const struct vv_pq_node *node)
{
    const struct vv_pq_file *file = writer->rows->file;
    vv_jw_object(&writer->json);
    for (const struct vv_pq_node *child = node + 1; child < vv_pq_behind(file, node);
         child = vv_pq_behind(file, child)) {
        if (any_cursor(writer, child) == NULL)
            continue;
        vv_jw_key_str(&writer->json, child->name);
        VV_TRY(write_node(writer, child));
    }
    vv_jw_end(&writer->json);
    return VARVE_OK;
}

static varve_status write_element(struct writer *writer, const struct vv_pq_node *repeated)
{
    if (repeated->type != VV_PQ_GROUP) {
        write_leaf(writer, writer->rows->scratch[repeated->leaf]);
        return VARVE_OK;
    }
    return repeated->children == 1 ? write_node(writer, repeated + 1)
                                   : write_members(writer, repeated);
}

static varve_status write_pair(struct writer *writer, const struct vv_pq_node *repeated)
{
    struct vv_pq_cursor *key = writer->rows->scratch[repeated->leaf];
    struct vv_str name = vv_pq_cursor_text(key);
    if (name.ptr == NULL)
        return vv_fail(writer->op, VARVE_ECORRUPT, "a map has a key that is NULL");
    vv_jw_key_str(&writer->json, name);
    (void)vv_pq_cursor_step(key);
    return write_node(writer, vv_pq_behind(writer->rows->file, repeated + 1));
}

/* A list or a map: its repeated child as often as it is there. */
static varve_status write_repeated(struct writer *writer, const struct vv_pq_node *node)
{
    const struct vv_pq_node *repeated = node + 1;
    bool is_map = node->shape == VV_PQ_MAP;
    const struct vv_pq_cursor *any = any_cursor(writer, node);
    if (node->children != 1 || repeated->repetition != VV_PQ_REPEATED ||
        (is_map && !vv_pq_is_text_map(writer->rows->file, node)))
        return vv_fail(writer->op, VARVE_EUNSUPPORTED, "%.*s is an unusual list or map",
            VV_ARG(node->name));
    if (is_map)
        vv_jw_object(&writer->json);
    else
        vv_jw_array(&writer->json);
    if (level_of(any) < repeated->def_max) {
        pass_over(writer, node);
    } else {
        bool is_more = true;
        while (is_more) {
            size_t before = any->entry;
            VV_TRY(is_map ? write_pair(writer, repeated) : write_element(writer, repeated));
            is_more = any->entry > before && any->entry < any->column.entries &&
                      any->column.rep[any->entry] == repeated->rep_max;
        }
    }
    vv_jw_end(&writer->json);
    return VARVE_OK;
}

/* As deep as the schema is. */
static varve_status write_node(struct writer *writer, const struct vv_pq_node *node)
{
    const struct vv_pq_cursor *any = any_cursor(writer, node);
    if (node->repetition == VV_PQ_REPEATED)
        return vv_fail(writer->op, VARVE_EUNSUPPORTED, "%.*s is repeated outside of a list",
            VV_ARG(node->name));
    if (any == NULL || level_of(any) < node->def_max) {
        pass_over(writer, node);
        vv_jw_null(&writer->json);
        return VARVE_OK;
    }
    if (node->type != VV_PQ_GROUP) {
        write_leaf(writer, writer->rows->scratch[node->leaf]);
        return VARVE_OK;
    }
    return node->shape == VV_PQ_STRUCT ? write_members(writer, node)
                                       : write_repeated(writer, node);
}

varve_status vv_pq_rows_json(struct vv_op *op, struct vv_pq_rows *rows,
    const struct vv_pq_node *node, struct vv_buf *json)
{
    struct writer writer = {.op = op, .rows = rows, .json = VV_JSON_WRITER_INIT(json)};
    uint32_t len = vv_pq_leaves(rows->file, node);
    for (uint32_t leaf = node->leaf; leaf < node->leaf + len; leaf++)
        if (rows->cursors[leaf] != NULL)
            *rows->scratch[leaf] = *rows->cursors[leaf];
    return write_node(&writer, node);
}
