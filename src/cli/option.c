#include "cli/option.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"

#define CONFIG_BYTES_MAX ((size_t)1 << 20)

const struct vv_option *vv_option_find(const struct vv_option *options, size_t len,
    const char *name, size_t name_len)
{
    for (size_t i = 0; i < len; i++)
        if (strlen(options[i].name) == name_len &&
            strncmp(options[i].name, name, name_len) == 0)
            return &options[i];
    return NULL;
}

static bool read_integer(const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool starts_well = (*text >= '0' && *text <= '9') || *text == '-';
    if (!starts_well || end == text || *end != '\0' || errno != 0)
        return false;
    *out = value;
    return true;
}

/* Digits of a number, and of what lies behind its point: by more, nothing that is read changes. */
#define AMOUNT_DIGITS_MAX 18

__extension__ typedef unsigned __int128 wide;

struct unit {
    const char *name;
    int64_t size;
};

/* Digits in front, but for zeros before them; *out_len: how many. False: too many. */
static bool take_digits(const char **text, uint64_t *out, unsigned *out_len)
{
    const char *first = *text;
    for (*out = 0; **text >= '0' && **text <= '9'; ++*text) {
        if (*out >= UINT64_C(1000000000000000000))
            return false;
        *out = *out * 10 + (uint64_t)(**text - '0');
    }
    *out_len = (unsigned)(*text - first);
    return *out_len > 0;
}

/*
 * "1.5GiB", exactly: what a double makes of 1.005 seconds is 1004 milliseconds. What is less than one
 * of the smallest unit is cut off.
 */
static bool read_amount(const char *text, const struct unit *units, size_t len, int64_t most,
    int64_t *out)
{
    uint64_t whole = 0;
    uint64_t part = 0;
    unsigned digits = 0;
    wide scale = 1;
    if (!take_digits(&text, &whole, &digits))
        return false;
    if (*text == '.') {
        text++;
        if (!take_digits(&text, &part, &digits) || digits > AMOUNT_DIGITS_MAX)
            return false;
        for (; digits > 0; digits--)
            scale *= 10;
    }
    text += strspn(text, units[0].name[0] == '\0' ? " " : ""); /* "1 GB", but no "1 s" */
    for (size_t i = 0; i < len; i++) {
        if (strcmp(text, units[i].name) != 0)
            continue;
        wide amount =
            (wide)whole * (wide)units[i].size + (wide)part * (wide)units[i].size / scale;
        if (amount > (wide)most)
            return false;
        *out = (int64_t)amount;
        return true;
    }
    return false;
}

bool vv_size_read(const char *text, int64_t *out)
{
    static const struct unit units[] = {{"", 1}, {"B", 1}, {"K", 1000}, {"KB", 1000},
        {"KiB", 1024}, {"M", 1000000}, {"MB", 1000000}, {"MiB", 1 << 20}, {"G", 1000000000},
        {"GB", 1000000000}, {"GiB", 1 << 30}, {"T", INT64_C(1000000000000)},
        {"TB", INT64_C(1000000000000)}, {"TiB", INT64_C(1) << 40}};
    return read_amount(text, units, VV_COUNT(units), INT64_MAX, out);
}

bool vv_duration_read(const char *text, int64_t *out_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    return read_amount(text, units, VV_COUNT(units), INT64_C(9000000000000000), out_ms);
}

/* Position of `value` in "a|b|c" from 1; 0: not one of them. */
static int32_t find_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    int32_t number = 1;
    for (const char *at = choices; at; number++) {
        const char *end = strchr(at, '|');
        size_t choice_len = end ? (size_t)(end - at) : strlen(at);
        if (choice_len == len && strncmp(at, value, len) == 0)
            return number;
        at = end ? end + 1 : NULL;
    }
    return 0;
}

bool vv_option_has_choice(const struct vv_option *option, const char *value)
{
    return find_choice(option->choices, value) != 0;
}

/* False: the text is no number of the option's kind. */
static bool read_number(enum vv_option_kind kind, const char *value, int64_t *out)
{
    if (kind == VV_OPTION_SIZE)
        return vv_size_read(value, out);
    return kind == VV_OPTION_DURATION ? vv_duration_read(value, out) : read_integer(value, out);
}

