#include "engine/parquet_footer.h"

#include "engine/thrift.h"

#define NODES_MAX 100000
#define DEPTH_MAX 200 /* levels are a byte each, and a list is two groups */

struct reader {
    struct vv_thrift in;
    struct vv_arena *arena;
    struct vv_pq_file *file;
    bool is_strange; /* encrypted, or parts lie elsewhere */
};

/* LogicalType, a union: which member is there. */
enum logical {
    LOGICAL_NONE = 0,
    LOGICAL_TEXT = 1,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_NULL = 11,
    LOGICAL_MICROS = 100,   /* TIMESTAMP in microseconds */
    LOGICAL_NANOS_UTC = 101 /* in nanoseconds, with a zone */
};

/* TimeUnit, a union. */
enum unit {
    UNIT_MICROS = 2,
    UNIT_NANOS = 3
};

enum converted {
    CONVERTED_NONE = -1,
    CONVERTED_TEXT = 0,
    CONVERTED_MAP = 1,
    CONVERTED_MAP_PAIR = 2,
    CONVERTED_LIST = 3,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_MICROS = 10,
    CONVERTED_INT_8 = 15,
    CONVERTED_INT_64 = 18
};

/* The id of the member of a union that is there. */
static int16_t read_member(struct vv_thrift *in)
{
    struct vv_thrift_field field = {0};
    int16_t id = 0;
    while (vv_thrift_next(in, &field)) {
        id = field.id;
        vv_thrift_skip(in, &field);
    }
    return id;
}

static int64_t read_timestamp(struct vv_thrift *in)
{
    struct vv_thrift_field field = {0};
    bool is_utc = false;
    int16_t unit = 0;
    while (vv_thrift_next(in, &field)) {
        if (field.id == 1)
            is_utc = vv_thrift_bool(in, &field);
        else if (field.id == 2 && vv_thrift_struct(in, &field))
            unit = read_member(in);
        else
            vv_thrift_skip(in, &field);
    }
    if (unit == UNIT_NANOS && is_utc)
        return LOGICAL_NANOS_UTC;
    return unit == UNIT_MICROS ? LOGICAL_MICROS : LOGICAL_TIMESTAMP;
}

/* The scale is the first member. */
static int64_t read_precision(struct vv_thrift *in)
{
    struct vv_thrift_field field = {0};
    int64_t precision = 0;
    while (vv_thrift_next(in, &field)) {
        if (field.id == 2)
            precision = vv_thrift_int(in, &field);
        else
            vv_thrift_skip(in, &field);
    }
    return precision;
}

static int64_t read_logical(struct vv_thrift *in, bool *out_is_wide)
{
    struct vv_thrift_field field = {0};
    int64_t logical = LOGICAL_NONE;
    while (vv_thrift_next(in, &field)) {
        logical = field.id;
        if (field.id == LOGICAL_TIMESTAMP && vv_thrift_struct(in, &field))
            logical = read_timestamp(in);
        else if (field.id == LOGICAL_DECIMAL && vv_thrift_struct(in, &field))
            *out_is_wide = read_precision(in) > VV_PQ_DIGITS_MAX;
        else
            vv_thrift_skip(in, &field);
    }
    return logical;
}

