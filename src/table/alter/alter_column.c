/*
 * Changes of columns. What names a column, key, order, partitions, constraints, follows a rename,
 * or is in the way of the change where it can't follow.
 */
#include "table/alter/alter_change.h"

#include "base/uuid.h"
#include "delta/features.h"
#include "delta/type_changes.h"
#include "table/values.h"
#include "table/warnings.h"

static varve_status find_column(struct vv_op *op, const struct vv_alter_change *change,
    struct vv_str name, int32_t *out)
{
    *out = vv_schema_find(&change->draft.schema, name);
    if (*out >= 0)
        return VARVE_OK;
    return vv_rules_fail_column(op, change->table->name, &change->draft.schema, name);
}

/* The draft's rules still make sense: every property and constraint finds its columns. */
static varve_status check_rules(struct vv_op *op, struct vv_alter_change *change,
    const char *what)
{
    struct vv_snapshot snapshot;
    struct vv_rules rules;
    vv_draft_snapshot(&change->draft, &snapshot);
    if (vv_warnings_check(op, change->table->engine, &snapshot.schema,
            &snapshot.metadata->configuration) != VARVE_OK)
        return vv_note(op, "column %.*s can't be %s, a warn-level rule needs it",
            VV_ARG(change->request->name), what);
    varve_status status = vv_rules_read(op, &op->arena, &snapshot, true, &rules);
    if (status == VARVE_ECORRUPT || status == VARVE_EINVALID) {
        vv_recode(op, VARVE_EUSAGE);
        return vv_note(op,
            "column %.*s can't be %s, the table's rules need it (a constraint is taken away by "
            "varve alter %.*s drop-constraint NAME)",
            VV_ARG(change->request->name), what, VV_ARG(change->table->name));
    }
    return status;
}

static bool is_one_of(const int32_t *columns, size_t len, int32_t column)
{
    for (size_t i = 0; i < len; i++)
        if (columns[i] == column)
            return true;
    return false;
}

/* Key, order and partition columns, and what those derive from, are what rows are known by. */
static varve_status check_unused(struct vv_op *op, struct vv_alter_change *change,
    int32_t column)
{
    struct vv_snapshot snapshot;
    struct vv_rules rules;
    const char *role = NULL;
    vv_draft_snapshot(&change->draft, &snapshot);
    VV_TRY(vv_rules_read(op, &op->arena, &snapshot, false, &rules));
    if (is_one_of(rules.key, rules.key_len, column))
        role = "in the key";
    else if (column == rules.order)
        role = "the order column";
    else if (is_one_of(rules.partitions, rules.partitions_len, column))
        role = "a partition column";
    else if (is_one_of(rules.zorder, rules.zorder_len, column))
        role = "in " VV_PROPERTY_ZORDER ": set that anew first";
    if (role == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "column %.*s is %s", VV_ARG(change->request->name), role);
}

static void add_column_json(const struct vv_field *field, struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    vv_type_name(&field->type, &type);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "name", field->name);
    vv_jw_key_string(&writer, "type", vv_buf_str(&type));
    vv_jw_key_bool(&writer, "nullable", field->nullable);
    vv_jw_key(&writer, "metadata");
    if (field->metadata != NULL) {
        vv_jw_json(&writer, field->metadata);
    } else {
        vv_jw_object(&writer);
        vv_jw_end(&writer);
    }
    vv_jw_end(&writer);
}

static varve_status note_column(struct vv_op *op, struct vv_alter_change *change,
    const char *operation, const struct vv_field *field)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf column = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    change->operation = vv_str_of(operation);
    add_column_json(field, &column);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "column", vv_buf_str(&column));
    vv_jw_end(&writer);
    return vv_buf_ok(&column) ? VARVE_OK : vv_fail_memory(op);
}

/* Index of the place behind a column. */
static varve_status find_place(struct vv_op *op, const struct vv_alter_change *change,
    struct vv_str after, size_t *out)
{
    int32_t column = -1;
    *out = change->draft.schema.fields_len;
    if (after.len == 0)
        return VARVE_OK;
    VV_TRY(find_column(op, change, after, &column));
    *out = (size_t)column + 1;
    return VARVE_OK;
}

