/*
 * The ledger. 'r': the rest of the input is a file of it, as somebody may have left it. 'k': a log
 * whose commits are the lines of the rest is kept in the ledger and cleaned away; then one byte of
 * the ledger, named by the input's second to fifth, is changed. What is given out afterwards has
 * the exact bytes of the commit, or it is refused.
 */
#include "fuzz.h"

#include "delta/ledger.h"
#include "delta/snapshot.h"

#define COMMITS_MAX 8
#define FIRST_KEY VV_LEDGER_FOLDER "/00000000000000000000-00000000000000000002.vl"

struct ledger {
    struct vv_op op;
    struct vv_store *store;
    struct vv_log_handle log;
    struct vv_str commits[COMMITS_MAX];
    int64_t len;
};

static void ledger_done(struct ledger *ledger)
{
    vv_store_close(&ledger->store);
    vv_op_done(&ledger->op);
}

static void put(struct ledger *ledger, struct vv_str key, struct vv_str bytes)
{
    varve_status status = vv_store_put(&ledger->op, ledger->store, key, bytes);
    VV_PRE(status == VARVE_OK);
}

/* Everything that the ledger says it has; *known: the bytes that it must be, or NULL. */
static void read_all(struct ledger *ledger, const struct vv_str *known)
{
    struct vv_op *op = &ledger->op;
    struct vv_log_list list = {0};
    varve_status status = vv_ledger_extend(op, &ledger->log, &op->arena, &list);
    if (status == VARVE_EUNSUPPORTED) { /* a newer format: refused, not passed over */
        vv_forgive(op);
        return;
    }
    VV_PRE(status == VARVE_OK);
    for (size_t i = 0; i < list.commits.len; i++) {
        const struct vv_log_commit *commit = &list.commits.items[i];
        struct vv_str bytes;
        char hash[VV_SHA256_HEX_BYTES];
        char listed[VV_SHA256_HEX_BYTES] = "";
        VV_PRE(i == 0 || commit->version > commit[-1].version);
        status = vv_ledger_read(op, &ledger->log, commit, &op->arena, &bytes);
        if (status != VARVE_OK) {
            VV_PRE(status == VARVE_ECORRUPT || status == VARVE_ELIMIT);
            vv_forgive(op);
            continue;
        }
        status = vv_sha256(op, bytes, hash);
        VV_PRE(status == VARVE_OK);
        if (vv_ledger_sha256(op, &ledger->log, commit->version, listed) != VARVE_OK)
            vv_forgive(op);
        VV_PRE(listed[0] == '\0' || strcmp(hash, listed) == 0);
        if (known != NULL && commit->version < ledger->len)
            VV_PRE(vv_str_eq(bytes, known[commit->version]));
    }
}

static void keep_lines(struct ledger *ledger, struct vv_str text)
{
    struct vv_op *op = &ledger->op;
    struct vv_log_list list = {0};
    struct vv_str line;
    while (ledger->len < COMMITS_MAX && vv_str_split(&text, '\n', &line)) {
        ledger->commits[ledger->len] = line;
        put(ledger, vv_log_commit_key(&op->arena, ledger->len++), line);
    }
    varve_status status = vv_log_list_read(op, &ledger->log, 0, &op->arena, &list);
    VV_PRE(status == VARVE_OK);
    size_t kept = 0;
    status = vv_ledger_keep(op, &ledger->log, &list, ledger->len, &kept);
    VV_PRE(status == VARVE_OK && kept == (size_t)ledger->len);
    for (int64_t version = 0; version < ledger->len; version++) {
        status = vv_store_remove(op, ledger->store, vv_log_commit_key(&op->arena, version));
        VV_PRE(status == VARVE_OK);
    }
}

/* All of it is there; then one byte is another. */
static void change_a_byte(struct ledger *ledger, uint32_t where, uint8_t bits)
{
    struct vv_op *op = &ledger->op;
    struct vv_objects objects = {0};
    struct vv_str bytes;
    struct vv_log_list list = {0};
    varve_status status = vv_ledger_extend(op, &ledger->log, &op->arena, &list);
    VV_PRE(status == VARVE_OK && list.commits.len == (size_t)ledger->len);
    status = vv_store_list(op, ledger->store, &op->arena, VV_STR(VV_LEDGER_FOLDER), VV_STR_NONE,
        0, &objects);
    VV_PRE(status == VARVE_OK && objects.len == 1);
    status = vv_store_get(op, ledger->store, &op->arena, objects.items[0].key, &bytes);
    VV_PRE(status == VARVE_OK && bytes.len > 0);
    struct vv_str copy = vv_arena_str(&op->arena, bytes);
    char *changed = vv_new(&op->arena, char, bytes.len);
    VV_PRE(copy.ptr != NULL && changed != NULL);
    memcpy(changed, copy.ptr, copy.len);
    changed[where % copy.len] = (char)(changed[where % copy.len] ^ (char)bits);
    put(ledger, objects.items[0].key, (struct vv_str){changed, copy.len});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(ledger_done) struct ledger ledger = {0};
    struct vv_str rest = {(const char *)data, size};

    vv_op_init(&ledger.op, NULL, (size_t)1 << 30);
    varve_status status = vv_store_open_memory(&ledger.op, &ledger.store);
    VV_PRE(status == VARVE_OK);
    ledger.log.store = ledger.store;
    if (size > 0 && data[0] == 'r') {
        put(&ledger, VV_STR(FIRST_KEY), vv_str_skip(rest, 1));
        read_all(&ledger, NULL);
    } else if (size > 6 && data[0] == 'k') {
        uint32_t where = (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
        keep_lines(&ledger, vv_str_skip(rest, 5));
        read_all(&ledger, ledger.commits);
        change_a_byte(&ledger, where, data[4]);
        read_all(&ledger, ledger.commits);
    }
    return 0;
}
