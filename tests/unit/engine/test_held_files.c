/*
 * Files that are held in memory hold what the engine's reader says that they hold, however often
 * they are read, by how many at once, and whatever has to make room; without memory less is held.
 */
#include "engine/held_files.h"

#include <pthread.h>

#include "base/seam.h"
#include "engine/held.h"

#include "plain_rows.h"

#define FILES_MAX 64

struct held_fixture {
    struct fixture base;
    struct vv_held *held;
    char paths[FILES_MAX][512];
    struct vv_str sha256[FILES_MAX];
    int64_t bytes_each; /* that the log says */
    size_t len;
};

static void held_fixture_done(struct held_fixture *fixture)
{
    fixture_done(&fixture->base);
    vv_held_release(&fixture->held);
}

static bool held_fixture_open(struct held_fixture *fixture, size_t bytes_max)
{
    struct fixture *base = &fixture->base;
    vv_op_init(&base->op, NULL, VV_OP_BYTES_DEFAULT);
    if (!CHECK_OK(&base->op, vv_held_new(&base->op, bytes_max, &fixture->held)))
        return false;
    const struct vv_engine_options options = {
        .threads = 2, .temp_folder = vv_str_of(test_dir()), .held = fixture->held};
    return CHECK_OK(&base->op, vv_engine_open(&base->op, &options, &base->engine)) &&
           CHECK_OK(&base->op, vv_session_open(&base->op, base->engine, &base->session));
}

#define HELD_FIXTURE(name, bytes_max)                                        \
    VV_CLEANUP(held_fixture_done) struct held_fixture name = {.held = NULL}; \
    REQUIRE(held_fixture_open(&(name), bytes_max))

static varve_status read_path(struct vv_op *op, struct vv_str path, struct vv_arena *arena,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(4096);
    vv_buf_add(&name, path);
    if (!vv_buf_ok(&name))
        return vv_fail_memory(op);
    FILE *file = fopen(vv_buf_str(&name).ptr, "rb");
    if (file == NULL)
        return vv_fail(op, VARVE_ENOTFOUND, "there is no such file");
    (void)fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    char *bytes = vv_new(arena, char, len + 1);
    rewind(file);
    bool is_read = bytes != NULL && fread(bytes, 1, len, file) == len;
    (void)fclose(file);
    *out = (struct vv_str){bytes, len};
    return is_read ? VARVE_OK : vv_fail_memory(op);
}

static bool write_one(struct held_fixture *fixture, const char *rows, const char *options)
{
    char sql[8192];
    char *path = fixture->paths[fixture->len];
    (void)snprintf(path, sizeof(fixture->paths[0]), "%s/%zu.parquet", test_dir(), fixture->len);
    fixture->sha256[fixture->len++] = VV_STR_NONE;
    (void)snprintf(sql, sizeof(sql), "COPY (%s) TO '%s' (FORMAT parquet, %s)", rows, path,
        options);
    return run(&fixture->base, sql);
}

/* All files for a statement. *out_taken: those that it does not leave to the engine. */
static varve_status lend(struct held_fixture *fixture, struct vv_op *op, bool at_once,
    uint64_t *out_id, size_t *out_taken)
{
    VV_CLEANUP(vv_held_files_free) struct vv_held_files *files = NULL;
    struct vv_small_column columns[COLUMNS];
    fill_columns(columns);
    VV_TRY(vv_held_files_new(op, fixture->base.engine, read_path, columns, COLUMNS, 0, &files));
    for (size_t i = 0; i < fixture->len; i++) {
        bool is_taken = false;
        const struct vv_held_file file = {.id = vv_str_of(fixture->paths[i]),
            .path = vv_str_of(fixture->paths[i]),
            .sha256 = fixture->sha256[i],
            .bytes = fixture->bytes_each,
            .index = i,
            .at_once = at_once};
        VV_TRY(vv_held_files_add(op, files, &file, &is_taken));
    }
    *out_taken = vv_held_files_len(files);
    return vv_held_files_lend(op, fixture->base.engine, VV_MOVE(files), out_id);
}

/* How many rows either reader has that the other has not, of the columns of a list. */
static int64_t differences(struct held_fixture *fixture, uint64_t id, const char *list)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT((size_t)1 << 20);
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE ours AS SELECT %s FROM vv_held_files(%" PRIu64
        "); CREATE OR REPLACE TEMP TABLE theirs AS SELECT %s FROM read_parquet([",
        list, id, list);
    for (size_t i = 0; i < fixture->len; i++)
        vv_buf_addf(&sql, "%s'%s'", i == 0 ? "" : ", ", fixture->paths[i]);
    vv_buf_adds(&sql, "], schema=" SCHEMA ")");
    if (!run(&fixture->base, vv_buf_str(&sql).ptr))
        return -1;
    return number(&fixture->base,
        "SELECT count(*) FROM ((FROM ours EXCEPT ALL FROM theirs) UNION ALL "
        "(FROM theirs EXCEPT ALL FROM ours))");
}

