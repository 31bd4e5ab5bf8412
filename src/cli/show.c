/* Where results go and in which form. */
#include <string.h>
#include <unistd.h>

#include "cli/show_binary.h"

/* Rows of a box: what one looks through on a screen, and what one looks through page by page. */
#define BOX_ROWS_MAX 50
#define BOX_ROWS_PAGED_MAX 10000

/* What a file's name ends with, the point too; NULL: with nothing of the kind. */
static const char *suffix_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot == NULL || dot == name || dot[1] == '\0' ? NULL : dot;
}

/* That says the format. 0: it ends with something else; without an end it is CSV. */
static enum vv_format format_of_file(const char *path)
{
    static const struct suffix {
        const char *suffix;
        enum vv_format format;
    } suffixes[] = {
        {".csv", VV_FORMAT_CSV},
        {".json", VV_FORMAT_JSON},
        {".ndjson", VV_FORMAT_NDJSON},
        {".jsonl", VV_FORMAT_NDJSON},
        {".md", VV_FORMAT_MARKDOWN},
        {".parquet", VV_FORMAT_PARQUET},
        {".arrow", VV_FORMAT_ARROW},
        {".arrows", VV_FORMAT_ARROW},
        {".feather", VV_FORMAT_ARROW},
        {".ipc", VV_FORMAT_ARROW},
        {".svg", VV_FORMAT_SVG},
    };
    const char *suffix = suffix_of(path);
    if (suffix == NULL)
        return VV_FORMAT_CSV;
    for (size_t i = 0; i < VV_COUNT(suffixes); i++)
        if (strcasecmp(suffix, suffixes[i].suffix) == 0)
            return suffixes[i].format;
    return (enum vv_format)0;
}

static bool is_chart(enum vv_format format)
{
    return format == VV_FORMAT_PLOT || format == VV_FORMAT_SVG;
}

static varve_status check_format(struct vv_cli *cli, const struct vv_show *show)
{
    enum vv_format format = vv_show_format(cli);
    bool has_chart = show != NULL && (show->plot_value != NULL || show->plot_line);
    if (is_chart(format) && !has_chart && vv_show_other_format(cli))
        format = vv_show_format(cli);
    if (format == 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "what '%s' ends with says no format: end it with .csv, .json, .ndjson, .md, "
            ".parquet, .arrow or (reports) .svg, or say --format",
            cli->globals.output);
    if (is_chart(format) && !has_chart)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "there is no chart of these rows; correlate, outcomes, transitions, gaps, signals, "
            "range and query have one");
    return VARVE_OK;
}

bool vv_show_other_format(struct vv_cli *cli)
{
    struct vv_globals *globals = &cli->globals;
    bool is_default = globals->format != cli->said.format || globals->plot != cli->said.plot;
    globals->format = cli->said.format;
    globals->plot = cli->said.plot;
    return is_default;
}

/* What the command line says of the format by the name of a file alone; 0: nothing. */
static enum vv_format format_said(const struct vv_globals *said)
{
    bool is_by_name = !said->format && !said->json && !said->plot && said->output != NULL &&
                      suffix_of(said->output) != NULL;
    return is_by_name ? format_of_file(said->output) : (enum vv_format)0;
}

enum vv_format vv_show_format(const struct vv_cli *cli)
{
    const struct vv_globals *globals = &cli->globals;
    enum vv_format said = format_said(&cli->said);
    if (said != 0) /* before a default of the environment or of a file */
        return said;
    if (globals->format != 0)
        return (enum vv_format)globals->format;
    if (globals->json)
        return VV_FORMAT_JSON;
    if (globals->plot && globals->output && format_of_file(globals->output) == VV_FORMAT_SVG)
        return VV_FORMAT_SVG;
    if (globals->plot)
        return VV_FORMAT_PLOT;
    if (globals->output && strcmp(globals->output, "-") != 0)
        return format_of_file(globals->output);
    return isatty(STDOUT_FILENO) ? VV_FORMAT_BOX : VV_FORMAT_CSV;
}