/* A value that every row has to have, and those that are there have not. */
static varve_status check_no_rows(struct vv_op *op, struct vv_alter_change *change,
    const struct vv_field *field)
{
    bool is_generated = vv_field_generated(field).ptr != NULL;
    if (field->nullable && !is_generated)
        return VARVE_OK;
    change->depends_on_rows = true;
    if (change->draft.from->files_len == 0)
        return VARVE_OK;
    if (!field->nullable)
        return vv_fail(op, VARVE_EUSAGE,
            "column %.*s can't be NOT NULL: the rows that are there would have NULL in it",
            VV_ARG(field->name));
    return vv_fail(op, VARVE_EUSAGE,
        "column %.*s can't be generated: the rows that are there would not have its value",
        VV_ARG(field->name));
}

static varve_status check_new(struct vv_op *op, struct vv_alter_change *change,
    const struct vv_field *field)
{
    if (vv_schema_find(&change->draft.schema, field->name) >= 0)
        return vv_fail(op, VARVE_EUSAGE, "table %.*s has a column %.*s already",
            VV_ARG(change->table->name), VV_ARG(field->name));
    VV_TRY(check_no_rows(op, change, field));
    if (vv_type_holds(&field->type, VV_TYPE_TIMESTAMP_NTZ) &&
        !vv_features_has(change->draft.protocol, VV_STR("timestampNtz")) &&
        !change->request->upgrade)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "a timestamp without time zone needs the table feature timestampNtz: "
            "allow the upgrade (--upgrade), or take a timestamp");
    return VARVE_OK;
}

static varve_status add_column(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_draft *draft = &change->draft;
    struct vv_schema given;
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    size_t len = draft->schema.fields_len;
    size_t place = len;
    if (fields == NULL)
        return op->error.code;
    VV_TRY(vv_schema_parse_ddl(op, draft->arena, change->request->text, &given));
    if (given.fields_len != 1)
        return vv_fail(op, VARVE_EUSAGE, "one column at a time: 'c double'");
    VV_TRY(find_place(op, change, change->request->after, &place));
    VV_TRY(check_new(op, change, &given.fields[0]));
    memmove(fields + place + 1, fields + place, (len - place) * sizeof(*fields));
    fields[place] = given.fields[0];
    if (vv_type_holds(&fields[place].type, VV_TYPE_TIMESTAMP_NTZ))
        VV_TRY(vv_draft_need(op, draft, "timestampNtz"));
    if (vv_field_default(&fields[place]).ptr != NULL)
        VV_TRY(vv_draft_need(op, draft, "allowColumnDefaults"));
    if (vv_field_generated(&fields[place]).ptr != NULL)
        VV_TRY(vv_draft_need(op, draft, "generatedColumns"));
    VV_TRY(vv_alter_map_new(op, draft, &fields[place]));
    if (vv_draft_fields(op, draft, fields, len + 1) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    VV_TRY(vv_values_check(op, change->table->engine, &draft->schema));
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf columns = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    vv_type_name(&fields[place].type, &type);
    vv_buf_addf(&draft->diff, "+ column %.*s %.*s%s", VV_ARG(fields[place].name),
        VV_ARG(vv_buf_str(&type)), fields[place].nullable ? "" : " not null");
    if (vv_field_default(&fields[place]).ptr != NULL)
        vv_buf_addf(&draft->diff, " default %.*s%s", VV_ARG(vv_field_default(&fields[place])),
            draft->from->files_len > 0 ? " (NULL in the rows that are there)" : "");
    if (vv_field_generated(&fields[place]).ptr != NULL)
        vv_buf_addf(&draft->diff, " generated always as (%.*s)",
            VV_ARG(vv_field_generated(&fields[place])));
    vv_buf_addc(&draft->diff, '\n');
    vv_buf_adds(&columns, "[{\"column\":");
    add_column_json(&fields[place], &columns);
    vv_buf_adds(&columns, "}]");
    change->operation = VV_STR("ADD COLUMNS");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "columns", vv_buf_str(&columns));
    vv_jw_end(&writer);
    return vv_buf_ok(&columns) && vv_buf_ok(&type) ? VARVE_OK : vv_fail_memory(op);
}

