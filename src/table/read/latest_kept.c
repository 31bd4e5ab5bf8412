#include "table/read/latest_kept.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/seam.h"
#include "table/file_set.h"

#define QUESTIONS_MAX 4 /* the one that was not asked for longest makes room */
/* The schema is the most of it; so much again is for the sources of the rows. */
#define QUESTION_BYTES_MAX ((size_t)32 << 20)
/* An operation has so much of the engine's spare memory for itself at most. */
#define SPARE_PART 4

struct vv_latest_answer {
    atomic_size_t refs;
    struct vv_session *session;
    struct vv_rowset *rowset;
};

struct kept {
    struct vv_arena arena;
    struct vv_str question;
    struct vv_latest_answer *answer;
    struct vv_snapshot *snapshot;     /* of all of whose files it is the answer */
    struct vv_latest_source *sources; /* none of them went */
    size_t sources_len;
    int64_t next_number;
    int64_t bytes;
    uint64_t turn; /* when it was asked for last */
};

struct vv_latest_kept {
    struct kept items[QUESTIONS_MAX];
    size_t len;
    uint64_t turns;
};

/* Answers. */

varve_status vv_latest_answer_fill(struct vv_op *op, struct vv_engine *engine,
    const struct vv_query *query, struct vv_latest_answer **out)
{
    VV_CLEANUP(vv_latest_answer_release)
    struct vv_latest_answer *answer = vv_malloc_zeroed(sizeof(*answer));
    if (answer == NULL)
        return vv_fail_memory(op);
    atomic_init(&answer->refs, 1);
    VV_TRY(vv_session_open(op, engine, &answer->session));
    VV_TRY(vv_rowset_open(op, answer->session, &answer->rowset));
    VV_TRY(vv_rowset_fill(op, answer->rowset, query));
    *out = VV_MOVE(answer);
    return VARVE_OK;
}

static struct vv_latest_answer *retain(struct vv_latest_answer *answer)
{
    atomic_fetch_add_explicit(&answer->refs, 1, memory_order_relaxed);
    return answer;
}

void vv_latest_answer_release(struct vv_latest_answer **answer)
{
    struct vv_latest_answer *released = VV_MOVE(*answer);
    if (released == NULL ||
        atomic_fetch_sub_explicit(&released->refs, 1, memory_order_acq_rel) > 1)
        return;
    vv_rowset_close(&released->rowset);
    vv_session_close(&released->session);
    vv_free(released);
}

const struct vv_rowset *vv_latest_answer_rows(const struct vv_latest_answer *answer)
{
    return answer->rowset;
}

/* What is kept. */

static void forget(struct kept *kept)
{
    vv_latest_answer_release(&kept->answer);
    vv_snapshot_release(&kept->snapshot);
    vv_arena_done(&kept->arena);
    *kept = (struct kept){.turn = 0};
}

void vv_latest_kept_free(struct vv_latest_kept **kept)
{
    struct vv_latest_kept *freed = VV_MOVE(*kept);
    if (freed == NULL)
        return;
    for (size_t i = 0; i < freed->len; i++)
        forget(&freed->items[i]);
    vv_free(freed);
}

/* Nested values are not counted in bytes, and void has no type to be kept with. */
static bool is_plain(const struct vv_type *type)
{
    return vv_type_is_ordered(type) || type->kind == VV_TYPE_BINARY;
}

bool vv_latest_may_keep(const struct vv_read *read)
{
    bool may = read->snapshot == read->table->snapshot;
    for (size_t i = 0; may && i < read->snapshot->schema.fields_len; i++)
        may = is_plain(&read->snapshot->schema.fields[i].type);
    return may;
}

static void add_columns(const int32_t *columns, size_t len, struct vv_buf *text)
{
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(text, "%" PRId32 " ", columns[i]);
    vv_buf_addc(text, '\n');
}

