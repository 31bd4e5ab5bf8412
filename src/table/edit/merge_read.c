/*
 * The clauses of a merge: "[and CONDITION [then]] ACTION", where an action is "update set a = x,
 * ...", "update *", "delete", "insert (a, ...) values (x, ...)" or "insert *". What a condition or
 * a value means is the engine's to say; here they are told apart.
 */
#include "delta/list.h"
#include "engine/sql_lex.h"
#include "table/edit/merge_run.h"

struct assignments {
    struct vv_assignment *items;
    size_t len, capacity;
};

/* Reads one clause. */
struct reader {
    struct vv_op *op;
    struct vv_str text; /* the whole clause */
    const char *when;
};

static const char *when_name(enum vv_merge_when when)
{
    switch (when) {
    case VV_MERGE_MATCHED:
        return "when matched";
    case VV_MERGE_NOT_MATCHED:
        return "when not matched";
    case VV_MERGE_NOT_MATCHED_BY_SOURCE:
        break;
    }
    return "when not matched by source";
}

static varve_status refuse(const struct reader *reader, const char *why)
{
    return vv_fail(reader->op, VARVE_EUSAGE, "%s \"%.*s\": %s", reader->when,
        VV_ARG(reader->text), why);
}

/* What lies in `text` before a place that was found in it. */
static struct vv_str before(struct vv_str text, const char *place)
{
    return vv_str_first(text, (size_t)(place - text.ptr));
}

static int depth_change(struct vv_sql_token token)
{
    if (vv_sql_is_sign(token, '(') || vv_sql_is_sign(token, '[') || vv_sql_is_sign(token, '{'))
        return 1;
    if (vv_sql_is_sign(token, ')') || vv_sql_is_sign(token, ']') || vv_sql_is_sign(token, '}'))
        return -1;
    return 0;
}

/* Whether the word begins the action, by what follows it. */
static bool begins_action(struct vv_sql_token token, struct vv_str rest)
{
    struct vv_sql_token next = vv_sql_token_next(&rest);
    if (vv_sql_is_word(token, "update"))
        return vv_sql_is_word(next, "set") || vv_sql_is_sign(next, '*');
    if (vv_sql_is_word(token, "insert"))
        return vv_sql_is_sign(next, '(') || vv_sql_is_sign(next, '*');
    return vv_sql_is_word(token, "delete") && next.kind == VV_SQL_END;
}

/* Parts the clause into its condition and its action. */
static varve_status split(const struct reader *reader, struct vv_str *condition,
    struct vv_str *action)
{
    struct vv_str rest = reader->text;
    struct vv_sql_token last = {.kind = VV_SQL_END};
    struct vv_sql_token token = vv_sql_token_next(&rest);
    bool has_condition = vv_sql_is_word(token, "and");
    int depth = 0;
    *condition = VV_STR_NONE;
    if (!has_condition && begins_action(token, rest)) {
        *action = reader->text;
        return VARVE_OK;
    }
    struct vv_str within = rest;
    while (has_condition) {
        token = vv_sql_token_next(&rest);
        if (token.kind == VV_SQL_END)
            break;
        depth += depth_change(token);
        bool is_free = depth == 0 && !vv_sql_is_sign(last, '.');
        if (is_free && begins_action(token, rest)) {
            bool has_then = vv_sql_is_word(last, "then");
            *condition = vv_str_trim(before(within, has_then ? last.text.ptr : token.text.ptr));
            *action = vv_str_skip(within, (size_t)(token.text.ptr - within.ptr));
            return condition->len > 0 ? VARVE_OK : refuse(reader, "there is no condition");
        }
        last = token;
    }
    return refuse(reader,
        "say [and CONDITION] and what is to be done: update set COLUMN = VALUE, update *, "
        "delete, insert (COLUMN, ...) values (VALUE, ...) or insert *");
}

/* The text up to a comma, or to the end; false: there is none. Without an end bracket. */
static bool next_part(struct vv_str *rest, struct vv_str *out)
{
    struct vv_str whole = *rest;
    int depth = 0;
    if (vv_str_trim(whole).len == 0)
        return false;
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(rest);
        depth += depth_change(token);
        if (token.kind != VV_SQL_END && (depth > 0 || !vv_sql_is_sign(token, ',')))
            continue;
        *out = vv_str_trim(token.kind == VV_SQL_END ? whole : before(whole, token.text.ptr));
        return true;
    }
}

/* "a", "t.a", a name in quotes; true where nothing else is there. */
static varve_status read_name(const struct reader *reader, struct vv_str text,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 16);
    struct vv_str rest = text;
    struct vv_sql_token token = vv_sql_token_next(&rest);
    struct vv_str behind = rest;
    if (vv_sql_is_word(token, "t") && vv_sql_is_sign(vv_sql_token_next(&behind), '.')) {
        rest = behind;
        token = vv_sql_token_next(&rest);
    }
    bool is_name = token.kind == VV_SQL_WORD || (token.kind == VV_SQL_NAME && token.is_closed);
    if (!is_name || vv_sql_token_next(&rest).kind != VV_SQL_END)
        return vv_fail(reader->op, VARVE_EUSAGE, "%s \"%.*s\": \"%.*s\" is no column",
            reader->when, VV_ARG(reader->text), VV_ARG(text));
    *out = token.text;
    if (token.kind == VV_SQL_WORD)
        return VARVE_OK;
    for (size_t i = 1; i + 1 < token.text.len; i++) {
        vv_buf_addc(&name, token.text.ptr[i]);
        i += token.text.ptr[i] == '"' ? 1 : 0;
    }
    *out = vv_arena_str(&reader->op->arena, vv_buf_str(&name));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(reader->op);
}

