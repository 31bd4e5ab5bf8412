/*
 * Streams that the library is given: what their failures mean, and those that are no streams any more.
 * And the schema of one that it gives.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/test.h"
#include "varve/export.h"
#include "varve/market.h"
#include "varve/query.h"
#include "varve/writer.h"

struct lake {
    varve_lake *lake;
    varve_table *table;
    varve_writer *writer;
    varve_error err;
};

static void lake_done(struct lake *lake)
{
    varve_writer_abandon(lake->writer);
    varve_table_close(lake->table);
    varve_lake_close(lake->lake);
}

static bool lake_open(struct lake *lake)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_create_options create = VARVE_CREATE_OPTIONS_INIT;
    varve_writer_options writer = VARVE_WRITER_OPTIONS_INIT;
    int32_t created = 0;
    *lake = (struct lake){0};
    options.create = 1;
    options.threads = 1;
    create.schema = "k int not null, s string";
    create.key = "k";
    writer.interval_ms = -1;
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &lake->lake, &lake->err),
               0) &&
           CHECK_INT(varve_lake_create_table(lake->lake, "t", &create, &created, &lake->err),
               0) &&
           CHECK_INT(varve_table_open(lake->lake, "t", &lake->table, &lake->err), 0) &&
           CHECK_INT(varve_writer_open(lake->lake, &writer, &lake->writer, &lake->err), 0);
}

/* One that has the columns of `inner` and fails for its rows with the number. */
struct broken {
    struct ArrowArrayStream inner;
    int number;
};

static int broken_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct broken *broken = self->private_data;
    return broken->inner.get_schema(&broken->inner, out);
}

static int broken_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    const struct broken *broken = self->private_data;
    (void)out;
    return broken->number;
}

static const char *broken_reason(struct ArrowArrayStream *self)
{
    (void)self;
    return "it is broken";
}

static void broken_release(struct ArrowArrayStream *self)
{
    struct broken *broken = self->private_data;
    broken->inner.release(&broken->inner);
    self->release = NULL;
}

static bool broken_make(struct lake *lake, int number, struct broken *broken,
    struct ArrowArrayStream *out)
{
    *broken = (struct broken){.number = number};
    *out = (struct ArrowArrayStream){
        broken_schema, broken_next, broken_reason, broken_release, broken};
    return CHECK_INT(varve_lake_query(lake->lake, "SELECT 1::INT AS k, 'x' AS s", NULL,
                         &broken->inner, &lake->err),
        0);
}

static int drop_bytes(void *data, const void *bytes, size_t len)
{
    (void)data;
    (void)bytes;
    (void)len;
    return 0;
}

static varve_status upsert(struct lake *lake, struct ArrowArrayStream *stream)
{
    varve_input input = {.format = VARVE_FORMAT_ARROW, .stream = stream};
    varve_upsert_result result;
    return varve_table_upsert(lake->table, &input, 1, NULL, &result, &lake->err);
}

static varve_status put(struct lake *lake, struct ArrowArrayStream *stream)
{
    return varve_writer_put_arrow(lake->writer, "t", stream, NULL, &lake->err);
}

static varve_status export_arrow(struct lake *lake, struct ArrowArrayStream *stream)
{
    return varve_lake_export_arrow(lake->lake, stream, 0, drop_bytes, NULL, NULL, &lake->err);
}

static varve_status export_parquet(struct lake *lake, struct ArrowArrayStream *stream)
{
    return varve_lake_export_parquet(lake->lake, stream, test_path("x.parquet"), NULL,
        &lake->err);
}

static varve_status read_rows(struct lake *lake, struct ArrowArrayStream *stream)
{
    varve_market_regime *rows = NULL;
    size_t len = 0;
    return varve_read_regimes(stream, &rows, &len, &lake->err);
}

static const struct taker {
    const char *name;
    varve_status (*take)(struct lake *lake, struct ArrowArrayStream *stream);
} takers[] = {{"upsert", upsert}, {"put", put}, {"export_arrow", export_arrow},
    {"export_parquet", export_parquet}, {"read", read_rows}};