static bool write_all(struct held_fixture *fixture, int64_t *out_rows)
{
    static const char *const options[] = {"COMPRESSION zstd, PARQUET_VERSION V1",
        "COMPRESSION snappy, PARQUET_VERSION V1, ROW_GROUP_SIZE 2048",
        "COMPRESSION uncompressed, PARQUET_VERSION V1"};
    static const int sizes[] = {0, 1, 17, 63, 64, 65, 2047, 2048, 2049, 5000};
    *out_rows = 0;
    for (size_t o = 0; o < VV_COUNT(options); o++)
        for (size_t s = 0; s < VV_COUNT(sizes); s++) {
            char select[8192];
            (void)snprintf(select, sizeof(select), "%s FROM range(%zu, %zu + %d) t(i)", SELECT,
                o * 7919 + s, o * 7919 + s, sizes[s]);
            if (!write_one(fixture, select, options[o]))
                return false;
            *out_rows += sizes[s];
        }
    return true;
}

TEST_SECONDS(held_files, hold_what_the_engine_reads, 120)
{
    HELD_FIXTURE(fixture, (size_t)256 << 20);
    int64_t rows = 0;
    uint64_t id = 0;
    size_t taken = 1;
    REQUIRE(write_all(&fixture, &rows));
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, false, &id, &taken));
    CHECK_INT(taken, 0); /* read for the first time: the engine's */
    for (int round = 0; round < 3; round++) {
        REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, false, &id, &taken));
        CHECK_INT(taken, fixture.len);
        CHECK_INT(differences(&fixture, id, ALL), 0);
        CHECK_INT(number(&fixture.base, "SELECT count(*) FROM ours"), rows);
        CHECK_INT(differences(&fixture, id, "c7, file_row_number, c3"), 0);
        CHECK_INT(differences(&fixture, id, "count(*)"), 0);
    }
    struct vv_held_counts counts = vv_held_count(fixture.held);
    CHECK_INT(counts.files, fixture.len);
    CHECK_INT(counts.columns, COLUMNS * fixture.len);
    CHECK(counts.bytes > 1 << 20 && counts.bytes < 64 << 20);
    CHECK_INT(counts.evicted, 0);
    vv_held_clear(fixture.held);
    counts = vv_held_count(fixture.held);
    CHECK_INT(counts.bytes, 0);
    CHECK_INT(counts.files + counts.columns, 0);
}

TEST(held_files, count_what_is_known_of_them_too)
{
    HELD_FIXTURE(fixture, (size_t)64 << 20);
    int64_t rows = 0;
    uint64_t id = 0;
    size_t taken = 0;
    REQUIRE(write_all(&fixture, &rows));
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, false, &id, &taken));
    uint64_t seen = vv_held_count(fixture.held).bytes;
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, false, &id, &taken));
    uint64_t known = vv_held_count(fixture.held).bytes;
    CHECK_INT(taken, fixture.len);
    CHECK(known - seen >= fixture.len * COLUMNS * strlen("0 0 0 0 c")); /* their columns */
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, false, &id, &taken));
    CHECK_INT(vv_held_count(fixture.held).bytes, known);
}

/* Of a table that is much longer than what may be held most is not even looked into. */
TEST(held_files, are_looked_into_while_there_is_hope_to_hold_them)
{
    HELD_FIXTURE(fixture, (size_t)8 << 20);
    int64_t rows = 0;
    uint64_t id = 0;
    size_t taken = 0;
    REQUIRE(write_all(&fixture, &rows));
    fixture.bytes_each = (int64_t)4 << 20;
    for (int round = 0; round < 3; round++) {
        REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
        CHECK_INT(taken, 4);
    }
    fixture.bytes_each = 1;
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
    CHECK_INT(taken, fixture.len);
    fixture.bytes_each = (int64_t)4 << 20; /* known by now, so nothing is to be looked into */
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
    CHECK_INT(taken, fixture.len);
}

/* A dictionary has one text of a thousand bytes; in memory there would be 20,000 of them. */
TEST(held_files, that_are_long_in_memory_are_the_engines)
{
    static const int rows[] = {20000, 2000};
    HELD_FIXTURE(fixture, (size_t)8 << 20);
    for (size_t i = 0; i < VV_COUNT(rows); i++) {
        char select[256];
        uint64_t id = 0;
        size_t taken = 0;
        (void)snprintf(select, sizeof(select),
            "SELECT repeat('x', 1000) AS name FROM range(%d)", rows[i]);
        REQUIRE(write_one(&fixture, select, "PARQUET_VERSION V1"));
        REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
        CHECK_INT(taken, i); /* the shorter one alone */
    }
}

