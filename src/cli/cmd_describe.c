#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/json_view.h"

struct no_values {
    char nothing;
};

/* "a, b" of an array, the text of anything else, members as "name=value". */
static void add_value(const struct vv_node *node, struct vv_text *text)
{
    if (node->kind != VV_NODE_ARRAY && node->kind != VV_NODE_OBJECT) {
        vv_text_adds(text, vv_node_chars(node));
        return;
    }
    for (size_t i = 0; i < node->children_len; i++) {
        const struct vv_node *child = &node->children[i];
        if (i > 0)
            vv_text_adds(text, ", ");
        if (child->name.len > 0)
            vv_text_addf(text, "%s=", child->name.ptr);
        add_value(child, text);
    }
}

/* One line of the description. As CSV the same pair is a row. */
struct page {
    struct vv_text text;
    bool is_csv;
};

static void add_pair(struct page *page, const char *name, const char *value)
{
    struct vv_text *text = &page->text;
    if (*value == '\0')
        return;
    if (page->is_csv) {
        vv_csv_add_field(text, name, strlen(name));
        vv_text_addc(text, ',');
        vv_csv_add_field(text, value, strlen(value));
        vv_text_addc(text, '\n');
        return;
    }
    size_t start = text->len;
    vv_text_add_shown(text, name, strlen(name));
    size_t used = text->len - start;
    vv_text_fill(text, ' ', used < 14 ? 14 - used : 1);
    vv_text_add_shown(text, value, strlen(value));
    vv_text_addc(text, '\n');
}

static void add_node(struct page *page, const char *name, const struct vv_node *node)
{
    struct vv_text value VV_CLEANUP(vv_text_done) = {0};
    add_value(node, &value);
    add_pair(page, name, vv_text_chars(&value));
}

static bool has_text(const struct vv_node *array, const struct vv_node *text)
{
    for (size_t i = 0; i < array->children_len; i++)
        if (strcmp(vv_node_chars(&array->children[i]), vv_node_chars(text)) == 0)
            return true;
    return false;
}

static void add_expression(const struct vv_node *column, const char *member, const char *before,
    const char *after, struct vv_text *text)
{
    const char *expression = vv_node_chars(vv_node_get(column, member));
    if (*expression != '\0')
        vv_text_addf(text, " %s%s%s", before, expression, after);
}

static void add_columns(struct page *page, const struct vv_node *table)
{
    const struct vv_node *schema = vv_node_get(table, "schema");
    for (size_t i = 0; i < schema->children_len; i++) {
        const struct vv_node *column = &schema->children[i];
        const struct vv_node *name = vv_node_get(column, "name");
        struct vv_text label VV_CLEANUP(vv_text_done) = {0};
        struct vv_text value VV_CLEANUP(vv_text_done) = {0};
        vv_text_addf(&label, page->is_csv ? "column.%s" : "  %s", vv_node_chars(name));
        if (!page->is_csv && label.len < 22)
            vv_text_fill(&label, ' ', 22 - label.len);
        add_value(vv_node_get(column, "type"), &value);
        if (strcmp(vv_node_chars(vv_node_get(column, "nullable")), "false") == 0)
            vv_text_adds(&value, " not null");
        add_expression(column, "default", "default ", "", &value);
        add_expression(column, "generated", "generated always as (", ")", &value);
        if (has_text(vv_node_get(table, "key"), name))
            vv_text_adds(&value, ", key");
        if (has_text(vv_node_get(table, "partitionColumns"), name))
            vv_text_adds(&value, ", partition");
        add_pair(page, vv_text_chars(&label), vv_text_chars(&value));
    }
}

static void add_protocol(struct page *page, const struct vv_node *protocol)
{
    struct vv_text value VV_CLEANUP(vv_text_done) = {0};
    struct vv_text features VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&value, "reader %s, writer %s",
        vv_node_chars(vv_node_get(protocol, "minReaderVersion")),
        vv_node_chars(vv_node_get(protocol, "minWriterVersion")));
    add_value(vv_node_get(protocol, "writerFeatures"), &features);
    if (features.len > 0)
        vv_text_addf(&value, " (%s)", vv_text_chars(&features));
    add_pair(page, "protocol", vv_text_chars(&value));
}

static void add_properties(struct page *page, const struct vv_node *properties)
{
    for (size_t i = 0; i < properties->children_len; i++) {
        const struct vv_node *property = &properties->children[i];
        struct vv_text label VV_CLEANUP(vv_text_done) = {0};
        vv_text_addf(&label, page->is_csv ? "property.%s" : "  %s =",
            property->name.ptr ? property->name.ptr : "");
        add_node(page, vv_text_chars(&label), property);
    }
}

static void write_page(struct page *page, const struct vv_node *table)
{
    static const char *const first[] = {"name", "location", "description", "version"};
    static const char *const second[] = {"rows", "files", "bytes"};
    const struct vv_node *properties = vv_node_get(table, "properties");
    if (page->is_csv)
        vv_text_adds(&page->text, "property,value\n");
    for (size_t i = 0; i < VV_COUNT(first); i++)
        add_node(page, first[i], vv_node_get(table, first[i]));
    for (size_t i = 0; i < VV_COUNT(second); i++)
        add_node(page, second[i], vv_node_get(table, second[i]));
    add_node(page, "key", vv_node_get(table, "key"));
    add_node(page, "order by", vv_node_get(table, "orderBy"));
    add_node(page, "z-order", vv_node_get(table, "zorder"));
    add_node(page, "clustered by", vv_node_get(table, "clusteringColumns"));
    add_node(page, "partitioned by", vv_node_get(table, "partitionColumns"));
    add_protocol(page, vv_node_get(table, "protocol"));
    if (!page->is_csv)
        vv_text_adds(&page->text, "columns\n");
    add_columns(page, table);
    if (!page->is_csv && properties->children_len > 0)
        vv_text_adds(&page->text, "properties\n");
    add_properties(page, properties);
}

static varve_status show(struct vv_cli *cli, const char *json, enum vv_format format)
{
    struct vv_node table = {0};
    struct page page = {.is_csv = format == VV_FORMAT_CSV};
    if (vv_show_is_json(cli) || !vv_node_read(json, strlen(json), &table))
        vv_text_addf(&page.text, "%s\n", json);
    else
        write_page(&page, &table);
    varve_status status = vv_show_text(cli, page.text.ptr, page.text.len);
    vv_node_done(&table);
    vv_text_done(&page.text);
    return status;
}

static bool is_binary(enum vv_format format)
{
    return format == VV_FORMAT_PARQUET || format == VV_FORMAT_ARROW;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    enum vv_format format = vv_show_format(cli);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    (void)given;
    if (is_binary(format) && vv_show_other_format(cli))
        format = vv_show_format(cli);
    if (is_binary(format))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "describe gives no rows: json, csv or box are what it can be written as");
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    VV_TRY(varve_table_describe(table, cli->globals.at, &json, &cli->error));
    return show(cli, json, format);
}

const struct vv_command vv_cmd_describe = {
    .name = "describe",
    .summary = "schema, key, protocol and size of a table",
    .arguments = "TABLE",
    .examples = "varve describe signals\n"
                "varve describe signals --json",
    .text = "TABLE is a name in the lake, or the path of any Delta table. As CSV it is pairs\n"
            "of property and value; --json has all of it as one object.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