/* All that the rows and their order depend on but the files. */
static varve_status write_question(struct vv_op *op, const struct vv_latest_question *question,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(QUESTION_BYTES_MAX);
    struct vv_buf *text = &buf;
    const struct vv_read *read = question->read;
    const struct vv_metadata *metadata = read->snapshot->metadata;
    add_columns(question->by, question->by_len, text);
    add_columns(read->rules.key, read->rules.key_len, text);
    vv_buf_addf(text, "%" PRId32 " %" PRId32 " %d\n", read->time, read->rules.order,
        (int)read->snapshot->mapping);
    for (size_t i = 0; i < metadata->partition_columns_len; i++) {
        vv_buf_add(text, metadata->partition_columns[i]);
        vv_buf_addc(text, '\n');
    }
    vv_buf_add(text, metadata->id);
    vv_buf_addc(text, '\n');
    vv_buf_add(text, metadata->schema_json);
    if (!vv_buf_ok(text))
        return vv_fail_memory(op);
    *out = vv_arena_str(&op->arena, vv_buf_str(text));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static struct kept *find_kept(struct vv_latest_kept *kept, struct vv_str question)
{
    for (size_t i = 0; kept != NULL && i < kept->len; i++)
        if (vv_str_eq(kept->items[i].question, question))
            return &kept->items[i];
    return NULL;
}

/* Whether a file that both versions have is the same in both, and not just its name. */
static bool is_same(const struct vv_file *a, const struct vv_file *b)
{
    if (a == b)
        return true;
    bool same = a->bytes == b->bytes && a->partition_values.len == b->partition_values.len;
    for (size_t i = 0; same && i < a->partition_values.len; i++) {
        struct vv_str name = a->partition_values.items[i].name;
        struct vv_str value = vv_pairs_get(&b->partition_values, name);
        same = vv_pairs_has(&b->partition_values, name) &&
               (value.ptr == NULL) == (a->partition_values.items[i].value.ptr == NULL) &&
               vv_str_eq(value, a->partition_values.items[i].value);
    }
    return same;
}

static const struct vv_file *find_same(const struct vv_file_set *set,
    const struct vv_file *const *files, const struct vv_file *file)
{
    size_t at = 0;
    bool is_there =
        vv_file_set_find(set, file->key, file->dv_id, &at) && is_same(files[at], file);
    return is_there ? files[at] : NULL;
}

/*
 * What a snapshot has and an older one has not, and the other way round. A snapshot that was
 * refreshed begins with what it has of the older one, mostly all of it.
 */
static varve_status compare(struct vv_op *op, const struct kept *kept,
    const struct vv_snapshot *now, struct vv_latest_base *out)
{
    const struct vv_snapshot *then = kept->snapshot;
    struct vv_latest_source *sources = NULL;
    struct vv_file_set now_set;
    struct vv_file_set then_set;
    size_t same = 0;
    while (same < now->files_len && same < then->files_len &&
           now->files[same] == then->files[same])
        same++;
    const struct vv_file *const *now_files = now->files + same;
    const struct vv_file *const *then_files = then->files + same;
    size_t now_len = now->files_len - same;
    VV_NEW(op, &out->came, const struct vv_file *, now_len + 1);
    VV_NEW(op, &sources, struct vv_latest_source, kept->sources_len + 1);
    VV_TRY(vv_file_set_init(op, &op->arena, then_files, then->files_len - same, &then_set));
    VV_TRY(vv_file_set_init(op, &op->arena, now_files, now_len, &now_set));
    for (size_t i = 0; i < now_len; i++)
        if (find_same(&then_set, then_files, now_files[i]) == NULL)
            out->came[out->came_len++] = now_files[i];
    for (size_t i = 0; i < kept->sources_len; i++) {
        sources[i] = kept->sources[i];
        if (!vv_file_set_has(&then_set, sources[i].file))
            continue; /* before `same`, so it is there */
        sources[i].file = find_same(&now_set, now_files, sources[i].file);
        out->gone_len += sources[i].file == NULL;
    }
    out->sources = sources;
    out->sources_len = kept->sources_len;
    return VARVE_OK;
}

varve_status vv_latest_kept_find(struct vv_op *op, const struct vv_latest_question *question,
    struct vv_latest_base *out)
{
    struct vv_str text;
    struct vv_latest_kept *all = question->read->table->latest;
    *out = (struct vv_latest_base){.answer = NULL};
    if (all == NULL)
        return VARVE_OK;
    VV_TRY(write_question(op, question, &text));
    struct kept *kept = find_kept(all, text);
    if (kept == NULL)
        return VARVE_OK;
    kept->turn = ++all->turns;
    if (kept->snapshot != question->read->snapshot)
        VV_TRY(compare(op, kept, question->read->snapshot, out));
    out->next_number = kept->next_number;
    out->answer = retain(kept->answer);
    return VARVE_OK;
}

void vv_latest_base_done(struct vv_latest_base *base)
{
    vv_latest_answer_release(&base->answer);
}

/* The place for one more question. */
static struct kept *make_room(struct vv_latest_kept *all)
{
    if (all->len < QUESTIONS_MAX)
        return &all->items[all->len++];
    struct kept *oldest = &all->items[0];
    for (size_t i = 1; i < all->len; i++)
        if (all->items[i].turn < oldest->turn)
            oldest = &all->items[i];
    forget(oldest);
    return oldest;
}

/* The place for an answer, empty. NULL: no memory. */
static struct kept *find_room(struct vv_table *table, struct vv_str question)
{
    if (table->latest == NULL)
        table->latest = vv_malloc_zeroed(sizeof(*table->latest));
    if (table->latest == NULL)
        return NULL;
    struct kept *room = find_kept(table->latest, question);
    if (room == NULL)
        return make_room(table->latest);
    forget(room);
    return room;
}

static int64_t bytes_of_others(const struct vv_latest_kept *all, struct vv_str question)
{
    int64_t bytes = 0;
    for (size_t i = 0; all != NULL && i < all->len; i++)
        if (!vv_str_eq(all->items[i].question, question))
            bytes += all->items[i].bytes;
    return bytes;
}

static bool fits(const struct vv_table *table, struct vv_str question, int64_t bytes)
{
    int64_t spare = vv_engine_spare_bytes(table->engine) / SPARE_PART;
    int64_t bytes_max = spare < VV_LATEST_BYTES_MAX ? spare : VV_LATEST_BYTES_MAX;
    return bytes <= bytes_max - bytes_of_others(table->latest, question);
}

static int by_number(const void *a, const void *b)
{
    const struct vv_latest_source *left = a;
    const struct vv_latest_source *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

/* Of each file that rows of the answer lie in its number; the files are not found yet. */
static varve_status read_sources(struct vv_op *op, const struct vv_latest_question *question,
    const struct vv_latest_answer *answer, struct kept *out, bool *out_is_whole)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    uint32_t column = (uint32_t)question->read->snapshot->schema.fields_len;
    size_t len = 0;
    size_t capacity = (size_t)vv_rowset_rows(answer->rowset) + 1;
    struct vv_latest_source *sources = vv_new(&out->arena, struct vv_latest_source, capacity);
    if (sources == NULL)
        return vv_fail_memory(op);
    *out_is_whole = true;
    VV_TRY(vv_rowset_read(op, answer->rowset, &rows));
    for (bool has_row = true; has_row;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        sources[len++].number = vv_rows_int64(rows, column);
        *out_is_whole = *out_is_whole && !vv_rows_bool(rows, column + 1);
    }
    qsort(sources, len, sizeof(*sources), by_number);
    for (size_t i = 0; i < len; i++)
        if (i == 0 || sources[i].number != sources[i - 1].number)
            sources[out->sources_len++].number = sources[i].number;
    out->sources = sources;
    return VARVE_OK;
}

/* Those that were read now, or are sources of the answer before. */
static void find_files(const struct vv_latest_base *base, const struct vv_file *const *files,
    struct kept *kept)
{
    for (size_t i = 0; i < kept->sources_len; i++) {
        struct vv_latest_source *source = &kept->sources[i];
        if (source->number >= base->next_number) {
            source->file = files[source->number - base->next_number];
            continue;
        }
        const struct vv_latest_source *before = bsearch(source, base->sources,
            base->sources_len, sizeof(*base->sources), by_number);
        VV_PRE(before != NULL);
        VV_PRE(before->file != NULL);
        source->file = before->file;
    }
}

varve_status vv_latest_kept_put(struct vv_op *op, const struct vv_latest_question *question,
    const struct vv_latest_base *base, const struct vv_file *const *files, size_t files_len,
    struct vv_latest_answer *answer, bool *out_is_whole)
{
    struct vv_str text;
    VV_CLEANUP(forget)
    struct kept kept = {.arena = VV_ARENA_INIT(2 * QUESTION_BYTES_MAX)};
    struct vv_table *table = question->read->table;
    VV_TRY(read_sources(op, question, answer, &kept, out_is_whole));
    if (!*out_is_whole)
        return VARVE_OK;
    find_files(base, files, &kept);
    VV_TRY(write_question(op, question, &text));
    kept.question = vv_arena_str(&kept.arena, text);
    if (kept.question.ptr == NULL)
        return vv_fail_memory(op);
    kept.bytes = vv_rowset_bytes(answer->rowset) + (int64_t)kept.arena.bytes;
    if (vv_rowset_rows(answer->rowset) > VV_LATEST_ROWS_MAX ||
        !fits(table, kept.question, kept.bytes))
        return VARVE_OK;
    kept.next_number = base->next_number + (int64_t)files_len;
    kept.answer = retain(answer);
    kept.snapshot = vv_snapshot_retain(question->read->snapshot);
    struct kept *room = find_room(table, kept.question);
    if (room == NULL)
        return vv_fail_memory(op);
    kept.turn = ++table->latest->turns;
    *room = kept;
    kept = (struct kept){.turn = 0};
    return VARVE_OK;
}
