/*
 * The files that were read, in the order of their last use, and the columns that are held of them.
 *
 * A file has an entry from its first read on, so that the second is known as such. All fields of
 * entries are guarded by the lock, under which nothing is read, decoded or freed that takes long.
 */
#include "engine/held_inner.h"

#include "base/hash.h"
#include "base/seam.h"

#define BUCKETS 4096 /* a power of two */
/* A file that found no room is the engine's for so many reads. */
#define READS_WITHOUT_ROOM 8
/* Sets of columns of which is known whether they are plain; more come with other schemas alone. */
#define SHAPES_MAX 4

struct shape {
    struct vv_held_key columns;
    int64_t rows; /* -1: not plain */
};

struct slot {
    struct vv_held_key key;
    struct vv_held_column *column; /* with a use */
    struct slot *next;
};

struct entry {
    struct vv_held_key key;
    uint64_t used; /* by which statement last */
    uint64_t reads;
    uint32_t without_room; /* reads that are left to the engine */
    struct shape shapes[SHAPES_MAX];
    size_t shapes_len; /* that were told so far; the oldest goes */
    struct slot *slots;
    size_t bytes;
    struct entry *next; /* of its bucket */
    struct entry *newer, *older;
};

struct vv_held {
    atomic_uint uses;
    atomic_uint_fast64_t turns;
    pthread_mutex_t lock;
    struct entry *newest, *oldest;  /* guarded by: lock */
    struct vv_held_counts counts;   /* guarded by: lock */
    struct entry *buckets[BUCKETS]; /* guarded by: lock */
};

struct vv_held_key vv_held_key(struct vv_str text)
{
    return (struct vv_held_key){text, vv_xxh3(text)};
}

static bool is_same(const struct vv_held_key *a, const struct vv_held_key *b)
{
    return a->hash == b->hash && vv_str_eq(a->text, b->text);
}

/* A copy that is freed by its text; false: no memory. */
static bool key_copy(const struct vv_held_key *key, struct vv_held_key *out)
{
    char *bytes = vv_malloc(key->text.len + 1);
    if (bytes == NULL)
        return false;
    memcpy(bytes, key->text.ptr, key->text.len);
    bytes[key->text.len] = '\0';
    *out = (struct vv_held_key){{bytes, key->text.len}, key->hash};
    return true;
}

/* What a copy takes; nothing for none. */
static size_t key_bytes(const struct vv_held_key *key)
{
    return key->text.ptr != NULL ? key->text.len + 1 : 0;
}

static void key_free(struct vv_held_key *key)
{
    union {
        const char *shared;
        char *own;
    } bytes = {key->text.ptr};
    vv_free(bytes.own);
    *key = (struct vv_held_key){.hash = 0};
}

struct vv_held_column *vv_held_column_new(size_t len)
{
    struct vv_held_column *column = vv_malloc(sizeof(*column));
    duckdb_vector *vectors =
        column != NULL && len > 0 ? vv_malloc_zeroed(len * sizeof(*vectors)) : NULL;
    if (column == NULL || (len > 0 && vectors == NULL)) {
        vv_free(column);
        return NULL;
    }
    *column = (struct vv_held_column){.uses = 1,
        .vectors = vectors,
        .len = len,
        .bytes = sizeof(*column) + len * sizeof(*vectors)};
    return column;
}

void vv_held_column_release(struct vv_held_column **column)
{
    struct vv_held_column *left = VV_MOVE(*column);
    if (left == NULL || atomic_fetch_sub(&left->uses, 1) > 1)
        return;
    for (size_t i = 0; i < left->len; i++)
        if (left->vectors[i] != NULL)
            duckdb_destroy_vector(&left->vectors[i]);
    vv_free(left->vectors);
    vv_free(left);
}

varve_status vv_held_new(struct vv_op *op, size_t bytes_max, struct vv_held **out)
{
    struct vv_held *held = vv_malloc_zeroed(sizeof(*held));
    if (held == NULL)
        return vv_fail_memory(op);
    if (pthread_mutex_init(&held->lock, NULL) != 0) {
        vv_free(held);
        return vv_fail_memory(op);
    }
    atomic_store(&held->uses, 1);
    held->counts.bytes_max = bytes_max;
    *out = held;
    return VARVE_OK;
}

struct vv_held *vv_held_retain(struct vv_held *held)
{
    if (held != NULL)
        atomic_fetch_add(&held->uses, 1);
    return held;
}