static enum vv_pq_meaning meaning_of(int64_t converted, int64_t logical)
{
    static const struct {
        int64_t converted, logical;
        enum vv_pq_meaning meaning;
    } both[] = {{CONVERTED_TEXT, LOGICAL_TEXT, VV_PQ_TEXT},
        {CONVERTED_DATE, LOGICAL_DATE, VV_PQ_DATE},
        {CONVERTED_MICROS, LOGICAL_MICROS, VV_PQ_MICROS}};
    bool is_alone = logical == LOGICAL_NONE;
    if (logical == LOGICAL_NANOS_UTC)
        return VV_PQ_NANOS_UTC;
    if (logical == LOGICAL_NULL)
        return VV_PQ_NULL;
    if (converted == CONVERTED_NONE && is_alone)
        return VV_PQ_BARE;
    if (converted == CONVERTED_DECIMAL && (is_alone || logical == LOGICAL_DECIMAL))
        return VV_PQ_DECIMAL;
    if (converted >= CONVERTED_INT_8 && converted <= CONVERTED_INT_64 &&
        (is_alone || logical == LOGICAL_INTEGER))
        return (enum vv_pq_meaning)(VV_PQ_INT_8 + (converted - CONVERTED_INT_8));
    for (size_t i = 0; i < VV_COUNT(both); i++)
        if ((converted == both[i].converted || converted == CONVERTED_NONE) &&
            (logical == both[i].logical || is_alone))
            return both[i].meaning;
    return VV_PQ_STRANGE;
}

static enum vv_pq_shape shape_of(int64_t converted)
{
    if (converted == CONVERTED_MAP || converted == CONVERTED_MAP_PAIR)
        return VV_PQ_MAP;
    return converted == CONVERTED_LIST ? VV_PQ_LIST : VV_PQ_STRUCT;
}

static void read_node(struct vv_thrift *in, struct vv_pq_node *node)
{
    struct vv_thrift_field field = {0};
    int64_t converted = CONVERTED_NONE;
    int64_t logical = LOGICAL_NONE;
    node->type = VV_PQ_GROUP;
    while (vv_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            node->type = (enum vv_pq_type)vv_thrift_int(in, &field);
            break;
        case 2:
            node->fixed_bytes = (int32_t)vv_thrift_int(in, &field);
            break;
        case 3:
            node->repetition = (enum vv_pq_repetition)vv_thrift_int(in, &field);
            break;
        case 4:
            node->name = vv_thrift_text(in, &field);
            break;
        case 5:
            node->children = (uint32_t)vv_thrift_int(in, &field);
            break;
        case 6:
            converted = vv_thrift_int(in, &field);
            break;
        case 7:
            node->scale = (int32_t)vv_thrift_int(in, &field);
            break;
        case 8:
            node->precision = (int32_t)vv_thrift_int(in, &field);
            break;
        case 9:
            node->field_id = (int32_t)vv_thrift_int(in, &field);
            node->has_field_id = true;
            break;
        case 10:
            if (vv_thrift_struct(in, &field))
                logical = read_logical(in, &node->is_wide);
            break;
        default:
            vv_thrift_skip(in, &field);
        }
    }
    node->is_wide = node->is_wide || node->precision > VV_PQ_DIGITS_MAX;
    node->shape = shape_of(converted);
    node->meaning = meaning_of(converted, logical);
    if (node->children > 0)
        node->type = VV_PQ_GROUP;
}

static bool read_nodes(struct reader *reader, const struct vv_thrift_field *field)
{
    size_t len = vv_thrift_list(&reader->in, field, VV_THRIFT_STRUCT);
    if (len == 0 || len > NODES_MAX)
        return false;
    struct vv_pq_node *nodes = vv_new(reader->arena, struct vv_pq_node, len);
    if (nodes == NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        read_node(&reader->in, &nodes[i]);
    reader->file->nodes = nodes;
    reader->file->nodes_len = (uint32_t)len;
    return true;
}

static void read_statistics(struct vv_thrift *in, struct vv_pq_chunk *chunk)
{
    struct vv_thrift_field field = {0};
    while (vv_thrift_next(in, &field)) {
        if (field.id == 3)
            chunk->nulls = vv_thrift_int(in, &field);
        else
            vv_thrift_skip(in, &field);
    }
}

static void read_column(struct vv_thrift *in, struct vv_pq_chunk *chunk)
{
    struct vv_thrift_field field = {0};
    int64_t dictionary = 0, data = 0;
    while (vv_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            chunk->type = (enum vv_pq_type)vv_thrift_int(in, &field);
            break;
        case 4:
            chunk->codec = (int32_t)vv_thrift_int(in, &field);
            break;
        case 5:
            chunk->values = vv_thrift_int(in, &field);
            break;
        case 7:
            chunk->bytes = vv_thrift_int(in, &field);
            break;
        case 9:
            data = vv_thrift_int(in, &field);
            break;
        case 11:
            dictionary = vv_thrift_int(in, &field);
            break;
        case 12:
            if (vv_thrift_struct(in, &field))
                read_statistics(in, chunk);
            break;
        default:
            vv_thrift_skip(in, &field);
        }
    }
    chunk->offset = dictionary > 0 && dictionary < data ? dictionary : data;
}

