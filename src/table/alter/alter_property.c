/*
 * Changes of properties, constraints and the protocol.
 */
#include "table/constraint.h"
#include "table/alter/alter_change.h"

#include "delta/features.h"
#include "table/alter/dates.h"
#include "table/alter/property.h"
#include "table/audit/changes.h"
#include "table/warnings.h"

/* The pair becomes what is stored. */
static varve_status set_one(struct vv_op *op, struct vv_alter_change *change,
    struct vv_pair *pair)
{
    struct vv_property property;
    const struct vv_str feature = VV_STR("delta.feature.");
    const struct vv_str constraint = VV_STR(VV_PROPERTY_CONSTRAINT);
    if (pair->name.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "a property needs a name: set name=value");
    if (vv_str_starts(pair->name, constraint))
        return vv_fail(op, VARVE_EUSAGE,
            "a constraint is checked against the rows that are there: alter %.*s "
            "add-constraint "
            "%.*s '...'",
            VV_ARG(change->table->name), VV_ARG(vv_str_skip(pair->name, constraint.len)));
    if (vv_str_starts(pair->name, feature))
        return vv_fail(op, VARVE_EUSAGE, "say it as: alter %.*s upgrade %.*s",
            VV_ARG(change->table->name), VV_ARG(vv_str_skip(pair->name, feature.len)));
    if (vv_str_starts(pair->name, VV_STR("delta.columnMapping.")))
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s is not set by hand: rename-column and drop-column --upgrade set it",
            VV_ARG(pair->name));
    VV_TRY(vv_property_check(op, pair->name, pair->value, &property));
    if (property.feature != NULL)
        VV_TRY(vv_draft_need(op, &change->draft, property.feature));
    if (property.feature != NULL && strcmp(property.feature, "changeDataFeed") == 0 &&
        vv_changes_check_names(op, &change->draft.schema) != VARVE_OK)
        return vv_recode(op, VARVE_EUSAGE);
    *pair = (struct vv_pair){property.name, property.value};
    return vv_draft_set(op, &change->draft, pair->name, pair->value);
}

static bool is_new_key(const struct vv_alter_change *change, const struct vv_snapshot *after)
{
    const struct vv_str name = VV_STR(VV_PROPERTY_KEY);
    return !vv_str_eq(vv_pairs_get(&after->metadata->configuration, name),
        vv_pairs_get(&change->table->snapshot->metadata->configuration, name));
}

/* varve.key and the like have to name columns that are there, and a key has to be one. */
static varve_status check_rules(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_snapshot snapshot;
    struct vv_rules rules;
    vv_draft_snapshot(&change->draft, &snapshot);
    VV_TRY(vv_warnings_check(op, change->table->engine, &snapshot.schema,
        &snapshot.metadata->configuration));
    varve_status status = vv_rules_read(op, &op->arena, &snapshot, true, &rules);
    if (status != VARVE_OK)
        return status == VARVE_ECORRUPT ? vv_recode(op, VARVE_EUSAGE) : status;
    VV_TRY(vv_rules_judge(op, &rules));
    if (is_new_key(change, &snapshot))
        VV_TRY(vv_alter_check_key(op, change, &rules));
    bool is_derived_anew = false;
    VV_TRY(vv_dates_check(op, change->table, &rules, &is_derived_anew));
    change->depends_on_rows = change->depends_on_rows || is_derived_anew;
    return VARVE_OK;
}

static varve_status set(struct vv_op *op, struct vv_alter_change *change)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    struct vv_json_writer object = VV_JSON_WRITER_INIT(&text);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    const struct vv_pairs *pairs = &change->request->pairs;
    vv_jw_object(&object);
    for (size_t i = 0; i < pairs->len; i++) {
        for (size_t j = 0; j < i; j++)
            if (vv_str_eq_nocase(pairs->items[j].name, pairs->items[i].name))
                return vv_fail(op, VARVE_EUSAGE, "property %.*s is set twice",
                    VV_ARG(pairs->items[i].name));
        struct vv_pair pair = pairs->items[i];
        VV_TRY(set_one(op, change, &pair));
        vv_jw_key_str(&object, pair.name);
        vv_jw_string(&object, pair.value);
    }
    vv_jw_end(&object);
    VV_TRY(check_rules(op, change));
    change->operation = VV_STR("SET TBLPROPERTIES");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "properties", vv_buf_str(&text));
    vv_jw_end(&writer);
    return vv_buf_ok(&text) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status unset(struct vv_op *op, struct vv_alter_change *change)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&text);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    const struct vv_pairs *pairs = &change->request->pairs;
    vv_jw_array(&list);
    for (size_t i = 0; i < pairs->len; i++) {
        struct vv_str name = pairs->items[i].name;
        bool was_there = false;
        if (vv_str_starts(name, VV_STR("delta.columnMapping.")) ||
            vv_str_starts(name, VV_STR(VV_PROPERTY_CONSTRAINT)))
            return vv_fail(op, VARVE_EUSAGE, "%.*s can't be unset%s", VV_ARG(name),
                vv_str_starts(name, VV_STR(VV_PROPERTY_CONSTRAINT)) ? ": drop-constraint" : "");
        VV_TRY(vv_draft_unset(op, &change->draft, name, &was_there));
        if (!was_there)
            return vv_fail(op, VARVE_EUSAGE, "table %.*s has no property %.*s",
                VV_ARG(change->table->name), VV_ARG(name));
        vv_jw_string(&list, name);
    }
    vv_jw_end(&list);
    VV_TRY(check_rules(op, change));
    change->operation = VV_STR("UNSET TBLPROPERTIES");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "properties", vv_buf_str(&text));
    vv_jw_key_bool(&writer, "ifExists", false);
    vv_jw_end(&writer);
    return vv_buf_ok(&text) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status constraint_name(struct vv_op *op, const struct vv_alter_change *change,
    bool adds, struct vv_str *out)
{
    struct vv_str name = change->request->name;
    if (name.len == 0 && adds)
        return vv_fail(op, VARVE_EUSAGE, "a constraint has a name: letters, digits, _ and -");
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        bool is_word = byte == '_' || byte == '-' || (byte >= '0' && byte <= '9') ||
                       ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
        if (!is_word)
            return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is no name for a constraint",
                VV_ARG(name));
    }
    return vv_constraint_property(op, name, out);
}