TEST(held_files, come_in_their_order_on_one_thread)
{
    HELD_FIXTURE(fixture, (size_t)256 << 20);
    int64_t rows = 0;
    uint64_t id = 0;
    size_t taken = 0;
    REQUIRE(write_all(&fixture, &rows));
    REQUIRE(run(&fixture.base, "SET GLOBAL threads = 1"));
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
    CHECK_INT(taken, fixture.len); /* worth holding at once */
    CHECK_INT(differences(&fixture, id, ALL), 0);
    CHECK_INT(number(&fixture.base,
                  "SELECT count(*) FROM (SELECT file_index < lag(file_index) OVER (ORDER BY "
                  "rowid) AS f, file_index = lag(file_index) OVER (ORDER BY rowid) AND "
                  "file_row_number < lag(file_row_number) OVER (ORDER BY rowid) AS r FROM "
                  "ours) WHERE f OR r"),
        0);
}

/* Two kinds of room: for some of the columns of some files, and for nothing at all. */
TEST_SECONDS(held_files, make_room_for_each_other_and_stay_right, 120)
{
    static const size_t sizes[] = {(size_t)3 << 20, (size_t)1 << 20, (size_t)200 << 10, 1};
    for (size_t i = 0; i < VV_COUNT(sizes); i++) {
        HELD_FIXTURE(fixture, sizes[i]);
        int64_t rows = 0;
        uint64_t id = 0;
        size_t taken = 0;
        REQUIRE(write_all(&fixture, &rows));
        for (int round = 0; round < 6; round++) {
            REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
            size_t all = fixture.len;
            fixture.len = round % 2 == 0 ? all : all / 2; /* some are used more often */
            if (taken == all && fixture.len == all)
                CHECK_INT(differences(&fixture, id, ALL), 0);
            CHECK(vv_held_count(fixture.held).bytes <= sizes[i]);
            REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
            if (taken == fixture.len)
                CHECK_INT(differences(&fixture, id, "c3, c7, file_index"), 0);
            CHECK(vv_held_count(fixture.held).bytes <= sizes[i]);
            fixture.len = all;
        }
        if (sizes[i] == 1)
            CHECK_INT(taken, 0);
    }
}

struct reader {
    struct held_fixture *fixture;
    uint64_t id;
    const char *sql;
    int64_t expected;
    int wrong;
};

static void *read_often(void *object)
{
    struct reader *reader = object;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    reader->wrong = vv_session_open(&op, reader->fixture->base.engine, &session) != VARVE_OK;
    for (int i = 0; i < 10 && reader->wrong == 0; i++) {
        int64_t found = 0;
        uint64_t id = 0;
        size_t taken = 0;
        char sql[512];
        if (lend(reader->fixture, &op, true, &id, &taken) != VARVE_OK)
            reader->wrong++;
        if (taken < reader->fixture->len) /* found no room before: the engine's */
            continue;
        (void)snprintf(sql, sizeof(sql), "%s FROM vv_held_files(%" PRIu64 ")", reader->sql, id);
        if (vv_session_int64(&op, session, vv_str_of(sql), &found) != VARVE_OK ||
            found != reader->expected)
            reader->wrong++;
        if (i % 4 == 3)
            vv_held_clear(reader->fixture->held);
    }
    if (reader->wrong > 0)
        vv_forgive(&op);
    return NULL;
}

TEST_SECONDS(held_files, are_read_by_many_at_once_while_they_come_and_go, 120)
{
    static const char *const sums[] = {"SELECT sum(c3) + count(c7)::BIGINT + sum(file_index)",
        "SELECT sum(length(c7)) + sum(file_row_number)", "SELECT count(c0) + count(c13)",
        "SELECT sum(c2) + count(c16)"};
    static const size_t sizes[] = {(size_t)64 << 20, (size_t)1 << 20};
    for (size_t s = 0; s < VV_COUNT(sizes); s++) {
        HELD_FIXTURE(fixture, sizes[s]);
        struct reader readers[VV_COUNT(sums)];
        pthread_t threads[VV_COUNT(sums)];
        int64_t rows = 0;
        uint64_t id = 0;
        size_t taken = 0;
        REQUIRE(write_all(&fixture, &rows));
        REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
        REQUIRE(taken == fixture.len);
        CHECK_INT(differences(&fixture, id, ALL), 0);
        for (size_t i = 0; i < VV_COUNT(sums); i++) {
            char sql[512];
            (void)snprintf(sql, sizeof(sql), "%s FROM theirs", sums[i]);
            readers[i] = (struct reader){
                .fixture = &fixture, .sql = sums[i], .expected = number(&fixture.base, sql)};
            REQUIRE(pthread_create(&threads[i], NULL, read_often, &readers[i]) == 0);
        }
        for (size_t i = 0; i < VV_COUNT(sums); i++) {
            (void)pthread_join(threads[i], NULL);
            CHECK_INT(readers[i].wrong, 0);
        }
    }
}