static void entry_free(struct entry *entry)
{
    while (entry->slots != NULL) {
        struct slot *slot = entry->slots;
        entry->slots = slot->next;
        key_free(&slot->key);
        vv_held_column_release(&slot->column);
        vv_free(slot);
    }
    for (size_t i = 0; i < SHAPES_MAX; i++)
        key_free(&entry->shapes[i].columns);
    key_free(&entry->key);
    vv_free(entry);
}

void vv_held_release(struct vv_held **held)
{
    struct vv_held *left = VV_MOVE(*held);
    if (left == NULL || atomic_fetch_sub(&left->uses, 1) > 1)
        return;
    vv_held_clear(left);
    pthread_mutex_destroy(&left->lock);
    vv_free(left);
}

struct vv_held_counts vv_held_count(struct vv_held *held)
{
    pthread_mutex_lock(&held->lock);
    struct vv_held_counts counts = held->counts;
    pthread_mutex_unlock(&held->lock);
    return counts;
}

uint64_t vv_held_turn(struct vv_held *held)
{
    return atomic_fetch_add(&held->turns, 1) + 1;
}

/* ---- Under the lock ------------------------------------------------------------------------- */

static struct entry **bucket_of(struct vv_held *held, const struct vv_held_key *key)
{
    return &held->buckets[key->hash & (BUCKETS - 1)];
}

static struct entry *find(struct vv_held *held, const struct vv_held_key *key)
{
    struct entry *entry = *bucket_of(held, key);
    while (entry != NULL && !is_same(&entry->key, key))
        entry = entry->next;
    return entry;
}

/* The same to put something into it: it must not make room for itself. */
static struct entry *find_used(struct vv_held *held, const struct vv_held_key *key,
    uint64_t turn)
{
    struct entry *entry = find(held, key);
    if (entry != NULL && entry->used < turn)
        entry->used = turn;
    return entry;
}

static void unlink_used(struct vv_held *held, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &held->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &held->oldest) = entry->newer;
}

static void link_newest(struct vv_held *held, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = held->newest;
    *(held->newest != NULL ? &held->newest->newer : &held->oldest) = entry;
    held->newest = entry;
}

/* Out of the cache; the caller frees it, without the lock. */
static struct entry *take_out(struct vv_held *held, struct entry *entry)
{
    struct entry **link = bucket_of(held, &entry->key);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    unlink_used(held, entry);
    held->counts.bytes -= entry->bytes;
    held->counts.files -= entry->slots != NULL;
    for (struct slot *slot = entry->slots; slot != NULL; slot = slot->next)
        held->counts.columns--;
    return entry;
}

/* Room for so many bytes more; what had to go for it is put before *gone. */
static bool make_room(struct vv_held *held, size_t bytes, uint64_t turn, struct entry **gone)
{
    if (bytes > held->counts.bytes_max)
        return false;
    while (held->counts.bytes > held->counts.bytes_max - bytes) {
        if (held->oldest == NULL || held->oldest->used >= turn)
            return false;
        struct entry *entry = take_out(held, held->oldest);
        held->counts.evicted += entry->slots != NULL;
        entry->next = *gone;
        *gone = entry;
    }
    return true;
}

static void free_all(struct entry *gone)
{
    while (gone != NULL) {
        struct entry *entry = gone;
        gone = entry->next;
        entry_free(entry);
    }
}

/* A new entry; NULL: no room. */
static struct entry *add(struct vv_held *held, const struct vv_held_key *key, uint64_t turn,
    struct entry **gone)
{
    size_t bytes = sizeof(struct entry) + key_bytes(key);
    struct entry *entry = make_room(held, bytes, turn, gone) ? vv_malloc(sizeof(*entry)) : NULL;
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){.bytes = bytes};
    if (!key_copy(key, &entry->key)) {
        vv_free(entry);
        return NULL;
    }
    struct entry **bucket = bucket_of(held, key);
    entry->next = *bucket;
    *bucket = entry;
    link_newest(held, entry);
    held->counts.bytes += bytes;
    return entry;
}

static enum vv_held_answer answer_of(const struct entry *entry,
    const struct vv_held_key *columns, int64_t *out_rows)
{
    for (size_t i = 0; i < SHAPES_MAX; i++) {
        const struct shape *shape = &entry->shapes[i];
        if (shape->columns.text.ptr == NULL || !is_same(&shape->columns, columns))
            continue;
        *out_rows = shape->rows;
        return shape->rows < 0 ? VV_HELD_NOT : VV_HELD_PLAIN;
    }
    return VV_HELD_UNSURE;
}

