/*
 * The schema that a person types. A bounded recursive descent over the text; every failure says
 * where it is.
 */
#include "delta/schema.h"

#include "base/json_write.h"
#include "base/nearest.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

struct ddl {
    struct vv_op *op;
    struct vv_arena *arena;
    struct vv_str text;
    size_t at;
};

static struct vv_str rest_of(const struct ddl *ddl)
{
    return vv_str_skip(ddl->text, ddl->at);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_blanks(struct ddl *ddl)
{
    while (ddl->at < ddl->text.len && is_blank(ddl->text.ptr[ddl->at]))
        ddl->at++;
}

static varve_status fail_here(struct ddl *ddl, const char *wanted)
{
    struct vv_str rest = vv_str_first(rest_of(ddl), 24);

    if (rest.len == 0)
        return vv_fail(ddl->op, VARVE_EUSAGE, "schema: %s expected at the end", wanted);
    return vv_fail(ddl->op, VARVE_EUSAGE, "schema: %s expected at byte %zu, before \"%.*s\"",
        wanted, ddl->at + 1, VV_ARG(rest));
}

/* Takes a punctuation mark if it is next. */
static bool take(struct ddl *ddl, char mark)
{
    skip_blanks(ddl);
    if (ddl->at >= ddl->text.len || ddl->text.ptr[ddl->at] != mark)
        return false;
    ddl->at++;
    return true;
}

static varve_status want(struct ddl *ddl, char mark)
{
    char wanted[] = {'"', mark, '"', '\0'};

    return take(ddl, mark) ? VARVE_OK : fail_here(ddl, wanted);
}

static bool is_word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || (unsigned char)byte >= 0x80;
}

/* The word that is next; empty where there is none. Does not take it. */
static struct vv_str peek_word(struct ddl *ddl)
{
    struct vv_str rest;
    size_t len = 0;

    skip_blanks(ddl);
    rest = rest_of(ddl);
    while (len < rest.len && is_word_byte(rest.ptr[len]))
        len++;
    return vv_str_first(rest, len);
}

static bool take_word(struct ddl *ddl, const char *word)
{
    struct vv_str next = peek_word(ddl);

    if (!vv_str_eq_nocase(next, vv_str_of(word)))
        return false;
    ddl->at += next.len;
    return true;
}

/* A quoted text; a doubled quote stands for one. The quote is next. */
static varve_status read_quoted(struct ddl *ddl, struct vv_str *out)
{
    char quote = ddl->text.ptr[ddl->at];
    char *text = vv_new(ddl->arena, char, ddl->text.len - ddl->at);
    size_t at = ddl->at + 1;
    size_t len = 0;

    if (!text)
        return vv_fail_memory(ddl->op);
    for (; at < ddl->text.len; at++) {
        if (ddl->text.ptr[at] == quote) {
            if (at + 1 == ddl->text.len || ddl->text.ptr[at + 1] != quote)
                break;
            at++;
        }
        text[len++] = ddl->text.ptr[at];
    }
    if (at == ddl->text.len)
        return vv_fail(ddl->op, VARVE_EUSAGE, "schema: the quote at byte %zu is never closed",
            ddl->at + 1);
    ddl->at = at + 1;
    *out = (struct vv_str){text, len};
    return VARVE_OK;
}

static varve_status read_name(struct ddl *ddl, struct vv_str *out)
{
    struct vv_str word = peek_word(ddl);
    struct vv_str rest = rest_of(ddl);

    if (rest.len > 0 && (rest.ptr[0] == '`' || rest.ptr[0] == '"'))
        return read_quoted(ddl, out);
    if (word.len == 0)
        return fail_here(ddl, "a column name");
    *out = vv_arena_str(ddl->arena, word);
    if (!out->ptr)
        return vv_fail_memory(ddl->op);
    ddl->at += word.len;
    return VARVE_OK;
}

