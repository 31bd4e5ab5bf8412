/* Lines from a terminal, by libedit. */
#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/shell.h"

#define HISTORY_MAX 2000
#define PATH_BYTES 4096

struct vv_shell_edit {
    struct vv_shell *shell;
    EditLine *line;
    History *history;
    char history_path[PATH_BYTES]; /* "": nowhere to keep it */
    struct vv_names words;         /* what may be completed, made at the first Tab of a line */
    bool has_words;
    bool was_cancelled;
};

static const char *const keywords[] = {"SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY",
    "LIMIT", "HAVING", "JOIN", "LEFT JOIN", "ASOF JOIN", "USING", "UNION ALL", "DISTINCT",
    "COUNT", "SUM", "AVG", "MIN", "MAX", "CASE", "WHEN", "THEN", "ELSE", "END", "WITH",
    "VERSION", "TIMESTAMP", "INTERVAL", "BETWEEN", "EXPLAIN", "QUALIFY", "DESC",
    "SET known_at = '", "RESET known_at", "table_changes('", "table_history('",
    "table_files('"};

static char *prompt_of(EditLine *line)
{
    static char first[] = "varve> ";
    static char further[] = "  ...> ";
    struct vv_shell_edit *edit = NULL;
    (void)el_get(line, EL_CLIENTDATA, &edit);
    return edit->shell->pending.len > 0 ? further : first;
}

/* ---- Completion ------------------------------------------------------------------------------ */

static void gather_words(struct vv_shell_edit *edit)
{
    struct vv_names tables VV_CLEANUP(vv_names_done) = {0};
    if (edit->has_words)
        return;
    edit->has_words = true;
    vv_names_of_lake(edit->shell->cli->lake, &tables);
    for (size_t i = 0; i < tables.len; i++)
        vv_names_add(&edit->words, tables.items[i]);
    for (size_t i = 0; i < tables.len; i++)
        vv_names_of_table(edit->shell->cli->lake, tables.items[i], &edit->words);
    for (size_t i = 0; i < VV_COUNT(keywords); i++)
        vv_names_add(&edit->words, keywords[i]);
}

static bool is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || byte == '.';
}

struct matches {
    struct vv_names found;
    size_t common; /* bytes that all have in common, ignoring case */
};

static void add_match(struct matches *matches, const char *word, const char *head,
    size_t head_len)
{
    if (strncasecmp(word, head, head_len) != 0)
        return;
    if (matches->found.len == 0)
        matches->common = strlen(word);
    vv_names_add(&matches->found, word);
    const char *first = matches->found.items[0];
    size_t same = 0;
    while (same < matches->common &&
           tolower((unsigned char)first[same]) == tolower((unsigned char)word[same]))
        same++;
    matches->common = same;
}

static void list_matches(const struct matches *matches)
{
    (void)printf("\n");
    for (size_t i = 0; i < matches->found.len; i++)
        (void)printf("%s%s", matches->found.items[i], i + 1 < matches->found.len ? "  " : "\n");
    (void)fflush(stdout);
}

/* Tab: completes the word before the cursor as far as it is clear, else lists what it may be. */
static unsigned char on_tab(EditLine *line, int key)
{
    struct vv_shell_edit *edit = NULL;
    struct matches matches = {0};
    char text[256];
    (void)key;
    (void)el_get(line, EL_CLIENTDATA, &edit);
    const LineInfo *info = el_line(line);
    const char *head = info->cursor;
    while (head > info->buffer && is_word_byte(head[-1]))
        head--;
    size_t head_len = (size_t)(info->cursor - head);
    if (head[0] == '.' && head == info->buffer && edit->shell->pending.len == 0) {
        for (size_t i = 0; vv_shell_dot_name(i); i++)
            add_match(&matches, vv_shell_dot_name(i), head, head_len);
    } else {
        gather_words(edit);
        for (size_t i = 0; i < edit->words.len; i++)
            add_match(&matches, edit->words.items[i], head, head_len);
    }
    unsigned char result = CC_ERROR;
    const char *first = matches.found.len > 0 ? matches.found.items[0] : "";
    bool goes_on = *first && first[strlen(first) - 1] == '\''; /* the name of a table follows */
    if (matches.found.len > 0 && matches.common > head_len &&
        matches.common + 2 < sizeof(text)) {
        (void)snprintf(text, sizeof(text), "%.*s%s", (int)matches.common, first,
            matches.found.len == 1 && !goes_on ? " " : "");
        el_deletestr(line, (int)head_len);
        result = el_insertstr(line, text) == 0 ? CC_REFRESH : CC_ERROR;
    } else if (matches.found.len == 1) {
        result = el_insertstr(line, " ") == 0 ? CC_REFRESH : CC_ERROR;
    } else if (matches.found.len > 1) {
        list_matches(&matches);
        result = CC_REDISPLAY;
    }
    vv_names_done(&matches.found);
    return result;
}