/* "1MiB", "1500" */
static void add_bound(struct vv_text *text, enum vv_option_kind kind, int64_t value)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; kind == VV_OPTION_SIZE && value > 0 && value % 1024 == 0 && unit < 4; unit++)
        value /= 1024;
    vv_text_addf(text, "%" PRId64 "%s", value, units[unit]);
}

static varve_status fail_range(const struct vv_option *option, int64_t most, const char *value,
    varve_error *err)
{
    struct vv_text bounds VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&bounds, most == INT64_MAX ? "at least " : "");
    add_bound(&bounds, option->kind, option->least);
    if (most < INT64_MAX) {
        vv_text_adds(&bounds, " to ");
        add_bound(&bounds, option->kind, most);
    }
    if (option->kind == VV_OPTION_DURATION)
        vv_text_adds(&bounds, " ms");
    return vv_error_set(err, VARVE_EUSAGE, "option --%s: %s is out of range (%s)", option->name,
        value, vv_text_chars(&bounds));
}

static varve_status set_integer(const struct vv_option *option, const char *value,
    struct vv_integer *out, varve_error *err)
{
    struct vv_integer number = {.given = true};
    int64_t most = option->least == 0 && option->most == 0 ? INT64_MAX : option->most;
    if (!read_number(option->kind, value, &number.value))
        return vv_error_set(err, VARVE_EUSAGE, "option --%s: '%s' is not %s", option->name,
            value,
            option->kind == VV_OPTION_SIZE       ? "a size such as 512MB or 1GiB"
            : option->kind == VV_OPTION_DURATION ? "a time such as 60s, 100ms or 5m"
                                                 : "a whole number");
    if (number.value < option->least || number.value > most)
        return fail_range(option, most, value, err);
    *out = number;
    return VARVE_OK;
}

static varve_status set_real(const struct vv_option *option, const char *value,
    struct vv_real *out, varve_error *err)
{
    char *end = NULL;
    double number = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(number) || number < 0)
        return vv_error_set(err, VARVE_EUSAGE, "option --%s: '%s' is not a number from 0",
            option->name, value);
    *out = (struct vv_real){.given = true, .value = number};
    return VARVE_OK;
}

static varve_status set_choice(const struct vv_option *option, const char *value, int32_t *out,
    varve_error *err)
{
    int32_t choice = find_choice(option->choices, value);
    if (choice == 0)
        return vv_error_set(err, VARVE_EUSAGE, "option --%s: '%s' is not one of %s",
            option->name, value, option->choices);
    *out = choice;
    return VARVE_OK;
}

/*
 * A text that is empty is a variable of a script that nobody has set, or what a command printed that
 * failed: it would be now, all rows, or no head at all. None of them has a meaning for it.
 */
static varve_status check_text(const struct vv_option *option, const char *value,
    varve_error *err)
{
    if (value[strspn(value, " \t")] != '\0')
        return VARVE_OK;
    return vv_error_set(err, VARVE_EUSAGE, "--%s is empty: it needs %s", option->name,
        option->value);
}

static varve_status set_text(const struct vv_option *option, const char *value,
    const char **out, varve_error *err)
{
    VV_TRY(check_text(option, value, err));
    *out = value;
    return VARVE_OK;
}

static varve_status add_to_list(const struct vv_option *option, const char *value,
    struct vv_list *list, varve_error *err)
{
    VV_TRY(check_text(option, value, err));
    list->items = vv_cli_realloc(list->items, (list->len + 1) * sizeof(*list->items));
    list->items[list->len++] = value;
    return VARVE_OK;
}

static varve_status set_flag(const struct vv_option *option, const char *value, bool *out,
    varve_error *err)
{
    int32_t choice = value == NULL ? 1 : find_choice("true|false", value);
    if (choice == 0)
        return vv_error_set(err, VARVE_EUSAGE, "option --%s takes no value", option->name);
    *out = choice == 1;
    return VARVE_OK;
}

