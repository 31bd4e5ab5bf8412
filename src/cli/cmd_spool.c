/* What waits in a spool; and a flush of it, also where an ingest owns it. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json_view.h"
#include "varve/writer.h"

struct spool_values {
    const char *spool;
    bool adopt;
    bool dry_run;
    bool aside;
    const char *table;
};

static const struct vv_option options[] = {
    {.name = "spool",
        .kind = VV_OPTION_TEXT,
        .value = "FOLDER",
        .help = "default: _varve/spool in the lake",
        .offset = offsetof(struct spool_values, spool)},
    {.name = "adopt",
        .kind = VV_OPTION_FLAG,
        .help = "flush, salvage: take over a spool that was copied or rolled back, under a new "
                "id",
        .offset = offsetof(struct spool_values, adopt)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "salvage: only say what can be saved and what is lost",
        .offset = offsetof(struct spool_values, dry_run)},
    {.name = "table",
        .kind = VV_OPTION_TEXT,
        .value = "NAME",
        .help = "salvage: the table of rows that have lost the record that names theirs",
        .offset = offsetof(struct spool_values, table)},
    {.name = "aside",
        .kind = VV_OPTION_FLAG,
        .help = "salvage: put such rows into a file of lines beside the segments",
        .offset = offsetof(struct spool_values, aside)},
};

/* ---- Status and verify ------------------------------------------------------------------------ */

static void add_line(struct vv_text *text, const char *name, const char *value)
{
    size_t len = strlen(name);
    if (*value == '\0')
        return;
    vv_text_adds(text, name);
    vv_text_fill(text, ' ', len < 10 ? 10 - len : 1);
    vv_text_add_shown(text, value, strlen(value));
    vv_text_addc(text, '\n');
}

/* "1 row", "12 rows" */
static void add_rows(struct vv_text *text, const struct vv_node *count)
{
    vv_text_addf(text, "%s row%s", vv_node_chars(count), vv_text_plural(vv_node_int(count, 0)));
}

static void add_segment(struct vv_text *text, const struct vv_node *segment)
{
    struct vv_text value VV_CLEANUP(vv_text_done) = {0};
    const char *damage = vv_node_chars(vv_node_get(segment, "damage"));
    const char *oldest = vv_node_chars(vv_node_get(segment, "oldest"));
    vv_text_addf(&value, "%s: %s, ", vv_node_chars(vv_node_get(segment, "file")),
        vv_node_chars(vv_node_get(segment, "state")));
    add_rows(&value, vv_node_get(segment, "rows"));
    vv_text_addf(&value, ", %s bytes", vv_node_chars(vv_node_get(segment, "bytes")));
    if (*oldest)
        vv_text_addf(&value, ", since %s", oldest);
    if (*damage)
        vv_text_addf(&value, "; DAMAGED at offset %s: %s",
            vv_node_chars(vv_node_get(segment, "damage_offset")), damage);
    add_line(text, "segment", vv_text_chars(&value));
}

static void add_page(struct vv_text *text, const struct vv_node *spool)
{
    struct vv_text waiting VV_CLEANUP(vv_text_done) = {0};
    const struct vv_node *segments = vv_node_get(spool, "segments");
    const char *owner = vv_node_chars(vv_node_get(spool, "owner"));
    add_rows(&waiting, vv_node_get(spool, "rows_waiting"));
    vv_text_addf(&waiting, ", %s bytes", vv_node_chars(vv_node_get(spool, "bytes_waiting")));
    add_line(text, "spool", vv_node_chars(vv_node_get(spool, "spool")));
    add_line(text, "owner", *owner ? owner : "nobody");
    add_line(text, "waiting", vv_text_chars(&waiting));
    add_line(text, "oldest", vv_node_chars(vv_node_get(spool, "oldest")));
    add_line(text, "newest", vv_node_chars(vv_node_get(spool, "newest")));
    add_line(text, "note", vv_node_chars(vv_node_get(spool, "note")));
    add_line(text, "DAMAGED", vv_node_chars(vv_node_get(spool, "damage")));
    for (size_t i = 0; i < segments->children_len; i++)
        add_segment(text, &segments->children[i]);
}