static void read_chunk(struct reader *reader, struct vv_pq_chunk *chunk)
{
    struct vv_thrift_field field = {0};
    bool is_there = false;
    chunk->nulls = -1;
    while (vv_thrift_next(&reader->in, &field)) {
        if (field.id == 3 && vv_thrift_struct(&reader->in, &field)) {
            read_column(&reader->in, chunk);
            is_there = true;
        } else {
            reader->is_strange = reader->is_strange || field.id == 1 || field.id >= 8;
            vv_thrift_skip(&reader->in, &field);
        }
    }
    if (!is_there)
        reader->in.failed = true;
}

static void read_group(struct reader *reader, struct vv_pq_group *group, size_t *out_chunks)
{
    struct vv_thrift_field field = {0};
    while (vv_thrift_next(&reader->in, &field)) {
        if (field.id == 1) {
            size_t len = vv_thrift_list(&reader->in, &field, VV_THRIFT_STRUCT);
            struct vv_pq_chunk *chunks = vv_new(reader->arena, struct vv_pq_chunk, len + 1);
            reader->in.failed = reader->in.failed || chunks == NULL;
            for (size_t i = 0; i < len && !reader->in.failed; i++)
                read_chunk(reader, &chunks[i]);
            group->chunks = chunks;
            *out_chunks = len;
        } else if (field.id == 3) {
            group->rows = vv_thrift_int(&reader->in, &field);
        } else {
            vv_thrift_skip(&reader->in, &field);
        }
    }
}

/* Each group has a chunk for each leaf of the schema, which stands in front of the groups. */
static void read_groups(struct reader *reader, const struct vv_thrift_field *field)
{
    size_t len = vv_thrift_list(&reader->in, field, VV_THRIFT_STRUCT);
    struct vv_pq_group *groups = vv_new(reader->arena, struct vv_pq_group, len + 1);
    reader->in.failed = reader->in.failed || groups == NULL;
    for (size_t i = 0; i < len && !reader->in.failed; i++) {
        size_t chunks = 0;
        read_group(reader, &groups[i], &chunks);
        if (chunks != reader->file->leaves_len || groups[i].rows < 0)
            reader->in.failed = true;
    }
    reader->file->groups = groups;
    reader->file->groups_len = len;
}

/* The place of a group in a walk over the nodes. */
struct open_group {
    uint32_t node, left;
};

/* Levels, ends and leaves: all that follows from the order of the nodes. */
static bool shape_nodes(struct vv_arena *arena, struct vv_pq_node *nodes,
    struct vv_pq_file *file)
{
    struct open_group open[DEPTH_MAX];
    uint32_t depth = 0;
    file->leaves = vv_new(arena, const struct vv_pq_node *, file->nodes_len);
    if (file->leaves == NULL)
        return false;
    for (uint32_t i = 0; i < file->nodes_len; i++) {
        struct vv_pq_node *node = &nodes[i];
        if (i > 0 && depth == 0)
            return false; /* behind the end of the root */
        const struct vv_pq_node *above = depth > 0 ? &nodes[open[depth - 1].node] : NULL;
        node->leaf = file->leaves_len;
        if (above != NULL) {
            node->def_max = (uint8_t)(above->def_max + (node->repetition != VV_PQ_REQUIRED));
            node->rep_max = (uint8_t)(above->rep_max + (node->repetition == VV_PQ_REPEATED));
        }
        if (node->type != VV_PQ_GROUP)
            file->leaves[file->leaves_len++] = node;
        else if (depth == DEPTH_MAX || node->children == 0)
            return false;
        else
            open[depth++] = (struct open_group){i, node->children + 1};
        node->end = i + 1;
        while (depth > 0 && --open[depth - 1].left == 0)
            nodes[open[--depth].node].end = i + 1;
    }
    return depth == 0;
}

