#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/ingest.h"
#include "cli/json_view.h"

#define LINE_BYTES_DEFAULT (1 << 20)
#define LINE_BYTES_MAX (16 << 20)
#define MAINTAIN_MS 60000

struct ingest_values {
    const char *socket;
    struct vv_list follow;
    int32_t ack;
    int32_t input_format;
    const char *sync;
    struct vv_integer interval, max_rows, max_bytes, max_spool, max_line, patience;
    const char *spool;
    bool adopt, quarantine, maintain;
    struct vv_integer maintain_every;
};

#define AT(member) offsetof(struct ingest_values, member)

static const struct vv_option options[] = {
    {.name = "socket",
        .kind = VV_OPTION_TEXT,
        .value = "PATH",
        .help = "listen on a Unix stream socket, for many clients",
        .offset = AT(socket)},
    {.name = "follow",
        .kind = VV_OPTION_LIST,
        .value = "FILE",
        .help = "read a file as it grows and is rotated; may be repeated",
        .offset = AT(follow)},
    {.name = "ack",
        .kind = VV_OPTION_CHOICE,
        .value = "[LEVEL]",
        .choices = "accepted|spooled|committed",
        .implied = "spooled",
        .help = "answer {\"ack\":N} when the lines up to N are accepted, spooled (default) or "
                "committed",
        .offset = AT(ack)},
    {.name = "interval",
        .kind = VV_OPTION_DURATION,
        .value = "TIME",
        .least = 10,
        .most = 86400000,
        .help = "between flushes, and between lines of metrics (default 60s)",
        .offset = AT(interval)},
    {.name = "max-rows",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = 100000000,
        .help = "flush earlier when so many rows wait (default 1000000)",
        .offset = AT(max_rows)},
    {.name = "max-bytes",
        .kind = VV_OPTION_SIZE,
        .value = "SIZE",
        .least = 4096,
        .most = INT64_MAX,
        .help = "or so many bytes (default 64MiB)",
        .offset = AT(max_bytes)},
    {.name = "sync",
        .kind = VV_OPTION_TEXT,
        .value = "always|TIME",
        .help = "fsync the spool so often (default 100ms), or for each batch that comes",
        .offset = AT(sync)},
    {.name = "spool",
        .kind = VV_OPTION_TEXT,
        .value = "FOLDER",
        .help = "where rows wait (default: _varve/spool in the lake)",
        .offset = AT(spool)},
    {.name = "max-spool",
        .kind = VV_OPTION_SIZE,
        .value = "SIZE",
        .least = 1 << 16,
        .most = INT64_MAX,
        .help = "of the spool; when it is full, inputs wait (default 1GiB)",
        .offset = AT(max_spool)},
    {.name = "max-line",
        .kind = VV_OPTION_SIZE,
        .value = "SIZE",
        .least = 64,
        .most = LINE_BYTES_MAX,
        .help = "longer lines are refused (default 1MiB)",
        .offset = AT(max_line)},
    {.name = "patience",
        .kind = VV_OPTION_DURATION,
        .value = "TIME",
        .most = 86400000,
        .help = "how long flushes may fail in the end before it gives up (default 30s); rows "
                "then stay in the spool",
        .offset = AT(patience)},
    {.name = "input-format",
        .kind = VV_OPTION_CHOICE,
        .value = "F",
        .choices = "ndjson|csv|arrow",
        .help = "ndjson (default), csv, whose first line is the header, or arrow: an Arrow IPC "
                "stream on stdin, its batches taken as they come",

        .offset = AT(input_format)},
    {.name = "maintain",
        .kind = VV_OPTION_FLAG,
        .help = "keep all tables of the lake in good order meanwhile, in a thread of low "
                "priority: see varve help maintain",
        .offset = AT(maintain)},
    {.name = "maintain-every",
        .kind = VV_OPTION_DURATION,
        .value = "TIME",
        .least = 100,
        .most = 86400000,
        .help = "how often, with --maintain (default 60s)",
        .offset = AT(maintain_every)},
    {.name = "adopt",
        .kind = VV_OPTION_FLAG,
        .help = "take over a spool that was copied or rolled back, under a new id",
        .offset = AT(adopt)},
    {.name = "quarantine",
        .kind = VV_OPTION_FLAG,
        .help = "as for upsert: bad rows are set aside (always, here)",
        .offset = AT(quarantine)},
};