bool vv_show_is_json(const struct vv_cli *cli)
{
    enum vv_format format = vv_show_format(cli);
    return format == VV_FORMAT_JSON || format == VV_FORMAT_NDJSON;
}

varve_status vv_show_check_words(struct vv_cli *cli)
{
    enum vv_format format = vv_show_format(cli);
    if ((format == VV_FORMAT_PARQUET || format == VV_FORMAT_ARROW) && vv_show_other_format(cli))
        format = vv_show_format(cli);
    if (format != VV_FORMAT_PARQUET && format != VV_FORMAT_ARROW)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_EUSAGE,
        "%s gives no rows: words and json are what it can be written as",
        cli->line.command->name);
}

varve_status vv_show_words(struct vv_cli *cli, bool has_json)
{
    const struct vv_globals *said = &cli->said;
    enum vv_format format =
        said->format != 0 ? (enum vv_format)said->format : format_said(said);
    bool is_json = said->json || format == VV_FORMAT_JSON || format == VV_FORMAT_NDJSON;
    bool is_words = !is_json && !said->plot && (format == 0 || format == VV_FORMAT_BOX);
    if (!is_words && !(is_json && has_json))
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s prints words%s: it has no %s",
            cli->line.command->name, has_json ? ", or JSON by --json" : "",
            said->plot ? "chart"
            : is_json  ? "JSON"
                       : "rows");
    cli->globals.json = is_json || (cli->globals.json && has_json);
    cli->globals.format = is_json ? VV_FORMAT_JSON : 0;
    cli->globals.plot = false;
    return VARVE_OK;
}

varve_status vv_show_sum_up(struct vv_cli *cli)
{
    const struct vv_globals *said = &cli->said;
    const char *name = cli->line.command->name;
    bool has_file = said->output != NULL && strcmp(said->output, "-") != 0;
    bool is_words = said->format == 0 || said->format == VV_FORMAT_BOX;
    if (said->plot)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "option --plot means nothing to %s: there is no chart of what it has done", name);
    if (said->json || (is_words && !has_file))
        return VARVE_OK;
    if (!vv_show_is_json(cli))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "option --%s: %s tells what it has done in words on stderr, or as JSON: say --json "
            "%s",
            has_file ? "output" : "format", name, has_file ? "too" : "instead");
    cli->globals.json = true;
    return VARVE_OK;
}

/* Behind the rows, where there is a place for it. */
static void write_plan(const char *plan, enum vv_format format, FILE *file)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    if (format == VV_FORMAT_JSON) {
        vv_text_add_json(&text, plan, strlen(plan));
        (void)fprintf(file, ",\"plan\":%s}\n", vv_text_chars(&text));
    } else if (format == VV_FORMAT_MARKDOWN) {
        (void)fprintf(file, "\n```\n%s```\n", plan);
    } else if (format == VV_FORMAT_BOX) {
        (void)fputs(plan, file);
    }
}

