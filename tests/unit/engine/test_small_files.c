/*
 * Small files read without the engine's reader hold what that one says that they hold; files of
 * another form are not taken; damaged ones fail with a name, and harm nobody.
 */
#include "engine/small_files.h"

#include "base/seam.h"

#include "plain_rows.h"

#define FILES_MAX 64

/* Bytes by key: a number below FILES_MAX. */
struct shelf {
    struct vv_str bytes[FILES_MAX];
    size_t len;
};

static varve_status take_bytes(struct vv_op *op, const void *object, struct vv_str key,
    struct vv_arena *arena, struct vv_str *out)
{
    const struct shelf *shelf = object;
    int64_t number = -1;
    if (!vv_str_int64(key, &number) || number < 0 || (size_t)number >= shelf->len)
        return vv_fail(op, VARVE_ENOTFOUND, "there is no file %.*s", VV_ARG(key));
    *out = vv_arena_str(arena, shelf->bytes[number]);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static bool write_one(struct fixture *fixture, struct shelf *shelf, const char *rows,
    const char *options)
{
    char sql[8192];
    const char *path = test_path("small.parquet");
    (void)snprintf(sql, sizeof(sql), "COPY (%s) TO '%s' (FORMAT parquet, %s)", rows, path,
        options);
    if (!run(fixture, sql))
        return false;
    (void)snprintf(sql, sizeof(sql), "%s/%zu.parquet", test_dir(), shelf->len);
    shelf->bytes[shelf->len] = test_file_read(path);
    return CHECK_INT(rename(path, sql), 0) && CHECK(shelf->bytes[shelf->len++].ptr != NULL);
}

static struct vv_small_files *files_of(struct fixture *fixture, const struct shelf *shelf)
{
    struct vv_small_files *files = NULL;
    struct vv_small_column columns[COLUMNS];
    const struct vv_small_source source = {VV_STR("shelf"), shelf, take_bytes};
    fill_columns(columns);
    CHECK_OK(&fixture->op, vv_small_files_new(&fixture->op, &source, columns, COLUMNS, &files));
    return files;
}

/* Whether a file is taken; it gets the next index. */
static bool add(struct fixture *fixture, struct vv_small_files *files, size_t number)
{
    char key[16];
    bool is_taken = false;
    (void)snprintf(key, sizeof(key), "%zu", number);
    CHECK_OK(&fixture->op, vv_small_files_add(&fixture->op, files, vv_str_of(key), VV_STR_NONE,
                               number, &is_taken));
    return is_taken;
}

/* How many rows either reader has that the other has not. */
static int64_t differences(struct fixture *fixture, uint64_t id, size_t len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT((size_t)1 << 20);
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE ours AS SELECT " ALL " FROM vv_small_files(%" PRIu64
        "); CREATE OR REPLACE TEMP TABLE theirs AS SELECT " ALL " FROM read_parquet([",
        id);
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&sql, "%s'%s/%zu.parquet'", i == 0 ? "" : ", ", test_dir(), i);
    vv_buf_adds(&sql, "], schema=" SCHEMA ")");
    if (!run(fixture, vv_buf_str(&sql).ptr))
        return -1;
    return number(fixture, "SELECT count(*) FROM ((FROM ours EXCEPT ALL FROM theirs) UNION ALL "
                           "(FROM theirs EXCEPT ALL FROM ours))");
}

#define OUT_OF_ORDER                                                                         \
    "SELECT count(*) FROM (SELECT file_index < lag(file_index) OVER (ORDER BY rowid) AS f, " \
    "file_index = lag(file_index) OVER (ORDER BY rowid) AND file_row_number < "              \
    "lag(file_row_number) OVER (ORDER BY rowid) AS r FROM ours) WHERE f OR r"

/* All of a shelf by several threads, decoded ahead as long as there is room; how many are taken. */
static size_t add_ahead(struct fixture *fixture, struct vv_small_files *files, size_t len,
    size_t threads)
{
    struct vv_small_wanted wanted[FILES_MAX];
    char keys[FILES_MAX][24];
    size_t taken = 0;
    for (size_t i = 0; i < len; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%zu", i);
        wanted[i] = (struct vv_small_wanted){.key = vv_str_of(keys[i]), .index = i};
    }
    CHECK_OK(&fixture->op, vv_small_files_add_ahead(&fixture->op, files, wanted, len, threads));
    for (size_t i = 0; i < len; i++)
        taken += wanted[i].is_taken;
    return taken;
}