static varve_status read_footer(struct vv_op *op, struct reader *reader)
{
    struct vv_thrift_field field = {0};
    bool is_right = true;
    while (is_right && vv_thrift_next(&reader->in, &field)) {
        if (field.id == 2 && reader->file->nodes == NULL) {
            is_right = read_nodes(reader, &field);
            struct vv_pq_node *nodes = NULL;
            memcpy(&nodes, &reader->file->nodes, sizeof(nodes)); /* ours, still to be shaped */
            is_right = is_right && shape_nodes(reader->arena, nodes, reader->file);
        } else if (field.id == 4 && reader->file->nodes != NULL) {
            read_groups(reader, &field);
        } else {
            reader->is_strange = reader->is_strange || field.id == 8;
            vv_thrift_skip(&reader->in, &field);
        }
    }
    if (!is_right || reader->in.failed || reader->file->nodes == NULL)
        return vv_fail(op, VARVE_ECORRUPT, "the footer of the Parquet file is damaged");
    return reader->is_strange
               ? vv_fail(op, VARVE_EUNSUPPORTED, "the Parquet file is encrypted or in parts")
               : VARVE_OK;
}

varve_status vv_pq_open_footer(struct vv_op *op, struct vv_str footer, struct vv_arena *arena,
    struct vv_pq_file *out)
{
    struct vv_pq_file file = {.bytes = VV_STR_NONE};
    struct reader reader = {.in.rest = footer, .arena = arena, .file = &file};
    VV_TRY(read_footer(op, &reader));
    *out = file;
    return VARVE_OK;
}

varve_status vv_pq_open(struct vv_op *op, struct vv_str bytes, struct vv_arena *arena,
    struct vv_pq_file *out)
{
    const struct vv_str magic = VV_STR(VV_PQ_MAGIC);
    if (bytes.len < magic.len + VV_PQ_TAIL_BYTES || !vv_str_starts(bytes, magic) ||
        !vv_str_ends(bytes, magic))
        return vv_fail(op, VARVE_ECORRUPT, "it is no Parquet file");
    size_t left = bytes.len - VV_PQ_TAIL_BYTES;
    uint32_t length = 0;
    memcpy(&length, bytes.ptr + left, sizeof(length));
    if (length > left - magic.len)
        return vv_fail(op, VARVE_ECORRUPT, "the footer is longer than the file");
    VV_TRY(vv_pq_open_footer(op, (struct vv_str){bytes.ptr + left - length, length}, arena,
        out));
    out->bytes = bytes;
    return VARVE_OK;
}

const struct vv_pq_node *vv_pq_child(const struct vv_pq_file *file,
    const struct vv_pq_node *group, struct vv_str name)
{
    const struct vv_pq_node *end = file->nodes + group->end;
    for (const struct vv_pq_node *child = group + 1; child < end;
         child = vv_pq_behind(file, child))
        if (vv_str_eq(child->name, name))
            return child;
    return NULL;
}

const struct vv_pq_node *vv_pq_find(const struct vv_pq_file *file, const char *path)
{
    const struct vv_pq_node *node = file->nodes;
    struct vv_str rest = vv_str_of(path);
    struct vv_str name;
    while (node != NULL && vv_str_split(&rest, '.', &name))
        node = vv_pq_child(file, node, name);
    return node;
}

uint32_t vv_pq_leaves(const struct vv_pq_file *file, const struct vv_pq_node *node)
{
    uint32_t behind =
        node->end < file->nodes_len ? file->nodes[node->end].leaf : file->leaves_len;
    return behind - node->leaf;
}