/* What `verify` has found where it has found nothing wrong. */
static void add_verdict(struct vv_text *text, const struct vv_node *spool)
{
    bool is_sound = strcmp(vv_node_chars(vv_node_get(spool, "sound")), "true") == 0;
    size_t segments = vv_node_get(spool, "segments")->children_len;
    if (is_sound)
        add_line(text, "sound",
            segments > 0 ? "yes: every record of every segment is whole and in its place"
                         : "yes: nothing waits, and its own file is whole");
}

static varve_status show(struct vv_cli *cli, const char *json, bool with_verdict)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_node spool = {0};
    bool is_json = vv_show_is_json(cli);
    if (is_json || !vv_node_read(json, strlen(json), &spool))
        vv_text_addf(&text, "%s\n", json);
    else
        add_page(&text, &spool);
    if (!is_json && with_verdict)
        add_verdict(&text, &spool);
    vv_node_done(&spool);
    return vv_show_text(cli, text.ptr, text.len);
}

/* That nothing waits in a spool that nobody has made is said of a lake, not of any folder. */
static varve_status check_lake(struct vv_cli *cli)
{
    char *names VV_CLEANUP(vv_chars_cleanup) = NULL;
    return vv_cli_table_names(cli, &names);
}

/* What waits in the lake's own spool before anybody has made it. */
static varve_status show_none(struct vv_cli *cli)
{
    VV_TRY(check_lake(cli));
    if (vv_show_is_json(cli))
        return show(cli,
            "{\"spool\":null,\"owner\":null,\"segments\":[],\"segments_waiting\":0,"
            "\"rows_waiting\":0,\"bytes_waiting\":0,\"oldest\":null,"
            "\"newest\":null,\"sound\":true}",
            false);
    static const char text[] = "the lake has no spool: nothing waits\n";
    return vv_show_text(cli, text, sizeof(text) - 1);
}

static varve_status inspect(struct vv_cli *cli, const struct spool_values *values, bool verify)
{
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    varve_error verdict;
    varve_status status =
        varve_spool_inspect(cli->lake, values->spool, verify ? 1 : 0, &json, &verdict);
    if (status == VARVE_ENOTFOUND && values->spool == NULL)
        return show_none(cli);
    if (json != NULL)
        VV_TRY(show(cli, json, verify));
    if (status != VARVE_OK)
        cli->error = verdict;
    return status;
}

/* ---- Flush ------------------------------------------------------------------------------------- */

struct situation {
    bool exists;
    int64_t pid;            /* of the owner; 0: nobody has it */
    bool is_here;           /* the owner runs on this machine */
    int64_t rows;           /* waiting */
    int64_t newest, oldest; /* numbers of segments; 0: none */
};

static varve_status look(struct vv_cli *cli, const struct spool_values *values,
    struct situation *out)
{
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_node spool = {0};
    char host[256] = "";
    *out = (struct situation){0};
    varve_status status = varve_spool_inspect(cli->lake, values->spool, 0, &json, &cli->error);
    if (status == VARVE_ENOTFOUND && values->spool == NULL)
        return VARVE_OK;
    VV_TRY(status);
    out->exists = true;
    (void)vv_node_read(json, strlen(json), &spool);
    static const char begin[] = "process ";
    const char *owner = vv_node_chars(vv_node_get(&spool, "owner"));
    if (strncmp(owner, begin, sizeof(begin) - 1) == 0) {
        char *end = NULL;
        out->pid = strtoll(owner + sizeof(begin) - 1, &end, 10);
        (void)gethostname(host, sizeof(host) - 1);
        out->is_here = strncmp(end, " on ", 4) == 0 && strcmp(end + 4, host) == 0;
    }
    const struct vv_node *segments = vv_node_get(&spool, "segments");
    out->rows = vv_node_int(vv_node_get(&spool, "rows_waiting"), 0);
    for (size_t i = 0; i < segments->children_len; i++) {
        int64_t number = vv_node_int(vv_node_get(&segments->children[i], "segment"), 0);
        out->oldest = out->oldest == 0 || number < out->oldest ? number : out->oldest;
        out->newest = number > out->newest ? number : out->newest;
    }
    vv_node_done(&spool);
    return VARVE_OK;
}

