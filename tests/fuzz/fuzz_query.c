/*
 * A user's query of a lake whose tables are of several files, some of which its WHERE leaves out. It is
 * refused with a message, or has as many rows as the engine finds in tables of its own with the same
 * rows. What it is to find may not depend on chance, on the time or on an order that nobody asked for.
 */
#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"
#include "fuzz_engine.h"
#include "varve/dml.h"
#include "varve/query.h"

#define TEXT_BYTES_MAX 512 /* longer ones only take longer */
#define ROWS_MAX 100000

/* Rows of CSV, a file each. */
static const struct file {
    const char *table, *csv;
} files[] = {
    {"t", "k,s,x,ts\n1,a,0.5,2025-01-30T10:00:00Z\n2,b,,2025-01-30T11:00:00Z\n"},
    {"t", "k,s,x,ts\n9,9,-1.5,2025-02-28T00:00:00Z\n,10,7,\n"},
    {"t", "k,s,x,ts\n20,010,16777217,1969-12-31T23:59:59.999999Z\n"},
    {"t", "k,s,x,ts\n30,,NaN,2025-01-31T00:00:00Z\n31,zz,inf,2025-01-31T12:00:00Z\n"},
    {"u", "k,s,ts\n1,A,2025-01-30T09:00:00Z\n1,a,2025-01-30T10:30:00Z\n"},
    {"u", "k,s,ts\n9,b,2025-02-01T00:00:00Z\n,c,2025-02-02T00:00:00Z\n"},
    {"u", "k,s,ts\n40,9,\n"},
};

static const struct table {
    const char *name, *schema, *types;
} tables[] = {
    {"t", "k int, s string, x double, ts timestamp",
        "k INTEGER, s VARCHAR, x DOUBLE, ts TIMESTAMPTZ"},
    {"u", "k int, s string, ts timestamp", "k INTEGER, s VARCHAR, ts TIMESTAMPTZ"},
};

/* By these a row is one of several, or none, as it happens. AS OF joins lose NULL in the engine. */
static const char *const chances[] = {"rand", "uuid", "sample", "now", "current", "today",
    "local", "first", "last", "any_value", "arbitrary", "list", "array", "agg", "over", "limit",
    "fetch", "distinct on", "asof", "positional", "rowid", "known_at", "explain", "describe",
    "summarize", "show", "nextval", "using", "version", "pragma", "setting", "query", "concat",
    "txid", "time", "mode", "file", "sum", "avg", "memory", "schema", "catalog", "database",
    "typeof", "stats"};

static char folder[64];

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat, (void)kind, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void add_file(varve_lake *lake, struct fuzz_engine *engine, const struct file *file)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    varve_input input = {.format = VARVE_FORMAT_CSV, .use_fd = 1, .path = "rows.csv"};
    varve_table *table = NULL;
    varve_upsert_result result;
    varve_error err;
    struct vv_str rest = vv_str_of(file->csv);
    struct vv_str line;
    struct vv_str cell;
    input.fd = memfd_create("rows", MFD_CLOEXEC);
    VV_PRE(input.fd >= 0 && write(input.fd, rest.ptr, rest.len) == (ssize_t)rest.len);
    VV_PRE(lseek(input.fd, 0, SEEK_SET) == 0);
    varve_status status = varve_table_open(lake, file->table, &table, &err);
    VV_PRE(status == VARVE_OK);
    status = varve_table_append(table, &input, 1, NULL, &result, &err);
    VV_PRE(status == VARVE_OK);
    varve_table_close(table);
    (void)close(input.fd);
    (void)vv_str_split(&rest, '\n', &line); /* names */
    while (vv_str_split(&rest, '\n', &line) && line.len > 0) {
        vv_buf_addf(&sql, "INSERT INTO %s VALUES (", file->table);
        for (const char *comma = ""; vv_str_split(&line, ',', &cell); comma = ", ")
            vv_buf_addf(&sql, cell.len > 0 ? "%s'%.*s'" : "%sNULL%.*s", comma, VV_ARG(cell));
        vv_buf_adds(&sql, ");\n");
    }
    status = vv_session_exec(&engine->op, engine->session, vv_buf_str(&sql));
    VV_PRE(status == VARVE_OK);
}

