/*
 * An Arrow IPC stream that comes byte by byte, as from a pipe: each record batch is put when it is
 * there. The reader of Arrow IPC asks for places; here it gets what has come, and nothing is kept
 * that lies before the place it asked for last.
 */
#include <errno.h>
#include <string.h>

#include "engine/arrow_ipc.h"
#include "engine/arrow_type.h"
#include "ingest/spool_row.h"
#include "ingest/writer_state.h"

#define MESSAGE_BYTES_MAX ((size_t)256 << 20)
#define PIECE_BYTES ((size_t)64 << 10)

struct window {
    const struct vv_writer_bytes *from;
    int64_t offset; /* of the first byte held */
    struct vv_buf held;
    bool is_over;
};

static void window_done(struct window *window)
{
    vv_buf_done(&window->held);
}

/* Drops what lies before a place. */
static varve_status move(struct vv_op *op, struct window *window, int64_t offset)
{
    if (!vv_buf_ok(&window->held))
        return vv_fail_memory(op);
    struct vv_str held = vv_buf_str(&window->held);
    int64_t ahead = offset - window->offset;
    if (ahead < 0 || ahead > (int64_t)held.len)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "an Arrow file can't be read as it comes: write a stream, or read the file with "
            "varve upsert");
    VV_CLEANUP(vv_buf_done) struct vv_buf rest = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_add(&rest, vv_str_skip(held, (size_t)ahead));
    if (!vv_buf_ok(&rest))
        return vv_fail_memory(op);
    vv_buf_clear(&window->held);
    vv_buf_add(&window->held, vv_buf_str(&rest));
    window->offset = offset;
    return vv_buf_ok(&window->held) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status read_piece(struct vv_op *op, struct window *window, size_t wanted)
{
    char piece[PIECE_BYTES];
    size_t room = wanted < sizeof(piece) ? wanted : sizeof(piece);
    int64_t len = window->from->read(window->from->data, piece, room);
    if (len == -ECANCELED)
        return vv_fail(op, VARVE_EINTERRUPTED, "ended within a stream");
    if (len < 0)
        return vv_fail_errno(op, (int)-len, "read the Arrow stream");
    window->is_over = len == 0;
    vv_buf_add(&window->held, (struct vv_str){piece, (size_t)len});
    return vv_buf_ok(&window->held) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status window_read(struct vv_op *op, void *data, int64_t offset, char *out,
    size_t len, size_t *out_len)
{
    struct window *window = data;
    if (len > MESSAGE_BYTES_MAX)
        return vv_fail(op, VARVE_ELIMIT,
            "a message of %zu bytes in the Arrow stream: one may have %zu; write smaller "
            "record "
            "batches",
            len, MESSAGE_BYTES_MAX);
    VV_TRY(move(op, window, offset));
    while (window->held.len < len && !window->is_over)
        VV_TRY(read_piece(op, window, len - window->held.len));
    if (!vv_buf_ok(&window->held))
        return vv_fail_memory(op);
    struct vv_str held = vv_str_first(vv_buf_str(&window->held), len);
    if (held.len > 0)
        memcpy(out, held.ptr, held.len);
    *out_len = held.len;
    return VARVE_OK;
}

/* Of one stream. */
struct target {
    const struct vv_writer_bytes *from;
    struct vv_writer *writer;
    struct vv_str table;
    struct vv_arrow_type type;
    struct vv_writer_lane *lane;
    uint64_t *sequence;
};

static varve_status take_schema(struct vv_op *op, void *data, const struct ArrowSchema *schema)
{
    struct target *target = data;
    VV_CLEANUP(vv_buf_done) struct vv_buf payload = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(vv_arrow_type_read(op, schema, &target->type));
    VV_TRY(vv_row_schema_write(op, schema, &payload));
    if (!vv_buf_ok(&payload))
        return vv_fail_memory(op);
    return vv_writer_lane(op, target->writer, target->table, vv_buf_str(&payload),
        &target->lane);
}

static varve_status take_batch(struct vv_op *op, void *data, const struct ArrowArray *batch)
{
    struct target *target = data;
    VV_TRY(vv_writer_put_array(op, target->writer, target->lane, &target->type, batch, true,
        target->sequence));
    if (target->from->took != NULL)
        target->from->took(target->from->data, (uint64_t)batch->length, *target->sequence);
    return VARVE_OK;
}

varve_status vv_writer_put_ipc(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_writer_bytes *from, uint64_t *out_sequence)
{
    VV_CLEANUP(window_done)
    struct window window = {.from = from, .held = VV_BUF_INIT(2 * MESSAGE_BYTES_MAX)};
    uint64_t sequence = 0;
    struct target target = {
        .from = from, .writer = writer, .table = table, .sequence = &sequence};
    const struct vv_ipc_bytes bytes = {&window, VV_IPC_LEN_UNKNOWN, window_read};
    const struct vv_ipc_taker taker = {&target, take_schema, take_batch};
    VV_TRY(vv_writer_check(op, writer));
    varve_status status = vv_ipc_each(op, &bytes, &taker);
    if (out_sequence != NULL)
        *out_sequence = sequence;
    return status;
}