static varve_status read_sync(const char *text, varve_writer_options *writer,
    struct vv_ingest_options *out, varve_error *err)
{
    if (text == NULL)
        return VARVE_OK;
    out->sync_always = strcmp(text, "always") == 0;
    if (out->sync_always)
        return VARVE_OK;
    if (!vv_duration_read(text, &writer->sync_ms) || writer->sync_ms < 1 ||
        writer->sync_ms > 60000)
        return vv_error_set(err, VARVE_EUSAGE,
            "option --sync: '%s' is neither 'always' nor a time from 1ms to 60s", text);
    return VARVE_OK;
}

/* TABLE and '-', in any order, both may be left out. */
static varve_status read_arguments(struct vv_cli *cli, struct vv_ingest_options *out)
{
    bool has_dash = false;
    for (size_t i = 0; i < cli->line.arguments_len; i++) {
        const char *argument = vv_cli_argument(cli, i);
        if (strcmp(argument, "-") == 0)
            has_dash = true;
        else if (out->table)
            return vv_error_set(&cli->error, VARVE_EUSAGE,
                "ingest: one table, or none for lines that name their own; '%s' is another "
                "one (a file: --follow %s)",
                argument, argument);
        else
            out->table = argument;
    }
    bool has_input = out->socket || out->follow.len > 0;
    out->reads_stdin = has_dash || !has_input;
    if (!has_dash && !has_input && isatty(STDIN_FILENO))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "no rows: pipe them to stdin, or give --socket or --follow");
    if (out->reads_stdin && (fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return vv_error_set(&cli->error, VARVE_EIO,
            "stdin is closed, or open for writing alone: there are no rows to read");
    return VARVE_OK;
}

/* Rows of an Arrow stream have no lines, and no table of their own. */
static varve_status check_arrow(const struct vv_ingest_options *ingest, varve_error *err)
{
    if (!ingest->is_arrow)
        return VARVE_OK;
    if (ingest->socket || ingest->follow.len > 0 || ingest->table == NULL)
        return vv_error_set(err, VARVE_EUSAGE,
            "--input-format arrow reads the stream of one table from stdin: name the table, "
            "without --socket and --follow");
    return VARVE_OK;
}

/* The folder of the spool, as the library finds it. */
static void spool_folder(const struct vv_cli *cli, const char *given, struct vv_text *out)
{
    const char *lake = cli->globals.lake;
    if (given)
        vv_text_adds(out, given);
    else
        vv_text_addf(out, "%s/_varve/spool",
            strncmp(lake, "file://", 7) == 0 ? lake + 7 : lake);
}

static bool has_column(const struct vv_node *description, const char *name)
{
    const struct vv_node *schema = vv_node_get(description, "schema");
    for (size_t i = 0; i < schema->children_len; i++)
        if (strcasecmp(vv_node_chars(vv_node_get(&schema->children[i], "name")), name) == 0)
            return true;
    return false;
}

/* A table that is not there, or takes no row, is said at once, not with each line. */
static varve_status check_table(struct vv_cli *cli, struct vv_ingest_options *ingest)
{
    const char *name = ingest->table;
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_node description = {0};
    char *names VV_CLEANUP(vv_chars_cleanup) = NULL;
    if (name == NULL)
        return vv_cli_table_names(cli, &names);
    VV_TRY(varve_table_open(cli->lake, name, &table, &cli->error));
    VV_TRY(varve_table_describe(table, NULL, &json, &cli->error));
    bool has_key = !vv_node_read(json, strlen(json), &description) ||
                   vv_node_get(&description, "key")->children_len > 0;
    ingest->has_table_column = has_column(&description, "table");
    vv_node_done(&description);
    if (ingest->is_csv) {
        ingest->csv_table = table;
        table = NULL;
    }
    if (has_key)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_EUSAGE,
        "table %s has no key, and ingest writes by upserts: declare one with `varve alter %s "
        "set varve.key=A,B`, or write its rows with varve append",
        name, name);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct ingest_values *values = given;
    struct vv_text spool VV_CLEANUP(vv_text_done) = {0};
    varve_writer_options writer = VARVE_WRITER_OPTIONS_INIT;
    struct vv_ingest_options ingest = {.socket = values->socket,
        .follow = values->follow,
        .is_csv = values->input_format == 2,
        .is_arrow = values->input_format == 3,
        .ack = (enum vv_ack)values->ack,
        .patience_ms = values->patience.given ? values->patience.value : 30000,
        .interval_ms = values->interval.given ? values->interval.value : 60000,
        .line_bytes_max =
            values->max_line.given ? (size_t)values->max_line.value : LINE_BYTES_DEFAULT};
    VV_TRY(read_arguments(cli, &ingest));
    VV_TRY(check_arrow(&ingest, &cli->error));
    VV_TRY(read_sync(values->sync, &writer, &ingest, &cli->error));
    spool_folder(cli, values->spool, &spool);
    ingest.spool = vv_text_chars(&spool);
    writer.spool = values->spool;
    writer.interval_ms = ingest.interval_ms;
    writer.rows_max = values->max_rows.value;
    writer.bytes_max = values->max_bytes.value;
    writer.spool_bytes_max = values->max_spool.value;
    writer.full_fails = 1;
    writer.adopt = values->adopt ? 1 : 0;
    ingest.maintains = values->maintain;
    if (values->maintain)
        writer.maintain_ms =
            values->maintain_every.given ? values->maintain_every.value : MAINTAIN_MS;
    else if (values->maintain_every.given)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "--maintain-every says how often --maintain does it: give that as well");
    int signal_fd = -1;
    VV_TRY(vv_ingest_catch_signals(&signal_fd, &cli->error));
    varve_status status = vv_cli_open_lake(cli, false);
    if (status == VARVE_OK)
        status = check_table(cli, &ingest);
    if (status == VARVE_OK)
        status = vv_ingest_run(cli, &ingest, &writer, signal_fd);
    else
        (void)close(signal_fd);
    varve_table_close(ingest.csv_table);
    return status;
}