static size_t add_each(struct fixture *fixture, struct vv_small_files *files, size_t len)
{
    size_t taken = 0;
    for (size_t i = 0; i < len; i++)
        taken += add(fixture, files, i);
    return taken;
}

/* `threads` 0: one by one, and nothing ahead. */
static int64_t rows_by(struct fixture *fixture, const struct shelf *shelf, size_t threads)
{
    VV_CLEANUP(vv_small_files_free) struct vv_small_files *files = files_of(fixture, shelf);
    struct vv_small_files *lent = files;
    uint64_t id = 0;
    if (files == NULL)
        return -1;
    CHECK_INT(threads == 0 ? add_each(fixture, files, shelf->len)
                           : add_ahead(fixture, files, shelf->len, threads),
        shelf->len);
    if (!CHECK_OK(&fixture->op,
            vv_small_files_lend(&fixture->op, fixture->engine, VV_MOVE(files), &id)))
        return -1;
    CHECK_INT(differences(fixture, id, shelf->len), 0);
    CHECK_INT(differences(fixture, id, shelf->len), 0); /* what is shared is as it was */
    vv_small_files_forget(lent);
    CHECK_INT(differences(fixture, id, shelf->len), 0); /* read again, not from memory */
    return number(fixture, "SELECT count(*) FROM ours");
}

static int64_t rows_of(struct fixture *fixture, const struct shelf *shelf)
{
    int64_t rows = rows_by(fixture, shelf, 0);
    CHECK_INT(rows_by(fixture, shelf, 1), rows);
    CHECK_INT(rows_by(fixture, shelf, 3), rows);
    return rows;
}

TEST_SECONDS(small_files, hold_what_the_engine_reads, 120)
{
    static const char *const options[] = {"COMPRESSION zstd, PARQUET_VERSION V1",
        "COMPRESSION snappy, PARQUET_VERSION V1",
        "COMPRESSION uncompressed, PARQUET_VERSION V1",
        "COMPRESSION zstd, PARQUET_VERSION V1, ROW_GROUP_SIZE 2048",
        "COMPRESSION snappy, PARQUET_VERSION V1, DICTIONARY_SIZE_LIMIT 1"};
    static const int sizes[] = {0, 1, 2, 17, 2047, 2048, 2049, 5000};
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    int64_t rows = 0;
    for (size_t o = 0; o < VV_COUNT(options); o++)
        for (size_t s = 0; s < VV_COUNT(sizes); s++) {
            char select[8192];
            (void)snprintf(select, sizeof(select), "%s FROM range(%zu, %zu + %d) t(i)", SELECT,
                o * 7919 + s, o * 7919 + s, sizes[s]);
            REQUIRE(write_one(&fixture, &shelf, select, options[o]));
            rows += sizes[s];
        }
    CHECK_INT(rows_of(&fixture, &shelf), rows);
    /* On one thread they come in their order. */
    REQUIRE(run(&fixture, "SET GLOBAL threads = 1"));
    for (size_t threads = 0; threads <= 2; threads++) {
        CHECK_INT(rows_by(&fixture, &shelf, threads), rows);
        CHECK_INT(number(&fixture, OUT_OF_ORDER), 0);
    }
}

/* A piece whose rows end where a vector does, one without rows, and behind them others. */
TEST(small_files, that_are_decoded_ahead_need_not_be_there_any_more)
{
    static const int sizes[] = {2048, 0, 5};
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    uint64_t id = 0;
    for (size_t i = 0; i < 45; i++) {
        char select[8192];
        int len = i == 0 ? sizes[0] : i < 40 ? sizes[1] : sizes[2];
        (void)snprintf(select, sizeof(select), "%s FROM range(%d) t(i)", SELECT, len);
        REQUIRE(write_one(&fixture, &shelf, select, "COMPRESSION zstd, PARQUET_VERSION V1"));
    }
    CHECK_INT(rows_of(&fixture, &shelf), 2048 + 5 * 5);
    struct vv_small_files *files = files_of(&fixture, &shelf);
    REQUIRE(files != NULL);
    CHECK_INT(add_ahead(&fixture, files, shelf.len, 2), shelf.len);
    REQUIRE_OK(&fixture.op, vv_small_files_lend(&fixture.op, fixture.engine, files, &id));
    size_t len = shelf.len;
    shelf.len = 0; /* no more bytes */
    CHECK_INT(differences(&fixture, id, len), 0);
}