varve_status vv_option_set_value(const struct vv_option_set *set,
    const struct vv_option *option, const char *value, varve_error *err)
{
    void *place = (char *)set->values + option->offset;
    if (set->given)
        set->given[option - set->options] = true;
    switch (option->kind) {
    case VV_OPTION_FLAG:
        return set_flag(option, value, place, err);
    case VV_OPTION_TEXT:
        return set_text(option, value, place, err);
    case VV_OPTION_LIST:
        return add_to_list(option, value, place, err);
    case VV_OPTION_INTEGER:
    case VV_OPTION_SIZE:
    case VV_OPTION_DURATION:
        return set_integer(option, value, place, err);
    case VV_OPTION_REAL:
        return set_real(option, value, place, err);
    case VV_OPTION_CHOICE:
        return set_choice(option, value, place, err);
    }
    return VARVE_OK;
}

void vv_options_done(const struct vv_option *options, size_t len, void *values)
{
    for (size_t i = 0; values && i < len; i++) {
        if (options[i].kind != VV_OPTION_LIST)
            continue;
        struct vv_list *list = (void *)((char *)values + options[i].offset);
        free(list->items);
        *list = (struct vv_list){0};
    }
}

varve_status vv_options_from_environment(const struct vv_option_set *set, varve_error *err)
{
    for (size_t i = 0; i < set->len; i++) {
        const struct vv_option *option = &set->options[i];
        const char *value = option->env && !set->given[i] ? getenv(option->env) : NULL;
        if (value && *value)
            VV_TRY(vv_option_set_value(set, option, value, err));
    }
    return VARVE_OK;
}

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

static varve_status set_from_line(const struct vv_option_set *set, char *line, const char *path,
    unsigned number, varve_error *err)
{
    char *equals = strchr(line, '=');
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return VARVE_OK;
    if (equals == NULL)
        /* Without the line: the file may be another one, a key. */
        return vv_error_set(err, VARVE_EUSAGE, "%s, line %u: expected name=value", path,
            number);
    *equals = '\0';
    const char *name = trim(line), *value = trim(equals + 1);
    const struct vv_option *option = vv_option_find(set->options, set->len, name, strlen(name));
    if (option == NULL || strcmp(name, "config") == 0)
        return vv_error_set(err, VARVE_EUSAGE,
            "%s, line %u: '%s' is not a global option (varve help lists them)", path, number,
            name);
    if (set->given[option - set->options])
        return VARVE_OK;
    if (vv_option_set_value(set, option, value, err) == VARVE_OK)
        return VARVE_OK;
    varve_error cause = *err;
    return vv_error_set(err, cause.code, "%s, line %u: %.400s", path, number, cause.message);
}

varve_status vv_options_from_file(const struct vv_option_set *set, const char *path,
    struct vv_text *storage, varve_error *err)
{
    char piece[4096];
    FILE *file = fopen(path, "re");
    if (file == NULL && vv_interrupt_signal() != 0)
        return vv_interrupt_fail(err);
    if (file == NULL)
        return vv_error_set(err, errno == ENOENT ? VARVE_ENOTFOUND : VARVE_EIO,
            "option --config: cannot open %s: %s", path, vv_errno_text(errno));
    for (size_t len = 1; len > 0 && storage->len <= CONFIG_BYTES_MAX;) {
        len = fread(piece, 1, sizeof(piece), file);
        vv_text_add(storage, piece, len);
    }
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (vv_interrupt_signal() != 0)
        return vv_interrupt_fail(err);
    if (failed)
        return vv_error_set(err, VARVE_EIO, "option --config: cannot read %s", path);
    if (strlen(vv_text_chars(storage)) != storage->len || storage->len > CONFIG_BYTES_MAX)
        return vv_error_set(err, VARVE_EUSAGE,
            "option --config: %s is too long, or holds a NUL "
            "byte: it is no configuration",
            path);
    unsigned number = 0;
    for (char *line = storage->ptr; line; number++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        VV_TRY(set_from_line(set, line, path, number + 1, err));
        line = end ? end + 1 : NULL;
    }
    return VARVE_OK;
}