const struct vv_command vv_cmd_ingest = {
    .name = "ingest",
    .summary = "read rows for ever, exactly once",
    .arguments = "[TABLE] [-]",
    .examples = "varve simulate --days 1 | varve ingest\n"
                "varve simulate --days 1 --table signals | varve ingest signals --ack\n"
                "varve ingest --socket bots.sock --ack committed --interval 10s\n"
                "varve ingest signals --follow signals.ndjson --maintain\n"
                "varve scan signals --format arrow | varve ingest signals --input-format arrow",
    .text =
        "Reads NDJSON from stdin, from the clients of a socket and from files that grow.\n"
        "Without a TABLE each line names its own: {\"table\":\"signals\",...}. Rows go to a\n"
        "spool on disk first, and from there, every --interval, as one upsert a table\n"
        "into the lake, exactly once whatever happens in between. Rows that break a\n"
        "rule of their table, and lines that are no rows, go to its quarantine and are\n"
        "answered with {\"line\":N,\"error\":...,\"code\":...}, or told on stderr; the\n"
        "others go on. The end of stdin, SIGTERM and SIGINT flush and end it; SIGHUP\n"
        "flushes and goes on; a SIGINT while it ends, ends it at once, and rows stay in\n"
        "the spool for the next run. docs/ingest.md has the rest.",
    VV_OPTIONS(options, struct ingest_values),
    .arguments_most = 2,
    .sums_up = "",
    .run = run,
};