static varve_status write_rows(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_show *show, const struct vv_target *target, int64_t *out_rows)
{
    enum vv_format format = vv_show_format(cli);
    bool is_terminal = target->path == NULL && isatty(STDOUT_FILENO);
    struct vv_render_options options = {.format = format,
        .json = {.nan_as_text = cli->globals.nan == 2},
        .json_columns = show ? show->json_columns : NULL,
        .box_columns = show ? show->box_columns : NULL,
        .all_columns = cli->is_shell ? ".mode csv" : "--format csv",
        .box_hides = show ? show->box_hides : NULL,
        .box_keeps = show ? show->box_keeps : NULL,
        .box_keeps_ends = show && show->box_keeps_ends,
        .plot_value = show ? show->plot_value : NULL,
        .plot_line = show && show->plot_line,
        .width = is_terminal ? vv_terminal_columns() : 0,
        .rows_max = !is_terminal    ? 0
                    : target->pager ? BOX_ROWS_PAGED_MAX
                                    : BOX_ROWS_MAX,
        .utf8 = vv_terminal_is_utf8(),
        .color = vv_terminal_has_color(cli)};
    if (format == VV_FORMAT_PARQUET)
        return vv_show_parquet(cli, stream, target, out_rows);
    if (format == VV_FORMAT_ARROW)
        return vv_show_arrow(cli, stream, target, out_rows);
    if (show == NULL || show->plan == NULL)
        return vv_render(stream, &options, target->file, out_rows, &cli->error);
    if (format == VV_FORMAT_JSON)
        (void)fputs("{\"tables\":", target->file);
    VV_TRY(vv_render(stream, &options, target->file, out_rows, &cli->error));
    write_plan(show->plan, format, target->file);
    return VARVE_OK;
}

/* Binary formats are none for it. */
static const char *pager_of(const struct vv_cli *cli)
{
    enum vv_format format = vv_show_format(cli);
    bool is_text = format != VV_FORMAT_PARQUET && format != VV_FORMAT_ARROW;
    return is_text && !cli->globals.no_pager ? vv_pager_command() : NULL;
}

varve_status vv_show_rows(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_show *show, int64_t *out_rows)
{
    struct vv_target target = {0};
    varve_status status = VARVE_OK;
    if (vv_interrupt_signal() != 0)
        status = vv_interrupt_fail(&cli->error);
    if (status == VARVE_OK)
        status = check_format(cli, show);
    if (status == VARVE_OK)
        status = vv_target_open(cli->globals.output, pager_of(cli), &target, &cli->error);
    if (status != VARVE_OK) {
        stream->release(stream);
        return status;
    }
    int64_t rows = 0;
    vv_progress_clear(cli);
    if (cli->progress.on && target.path != NULL) /* elsewhere the rows themselves are seen */
        vv_progress_count(cli, stream);
    status = write_rows(cli, stream, show, &target, &rows);
    if (status != VARVE_OK && vv_interrupt_signal() != 0)
        status = vv_interrupt_fail(&cli->error);
    vv_progress_clear(cli);
    varve_error cause = cli->error;
    varve_status closed = vv_target_close(&target, status == VARVE_OK, &cli->error);
    if (status != VARVE_OK)
        cli->error = cause; /* what failed first */
    else if (closed == VARVE_OK && out_rows)
        *out_rows = rows;
    return status != VARVE_OK ? status : closed;
}

varve_status vv_show_plan(struct vv_cli *cli, struct ArrowArrayStream *stream, char *plan,
    int64_t *out_rows)
{
    static const char *const columns[] = {"table", "alias", "version", "files",
        "pruned_by_partition", "pruned_by_statistics", "files_read", "bytes", "bytes_read",
        NULL};
    static const char *const hides[] = {"alias", "bytes", "bytes_read", "version", NULL};
    const struct vv_show show = {.box_columns = columns, .box_hides = hides, .plan = plan};
    varve_status status = vv_show_rows(cli, stream, &show, out_rows);
    varve_free(plan);
    return status;
}

varve_status vv_show_text(struct vv_cli *cli, const char *bytes, size_t len)
{
    struct vv_target target = {0};
    vv_progress_clear(cli);
    VV_TRY(vv_target_open(cli->globals.output, NULL, &target, &cli->error));
    (void)fwrite(bytes, 1, len, target.file);
    return vv_target_close(&target, true, &cli->error);
}

varve_status vv_show_result(struct vv_cli *cli, const char *bytes, size_t len)
{
    varve_status status = vv_show_text(cli, bytes, len);
    if (status == VARVE_OK)
        return status;
    varve_error cause = cli->error;
    return vv_error_set(&cli->error, cause.code,
        "%.400s; that is the result alone: but for a dry run, what it tells of is done",
        cause.message);
}