static varve_status read_set(const struct reader *reader, struct vv_str rest,
    struct assignments *out)
{
    struct vv_str part;
    while (next_part(&rest, &part)) {
        struct vv_str behind = part;
        struct vv_sql_token token;
        do
            token = vv_sql_token_next(&behind);
        while (token.kind != VV_SQL_END && !vv_sql_is_sign(token, '='));
        if (token.kind == VV_SQL_END || vv_str_trim(behind).len == 0)
            return refuse(reader, "say set COLUMN = VALUE");
        struct vv_assignment *assignment = VV_LIST_NEW(&reader->op->arena, out);
        if (assignment == NULL)
            return vv_fail_memory(reader->op);
        assignment->expression = vv_str_trim(behind);
        VV_TRY(read_name(reader, vv_str_trim(before(part, token.text.ptr)),
            &assignment->column));
    }
    return out->len > 0 ? VARVE_OK : refuse(reader, "there is nothing to set");
}

/* "(...)" off the front; what is within. */
static bool take_brackets(struct vv_str *rest, struct vv_str *out)
{
    struct vv_sql_token token = vv_sql_token_next(rest);
    int depth = 1;
    if (!vv_sql_is_sign(token, '('))
        return false;
    struct vv_str within = *rest;
    while (depth > 0 && token.kind != VV_SQL_END) {
        token = vv_sql_token_next(rest);
        depth += depth_change(token);
    }
    *out = depth == 0 ? before(within, token.text.ptr) : VV_STR_NONE;
    return depth == 0;
}

static varve_status read_insert(const struct reader *reader, struct vv_str rest,
    struct assignments *out)
{
    struct vv_str columns, values, column, value;
    const char *wrong = "say insert (COLUMN, ...) values (VALUE, ...)";
    if (!take_brackets(&rest, &columns) ||
        !vv_sql_is_word(vv_sql_token_next(&rest), "values") || !take_brackets(&rest, &values) ||
        vv_sql_token_next(&rest).kind != VV_SQL_END)
        return refuse(reader, wrong);
    while (next_part(&columns, &column)) {
        if (!next_part(&values, &value) || value.len == 0)
            return refuse(reader, "there are more columns than values");
        struct vv_assignment *assignment = VV_LIST_NEW(&reader->op->arena, out);
        if (assignment == NULL)
            return vv_fail_memory(reader->op);
        assignment->expression = value;
        VV_TRY(read_name(reader, column, &assignment->column));
    }
    if (next_part(&values, &value))
        return refuse(reader, "there are more values than columns");
    return out->len > 0 ? VARVE_OK : refuse(reader, wrong);
}

static varve_status read_action(const struct reader *reader, struct vv_str rest,
    struct vv_merge_step *step)
{
    struct assignments assignments = {.items = NULL};
    struct vv_sql_token word = vv_sql_token_next(&rest);
    step->action = vv_sql_is_word(word, "update")   ? VV_MERGE_UPDATE
                   : vv_sql_is_word(word, "insert") ? VV_MERGE_INSERT
                                                    : VV_MERGE_DELETE;
    if ((step->action == VV_MERGE_INSERT) != (step->when == VV_MERGE_NOT_MATCHED))
        return refuse(reader, step->when == VV_MERGE_NOT_MATCHED
                                  ? "rows that are not there can be inserted only"
                                  : "rows that are there can be updated or deleted only");
    if (step->action == VV_MERGE_DELETE)
        return VARVE_OK;
    struct vv_str behind = rest;
    struct vv_sql_token next = vv_sql_token_next(&behind);
    step->is_star = vv_sql_is_sign(next, '*');
    if (step->is_star && vv_sql_token_next(&behind).kind != VV_SQL_END)
        return refuse(reader, "nothing may stand behind the *");
    if (step->is_star && step->when == VV_MERGE_NOT_MATCHED_BY_SOURCE)
        return refuse(reader, "there is no row of the source to update from: say what to set");
    if (step->is_star)
        return VARVE_OK;
    VV_TRY(step->action == VV_MERGE_UPDATE ? read_set(reader, behind, &assignments)
                                           : read_insert(reader, rest, &assignments));
    step->assignments = assignments.items;
    step->assignments_len = assignments.len;
    return VARVE_OK;
}

varve_status vv_merge_read(struct vv_op *op, const struct vv_merge_request *request,
    struct vv_merge_step **out)
{
    bool is_closed[VV_MERGE_NOT_MATCHED_BY_SOURCE + 1] = {false};
    VV_NEW(op, out, struct vv_merge_step, request->clauses_len + 1);
    for (size_t i = 0; i < request->clauses_len; i++) {
        const struct vv_merge_clause *clause = &request->clauses[i];
        struct vv_merge_step *step = &(*out)[i];
        const struct reader reader = {op, vv_str_trim(clause->text), when_name(clause->when)};
        struct vv_str action;
        step->when = clause->when;
        if (is_closed[clause->when])
            return refuse(&reader,
                "the clause before it has no condition, so that no row comes here");
        VV_TRY(split(&reader, &step->condition, &action));
        VV_TRY(read_action(&reader, action, step));
        is_closed[clause->when] = step->condition.len == 0;
    }
    return VARVE_OK;
}
