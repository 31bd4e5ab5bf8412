#include "varve/alter.h"

#include "api/api.h"
#include "base/nearest.h"
#include "table/alter/alter.h"

static const struct verb {
    const char *name;
    enum vv_alter_kind kind;
    size_t least, most; /* words */
    const char *usage;
} verbs[] = {
    {"add-column", VV_ALTER_ADD_COLUMN, 1, 1, "'c double [not null] [default E] [after x]'"},
    {"rename-column", VV_ALTER_RENAME_COLUMN, 2, 2, "OLD NEW"},
    {"drop-column", VV_ALTER_DROP_COLUMN, 1, 1, "COLUMN"},
    {"move-column", VV_ALTER_MOVE_COLUMN, 1, 2, "COLUMN [AFTER]"},
    {"widen", VV_ALTER_WIDEN, 2, 2, "COLUMN TYPE"},
    {"drop-not-null", VV_ALTER_DROP_NOT_NULL, 1, 1, "COLUMN"},
    {"set-default", VV_ALTER_SET_DEFAULT, 2, 2, "COLUMN 'EXPRESSION'"},
    {"drop-default", VV_ALTER_DROP_DEFAULT, 1, 1, "COLUMN"},
    {"cluster-by", VV_ALTER_CLUSTER, 1, 1, "A,B | none"},
    {"set", VV_ALTER_SET, 1, SIZE_MAX, "NAME=VALUE ..."},
    {"unset", VV_ALTER_UNSET, 1, SIZE_MAX, "NAME ..."},
    {"add-constraint", VV_ALTER_ADD_CONSTRAINT, 2, 2, "NAME 'EXPRESSION'"},
    {"drop-constraint", VV_ALTER_DROP_CONSTRAINT, 1, 1, "NAME"},
    {"upgrade", VV_ALTER_UPGRADE, 1, 1, "FEATURE"},
};

static varve_status find_verb(struct vv_op *op, const char *name, size_t words_len,
    const struct verb **out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(1 << 12);
    struct vv_str all[VV_COUNT(verbs)];
    for (size_t i = 0; i < VV_COUNT(verbs); i++) {
        if (name != NULL && strcmp(verbs[i].name, name) == 0) {
            *out = &verbs[i];
            if (words_len >= verbs[i].least && words_len <= verbs[i].most)
                return VARVE_OK;
            return vv_fail(op, VARVE_EUSAGE, "say it as: %s %s", name, verbs[i].usage);
        }
        all[i] = vv_str_of(verbs[i].name);
        vv_buf_addf(&names, "%s%s", i == 0 ? "" : ", ", verbs[i].name);
    }
    struct vv_str nearest = vv_nearest_name(vv_str_of(name), all, VV_COUNT(all));
    if (nearest.len > 0)
        return vv_fail(op, VARVE_EUSAGE, "alter can't '%s'; did you mean '%.*s'?", name,
            VV_ARG(nearest));
    return vv_fail(op, VARVE_EUSAGE, "alter can: %.*s", VV_ARG(vv_buf_str(&names)));
}

/*
 * An empty word is a variable that nobody has set: taken for one that was left out it would move a
 * column to the front. One that is no text would be stored as another.
 */
static varve_status check_words(struct vv_op *op, const struct verb *verb,
    const char *const *words, size_t words_len)
{
    for (size_t i = 0; i < words_len; i++) {
        struct vv_str word = vv_str_trim(vv_str_of(words[i]));
        if (word.len == 0)
            return vv_fail(op, VARVE_EUSAGE, "%s: word %zu of it is empty; say it as: %s %s",
                verb->name, i + 1, verb->name, verb->usage);
        if (!vv_utf8_valid(word))
            return vv_fail(op, VARVE_EUSAGE, "%s: \"%.*s\" is not UTF-8", verb->name,
                VV_ARG(word));
    }
    return VARVE_OK;
}

/* A script has a variable that nobody has set: an empty key would be none. */
static varve_status check_set(struct vv_op *op, const struct vv_pair *pair)
{
    static const struct vv_str ours = {"varve.", 6};
    if (pair->value.len == 0 && vv_str_eq_nocase(vv_str_first(pair->name, ours.len), ours))
        return vv_fail(op, VARVE_EUSAGE,
            "property %.*s is empty: give it a value, or take it away with unset",
            VV_ARG(pair->name));
    return vv_api_check_property(op, pair);
}