TEST(held_files, of_another_form_are_the_engines_and_other_bytes_are_told)
{
    HELD_FIXTURE(fixture, (size_t)64 << 20);
    uint64_t id = 0;
    size_t taken = 1;
    REQUIRE(write_one(&fixture, "SELECT 1::BIGINT AS mid", "PARQUET_VERSION V1"));
    for (int round = 0; round < 3; round++) {
        REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
        CHECK_INT(taken, 0);
    }
    fixture.sha256[0] = VV_STR("00");
    fixture.paths[0][strlen(fixture.paths[0]) - 1] = 'X'; /* not seen yet, and not there */
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
    CHECK_INT(taken, 0);
    REQUIRE(write_one(&fixture, "SELECT 1::INTEGER AS mid", "PARQUET_VERSION V1"));
    fixture.sha256[1] = VV_STR("00");
    CHECK_FAILS(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken),
        VARVE_ECORRUPT);
}

/* What was plain when it was looked at is gone when another column of it is wanted. */
TEST(held_files, that_are_gone_are_told_unless_all_is_held)
{
    HELD_FIXTURE(fixture, (size_t)64 << 20);
    uint64_t id = 0;
    size_t taken = 0;
    char sql[128];
    REQUIRE(write_one(&fixture, SELECT " FROM range(100) t(i)", "PARQUET_VERSION V1"));
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
    (void)snprintf(sql, sizeof(sql), "SELECT sum(c3) FROM vv_held_files(%" PRIu64 ")", id);
    int64_t sum = number(&fixture.base, sql);
    CHECK_INT(remove(fixture.paths[0]), 0);
    REQUIRE_OK(&fixture.base.op, lend(&fixture, &fixture.base.op, true, &id, &taken));
    (void)snprintf(sql, sizeof(sql), "SELECT sum(c3) FROM vv_held_files(%" PRIu64 ")", id);
    CHECK_INT(number(&fixture.base, sql), sum);
    (void)snprintf(sql, sizeof(sql), "SELECT sum(c2) FROM vv_held_files(%" PRIu64 ")", id);
    CHECK_FAILS(&fixture.base.op,
        vv_session_exec(&fixture.base.op, fixture.base.session, vv_str_of(sql)), VARVE_EIO);
    CHECK_FAILS(&fixture.base.op,
        vv_session_exec(&fixture.base.op, fixture.base.session,
            VV_STR("FROM vv_held_files(1)")),
        VARVE_EFAILED);
}

/* One allocation after the other fails: a statement fails for want of memory, or is right. */
TEST_SECONDS(held_files, without_memory_give_the_right_rows_or_none, 200)
{
    HELD_FIXTURE(fixture, (size_t)64 << 20);
    int64_t expected = 0;
    int failed = 0;
    bool is_over = false;
    REQUIRE(write_one(&fixture, SELECT " FROM range(3000) t(i)", "ROW_GROUP_SIZE 2048"));
    REQUIRE(write_one(&fixture, SELECT " FROM range(70) t(i)", "PARQUET_VERSION V1"));
    REQUIRE(run(&fixture.base, "SET GLOBAL threads = 1"));
    for (uint64_t nth = 1; !is_over && nth < 5000; nth++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        int64_t found = INT64_MIN;
        uint64_t id = 0;
        size_t taken = 0;
        char sql[256];
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        vv_held_clear(fixture.held);
        vv_seam_fail_allocation(nth);
        varve_status status = lend(&fixture, &op, true, &id, &taken);
        (void)snprintf(sql, sizeof(sql),
            "SELECT count(c7) + sum(c3) + count(c0) FROM vv_held_files(%" PRIu64 ")", id);
        if (status == VARVE_OK && taken == fixture.len)
            status = vv_session_int64(&op, fixture.base.session, vv_str_of(sql), &found);
        is_over = vv_seam_allocations_left() > 0;
        vv_seam_fail_allocation(0);
        if (status != VARVE_OK) {
            failed++;
            /* Where memory ends in a footer its reader takes that for damage. */
            CHECK(status == VARVE_ELIMIT || status == VARVE_ECORRUPT);
            vv_forgive(&op);
        }
        expected = found != INT64_MIN && expected == 0 ? found : expected;
        CHECK(found == INT64_MIN || found == expected);
        vv_held_clear(fixture.held);
        CHECK_INT(vv_held_count(fixture.held).bytes, 0);
    }
    CHECK(is_over && failed > 20 && expected != 0);
}