/* Ctrl-C: gives up the line, and the statement that it belongs to. */
static unsigned char on_cancel(EditLine *line, int key)
{
    struct vv_shell_edit *edit = NULL;
    (void)key;
    (void)el_get(line, EL_CLIENTDATA, &edit);
    edit->was_cancelled = true;
    return CC_NEWLINE;
}

/* ---- History --------------------------------------------------------------------------------- */

/* Makes the folders above a path; what fails shows when the file is written. */
static void make_folders(const char *path)
{
    char folder[PATH_BYTES];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        (void)mkdir(folder, 0700);
    }
}

/* By the XDG rules: $XDG_STATE_HOME/varve/history, or the same in ~/.local/state. */
static void find_history(char path[PATH_BYTES])
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len = 0;
    if (state && state[0] == '/')
        len = snprintf(path, PATH_BYTES, "%s/varve/history", state);
    else if (home && home[0] == '/')
        len = snprintf(path, PATH_BYTES, "%s/.local/state/varve/history", home);
    if (len <= 0 || len >= PATH_BYTES)
        path[0] = '\0';
}

static void remember(struct vv_shell_edit *edit, const char *line)
{
    HistEvent event;
    if (line[strspn(line, " \t\n")] != '\0')
        (void)history(edit->history, &event, H_ENTER, line);
}

/* ---- The editor ------------------------------------------------------------------------------ */

struct vv_shell_edit *vv_shell_edit_open(struct vv_shell *shell)
{
    struct vv_shell_edit *edit = vv_cli_alloc(1, sizeof(*edit));
    HistEvent event;
    edit->shell = shell;
    edit->line = el_init("varve", stdin, stdout, stderr);
    edit->history = history_init();
    if (edit->line == NULL || edit->history == NULL) {
        vv_shell_edit_close(&edit);
        return NULL;
    }
    (void)history(edit->history, &event, H_SETSIZE, HISTORY_MAX);
    (void)history(edit->history, &event, H_SETUNIQUE, 1);
    find_history(edit->history_path);
    if (edit->history_path[0] != '\0')
        (void)history(edit->history, &event, H_LOAD, edit->history_path);
    (void)el_set(edit->line, EL_CLIENTDATA, edit);
    (void)el_set(edit->line, EL_PROMPT, prompt_of);
    (void)el_set(edit->line, EL_EDITOR, "emacs");
    (void)el_set(edit->line, EL_HIST, history, edit->history);
    (void)el_set(edit->line, EL_ADDFN, "varve-complete", "complete a word", on_tab);
    (void)el_set(edit->line, EL_ADDFN, "varve-cancel", "give up the line", on_cancel);
    (void)el_source(edit->line, NULL);
    (void)el_set(edit->line, EL_BIND, "^I", "varve-complete", NULL);
    (void)el_set(edit->line, EL_BIND, "^C", "varve-cancel", NULL);
    (void)el_set(edit->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
    /* While a line is edited Ctrl-C is a key like any other; between lines it is a signal. */
    (void)el_set(edit->line, EL_SETTY, "-d", "-isig", NULL);
    return edit;
}

bool vv_shell_edit_line(struct vv_shell_edit *edit, struct vv_text *out, bool *out_cancelled)
{
    int len = 0;
    edit->was_cancelled = false;
    edit->has_words = false;
    vv_names_done(&edit->words);
    /* By itself it would prepare the terminal behind the prompt: keys typed at once were lost. */
    (void)el_set(edit->line, EL_PREP_TERM, 1);
    const char *line = el_gets(edit->line, &len);
    *out_cancelled = edit->was_cancelled;
    vv_text_clear(out);
    if (edit->was_cancelled) { /* of an empty line there is none, as at the end of the input */
        (void)printf("^C\n");
        return true;
    }
    if (line == NULL || len <= 0)
        return false;
    vv_text_add(out, line, line[len - 1] == '\n' ? (size_t)len - 1 : (size_t)len);
    remember(edit, vv_text_chars(out));
    return true;
}

void vv_shell_edit_close(struct vv_shell_edit **edit)
{
    HistEvent event;
    struct vv_shell_edit *closed = *edit;
    if (closed == NULL)
        return;
    if (closed->history && closed->history_path[0] != '\0') {
        make_folders(closed->history_path);
        mode_t mask = umask(0077); /* what was asked for is nobody else's matter */
        (void)history(closed->history, &event, H_SAVE, closed->history_path);
        (void)umask(mask);
    }
    if (closed->line)
        el_end(closed->line);
    if (closed->history)
        history_end(closed->history);
    vv_names_done(&closed->words);
    free(closed);
    *edit = NULL;
}
