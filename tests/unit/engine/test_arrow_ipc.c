#include "engine/arrow_ipc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seam.h"
#include "fixture.h"

#define ROWS_SQL                                                                           \
    "SELECT i, CASE WHEN i % 3 > 0 THEN 'text ' || i END AS s, i % 2 = 0 AS b, [i, NULL] " \
    "AS l, {'x': i / 2.0} AS r, MAP {'k': i} AS m, (i / 100)::DECIMAL(9, 2) AS c, "        \
    "make_timestamptz(i) AS t, NULL::DATE AS d FROM range(5000) t(i)"

static varve_status buf_write(struct vv_op *op, void *data, const void *bytes, size_t len)
{
    struct vv_buf *buf = data;
    vv_buf_add(buf, (struct vv_str){bytes, len});
    return vv_buf_ok(buf) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status buf_read(struct vv_op *op, void *data, int64_t offset, char *out,
    size_t len, size_t *out_len)
{
    const struct vv_str *text = data;
    (void)op;
    VV_PRE(offset >= 0 && (uint64_t)offset + len <= text->len);
    memcpy(out, text->ptr + offset, len);
    *out_len = len;
    return VARVE_OK;
}

static varve_status encode(struct fixture *fixture, const char *sql, bool as_file,
    struct vv_buf *out, int64_t *out_rows)
{
    struct vv_session *session = NULL;
    struct ArrowArrayStream stream;
    struct vv_ipc_sink sink = {out, buf_write};
    VV_TRY(vv_session_open(&fixture->op, fixture->engine, &session));
    varve_status status =
        vv_session_stream(&fixture->op, &session, vv_str_of(sql), true, NULL, 0, &stream);
    vv_session_close(&session);
    VV_TRY(status);
    return vv_ipc_write(&fixture->op, &stream, as_file, &sink, out_rows);
}

static varve_status decode(struct fixture *fixture, struct vv_str bytes, int64_t *out_rows)
{
    struct vv_ipc_bytes from = {&bytes, (int64_t)bytes.len, buf_read};
    varve_status status = vv_session_exec(&fixture->op, fixture->session,
        VV_STR("DROP TABLE IF EXISTS temp.back"));
    VV_TRY(status);
    const struct vv_load_target target = {
        .table = VV_STR("back"), .row_column = VV_STR("row number")};
    return vv_session_load_ipc(&fixture->op, fixture->session, &from, &target, out_rows);
}

TEST(arrow_ipc, what_was_written_is_read_back)
{
    FIXTURE(fixture);
    for (int as_file = 0; as_file < 2; as_file++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
        int64_t written = 0, read = 0;
        REQUIRE_OK(&fixture.op, encode(&fixture, ROWS_SQL, as_file, &bytes, &written));
        REQUIRE_OK(&fixture.op, decode(&fixture, vv_buf_str(&bytes), &read));
        CHECK_INT(written, 5000);
        CHECK_INT(read, 5000);
        CHECK_INT(number(&fixture,
                      "SELECT count(*) FROM (SELECT * EXCLUDE (\"row number\") FROM "
                      "temp.back EXCEPT ALL " ROWS_SQL ")"),
            0);
        CHECK_INT(number(&fixture,
                      "SELECT count(*) FROM temp.back WHERE \"row number\" <> i + 1"),
            0);
    }
}

TEST(arrow_ipc, whatever_is_cut_off_is_missed)
{
    FIXTURE(fixture);
    for (int as_file = 0; as_file < 2; as_file++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
        REQUIRE_OK(&fixture.op,
            encode(&fixture, "SELECT 7 AS i, 'some text' AS s", as_file, &bytes, NULL));
        for (size_t len = 0; len < bytes.len; len++) {
            /* Of its own length, so that a sanitizer sees what is read behind it. */
            char *cut = malloc(len + 1);
            memcpy(cut, vv_buf_str(&bytes).ptr, len);
            CHECK_INT(decode(&fixture, (struct vv_str){cut, len}, NULL), VARVE_EINVALID);
            vv_forgive(&fixture.op);
            free(cut);
        }
    }
}

TEST(arrow_ipc, a_stream_that_fails_fails_the_writing)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    vv_seam_set("fail=engine.stream:2");
    CHECK_INT(encode(&fixture, ROWS_SQL, false, &bytes, NULL), VARVE_EIO);
    vv_seam_set(NULL);
    CHECK(strstr(fixture.op.error.message, "a test made this stream fail") != NULL);
    vv_forgive(&fixture.op);
}

TEST(arrow_ipc, an_enum_cannot_be_written)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    CHECK_INT(encode(&fixture, "SELECT 'a'::ENUM('a') AS e", false, &bytes, NULL),
        VARVE_EUNSUPPORTED);
    CHECK_INT(bytes.len, 0);
    vv_forgive(&fixture.op);
}

static varve_status full_write(struct vv_op *op, void *data, const void *bytes, size_t len)
{
    int64_t *left = data;
    (void)bytes;
    if ((*left -= (int64_t)len) < 0)
        return vv_fail_errno(op, ENOSPC, "cannot write");
    return VARVE_OK;
}

TEST(arrow_ipc, a_full_disk_is_told_wherever_it_is_met)
{
    FIXTURE(fixture);
    for (int64_t room = 0; room < 600; room += 100) {
        struct vv_session *session = NULL;
        struct ArrowArrayStream stream;
        int64_t left = room;
        struct vv_ipc_sink sink = {&left, full_write};
        REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &session));
        REQUIRE_OK(&fixture.op,
            vv_session_stream(&fixture.op, &session, VV_STR("SELECT i FROM range(9000) t(i)"),
                false, NULL, 0, &stream));
        CHECK_INT(vv_ipc_write(&fixture.op, &stream, true, &sink, NULL), VARVE_EIO);
        CHECK(stream.release == NULL);
        CHECK(strstr(fixture.op.error.message, "No space left") != NULL);
        vv_forgive(&fixture.op);
    }
}

TEST(arrow_ipc, no_allocation_of_the_reader_may_fail_unnoticed)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    REQUIRE_OK(&fixture.op, encode(&fixture, ROWS_SQL, true, &bytes, NULL));
    for (uint64_t nth = 1; nth < 10000; nth++) {
        int64_t rows = 0;
        vv_seam_fail_allocation(nth);
        varve_status status = decode(&fixture, vv_buf_str(&bytes), &rows);
        vv_seam_fail_allocation(0);
        if (status == VARVE_OK) {
            CHECK_INT(rows, 5000);
            CHECK(nth > 10);
            return;
        }
        CHECK_INT(status, VARVE_ELIMIT);
        vv_forgive(&fixture.op);
    }
    CHECK(false);
}