static varve_lake *lake_of(struct fuzz_engine *engine)
{
    static varve_lake *lake;
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_error err;
    const char *parent = getenv("TMPDIR");
    if (lake != NULL)
        return lake;
    int len =
        snprintf(folder, sizeof(folder), "%.40s/varve-fuzz-XXXXXX", parent ? parent : "/tmp");
    VV_PRE(len > 0 && mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    varve_status status = varve_lake_open(folder, &options, &lake, &err);
    VV_PRE(status == VARVE_OK);
    for (size_t i = 0; i < VV_COUNT(tables); i++) {
        varve_create_options create = VARVE_CREATE_OPTIONS_INIT;
        char sql[256];
        create.schema = tables[i].schema;
        status = varve_lake_create_table(lake, tables[i].name, &create, NULL, &err);
        VV_PRE(status == VARVE_OK);
        (void)snprintf(sql, sizeof(sql), "CREATE TEMP TABLE %s (%s)", tables[i].name,
            tables[i].types);
        status = vv_session_exec(&engine->op, engine->session, vv_str_of(sql));
        VV_PRE(status == VARVE_OK);
    }
    for (size_t i = 0; i < VV_COUNT(files); i++)
        add_file(lake, engine, &files[i]);
    return lake;
}

/* -1: it was refused, or fails at a row. */
static int64_t rows_of_lake(varve_lake *lake, const char *sql)
{
    struct ArrowArrayStream stream;
    varve_error err = {0};
    int64_t rows = 0;
    varve_status status = varve_lake_query(lake, sql, NULL, &stream, &err);
    if (status != VARVE_OK) {
        VV_PRE(err.message[0] != '\0' && status != VARVE_EFAILED);
        return -1;
    }
    for (bool is_over = false; !is_over && rows >= 0 && rows < ROWS_MAX;) {
        struct ArrowArray array = {0};
        if (stream.get_next(&stream, &array) != 0) {
            VV_PRE(stream.get_last_error(&stream) != NULL);
            rows = -1;
            break;
        }
        is_over = array.release == NULL;
        rows += is_over ? 0 : array.length;
        if (!is_over)
            array.release(&array);
    }
    stream.release(&stream);
    return rows < ROWS_MAX ? rows : -1;
}

static int64_t rows_of_engine(struct vv_op *op, struct fuzz_engine *engine, struct vv_str sql)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str kept;
    int64_t count = 0;
    bool has_row = true;
    varve_status status = vv_sql_keep_nulls(op, engine->session, sql, &kept);
    const struct vv_query query = {.sql = kept, .is_users = true};
    if (status == VARVE_OK)
        status = vv_session_rows(op, engine->session, &query, &rows);
    while (status == VARVE_OK && has_row) {
        status = vv_rows_next(op, rows, &has_row);
        count += has_row ? 1 : 0;
    }
    if (status == VARVE_OK)
        return count;
    vv_forgive(op);
    return -1;
}

static bool is_by_chance(const char *sql)
{
    for (size_t i = 0; i < VV_COUNT(chances); i++)
        if (strcasestr(sql, chances[i]) != NULL)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct fuzz_engine *engine = fuzz_engine();
    struct vv_str rest = {(const char *)data, size};
    struct vv_str one;
    bool is_closed = false;
    char sql[TEXT_BYTES_MAX + 1] = "";
    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (size == 0 || size > TEXT_BYTES_MAX || memchr(data, '\0', size) != NULL)
        return 0;
    memcpy(sql, data, size);
    int64_t found = rows_of_lake(lake_of(engine), sql);
    if (found < 0 || is_by_chance(sql) || !vv_sql_split(&rest, &one, &is_closed) ||
        vv_sql_skip_blank(rest, NULL).len > 0)
        return 0;
    int64_t expected = rows_of_engine(&op, engine, one);
    VV_PRE(expected < 0 || expected == found);
    return 0;
}