/* Those for which there is room are decoded ahead, and then others that are read later. */
TEST_SECONDS(small_files, that_are_decoded_ahead_take_little_memory, 300)
{
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    int64_t rows = 0;
    REQUIRE(run(&fixture, "SET GLOBAL threads = 1"));
    for (size_t i = 0; i < FILES_MAX - 4; i++) {
        char select[8192];
        size_t len = i % 40 < 20 ? 30 : 2500; /* pieces that fit, and those that do not */
        (void)snprintf(select, sizeof(select),
            "SELECT i AS large, repeat('long ', 120) || i %% 50 AS name FROM range(%zu, %zu) "
            "t(i)",
            i * 10000, i * 10000 + len);
        REQUIRE(write_one(&fixture, &shelf, select, "COMPRESSION zstd, PARQUET_VERSION V1"));
        rows += (int64_t)len;
    }
    CHECK_INT(rows_by(&fixture, &shelf, 2), rows);
    CHECK_INT(number(&fixture, OUT_OF_ORDER), 0);
}

TEST(small_files, have_columns_in_any_order_and_those_alone_that_are_asked_for)
{
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    const char *const options = "COMPRESSION zstd, PARQUET_VERSION V1";
    REQUIRE(write_one(&fixture, &shelf,
        "SELECT [i] AS list, 'x' || i AS missing, i::INTEGER AS mid, {'a': i} AS struct, true "
        "AS flag FROM range(100) t(i)",
        options));
    REQUIRE(write_one(&fixture, &shelf, "SELECT 1::HUGEINT AS other, 2::BIGINT AS large",
        options));
    CHECK_INT(rows_of(&fixture, &shelf), 101);
    CHECK_INT(number(&fixture, "SELECT count(*) FROM ours WHERE c16 = 'x' || file_row_number"),
        100);
    CHECK_INT(number(&fixture, "SELECT c4 FROM ours WHERE file_index = 1"), 2);
}

/* Those of up to 12 bytes lie in the vector itself. */
TEST(small_files, have_texts_of_any_length)
{
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    REQUIRE(write_one(&fixture, &shelf,
        "SELECT repeat('abcdefg', i // 7) || left('abcdefg', i % 7) AS name FROM range(40) "
        "t(i)",
        "COMPRESSION zstd, PARQUET_VERSION V1"));
    REQUIRE(write_one(&fixture, &shelf,
        "SELECT repeat('abc', i % 9) AS name FROM range(900) t(i)",
        "COMPRESSION zstd, PARQUET_VERSION V1")); /* with a dictionary */
    CHECK_INT(rows_of(&fixture, &shelf), 940);
}