static const struct type_word {
    const char *word;
    enum vv_type_kind kind;
} type_words[] = {
    {"string", VV_TYPE_STRING},
    {"varchar", VV_TYPE_STRING},
    {"str", VV_TYPE_STRING},
    {"utf8", VV_TYPE_STRING},
    {"text", VV_TYPE_STRING},
    {"long", VV_TYPE_LONG},
    {"bigint", VV_TYPE_LONG},
    {"i64", VV_TYPE_LONG},
    {"int64", VV_TYPE_LONG},
    {"integer", VV_TYPE_INTEGER},
    {"int", VV_TYPE_INTEGER},
    {"i32", VV_TYPE_INTEGER},
    {"int32", VV_TYPE_INTEGER},
    {"short", VV_TYPE_SHORT},
    {"smallint", VV_TYPE_SHORT},
    {"i16", VV_TYPE_SHORT},
    {"int16", VV_TYPE_SHORT},
    {"byte", VV_TYPE_BYTE},
    {"tinyint", VV_TYPE_BYTE},
    {"i8", VV_TYPE_BYTE},
    {"float", VV_TYPE_FLOAT},
    {"real", VV_TYPE_FLOAT},
    {"f32", VV_TYPE_FLOAT},
    {"float32", VV_TYPE_FLOAT},
    {"double", VV_TYPE_DOUBLE},
    {"f64", VV_TYPE_DOUBLE},
    {"float64", VV_TYPE_DOUBLE},
    {"boolean", VV_TYPE_BOOLEAN},
    {"bool", VV_TYPE_BOOLEAN},
    {"binary", VV_TYPE_BINARY},
    {"blob", VV_TYPE_BINARY},
    {"varbinary", VV_TYPE_BINARY},
    {"bytes", VV_TYPE_BINARY},
    {"date", VV_TYPE_DATE},
    {"timestamp", VV_TYPE_TIMESTAMP},
    {"timestamptz", VV_TYPE_TIMESTAMP},
    {"timestamp_ntz", VV_TYPE_TIMESTAMP_NTZ},
};

static varve_status read_number(struct ddl *ddl, int64_t *out)
{
    struct vv_str word = peek_word(ddl);

    if (!vv_str_int64(word, out))
        return fail_here(ddl, "a number");
    ddl->at += word.len;
    return VARVE_OK;
}

/* Behind "decimal". */
static varve_status read_decimal(struct ddl *ddl, struct vv_type *out)
{
    int64_t precision = 10;
    int64_t scale = 0;
    size_t start = ddl->at;

    if (take(ddl, '(')) {
        VV_TRY(read_number(ddl, &precision));
        if (take(ddl, ','))
            VV_TRY(read_number(ddl, &scale));
        VV_TRY(want(ddl, ')'));
    }
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
        ddl->at = start;
        return fail_here(ddl, "a precision of 1 to 38 and a scale of at most that");
    }
    *out = (struct vv_type){
        .kind = VV_TYPE_DECIMAL,
        .precision = (uint8_t)precision,
        .scale = (uint8_t)scale,
    };
    return VARVE_OK;
}

/* "double precision", "timestamp without time zone" and what else SQL puts behind a name. */
static varve_status read_suffix(struct ddl *ddl, struct vv_type *type)
{
    bool is_with;

    if (type->kind == VV_TYPE_DOUBLE) {
        take_word(ddl, "precision");
        return VARVE_OK;
    }
    if (type->kind == VV_TYPE_STRING && take(ddl, '(')) {
        ddl->at--;
        return fail_here(ddl, "no length (a string has none; use a CHECK)");
    }
    if (type->kind != VV_TYPE_TIMESTAMP)
        return VARVE_OK;
    is_with = take_word(ddl, "with");
    if (!is_with && !take_word(ddl, "without"))
        return VARVE_OK;
    if (!take_word(ddl, "time") || !take_word(ddl, "zone"))
        return fail_here(ddl, "\"time zone\"");
    type->kind = is_with ? VV_TYPE_TIMESTAMP : VV_TYPE_TIMESTAMP_NTZ;
    return VARVE_OK;
}

static varve_status read_type(struct ddl *ddl, uint32_t levels, struct vv_type *out);

static varve_status read_part(struct ddl *ddl, uint32_t levels, const struct vv_type **out)
{
    struct vv_type *part = vv_new(ddl->arena, struct vv_type, 1);

    if (!part)
        return vv_fail_memory(ddl->op);
    VV_TRY(read_type(ddl, levels, part));
    *out = part;
    return VARVE_OK;
}