/* `old` in a property's list of names becomes `name`; "date=timestamp" has two of them. */
static varve_status rename_in_list(struct vv_op *op, struct vv_draft *draft,
    const char *property, struct vv_str old, struct vv_str name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    struct vv_str value = vv_draft_property(draft, vv_str_of(property));
    struct vv_str *names = NULL;
    size_t len = 0;
    bool is_hit = false;
    if (value.ptr == NULL)
        return VARVE_OK;
    VV_TRY(vv_rules_split_names(op, &op->arena, value, &names, &len));
    for (size_t i = 0; i < len; i++) {
        size_t equals = vv_str_find(names[i], '=');
        struct vv_str left = vv_str_trim(vv_str_first(names[i], equals));
        struct vv_str right = vv_str_trim(vv_str_skip(names[i], equals + 1));
        bool is_pair = equals < names[i].len;
        bool is_left = vv_str_eq_nocase(left, old);
        bool is_right = is_pair && vv_str_eq_nocase(right, old);
        if (!is_left && !is_right)
            continue;
        is_hit = true;
        if (!is_pair)
            names[i] = name;
        else
            names[i] = vv_arena_format(&op->arena, "%.*s=%.*s", VV_ARG(is_left ? name : left),
                VV_ARG(is_right ? name : right));
        if (names[i].ptr == NULL)
            return vv_fail_memory(op);
    }
    if (!is_hit)
        return VARVE_OK;
    vv_rules_write_names(names, len, &text);
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    return vv_draft_set(op, draft, vv_str_of(property), vv_buf_str(&text));
}

static varve_status rename_partition(struct vv_op *op, struct vv_draft *draft,
    struct vv_str old, struct vv_str name)
{
    size_t len = draft->metadata.partition_columns_len;
    struct vv_str *columns = vv_new(draft->arena, struct vv_str, len + 1);
    if (columns == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        struct vv_str column = draft->metadata.partition_columns[i];
        columns[i] = vv_str_eq_nocase(column, old) ? name : column;
    }
    draft->metadata.partition_columns = columns;
    return VARVE_OK;
}

static varve_status rename_column(struct vv_op *op, struct vv_alter_change *change)
{
    static const char *const lists[] = {
        VV_PROPERTY_KEY, VV_PROPERTY_ORDER_BY, VV_PROPERTY_ZORDER, VV_PROPERTY_PARTITION_FROM};
    struct vv_draft *draft = &change->draft;
    int32_t column = -1;
    struct vv_str name = change->request->text;
    VV_TRY(find_column(op, change, change->request->name, &column));
    int32_t other = vv_schema_find(&draft->schema, name);
    if (other >= 0 && other != column)
        return vv_fail(op, VARVE_EUSAGE, "table %.*s has a column %.*s already",
            VV_ARG(change->table->name), VV_ARG(name));
    struct vv_str old = draft->schema.fields[column].name;
    if (vv_str_eq(old, name))
        return VARVE_OK;
    VV_TRY(vv_alter_map_columns(op, draft));
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    fields[column].name = name;
    if (vv_draft_fields(op, draft, fields, draft->schema.fields_len) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    VV_TRY(rename_partition(op, draft, old, name));
    for (size_t i = 0; i < VV_COUNT(lists); i++)
        VV_TRY(rename_in_list(op, draft, lists[i], old, name));
    VV_TRY(vv_alter_statistics(op, draft, old, name));
    VV_TRY(check_rules(op, change, "renamed"));
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    vv_buf_addf(&draft->diff, "~ column %.*s -> %.*s\n", VV_ARG(old), VV_ARG(name));
    change->operation = VV_STR("RENAME COLUMN");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "oldColumnPath", old);
    vv_jw_key_string(&writer, "newColumnPath", name);
    vv_jw_end(&writer);
    return VARVE_OK;
}