TEST(small_files, of_another_form_are_not_taken)
{
    static const struct {
        const char *select, *options;
    } others[] = {
        {"SELECT 1::INTEGER AS large", "PARQUET_VERSION V1"},       /* narrower */
        {"SELECT 1::BIGINT AS mid", "PARQUET_VERSION V1"},          /* wider */
        {"SELECT 1::INTEGER AS tiny", "PARQUET_VERSION V1"},        /* another meaning */
        {"SELECT 1::UINTEGER AS mid", "PARQUET_VERSION V1"},        /* likewise */
        {"SELECT 'x'::BLOB AS name", "PARQUET_VERSION V1"},         /* bytes, not text */
        {"SELECT ['x'] AS name", "PARQUET_VERSION V1"},             /* nested */
        {"SELECT 1::DECIMAL(9, 3) AS d9", "PARQUET_VERSION V1"},    /* another scale */
        {"SELECT 1::DECIMAL(8, 2) AS d9", "PARQUET_VERSION V1"},    /* fewer digits */
        {"SELECT now()::TIMESTAMP_MS AS at", "PARQUET_VERSION V1"}, /* another unit */
        {"SELECT now()::TIMESTAMP_NS AS at", "PARQUET_VERSION V1"},
        {"SELECT 1::INTEGER AS \"MID\"", "PARQUET_VERSION V1"}, /* perhaps the one */
        {"SELECT i::INTEGER AS mid FROM range(9) t(i)", "COMPRESSION gzip"},
        {"SELECT i::INTEGER AS mid FROM range(9999) t(i)",
            "PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1"}, /* values as differences */
        {"SELECT repeat('x', 100000) || i AS name FROM range(500) t(i)",
            "PARQUET_VERSION V1, COMPRESSION zstd"}, /* little that becomes much */
    };
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    VV_CLEANUP(vv_small_files_free) struct vv_small_files *files = files_of(&fixture, &shelf);
    REQUIRE(files != NULL);
    for (size_t i = 0; i < VV_COUNT(others); i++) {
        REQUIRE(write_one(&fixture, &shelf, others[i].select, others[i].options));
        if (!CHECK(!add(&fixture, files, i)))
            printf("# %s\n", others[i].select);
    }
    CHECK_INT(add_ahead(&fixture, files, shelf.len, 2), 0);
    CHECK(!add(&fixture, files, FILES_MAX)); /* not there */
    CHECK_INT(vv_small_files_len(files), 0);
}

TEST(small_files, are_found_by_field_id_where_columns_have_one)
{
    const struct vv_small_column by_id[] = {
        {VV_STR("c0"), VV_STR("b"), 7, VV_SMALL_INTEGER, 0, 0},
        {VV_STR("c1"), VV_STR("a"), 9, VV_SMALL_INTEGER, 0, 0}};
    static const char *const options[] = {
        "FIELD_IDS {a: 7, b: 8}", "FIELD_IDS {a: 7}", "FIELD_IDS {a: 8, b: 7}"};
    static const bool is_taken[] = {true, false, true};
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    struct vv_small_files *files = NULL;
    const struct vv_small_source source = {VV_STR("shelf"), &shelf, take_bytes};
    REQUIRE_OK(&fixture.op, vv_small_files_new(&fixture.op, &source, by_id, 2, &files));
    for (size_t i = 0; i < VV_COUNT(options); i++) {
        REQUIRE(write_one(&fixture, &shelf, "SELECT 1::INTEGER AS a, 2::INTEGER AS b",
            options[i]));
        CHECK_INT(add(&fixture, files, i), is_taken[i]);
    }
    uint64_t id = 0;
    REQUIRE_OK(&fixture.op, vv_small_files_lend(&fixture.op, fixture.engine, files, &id));
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
        "SELECT string_agg(file_index || ':' || c0 || coalesce(c1::VARCHAR, '-'), ' ' ORDER BY "
        "file_index) FROM vv_small_files(%" PRIu64 ")",
        id);
    CHECK_STR(text(&fixture, sql), "0:1- 2:2-");
}

/* Takes a file with these bytes, if it is taken, and reads it; whatever comes of it is known. */
static varve_status read_damaged(struct fixture *fixture, struct shelf *shelf, bool is_ahead)
{
    struct vv_small_wanted wanted = {.key = VV_STR("0")};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_small_files *files = NULL;
    struct vv_small_column columns[COLUMNS];
    const struct vv_small_source source = {VV_STR("shelf"), shelf, take_bytes};
    bool is_taken = false;
    uint64_t id = 0;
    char sql[128];
    fill_columns(columns);
    vv_op_init(&op, NULL, (size_t)64 << 20);
    varve_status status = vv_small_files_new(&op, &source, columns, COLUMNS, &files);
    if (status == VARVE_OK)
        status = is_ahead
                     ? vv_small_files_add_ahead(&op, files, &wanted, 1, 2)
                     : vv_small_files_add(&op, files, VV_STR("0"), VV_STR_NONE, 0, &is_taken);
    if (status == VARVE_OK)
        status = vv_small_files_lend(&op, fixture->engine, files, &id);
    (void)snprintf(sql, sizeof(sql),
        "CREATE OR REPLACE TEMP TABLE ours AS FROM "
        "vv_small_files(%" PRIu64 ")",
        id);
    if (status == VARVE_OK)
        status = vv_session_exec(&op, fixture->session, vv_str_of(sql));
    CHECK(status == VARVE_OK || status == VARVE_ECORRUPT || status == VARVE_ELIMIT);
    if (status == VARVE_ECORRUPT)
        CHECK(strstr(op.error.message, "a data file is damaged: shelf/0: ") != NULL);
    if (status != VARVE_OK)
        vv_forgive(&op);
    return status;
}