/* "<" or "(" opens; the mark that closes is its partner. */
static varve_status open_parts(struct ddl *ddl, char *out_close)
{
    *out_close = '>';
    if (take(ddl, '<'))
        return VARVE_OK;
    *out_close = ')';
    return take(ddl, '(') ? VARVE_OK : fail_here(ddl, "\"<\"");
}

static varve_status read_fields(struct ddl *ddl, uint32_t levels, char close,
    const struct vv_field **out, size_t *out_len);

static varve_status read_nested(struct ddl *ddl, uint32_t levels, struct vv_type *out)
{
    char close;

    if (levels-- == 0)
        return fail_here(ddl, "a type with less nesting");
    VV_TRY(open_parts(ddl, &close));
    switch ((int)out->kind) {
    case VV_TYPE_STRUCT:
        VV_TRY(read_fields(ddl, levels, close, &out->fields, &out->fields_len));
        break;
    case VV_TYPE_MAP:
        VV_TRY(read_part(ddl, levels, &out->key));
        VV_TRY(want(ddl, ','));
        VV_TRY(read_part(ddl, levels, &out->element));
        break;
    default:
        VV_TRY(read_part(ddl, levels, &out->element));
        break;
    }
    return want(ddl, close);
}

/* Words of other software: what is near in letters may be another type, or a narrower one. */
static const struct {
    const char *word, *meant;
} meant_words[] = {
    {"int8", "tinyint (8 bits) or bigint (8 bytes)"},
    {"int4", "int (4 bytes)"},
    {"int2", "smallint (2 bytes)"},
    {"uint8", "smallint"},
    {"uint16", "int"},
    {"uint32", "bigint"},
    {"uint64", "decimal(20,0)"},
    {"number", "double or decimal(p,s)"},
    {"datetime", "timestamp"},
    {"list", "array<...>"},
    {"dict", "struct<...> or map<...>"},
    {"object", "string"},
    {"json", "string"},
    {"uuid", "string"},
};

/* A word that is no type, with the one that it may be meant for. */
static varve_status refuse_type(struct ddl *ddl)
{
    for (size_t i = 0; i < VV_COUNT(meant_words); i++)
        if (vv_str_eq_nocase(peek_word(ddl), vv_str_of(meant_words[i].word)))
            return vv_fail(ddl->op, VARVE_EUSAGE,
                "schema: \"%s\" at byte %zu is no type; did you mean %s?", meant_words[i].word,
                ddl->at + 1, meant_words[i].meant);
    struct vv_str names[VV_COUNT(type_words) + 5] = {
        VV_STR("decimal"), VV_STR("numeric"), VV_STR("struct"), VV_STR("array"), VV_STR("map")};
    for (size_t i = 0; i < VV_COUNT(type_words); i++)
        names[i + 5] = vv_str_of(type_words[i].word);
    struct vv_str word = peek_word(ddl);
    struct vv_str nearest = vv_nearest_name(word, names, VV_COUNT(names));
    if (nearest.len > 0)
        return vv_fail(ddl->op, VARVE_EUSAGE,
            "schema: \"%.*s\" at byte %zu is no type; did you mean %.*s?",
            VV_ARG(vv_str_first(word, 24)), ddl->at + 1, VV_ARG(nearest));
    return fail_here(ddl, "a type (string, bigint or long, int, smallint, tinyint, double, "
                          "float, boolean, binary, date, timestamp, timestamp_ntz, "
                          "decimal(p,s), struct<...>, array<...>, map<...>)");
}

static varve_status read_plain(struct ddl *ddl, struct vv_type *out)
{
    if (take_word(ddl, "decimal") || take_word(ddl, "numeric"))
        return read_decimal(ddl, out);
    for (size_t index = 0; index < VV_COUNT(type_words); index++) {
        if (take_word(ddl, type_words[index].word)) {
            *out = (struct vv_type){.kind = type_words[index].kind};
            return read_suffix(ddl, out);
        }
    }
    return refuse_type(ddl);
}