static varve_status add_constraint(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    struct vv_snapshot snapshot;
    struct vv_rules rules;
    struct vv_str property = VV_STR_NONE;
    struct vv_str expression = change->request->text;
    VV_TRY(constraint_name(op, change, true, &property));
    struct vv_str name = vv_str_skip(property, VV_STR(VV_PROPERTY_CONSTRAINT).len);
    struct vv_str there = vv_draft_property(&change->draft,
        vv_constraint_find(&change->draft.metadata.configuration, property));
    if (there.ptr != NULL && vv_str_eq(there, expression))
        return VARVE_OK;
    if (there.ptr != NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has a constraint %.*s: %.*s; drop it first",
            VV_ARG(change->table->name), VV_ARG(name), VV_ARG(there));
    const struct vv_named_expression check = {.name = name, .expression = expression};
    VV_TRY(vv_constraints_check(op, change->table->engine, &change->draft.schema, &check, 1));
    VV_TRY(vv_draft_need(op, &change->draft, "checkConstraints"));
    VV_TRY(vv_draft_set(op, &change->draft, property, expression));
    vv_draft_snapshot(&change->draft, &snapshot);
    if (vv_rules_read(op, &op->arena, &snapshot, true, &rules) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    for (size_t i = 0; i < rules.checks_len; i++)
        if (vv_str_eq(rules.checks[i].name, name))
            VV_TRY(vv_alter_check_rows(op, change, name, rules.checks[i].sql));
    change->operation = VV_STR("ADD CONSTRAINT");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "name", name);
    vv_jw_key_string(&writer, "expr", expression);
    vv_jw_end(&writer);
    return VARVE_OK;
}

static varve_status drop_constraint(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    struct vv_str property = VV_STR_NONE;
    bool was_there = false;
    struct vv_str name = change->request->name;
    VV_TRY(constraint_name(op, change, false, &property));
    /* As it was typed, where two differ in case; other software may have made those. */
    struct vv_str typed =
        vv_arena_format(&op->arena, VV_PROPERTY_CONSTRAINT "%.*s", VV_ARG(name));
    if (typed.ptr == NULL)
        return vv_fail_memory(op);
    property = vv_constraint_find(&change->draft.metadata.configuration, typed);
    struct vv_str expression = vv_draft_property(&change->draft, property);
    VV_TRY(vv_draft_unset(op, &change->draft, property, &was_there));
    if (!was_there)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no constraint %.*s (varve describe lists them)",
            VV_ARG(change->table->name), VV_ARG(change->request->name));
    change->operation = VV_STR("DROP CONSTRAINT");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "name", change->request->name);
    vv_jw_key_string(&writer, "expr", expression);
    vv_jw_key_string(&writer, "existed", VV_STR("true"));
    vv_jw_end(&writer);
    return VARVE_OK;
}

static varve_status upgrade(struct vv_op *op, struct vv_alter_change *change)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(256);
    vv_buf_add(&name, change->request->name);
    if (!vv_buf_ok(&name) || name.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "upgrade to which table feature?");
    VV_TRY(vv_draft_need(op, &change->draft, vv_buf_str(&name).ptr));
    vv_action_write_protocol(change->draft.protocol, &line);
    change->operation = VV_STR("UPGRADE PROTOCOL");
    vv_jw_object(&writer);
    /* The line of the log is {"protocol":{...}}: what Spark says is the inside. */
    struct vv_str json = vv_str_trim(vv_buf_str(&line));
    size_t colon = vv_str_find(json, ':');
    vv_jw_key_string(&writer, "newProtocol",
        vv_str_first(vv_str_skip(json, colon + 1), json.len - colon - 2));
    vv_jw_end(&writer);
    return vv_buf_ok(&line) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_alter_property(struct vv_op *op, struct vv_alter_change *change)
{
    switch ((int)change->request->kind) {
    case VV_ALTER_SET:
        return set(op, change);
    case VV_ALTER_UNSET:
        return unset(op, change);
    case VV_ALTER_ADD_CONSTRAINT:
        return add_constraint(op, change);
    case VV_ALTER_DROP_CONSTRAINT:
        return drop_constraint(op, change);
    default:
        return upgrade(op, change);
    }
}