static varve_status drop_column(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_draft *draft = &change->draft;
    int32_t column = -1;
    VV_TRY(find_column(op, change, change->request->name, &column));
    VV_TRY(check_unused(op, change, column));
    VV_TRY(vv_alter_check_clustering(op, change, column));
    struct vv_str name = draft->schema.fields[column].name;
    VV_TRY(vv_alter_map_columns(op, draft));
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    size_t len = draft->schema.fields_len;
    if (fields == NULL)
        return op->error.code;
    if (len - 1 == draft->metadata.partition_columns_len) /* it is none of them: check_unused */
        return vv_fail(op, VARVE_EUSAGE,
            "column %.*s is the last one that is no partition column, and a table takes no row "
            "without one",
            VV_ARG(name));
    memmove(fields + column, fields + column + 1, (len - (size_t)column - 1) * sizeof(*fields));
    VV_TRY(vv_draft_fields(op, draft, fields, len - 1));
    VV_TRY(vv_alter_statistics(op, draft, name, VV_STR_NONE));
    VV_TRY(check_rules(op, change, "dropped"));
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(1 << 20);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&names);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    vv_buf_addf(&draft->diff, "- column %.*s\n", VV_ARG(name));
    vv_jw_array(&list);
    vv_jw_string(&list, name);
    vv_jw_end(&list);
    change->operation = VV_STR("DROP COLUMNS");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "columns", vv_buf_str(&names));
    vv_jw_end(&writer);
    return vv_buf_ok(&names) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status move_column(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_draft *draft = &change->draft;
    int32_t column = -1;
    size_t place = 0;
    VV_TRY(find_column(op, change, change->request->name, &column));
    if (change->request->text.len > 0)
        VV_TRY(find_place(op, change, change->request->text, &place));
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    size_t from = (size_t)column;
    size_t to = place > from ? place - 1 : place;
    if (to == from)
        return VARVE_OK;
    struct vv_field moved = fields[from];
    if (to > from)
        memmove(fields + from, fields + from + 1, (to - from) * sizeof(*fields));
    else
        memmove(fields + to + 1, fields + to, (from - to) * sizeof(*fields));
    fields[to] = moved;
    VV_TRY(vv_draft_fields(op, draft, fields, draft->schema.fields_len));
    vv_buf_addf(&draft->diff, "~ column %.*s: place %zu -> %zu\n", VV_ARG(moved.name), from + 1,
        to + 1);
    return note_column(op, change, "CHANGE COLUMN", &moved);
}

static varve_status drop_not_null(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_draft *draft = &change->draft;
    struct vv_snapshot snapshot;
    struct vv_rules rules;
    int32_t column = -1;
    VV_TRY(find_column(op, change, change->request->name, &column));
    vv_draft_snapshot(draft, &snapshot);
    VV_TRY(vv_rules_read(op, &op->arena, &snapshot, false, &rules));
    if (is_one_of(rules.key, rules.key_len, column))
        return vv_fail(op, VARVE_EUSAGE, "column %.*s is in the key: it is never NULL",
            VV_ARG(change->request->name));
    if (draft->schema.fields[column].nullable)
        return VARVE_OK;
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    fields[column].nullable = true;
    VV_TRY(vv_draft_fields(op, draft, fields, draft->schema.fields_len));
    vv_buf_addf(&draft->diff, "~ column %.*s: may be NULL\n", VV_ARG(fields[column].name));
    return note_column(op, change, "CHANGE COLUMN", &fields[column]);
}

/* Sets the default of a column, or with no text takes it away. */
static varve_status change_default(struct vv_op *op, struct vv_alter_change *change,
    bool is_set)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    struct vv_draft *draft = &change->draft;
    struct vv_str text = change->request->text;
    int32_t column = -1;
    VV_TRY(find_column(op, change, change->request->name, &column));
    struct vv_str old = vv_field_default(&draft->schema.fields[column]);
    if (is_set ? old.ptr != NULL && vv_str_eq(old, text) : old.ptr == NULL)
        return VARVE_OK;
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    vv_jw_string(&writer, text);
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    if (is_set)
        VV_TRY(vv_draft_need(op, draft, "allowColumnDefaults"));
    VV_TRY(vv_draft_mark(op, draft, &fields[column], VV_FIELD_DEFAULT,
        is_set ? vv_buf_str(&json) : VV_STR_NONE));
    VV_TRY(vv_draft_fields(op, draft, fields, draft->schema.fields_len));
    if (is_set)
        VV_TRY(vv_values_check(op, change->table->engine, &draft->schema));
    if (old.ptr == NULL)
        vv_buf_addf(&draft->diff, "+ default of %.*s: %.*s\n", VV_ARG(fields[column].name),
            VV_ARG(text));
    else if (is_set)
        vv_buf_addf(&draft->diff, "~ default of %.*s: %.*s -> %.*s\n",
            VV_ARG(fields[column].name), VV_ARG(old), VV_ARG(text));
    else
        vv_buf_addf(&draft->diff, "- default of %.*s: %.*s\n", VV_ARG(fields[column].name),
            VV_ARG(old));
    return note_column(op, change, "CHANGE COLUMN", &fields[column]);
}

