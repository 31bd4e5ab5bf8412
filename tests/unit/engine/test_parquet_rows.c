/*
 * Parquet read without the engine says what the engine says, or that it can't; and damaged files
 * harm nobody.
 */
#include "engine/parquet_rows.h"

#include "engine/parquet_footer.h"
#include "engine/sql.h"

#include "fixture.h"

/* NULLs at every depth, empty lists and maps, all types that are known, text that is no ASCII. */
#define SELECT                                                                              \
    "SELECT CASE WHEN i % 7 > 0 THEN {'flag': i % 2 = 0, 'small': (i - 5)::INTEGER, "       \
    "'large': i * 10000000000, 'real': i / 4, 'name': CASE WHEN i % 3 > 0 THEN 'n' || i % " \
    "5 || 'ä' END, 'long': repeat('x', i::INTEGER % 50) || i, "                            \
    "'list': CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN [] WHEN 2 THEN ['a', NULL, 'b' || i] " \
    "ELSE ['c'] END, 'map': CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN MAP {} ELSE "           \
    "MAP {'k': 'v' || i, 'l': NULL} END, 'deep': CASE WHEN i % 5 > 0 THEN "                 \
    "[[i, NULL], [], NULL] END, 'structs': [{'a': i, 'b': NULL::VARCHAR}, NULL], "          \
    "'inner': CASE WHEN i % 2 = 0 THEN {'x': i} END} END AS top "

struct file {
    struct vv_arena arena;
    struct vv_pq_file parquet;
    struct vv_buf json; /* a line a row */
};

static void file_done(struct file *file)
{
    vv_arena_done(&file->arena);
    vv_buf_done(&file->json);
}

/* All rows of a file, each the JSON of its one column. */
static varve_status read_rows(struct vv_op *op, struct vv_str bytes, struct file *file)
{
    *file = (struct file){
        .arena = VV_ARENA_INIT((size_t)64 << 20), .json = VV_BUF_INIT((size_t)64 << 20)};
    VV_TRY(vv_pq_open(op, bytes, &file->arena, &file->parquet));
    for (size_t group = 0; group < file->parquet.groups_len; group++) {
        struct vv_pq_rows rows = {.file = &file->parquet,
            .group = &file->parquet.groups[group],
            .arena = &file->arena};
        VV_TRY(vv_pq_rows_begin(op, &rows));
        VV_TRY(vv_pq_rows_read(op, &rows, file->parquet.nodes + 1, VV_STR_NONE));
        for (int64_t row = 0; row < rows.group->rows && row < 100000; row++) {
            VV_TRY(vv_pq_rows_json(op, &rows, file->parquet.nodes + 1, &file->json));
            vv_buf_addc(&file->json, '\n');
            vv_pq_rows_next(&rows);
        }
    }
    return vv_buf_ok(&file->json) ? VARVE_OK : vv_fail_memory(op);
}

static struct vv_str write_file(struct fixture *fixture, int rows, const char *options)
{
    struct vv_op *op = &fixture->op;
    char sql[4096];
    (void)snprintf(sql, sizeof(sql),
        "COPY (%s FROM range(%d) t(i)) TO '%s' (FORMAT parquet, %s)", SELECT, rows,
        test_path("t.parquet"), options);
    if (!CHECK_OK(op, vv_session_exec(op, fixture->session, vv_str_of(sql))))
        return VV_STR_NONE;
    return test_file_read(test_path("t.parquet"));
}

/* What the engine makes of the file: to_json, NULLs and all. */
static struct vv_str engine_json(struct fixture *fixture)
{
    char sql[1024];
    (void)snprintf(sql, sizeof(sql),
        "SELECT string_agg(coalesce(to_json(top)::VARCHAR, 'null') || chr(10), '' ORDER BY n) "
        "FROM (SELECT top, file_row_number AS n FROM read_parquet('%s', "
        "file_row_number = true))",
        test_path("t.parquet"));
    return text(fixture, sql);
}

struct form {
    const char *options;
    varve_status status;
};