/* Reads a file of /proc; NULs become blanks. */
static void read_proc(int64_t pid, const char *name, struct vv_text *out)
{
    struct vv_text path VV_CLEANUP(vv_text_done) = {0};
    char piece[4096];
    vv_text_addf(&path, "/proc/%" PRId64 "/%s", pid, name);
    FILE *file = fopen(vv_text_chars(&path), "re");
    if (file == NULL)
        return;
    size_t len = fread(piece, 1, sizeof(piece), file);
    (void)fclose(file);
    vv_text_add(out, piece, len);
    for (size_t i = 0; i < out->len; i++)
        out->ptr[i] = out->ptr[i] ? out->ptr[i] : ' ';
}

/* SIGHUP ends whoever does not expect it: it must be an ingest, which waits for the signal. */
static bool is_ingest(int64_t pid)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    struct vv_text status VV_CLEANUP(vv_text_done) = {0};
    read_proc(pid, "cmdline", &line);
    read_proc(pid, "status", &status);
    const char *blocked = strstr(vv_text_chars(&status), "SigBlk:");
    uint64_t mask = blocked ? strtoull(blocked + 7, NULL, 16) : 0;
    return strstr(vv_text_chars(&line), " ingest ") != NULL && (mask & 1U << (SIGHUP - 1)) != 0;
}

static varve_status fail_interrupted(struct vv_cli *cli)
{
    return vv_error_set(&cli->error, VARVE_EINTERRUPTED,
        "interrupted; rows that are not flushed stay in the spool");
}

static varve_status check_interrupt(struct vv_cli *cli)
{
    return vv_interrupt_signal() != 0 ? fail_interrupted(cli) : VARVE_OK;
}

/* Asks the ingest that has the spool, and waits until what was there is gone. */
static varve_status flush_by_owner(struct vv_cli *cli, const struct spool_values *values,
    const struct situation *before)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    struct situation now = *before;
    if (!before->is_here || !is_ingest(before->pid))
        return vv_error_set(&cli->error, VARVE_ECONFLICT,
            "the spool is owned by process %" PRId64
            "%s, which is no varve ingest of this machine that could be asked; it flushes by "
            "itself, or stop it first",
            before->pid, before->is_here ? "" : " of another machine");
    if (kill((pid_t)before->pid, SIGHUP) != 0)
        return vv_error_set(&cli->error, VARVE_EIO,
            "varve ingest, process %" PRId64 ", cannot be asked to flush: %s", before->pid,
            vv_errno_text(errno));
    while (now.oldest != 0 && now.oldest <= before->newest) {
        VV_TRY(check_interrupt(cli));
        (void)nanosleep(&pause, NULL);
        VV_TRY(look(cli, values, &now));
        if (now.pid != before->pid && now.oldest != 0)
            return vv_error_set(&cli->error, VARVE_ECONFLICT,
                "process %" PRId64 ", which had the spool, has ended before everything was "
                "flushed; try again",
                before->pid);
    }
    return VARVE_OK;
}

static varve_status flush_here(struct vv_cli *cli, const struct spool_values *values)
{
    varve_writer *writer = NULL;
    varve_writer_options writer_options = VARVE_WRITER_OPTIONS_INIT;
    writer_options.spool = values->spool;
    writer_options.interval_ms = -1;
    writer_options.adopt = values->adopt ? 1 : 0;
    writer_options.tries_once = 1; /* who asks for a flush wants to know why there is none */
    VV_TRY(check_interrupt(cli));
    varve_status status = varve_writer_open(cli->lake, &writer_options, &writer, &cli->error);
    if (status == VARVE_OK) {
        vv_interrupt_target_writer(writer);
        status = varve_writer_flush(writer, -1, &cli->error);
        vv_interrupt_target_writer(NULL);
    }
    if (status == VARVE_OK)
        return varve_writer_close(writer, &cli->error);
    varve_writer_abandon(writer);
    return status == VARVE_EINTERRUPTED ? fail_interrupted(cli) : status;
}