TEST_SECONDS(small_files, that_are_damaged_are_refused_or_harmless, 300)
{
    static const char *const options[] = {"COMPRESSION uncompressed, PARQUET_VERSION V1",
        "COMPRESSION snappy, PARQUET_VERSION V1"};
    FIXTURE(fixture);
    REQUIRE(run(&fixture, "SET GLOBAL threads = 1"));
    int refused = 0;
    for (size_t i = 0; i < VV_COUNT(options); i++) {
        struct shelf shelf = {.len = 0};
        REQUIRE(write_one(&fixture, &shelf, SELECT " FROM range(40) t(i)", options[i]));
        struct vv_str whole = shelf.bytes[0];
        char *damaged = vv_new(&fixture.op.arena, char, whole.len);
        REQUIRE(damaged != NULL);
        shelf.bytes[0] = (struct vv_str){damaged, whole.len};
        for (size_t at = i; at < whole.len; at += 2) {
            static const char masks[] = {1, 0x10, (char)0x80, (char)0xff};
            memcpy(damaged, whole.ptr, whole.len);
            damaged[at] = (char)(damaged[at] ^ masks[at / 2 % sizeof(masks)]);
            varve_status status = read_damaged(&fixture, &shelf, at / 2 % 2 == 1);
            refused += status == VARVE_ECORRUPT;
            if (at % 32 < 2) /* either way the same comes of it */
                CHECK_INT(read_damaged(&fixture, &shelf, at / 2 % 2 == 0), status);
        }
    }
    CHECK(refused > 10);
}

TEST(small_files, are_not_for_anybody_who_guesses)
{
    FIXTURE(fixture);
    CHECK_FAILS(&fixture.op,
        vv_session_exec(&fixture.op, fixture.session, VV_STR("FROM vv_small_files(1)")),
        VARVE_EFAILED);
}

/* What was there when it was looked at is gone, or another file, when it is read. */
TEST(small_files, that_change_before_they_are_read_are_told_by_their_names)
{
    static const struct {
        const char *select;
        varve_status status;
        const char *message;
    } changes[] = {{NULL, VARVE_EIO, "a data file can't be read: shelf/0: there is no file 0"},
        {"SELECT 1::BIGINT AS mid", VARVE_ECORRUPT,
            "a data file is damaged: shelf/0: it has other columns than it had"}};
    FIXTURE(fixture);
    struct shelf shelf = {.len = 0};
    REQUIRE(write_one(&fixture, &shelf, "SELECT 1::INTEGER AS mid", "PARQUET_VERSION V1"));
    const struct vv_str first = shelf.bytes[0];
    for (size_t i = 0; i < VV_COUNT(changes); i++) {
        uint64_t id = 0;
        char sql[128];
        shelf.bytes[0] = first;
        shelf.len = 1;
        struct vv_small_files *files = files_of(&fixture, &shelf);
        REQUIRE(files != NULL && add(&fixture, files, 0));
        REQUIRE_OK(&fixture.op, vv_small_files_lend(&fixture.op, fixture.engine, files, &id));
        vv_small_files_forget(files);
        shelf.len = 0;
        if (changes[i].select != NULL)
            REQUIRE(write_one(&fixture, &shelf, changes[i].select, "PARQUET_VERSION V1"));
        (void)snprintf(sql, sizeof(sql),
            "CREATE OR REPLACE TEMP TABLE ours AS FROM "
            "vv_small_files(%" PRIu64 ")",
            id);
        varve_status status = vv_session_exec(&fixture.op, fixture.session, vv_str_of(sql));
        CHECK_INT(status, changes[i].status);
        if (!CHECK(strstr(fixture.op.error.message, changes[i].message) != NULL))
            printf("# %s\n", fixture.op.error.message);
        vv_forgive(&fixture.op);
    }
}