static varve_status split_pairs(struct vv_op *op, enum vv_alter_kind kind,
    const char *const *words, size_t words_len, struct vv_pairs *out)
{
    struct vv_pair *pairs = NULL;
    VV_NEW(op, &pairs, struct vv_pair, words_len + 1);
    for (size_t i = 0; i < words_len; i++) {
        struct vv_str text = vv_str_of(words[i]);
        size_t equals = vv_str_find(text, '=');
        if (kind == VV_ALTER_SET && equals == text.len)
            return vv_fail(op, VARVE_EUSAGE, "property \"%.*s\": say it as name=value",
                VV_ARG(text));
        pairs[i].name = kind == VV_ALTER_SET ? vv_str_trim(vv_str_first(text, equals)) : text;
        if (kind != VV_ALTER_SET)
            continue;
        pairs[i].value = vv_str_trim(vv_str_skip(text, equals + 1));
        VV_TRY(check_set(op, &pairs[i]));
    }
    *out = (struct vv_pairs){pairs, words_len};
    return VARVE_OK;
}

/* The last blank-separated word of a text and what is before it; false where there is one word only. */
static bool cut_word(struct vv_str text, struct vv_str *out_head, struct vv_str *out_word)
{
    size_t at = text.len;
    bool is_quoted = text.len > 1 && text.ptr[text.len - 1] == '`';
    if (is_quoted)
        for (at = text.len - 1; at > 0 && text.ptr[at - 1] != '`';)
            at--;
    while (at > 0 && text.ptr[at - 1] != ' ' && text.ptr[at - 1] != '\t')
        at--;
    *out_word = vv_str_skip(text, at);
    *out_head = vv_str_trim(vv_str_first(text, at));
    return at > 0 && out_head->len > 0;
}

/* "c double after x" */
static void cut_after(struct vv_str *text, struct vv_str *out_after)
{
    struct vv_str head, name, before, word;
    if (!cut_word(vv_str_trim(*text), &head, &name) || !cut_word(head, &before, &word) ||
        !vv_str_eq_nocase(word, VV_STR("after")))
        return;
    if (name.len > 1 && name.ptr[0] == '`')
        name = vv_str_first(vv_str_skip(name, 1), name.len - 2);
    *text = before;
    *out_after = name;
}

static varve_status alter(struct vv_op *op, varve_table *table,
    const varve_alter_change *change, struct vv_alter_request *request,
    struct vv_alter_result *result)
{
    const struct verb *verb = NULL;
    const char *const *words = change->words;
    size_t words_len = change->words_len;
    VV_TRY(find_verb(op, change->verb, words_len, &verb));
    VV_TRY(check_words(op, verb, words, words_len));
    request->kind = verb->kind;
    switch (verb->kind) {
    case VV_ALTER_SET:
    case VV_ALTER_UNSET:
        VV_TRY(split_pairs(op, verb->kind, words, words_len, &request->pairs));
        break;
    case VV_ALTER_ADD_COLUMN:
        request->text = vv_str_of(words[0]);
        cut_after(&request->text, &request->after);
        break;
    case VV_ALTER_RENAME_COLUMN:
    case VV_ALTER_DROP_COLUMN:
    case VV_ALTER_MOVE_COLUMN:
    case VV_ALTER_WIDEN:
    case VV_ALTER_DROP_NOT_NULL:
    case VV_ALTER_SET_DEFAULT:
    case VV_ALTER_DROP_DEFAULT:
    case VV_ALTER_CLUSTER:
    case VV_ALTER_ADD_CONSTRAINT:
    case VV_ALTER_DROP_CONSTRAINT:
    case VV_ALTER_UPGRADE:
        request->name = vv_str_trim(vv_str_of(words[0]));
        request->text = words_len > 1 ? vv_str_trim(vv_str_of(words[1])) : VV_STR("");
        break;
    }
    return vv_alter(op, table->table, request, result);
}

varve_status varve_table_alter(varve_table *table, const varve_alter_change *change,
    const varve_alter_options *options, varve_alter_result *out, char **out_diff,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_alter_result_done) struct vv_alter_result result = {0};
    varve_alter_options known = VARVE_ALTER_OPTIONS_INIT;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_api_options(&op, options, &known, sizeof(known));
    if (status == VARVE_OK) {
        struct vv_alter_request request = {.upgrade = known.upgrade != 0,
            .dry_run = known.dry_run != 0,
            .user_name = table->lake->lake->user};
        status = vv_api_message(&op, table, known.message, &request.user_metadata);
        if (status == VARVE_OK)
            status = alter(&op, table, change, &request, &result);
    }
    if (status == VARVE_OK && out_diff != NULL)
        *out_diff = VV_MOVE(result.diff);
    if (status == VARVE_OK)
        *out = (varve_alter_result){.version = result.version, .changed = result.is_changed};
    return vv_api_report(&op, table, status, err);
}