TEST(parquet_rows, are_what_the_engine_reads)
{
    static const struct form forms[] = {
        {"COMPRESSION zstd, PARQUET_VERSION V1", VARVE_OK},
        {"COMPRESSION snappy, PARQUET_VERSION V1", VARVE_OK},
        {"COMPRESSION uncompressed, PARQUET_VERSION V1", VARVE_OK},
        {"COMPRESSION zstd, PARQUET_VERSION V1, ROW_GROUP_SIZE 2048", VARVE_OK},
        {"COMPRESSION zstd, PARQUET_VERSION V1, DICTIONARY_SIZE_LIMIT 1", VARVE_OK},
        {"COMPRESSION gzip, PARQUET_VERSION V1", VARVE_OK},
        {"COMPRESSION lz4_raw, PARQUET_VERSION V1", VARVE_EUNSUPPORTED},
        {"COMPRESSION zstd, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1", VARVE_EUNSUPPORTED},
    };
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(forms); i++) {
        VV_CLEANUP(file_done) struct file file = {0};
        struct vv_str bytes = write_file(&fixture, 5000, forms[i].options);
        REQUIRE(bytes.ptr != NULL);
        if (forms[i].status != VARVE_OK) {
            CHECK_FAILS(&fixture.op, read_rows(&fixture.op, bytes, &file), forms[i].status);
            continue;
        }
        REQUIRE_OK(&fixture.op, read_rows(&fixture.op, bytes, &file));
        struct vv_str expected = engine_json(&fixture);
        if (!CHECK(vv_str_eq(vv_buf_str(&file.json), expected)))
            CHECK_STR(vv_str_first(vv_buf_str(&file.json), 2000), vv_str_first(expected, 2000));
        CHECK_INT(file.parquet.groups_len > 1, i == 3);
    }
}

TEST(parquet_rows, of_a_file_with_none_are_none)
{
    FIXTURE(fixture);
    VV_CLEANUP(file_done) struct file file = {0};
    REQUIRE_OK(&fixture.op,
        read_rows(&fixture.op, write_file(&fixture, 0, "PARQUET_VERSION V1"), &file));
    CHECK_INT(file.json.len, 0);
    CHECK(vv_pq_find(&file.parquet, "top.inner.x") != NULL);
    CHECK(vv_pq_find(&file.parquet, "top.other") == NULL);
    CHECK(vv_pq_is_text_map(&file.parquet, vv_pq_find(&file.parquet, "top.map")));
    CHECK(!vv_pq_is_text_map(&file.parquet, vv_pq_find(&file.parquet, "top.list")));
}

/* Whatever comes of it is an error that is known, or rows: nothing is read out of bounds. */
static void read_damaged(struct vv_op *op, struct vv_str bytes)
{
    VV_CLEANUP(file_done) struct file file = {0};
    varve_status status = read_rows(op, bytes, &file);
    CHECK(status == VARVE_OK || status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED ||
          status == VARVE_ELIMIT);
    if (status != VARVE_OK)
        vv_forgive(op);
}

TEST_SECONDS(parquet_rows, of_damaged_files_are_refused_or_harmless, 300)
{
    static const char *const options[] = {"COMPRESSION uncompressed, PARQUET_VERSION V1",
        "COMPRESSION snappy, PARQUET_VERSION V1", "COMPRESSION zstd, PARQUET_VERSION V1"};
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(options); i++) {
        struct vv_str bytes = write_file(&fixture, 20, options[i]);
        REQUIRE(bytes.ptr != NULL);
        for (size_t len = 0; len < bytes.len; len++) {
            /* On the heap and exactly so long: a byte too far is seen. */
            char *cut = vv_new(&fixture.op.arena, char, len + 1);
            REQUIRE(cut != NULL);
            memcpy(cut, bytes.ptr, len);
            CHECK_FAILS(&fixture.op,
                read_rows(&fixture.op, (struct vv_str){cut, len}, &(struct file){0}),
                VARVE_ECORRUPT);
        }
        char *damaged = vv_new(&fixture.op.arena, char, bytes.len);
        REQUIRE(damaged != NULL);
        for (size_t at = 0; at < bytes.len; at++) {
            static const char masks[] = {1, 0x10, (char)0x80, (char)0xff};
            memcpy(damaged, bytes.ptr, bytes.len);
            damaged[at] = (char)(damaged[at] ^ masks[at % sizeof(masks)]);
            read_damaged(&fixture.op, (struct vv_str){damaged, bytes.len});
        }
    }
}