static varve_status flush(struct vv_cli *cli, const struct spool_values *values)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    struct situation before;
    VV_TRY(look(cli, values, &before));
    if (before.pid != 0)
        VV_TRY(flush_by_owner(cli, values, &before));
    else
        VV_TRY(before.exists ? flush_here(cli, values) : check_lake(cli));
    if (!cli->globals.json) {
        vv_say(cli, "%" PRId64 " row%s flushed%s", before.rows, vv_text_plural(before.rows),
            before.pid != 0 ? " by the ingest that has the spool" : "");
        return VARVE_OK;
    }
    vv_text_addf(&line, "{\"rows_flushed\":%" PRId64 "}\n", before.rows);
    return vv_show_result(cli, line.ptr, line.len);
}

/* ---- Salvage ----------------------------------------------------------------------------------- */

static void add_saved(struct vv_text *text, const struct vv_node *segment)
{
    struct vv_text value VV_CLEANUP(vv_text_done) = {0};
    const struct vv_node *files = vv_node_get(segment, "files");
    const struct vv_node *unreadable = vv_node_get(segment, "unreadable");
    vv_text_addf(&value, "%s: ", vv_node_chars(vv_node_get(segment, "segment")));
    add_rows(&value, vv_node_get(segment, "rows_saved"));
    vv_text_addf(&value, " saved; %s", vv_node_chars(vv_node_get(segment, "damage")));
    add_line(text, "segment", vv_text_chars(&value));
    for (size_t i = 0; i < unreadable->children_len; i++) {
        const struct vv_node *range = &unreadable->children[i];
        vv_text_clear(&value);
        vv_text_addf(&value, "%s, bytes %s to %s", vv_node_chars(vv_node_get(range, "file")),
            vv_node_chars(vv_node_get(range, "from")), vv_node_chars(vv_node_get(range, "to")));
        add_line(text, "unreadable", vv_text_chars(&value));
    }
    for (size_t i = 0; i < files->children_len; i++)
        add_line(text, "kept as", vv_node_chars(vv_node_get(&files->children[i], "kept_as")));
}

static void add_loss(struct vv_text *text, const struct vv_node *loss)
{
    struct vv_text value VV_CLEANUP(vv_text_done) = {0};
    const char *first = vv_node_chars(vv_node_get(loss, "first_sequence"));
    const char *last = vv_node_chars(vv_node_get(loss, "last_sequence"));
    bool is_certain = strcmp(vv_node_chars(vv_node_get(loss, "certain")), "true") == 0;
    vv_text_addf(&value, "sequences %s to %s%s", *first ? first : "(not known)",
        *last ? last : "(not known)",
        is_certain ? "" : ": some of them may have been, and may have been committed");
    add_line(text, is_certain ? "LOST" : "MAY BE LOST", vv_text_chars(&value));
}

static void add_salvage_page(struct vv_text *text, const struct vv_node *report)
{
    const struct vv_node *segments = vv_node_get(report, "segments");
    const struct vv_node *losses = vv_node_get(report, "lost");
    add_line(text, "spool", vv_node_chars(vv_node_get(report, "spool")));
    if (strcmp(vv_node_chars(vv_node_get(report, "spool_file_lost")), "true") == 0)
        add_line(text, "DAMAGED", "the file \"spool\": made anew, with a new id");
    for (size_t i = 0; i < segments->children_len; i++)
        add_saved(text, &segments->children[i]);
    add_line(text, "sound", vv_node_chars(vv_node_get(report, "rows_sound")));
    add_line(text, "saved", vv_node_chars(vv_node_get(report, "rows_saved")));
    add_line(text, "aside", vv_node_chars(vv_node_get(report, "rows_aside")));
    add_line(text, "aside in", vv_node_chars(vv_node_get(report, "aside_in")));
    add_line(text, "lost", vv_node_chars(vv_node_get(report, "rows_lost")));
    for (size_t i = 0; i < losses->children_len; i++)
        add_loss(text, &losses->children[i]);
}