/* One more entry of delta.typeChanges: [{"fromType":"integer","toType":"long"}] */
static varve_status note_widening(struct vv_op *op, struct vv_draft *draft,
    struct vv_field *field, struct vv_str from, struct vv_str to)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    const struct vv_json *changes =
        vv_json_get_kind(field->metadata, "delta.typeChanges", VV_JSON_ARRAY);
    vv_jw_array(&writer);
    while (changes != NULL && vv_json_each(changes, &iterator, &name, &value))
        vv_jw_json(&writer, value);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "fromType", from);
    vv_jw_key_string(&writer, "toType", to);
    vv_jw_end(&writer);
    vv_jw_end(&writer);
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    return vv_draft_mark(op, draft, field, "delta.typeChanges", vv_buf_str(&json));
}

/* What is generated of a column of another type may be another value. */
static varve_status check_not_source(struct vv_op *op, const struct vv_alter_change *change,
    struct vv_str name)
{
    struct vv_snapshot snapshot;
    struct vv_rules rules = {.order = -1};
    vv_draft_snapshot(&change->draft, &snapshot);
    VV_TRY(vv_values_read(op, &op->arena, &snapshot, &rules));
    if (!vv_values_uses(&rules, name))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "column %.*s can't be widened: a generated column comes of it", VV_ARG(name));
}

static varve_status widen(struct vv_op *op, struct vv_alter_change *change)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf from = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf to = VV_BUF_INIT(1 << 20);
    struct vv_draft *draft = &change->draft;
    struct vv_schema given;
    int32_t column = -1;
    VV_TRY(find_column(op, change, change->request->name, &column));
    struct vv_str ddl = vv_arena_format(draft->arena, "x %.*s", VV_ARG(change->request->text));
    if (ddl.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_schema_parse_ddl(op, draft->arena, ddl, &given));
    const struct vv_type *old = &draft->schema.fields[column].type;
    const struct vv_type *new = &given.fields[0].type;
    if (given.fields_len == 1 && vv_type_eq(old, new))
        return VARVE_OK;
    vv_type_name(old, &from);
    vv_type_name(new, &to);
    if (!vv_buf_ok(&from) || !vv_buf_ok(&to))
        return vv_fail_memory(op);
    if (given.fields_len != 1 || !vv_type_is_wider(old, new))
        return vv_fail(op, VARVE_EUSAGE,
            "column %.*s is of type %.*s, of which %.*s is no wider one",
            VV_ARG(draft->schema.fields[column].name), VV_ARG(vv_buf_str(&from)),
            VV_ARG(change->request->text));
    VV_TRY(check_not_source(op, change, draft->schema.fields[column].name));
    VV_TRY(vv_draft_need(op, draft, "typeWidening"));
    if (new->kind == VV_TYPE_TIMESTAMP_NTZ)
        VV_TRY(vv_draft_need(op, draft, "timestampNtz"));
    VV_TRY(vv_draft_set(op, draft, VV_STR("delta.enableTypeWidening"), VV_STR("true")));
    struct vv_field *fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    fields[column].type = *new;
    VV_TRY(note_widening(op, draft, &fields[column], vv_buf_str(&from), vv_buf_str(&to)));
    VV_TRY(vv_draft_fields(op, draft, fields, draft->schema.fields_len));
    VV_TRY(check_rules(op, change, "widened"));
    vv_buf_addf(&draft->diff, "~ column %.*s: %.*s -> %.*s\n", VV_ARG(fields[column].name),
        VV_ARG(vv_buf_str(&from)), VV_ARG(vv_buf_str(&to)));
    return note_column(op, change, "CHANGE COLUMN", &fields[column]);
}

varve_status vv_alter_column(struct vv_op *op, struct vv_alter_change *change)
{
    switch ((int)change->request->kind) {
    case VV_ALTER_ADD_COLUMN:
        return add_column(op, change);
    case VV_ALTER_RENAME_COLUMN:
        return rename_column(op, change);
    case VV_ALTER_DROP_COLUMN:
        return drop_column(op, change);
    case VV_ALTER_MOVE_COLUMN:
        return move_column(op, change);
    case VV_ALTER_WIDEN:
        return widen(op, change);
    case VV_ALTER_SET_DEFAULT:
        return change_default(op, change, true);
    case VV_ALTER_DROP_DEFAULT:
        return change_default(op, change, false);
    default:
        return drop_not_null(op, change);
    }
}