static varve_status read_type(struct ddl *ddl, uint32_t levels, struct vv_type *out)
{
    struct vv_type type = {.contains_null = true};

    if (take_word(ddl, "struct")) {
        type.kind = VV_TYPE_STRUCT;
        VV_TRY(read_nested(ddl, levels, &type));
    } else if (take_word(ddl, "array")) {
        type.kind = VV_TYPE_ARRAY;
        VV_TRY(read_nested(ddl, levels, &type));
    } else if (take_word(ddl, "map")) {
        type.kind = VV_TYPE_MAP;
        VV_TRY(read_nested(ddl, levels, &type));
    } else {
        VV_TRY(read_plain(ddl, &type));
    }
    /* DuckDB's way: "bigint[]". Each pair is one level more. */
    while (take(ddl, '[')) {
        struct vv_type *element = vv_new(ddl->arena, struct vv_type, 1);

        VV_TRY(want(ddl, ']'));
        if (!element)
            return vv_fail_memory(ddl->op);
        if (levels-- == 0)
            return fail_here(ddl, "a type with less nesting");
        *element = type;
        type =
            (struct vv_type){.kind = VV_TYPE_ARRAY, .contains_null = true, .element = element};
    }
    *out = type;
    return VARVE_OK;
}

/* What stands behind the type of a column, for its metadata; ptr NULL: nothing. */
struct extras {
    struct vv_str comment, default_text, generated;
};

static varve_status read_comment(struct ddl *ddl, struct vv_str *out)
{
    skip_blanks(ddl);
    if (ddl->at == ddl->text.len || ddl->text.ptr[ddl->at] != '\'')
        return fail_here(ddl, "a comment in single quotes");
    return read_quoted(ddl, out);
}

/* Past a text in quotes, as Spark has them: a backslash takes the next byte with it. */
static varve_status skip_quoted(struct ddl *ddl)
{
    size_t start = ddl->at;
    char quote = ddl->text.ptr[ddl->at++];

    for (; ddl->at < ddl->text.len; ddl->at++) {
        if (ddl->text.ptr[ddl->at] == '\\' && quote != '`')
            ddl->at++;
        else if (ddl->text.ptr[ddl->at] == quote)
            return ddl->at++, VARVE_OK;
    }
    return vv_fail(ddl->op, VARVE_EUSAGE, "schema: the quote at byte %zu is never closed",
        start + 1);
}

/* Words that end an expression which is in no brackets. */
static bool is_end_word(const struct ddl *ddl)
{
    struct ddl ahead = *ddl;

    return take_word(&ahead, "comment") || take_word(&ahead, "generated") ||
           (take_word(&ahead, "not") && take_word(&ahead, "null"));
}

/* An expression as it stands, up to a comma, a bracket that closes or a word of the schema's. */
static varve_status read_expression(struct ddl *ddl, const char *what, struct vv_str *out)
{
    size_t depth = 0;
    size_t start;

    skip_blanks(ddl);
    start = ddl->at;
    while (ddl->at < ddl->text.len) {
        char byte = ddl->text.ptr[ddl->at];

        if (depth == 0 && (byte == ',' || byte == ')' || byte == '>' || is_end_word(ddl)))
            break;
        if (byte == '\'' || byte == '"' || byte == '`') {
            VV_TRY(skip_quoted(ddl));
            continue;
        }
        depth += byte == '(' ? 1 : 0;
        depth -= byte == ')' ? 1 : 0;
        ddl->at += is_word_byte(byte) ? peek_word(ddl).len : 1;
    }
    *out = vv_arena_str(ddl->arena,
        vv_str_trim(vv_str_first(vv_str_skip(ddl->text, start), ddl->at - start)));
    if (!out->ptr)
        return vv_fail_memory(ddl->op);
    return out->len > 0 ? VARVE_OK : fail_here(ddl, what);
}

/* Behind "generated": always as (expression) */
static varve_status read_generated(struct ddl *ddl, struct vv_str *out)
{
    if (!take_word(ddl, "always") || !take_word(ddl, "as"))
        return fail_here(ddl, "\"always as (expression)\"");
    VV_TRY(want(ddl, '('));
    VV_TRY(read_expression(ddl, "an expression", out));
    return want(ddl, ')');
}

static varve_status write_metadata(struct ddl *ddl, const struct extras *extras,
    struct vv_field *field)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(4 * TEXT_BYTES_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);

    if (!extras->comment.ptr && !extras->default_text.ptr && !extras->generated.ptr)
        return VARVE_OK;
    vv_jw_object(&writer);
    if (extras->comment.ptr)
        vv_jw_key_string(&writer, "comment", extras->comment);
    if (extras->default_text.ptr)
        vv_jw_key_string(&writer, "CURRENT_DEFAULT", extras->default_text);
    if (extras->generated.ptr)
        vv_jw_key_string(&writer, "delta.generationExpression", extras->generated);
    vv_jw_end(&writer);
    if (!vv_buf_ok(&json))
        return vv_fail_memory(ddl->op);
    return vv_json_parse(ddl->op, ddl->arena, vv_buf_str(&json), &field->metadata);
}