/* ---- From outside --------------------------------------------------------------------------- */

enum vv_held_answer vv_held_ask(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *columns, uint64_t turn, bool at_once, int64_t *out_rows)
{
    enum vv_held_answer answer = VV_HELD_NOT;
    struct entry *gone = NULL;
    pthread_mutex_lock(&held->lock);
    struct entry *entry = find(held, file);
    if (entry != NULL) {
        unlink_used(held, entry);
        link_newest(held, entry);
    } else {
        entry = add(held, file, turn, &gone);
    }
    if (entry != NULL) {
        entry->used = entry->used > turn ? entry->used : turn;
        entry->reads++;
        if (entry->without_room > 0)
            entry->without_room--;
        else if (at_once || entry->reads > 1)
            answer = answer_of(entry, columns, out_rows);
    }
    pthread_mutex_unlock(&held->lock);
    free_all(gone);
    return answer;
}

void vv_held_tell(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *columns, uint64_t turn, int64_t rows)
{
    struct vv_held_key copy = {.hash = 0};
    struct entry *gone = NULL;
    if (!key_copy(columns, &copy))
        return;
    pthread_mutex_lock(&held->lock);
    struct entry *entry = find_used(held, file, turn);
    if (entry != NULL && make_room(held, key_bytes(&copy), turn, &gone)) {
        struct shape *shape = &entry->shapes[entry->shapes_len++ % SHAPES_MAX];
        struct vv_held_key old = shape->columns;
        *shape = (struct shape){copy, rows};
        size_t bytes = key_bytes(&copy) - key_bytes(&old); /* may be less than none */
        entry->bytes += bytes;
        held->counts.bytes += bytes;
        copy = old;
    } else if (entry != NULL) {
        entry->without_room = READS_WITHOUT_ROOM;
    }
    pthread_mutex_unlock(&held->lock);
    free_all(gone);
    key_free(&copy);
}

static struct slot *find_slot(const struct entry *entry, const struct vv_held_key *key)
{
    struct slot *slot = entry != NULL ? entry->slots : NULL;
    while (slot != NULL && !is_same(&slot->key, key))
        slot = slot->next;
    return slot;
}

struct vv_held_column *vv_held_find(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *column)
{
    struct vv_held_column *found = NULL;
    pthread_mutex_lock(&held->lock);
    const struct slot *slot = find_slot(find(held, file), column);
    if (slot != NULL) {
        found = slot->column;
        atomic_fetch_add(&found->uses, 1);
        held->counts.hits++;
    } else {
        held->counts.misses++;
    }
    pthread_mutex_unlock(&held->lock);
    return found;
}

void vv_held_put(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *key, uint64_t turn, struct vv_held_column *column)
{
    struct entry *gone = NULL;
    size_t bytes = column->bytes + sizeof(struct slot) + key_bytes(key);
    struct slot *slot = vv_malloc_zeroed(sizeof(*slot));
    if (slot == NULL)
        return;
    if (!key_copy(key, &slot->key)) {
        vv_free(slot);
        return;
    }
    pthread_mutex_lock(&held->lock);
    struct entry *entry = find_used(held, file, turn);
    bool is_there = entry == NULL || find_slot(entry, key) != NULL;
    bool has_room = !is_there && make_room(held, bytes, turn, &gone);
    if (has_room) {
        held->counts.files += entry->slots == NULL;
        held->counts.columns++;
        held->counts.bytes += bytes;
        entry->bytes += bytes;
        atomic_fetch_add(&column->uses, 1);
        slot->column = column;
        slot->next = entry->slots;
        entry->slots = VV_MOVE(slot);
    } else if (!is_there) {
        entry->without_room = READS_WITHOUT_ROOM;
    }
    pthread_mutex_unlock(&held->lock);
    free_all(gone);
    if (slot != NULL)
        key_free(&slot->key);
    vv_free(slot);
}

void vv_held_clear(struct vv_held *held)
{
    struct entry *gone = NULL;
    pthread_mutex_lock(&held->lock);
    while (held->oldest != NULL) {
        struct entry *entry = take_out(held, held->oldest);
        entry->next = gone;
        gone = entry;
    }
    pthread_mutex_unlock(&held->lock);
    free_all(gone);
}