static bool is_untouched(const struct vv_node *report)
{
    return vv_node_get(report, "segments")->children_len == 0 &&
           vv_node_get(report, "lost")->children_len == 0 &&
           strcmp(vv_node_chars(vv_node_get(report, "spool_file_lost")), "false") == 0;
}

static varve_status salvage(struct vv_cli *cli, const struct spool_values *values)
{
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_node report = {0};
    varve_spool_salvage_options salvaging = VARVE_SPOOL_SALVAGE_OPTIONS_INIT;
    salvaging.spool = values->spool;
    salvaging.table = values->table;
    salvaging.aside = values->aside ? 1 : 0;
    salvaging.dry_run = values->dry_run ? 1 : 0;
    salvaging.adopt = values->adopt ? 1 : 0;
    varve_status status = varve_spool_salvage(cli->lake, &salvaging, &json, &cli->error);
    if (status == VARVE_ENOTFOUND && values->spool == NULL && values->table == NULL)
        return show_none(cli);
    VV_TRY(status);
    bool is_json = vv_show_is_json(cli);
    bool is_read = vv_node_read(json, strlen(json), &report);
    bool is_sound = is_read && is_untouched(&report);
    const char *lost = is_read ? vv_node_chars(vv_node_get(&report, "rows_lost")) : "";
    if (is_json || !is_read)
        vv_text_addf(&text, "%s\n", json);
    else
        add_salvage_page(&text, &report);
    if (is_sound)
        vv_say(cli, "the spool is sound: nothing was done");
    else
        vv_say(cli, "%s; %s row%s lost for certain",
            values->dry_run ? "nothing was changed" : "the spool can be used again", lost,
            strcmp(lost, "1") == 0 ? " is" : "s are");
    vv_node_done(&report);
    return vv_show_result(cli, text.ptr, text.len);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct spool_values *values = given;
    const char *verb = vv_cli_argument(cli, 0);
    bool is_salvage = strcmp(verb, "salvage") == 0;
    bool is_verify = strcmp(verb, "verify") == 0, is_flush = strcmp(verb, "flush") == 0;
    if (!is_verify && !is_flush && !is_salvage && strcmp(verb, "status") != 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "spool: '%s' is not one of status|flush|verify|salvage", verb);
    if (!is_salvage && (values->dry_run || values->aside || values->table != NULL))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "spool %s: --dry-run, --table and --aside are for salvage", verb);
    VV_TRY(vv_cli_open_lake(cli, false));
    if (is_salvage)
        return salvage(cli, values);
    return is_flush ? flush(cli, values) : inspect(cli, values, is_verify);
}

const struct vv_command vv_cmd_spool = {
    .name = "spool",
    .summary = "rows on their way into the lake",
    .arguments = "status|flush|verify|salvage",
    .examples = "varve spool status\n"
                "varve spool flush\n"
                "varve spool verify --json\n"
                "varve spool salvage --dry-run",
    .text = "Rows of varve ingest, and of programs with the writer, wait in the spool until\n"
            "they are flushed. status says what waits, also while another process owns the\n"
            "spool. flush writes it into the tables: by itself, or by asking the varve\n"
            "ingest that owns the spool (SIGHUP), and waits until it has done so. verify\n"
            "checks each record of each segment; damage ends with status 10.\n"
            "\n"
            "A damaged spool is refused. salvage gets every row out of it that can be read,\n"
            "so that varve ingest and flush go on: each of these rows is committed once, also\n"
            "where a table has them already. It says which bytes could not be read and the\n"
            "sequences of the rows that are lost; that report and the damaged files stay in\n"
            "the spool's folder (salvage-TIME.json, NAME.damaged). See --dry-run first.",
    VV_OPTIONS(options, struct spool_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "flush",
    .run = run,
};