static varve_status read_not_null(struct ddl *ddl, struct vv_field *field)
{
    if (take_word(ddl, "not")) {
        if (!take_word(ddl, "null"))
            return fail_here(ddl, "\"null\"");
        field->nullable = false;
    } else {
        take_word(ddl, "null");
    }
    return VARVE_OK;
}

static varve_status read_field(struct ddl *ddl, uint32_t levels, struct vv_field *out)
{
    struct vv_field field = {.nullable = true};
    struct extras extras = {VV_STR_NONE, VV_STR_NONE, VV_STR_NONE};
    bool is_top = levels == VV_SCHEMA_DEPTH_MAX - 1;

    VV_TRY(read_name(ddl, &field.name));
    field.physical_name = field.name;
    take(ddl, ':');
    VV_TRY(read_type(ddl, levels, &field.type));
    VV_TRY(read_not_null(ddl, &field));
    if (is_top && take_word(ddl, "default"))
        VV_TRY(read_expression(ddl, "an expression", &extras.default_text));
    if (is_top && take_word(ddl, "generated"))
        VV_TRY(read_generated(ddl, &extras.generated));
    if (field.nullable)
        VV_TRY(read_not_null(ddl, &field));
    if (take_word(ddl, "comment"))
        VV_TRY(read_comment(ddl, &extras.comment));
    VV_TRY(write_metadata(ddl, &extras, &field));
    *out = field;
    return VARVE_OK;
}

/* Fields parted by commas, up to `close` (not taken) or, where it is '\0', to the end. */
static varve_status read_fields(struct ddl *ddl, uint32_t levels, char close,
    const struct vv_field **out, size_t *out_len)
{
    struct vv_field *fields = NULL;
    size_t capacity = 0;
    size_t len = 0;

    do {
        if (!vv_arena_grow(ddl->arena, (void **)&fields, len, &capacity, sizeof(*fields),
                _Alignof(struct vv_field)))
            return vv_fail_memory(ddl->op);
        VV_TRY(read_field(ddl, levels, &fields[len++]));
    } while (take(ddl, ','));
    skip_blanks(ddl);
    if (close == '\0' && ddl->at < ddl->text.len)
        return fail_here(ddl, "a comma, \"not null\", \"default\" or the end");
    *out = fields;
    *out_len = len;
    return VARVE_OK;
}

static uint32_t max_depth(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t depth_of(const struct vv_type *type)
{
    uint32_t below = 0;

    if (type->key)
        below = depth_of(type->key);
    if (type->element)
        below = max_depth(below, depth_of(type->element));
    for (size_t index = 0; index < type->fields_len; index++)
        below = max_depth(below, depth_of(&type->fields[index].type));
    return below + (type->key || type->element || type->fields_len > 0 ? 1 : 0);
}

varve_status vv_schema_parse_ddl(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_schema *out)
{
    struct ddl ddl = {op, arena, text, 0};
    struct vv_schema schema = {0};

    if (text.len > TEXT_BYTES_MAX || !vv_utf8_valid(text))
        return vv_fail(op, VARVE_EUSAGE, "schema: not UTF-8, or longer than %zu bytes",
            TEXT_BYTES_MAX);
    VV_TRY(read_fields(&ddl, VV_SCHEMA_DEPTH_MAX - 1, '\0', &schema.fields,
        &schema.fields_len));
    /* "a[][]" opens levels behind the type they hold, where the descent cannot count them. */
    struct vv_type root = {.fields = schema.fields, .fields_len = schema.fields_len};
    if (depth_of(&root) > VV_SCHEMA_DEPTH_MAX)
        return vv_fail(op, VARVE_EUSAGE, "schema: types nested deeper than %d levels",
            VV_SCHEMA_DEPTH_MAX - 1);
    if (vv_schema_check_names(op, &schema, VV_MAPPING_NAME) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    *out = schema;
    return VARVE_OK;
}