TEST(stream, the_number_that_one_fails_with_is_the_code_of_the_call_that_reads_it)
{
    VV_CLEANUP(lake_done) struct lake lake;
    static const struct {
        int number;
        varve_status status;
    } cases[] = {{EINVAL, VARVE_EUSAGE}, {EBADMSG, VARVE_ECORRUPT}, {ENOMEM, VARVE_ELIMIT},
        {ENOTSUP, VARVE_EUNSUPPORTED}, {ECANCELED, VARVE_EINTERRUPTED}, {EIO, VARVE_EIO},
        {EPIPE, VARVE_EIO}};
    REQUIRE(lake_open(&lake));
    for (size_t i = 0; i < VV_COUNT(takers); i++) {
        for (size_t j = 0; j < VV_COUNT(cases); j++) {
            struct broken broken;
            struct ArrowArrayStream stream;
            REQUIRE(broken_make(&lake, cases[j].number, &broken, &stream));
            if (!CHECK_INT(takers[i].take(&lake, &stream), cases[j].status) ||
                !CHECK(strstr(lake.err.message, "it is broken") != NULL))
                printf("  %s, %d: %s\n", takers[i].name, cases[j].number, lake.err.message);
            CHECK(stream.release == NULL);
        }
    }
}

TEST(stream, one_that_was_released_is_refused)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    for (size_t i = 0; i < VV_COUNT(takers); i++) {
        struct ArrowArrayStream stream = {.release = NULL};
        if (!CHECK_INT(takers[i].take(&lake, &stream), VARVE_EINVALID) ||
            !CHECK(strstr(lake.err.message, "has been released already") != NULL))
            printf("  %s: %s\n", takers[i].name, lake.err.message);
    }
}

TEST(stream, a_column_of_its_schema_can_be_moved_out_of_it)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema;
    char *filled[64];
    REQUIRE(lake_open(&lake));
    REQUIRE(CHECK_INT(varve_lake_query(lake.lake,
                          "SELECT 1 AS a, {'inner': 2} AS a_column_with_a_name", NULL, &stream,
                          &lake.err),
        0));
    REQUIRE(CHECK_INT(stream.get_schema(&stream, &schema), 0));
    stream.release(&stream);
    struct ArrowSchema column = *schema.children[1];
    schema.children[1]->release = NULL; /* as the interface has it: it was moved */
    schema.release(&schema);
    for (size_t i = 0; i < VV_COUNT(filled); i++) { /* over what was freed */
        filled[i] = malloc(i + 8);
        REQUIRE(filled[i] != NULL);
        memset(filled[i], 'Z', i + 8);
    }
    CHECK_STR(column.name, "a_column_with_a_name");
    CHECK_STR(column.format, "+s");
    REQUIRE(CHECK_INT(column.n_children, 1));
    CHECK_STR(column.children[0]->name, "inner");
    column.release(&column);
    for (size_t i = 0; i < VV_COUNT(filled); i++)
        free(filled[i]);
}

TEST(stream, a_descriptor_that_is_none_is_not_the_file_at_the_path)
{
    VV_CLEANUP(lake_done) struct lake lake;
    const char *path = test_path("rows.csv");
    varve_input input = {.format = VARVE_FORMAT_CSV, .path = path, .use_fd = 1, .fd = -1};
    varve_upsert_result result = {.inserted = -7};
    FILE *file = fopen(path, "w");
    REQUIRE(lake_open(&lake));
    REQUIRE(file != NULL && fputs("k,s\n1,a\n", file) >= 0 && fclose(file) == 0);
    CHECK_INT(varve_table_upsert(lake.table, &input, 1, NULL, &result, &lake.err),
        VARVE_EUSAGE);
    CHECK_INT(result.inserted, -7);
    input.use_fd = 0;
    CHECK_INT(varve_table_upsert(lake.table, &input, 1, NULL, &result, &lake.err), 0);
    CHECK_INT(result.inserted, 1);
}
