/*
 * A file of deletion vectors, and what the log says of one in it: its storage, its name, where it
 * begins, its bytes and its rows. What is believed has the rows that the log says; else it is refused
 * by its kind. An input has those numbers, the name, and the file; where its first byte says so the
 * vector's frame is made right first.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "base/hash.h"
#include "delta/deletion_vector.h"
#include "store/key.h"

#define HEAD_BYTES ((size_t)14) /* a byte, three numbers of four, the bytes of the name */
#define FRAME_BYTES ((size_t)4)

static int32_t number(const uint8_t *at)
{
    return (int32_t)((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                     (uint32_t)at[3] << 24);
}

static void put_number(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

static void repair(char *file, size_t len, const struct vv_deletion_vector *dv)
{
    size_t at = (size_t)dv->offset;
    size_t bytes = (size_t)dv->size_bytes;
    if (dv->offset < 0 || dv->size_bytes < 0 || at + bytes + 2 * FRAME_BYTES > len)
        return;
    file[0] = 1;
    put_number(file + at, (uint32_t)bytes);
    struct vv_str content = {file + at + FRAME_BYTES, bytes};
    put_number(file + at + FRAME_BYTES + bytes, vv_crc32(content));
}

/* Under the name that the log has for it, if it is one. */
static void store(struct vv_op *op, struct vv_store *store, const struct vv_deletion_vector *dv,
    struct vv_str file)
{
    struct vv_str key;
    bool is_absolute = false;
    if (vv_dv_key(op, &op->arena, dv, &key, &is_absolute) != VARVE_OK) {
        VV_PRE(op->error.code == VARVE_ECORRUPT);
        vv_forgive(op);
        return;
    }
    VV_PRE(!is_absolute && vv_key_fault(key) == NULL);
    VV_PRE(vv_store_put(op, store, key, file) == VARVE_OK);
}

static void read_vector(struct vv_op *op, struct vv_store *store,
    const struct vv_deletion_vector *dv)
{
    VV_CLEANUP(vv_dv_reader_done) struct vv_dv_reader reader;
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *rows = NULL;
    struct vv_deletion_vector copy = *dv;
    const struct vv_file file = {.path = VV_STR("a.parquet"), .dv = &copy};
    vv_dv_reader_init(&reader, store);
    varve_status status = vv_dv_read(op, &reader, &file, &rows);
    VV_PRE(status == VARVE_OK || status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED ||
           status == VARVE_ENOTFOUND);
    if (status == VARVE_OK)
        VV_PRE(vv_row_set_len(rows) == dv->cardinality);
    else
        vv_forgive(op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *memory = NULL;
    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (size < HEAD_BYTES || size < HEAD_BYTES + data[HEAD_BYTES - 1])
        return 0;
    size_t name_bytes = data[HEAD_BYTES - 1];
    VV_PRE(vv_store_open_memory(&op, &memory) == VARVE_OK);
    struct vv_deletion_vector dv = {
        .storage = data[0] % 4 == 3 ? 'i' : 'u', /* 'p' would name any file of the machine */
        .path_or_inline = {(const char *)data + HEAD_BYTES, name_bytes},
        .has_offset = data[0] % 8 < 4,
        .offset = number(data + 1),
        .size_bytes = number(data + 5),
        .cardinality = number(data + 9)};
    size_t len = size - HEAD_BYTES - name_bytes;
    char *file = vv_new(&op.arena, char, len + 1);
    VV_PRE(file != NULL);
    memcpy(file, data + HEAD_BYTES + name_bytes, len);
    if (data[0] % 2 == 0 && dv.has_offset)
        repair(file, len, &dv);
    if (dv.storage == 'u')
        store(&op, memory, &dv, (struct vv_str){file, len});
    read_vector(&op, memory, &dv);
    return 0;
}
