#include "harness/lossy.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/seam.h"

#define BLOCK_BYTES 512
#define NAME_BYTES_MAX 64
#define FILES_MAX 4096

/* What one block went through since it was last synced. */
struct block {
    bool is_dirty;
    bool has_between;
    unsigned char between[BLOCK_BYTES];
};

struct file {
    char name[NAME_BYTES_MAX];
    bool is_named, is_named_on_disk;
    size_t bytes, bytes_on_disk; /* length */
    size_t room;                 /* of the arrays below, in bytes; a multiple of a block */
    unsigned char *now;          /* the cache, mapped by the process */
    unsigned char *seen;         /* `now` when it was last looked at */
    unsigned char *disk;
    struct block *blocks;
    bool is_locked;
};

struct lossy_disk {
    pthread_mutex_t lock;
    struct file *files[FILES_MAX];
    size_t files_len;
    unsigned char boot;
    uint64_t observations;
    uint64_t syncs_until_failure, syncs_failing;
    void (*at)(void *data, const char *call);
    void *at_data;
};

struct mount {
    struct vv_journal journal;
    struct lossy_disk *disk;
};

static struct lossy_disk *disk_of(struct vv_journal *journal)
{
    return ((struct mount *)journal)->disk;
}

static void *need(void *memory)
{
    VV_PRE(memory != NULL);
    return memory;
}

static void tell(struct lossy_disk *disk, const char *call)
{
    if (disk->at != NULL)
        disk->at(disk->at_data, call);
}

static void file_free(struct file *file)
{
    free(file->now);
    free(file->seen);
    free(file->disk);
    free(file->blocks);
    free(file);
}

static struct file *file_new(const char *name, size_t room)
{
    struct file *file = need(calloc(1, sizeof(*file)));
    room = (room + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    file->room = room;
    file->now = need(calloc(1, room + 1));
    file->seen = need(calloc(1, room + 1));
    file->disk = need(calloc(1, room + 1));
    file->blocks = need(calloc(room / BLOCK_BYTES + 1, sizeof(struct block)));
    return file;
}

static struct file *add(struct lossy_disk *disk, struct file *file)
{
    VV_PRE(disk->files_len < FILES_MAX);
    disk->files[disk->files_len++] = file;
    return file;
}

static struct file *find(struct lossy_disk *disk, struct vv_str name)
{
    for (size_t i = 0; i < disk->files_len; i++)
        if (disk->files[i]->is_named && vv_str_eq(vv_str_of(disk->files[i]->name), name))
            return disk->files[i];
    return NULL;
}

/* Notes the blocks that were written to since the last look. With the lock. */
static void observe(struct lossy_disk *disk)
{
    disk->observations++;
    for (size_t i = 0; i < disk->files_len; i++) {
        struct file *file = disk->files[i];
        for (size_t at = 0; at < file->room; at += BLOCK_BYTES) {
            struct block *block = &file->blocks[at / BLOCK_BYTES];
            if (memcmp(file->now + at, file->seen + at, BLOCK_BYTES) == 0)
                continue;
            /* One of the versions in between is remembered; which, changes with time. */
            if (block->is_dirty && (!block->has_between || disk->observations % 3 == 0)) {
                memcpy(block->between, file->seen + at, BLOCK_BYTES);
                block->has_between = true;
            }
            memcpy(file->seen + at, file->now + at, BLOCK_BYTES);
            block->is_dirty = true;
        }
    }
}

void lossy_disk_observe(struct lossy_disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    pthread_mutex_unlock(&disk->lock);
}

static varve_status lossy_list(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str **out_names, size_t *out_len)
{
    struct lossy_disk *disk = disk_of(journal);
    struct vv_str *names = vv_new(arena, struct vv_str, FILES_MAX);
    size_t len = 0;
    if (names == NULL)
        return vv_fail_memory(op);
    pthread_mutex_lock(&disk->lock);
    for (size_t i = 0; i < disk->files_len; i++)
        if (disk->files[i]->is_named)
            names[len++] = vv_arena_str(arena, vv_str_of(disk->files[i]->name));
    pthread_mutex_unlock(&disk->lock);
    *out_names = names;
    *out_len = len;
    return VARVE_OK;
}

static struct vv_journal_file handle(struct vv_journal *journal, struct file *file,
    size_t bytes, bool writable)
{
    return (struct vv_journal_file){
        .journal = journal,
        .bytes = file->now,
        .mapped_bytes = bytes,
        .writable = writable,
        .fd = -1,
        .disk = file,
    };
}

static varve_status make(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes, struct vv_journal_file *out)
{
    struct lossy_disk *disk = disk_of(journal);
    char text[NAME_BYTES_MAX];
    (void)snprintf(text, sizeof(text), "%.*s", VV_ARG(name));
    pthread_mutex_lock(&disk->lock);
    bool is_there = find(disk, name) != NULL;
    if (!is_there) {
        struct file *file = add(disk, file_new(text, bytes));
        file->is_named = true;
        file->bytes = bytes;
        *out = handle(journal, file, bytes, true);
    }
    pthread_mutex_unlock(&disk->lock);
    return is_there ? vv_fail(op, VARVE_EIO, "cannot create %s: it is there", text) : VARVE_OK;
}

static varve_status lossy_create(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name, size_t bytes, struct vv_journal_file *out)
{
    tell(disk_of(journal), "before create");
    varve_status status = make(op, journal, name, bytes, out);
    tell(disk_of(journal), "after create");
    return status;
}

static varve_status lossy_claim(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name, size_t bytes, struct vv_journal_file *out)
{
    struct lossy_disk *disk = disk_of(journal);
    pthread_mutex_lock(&disk->lock);
    struct file *file = find(disk, name);
    pthread_mutex_unlock(&disk->lock);
    if (file == NULL)
        VV_TRY(make(op, journal, name, bytes, out));
    else if (file->is_locked)
        return vv_fail(op, VARVE_ECONFLICT, "the disk in memory is in use");
    else if (file->room < bytes)
        return vv_fail(op, VARVE_EIO, "a header that lost its length is not modelled");
    file = file != NULL ? file : out->disk;
    file->is_locked = true;
    file->bytes = bytes;
    *out = handle(journal, file, bytes, true);
    return VARVE_OK;
}

static varve_status lossy_owner(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out)
{
    (void)op;
    (void)journal;
    (void)arena;
    (void)name;
    *out = VV_STR_NONE;
    return VARVE_OK;
}

static varve_status lossy_identity(struct vv_op *op, struct vv_journal_file *file,
    struct vv_journal_identity *out)
{
    (void)op;
    (void)file;
    *out = (struct vv_journal_identity){4711, 1};
    return VARVE_OK;
}

static varve_status lossy_map(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes_max, struct vv_journal_file *out)
{
    struct lossy_disk *disk = disk_of(journal);
    pthread_mutex_lock(&disk->lock);
    struct file *file = find(disk, name);
    pthread_mutex_unlock(&disk->lock);
    if (file == NULL)
        return vv_fail(op, VARVE_ENOTFOUND, "%.*s is not there", VV_ARG(name));
    size_t bytes = bytes_max > 0 && file->bytes > bytes_max ? bytes_max : file->bytes;
    *out = handle(journal, file, bytes, false);
    return VARVE_OK;
}

static varve_status lossy_read(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out)
{
    struct vv_journal_file file;
    VV_TRY(lossy_map(op, journal, name, 0, &file));
    *out = vv_arena_str(arena, (struct vv_str){(const char *)file.bytes, file.mapped_bytes});
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static bool sync_fails(struct lossy_disk *disk)
{
    if (disk->syncs_until_failure > 1) {
        disk->syncs_until_failure--;
        return false;
    }
    if (disk->syncs_until_failure == 0)
        return false;
    if (--disk->syncs_failing == 0)
        disk->syncs_until_failure = 0;
    return true;
}

static varve_status lossy_sync(struct vv_op *op, struct vv_journal_file *handle_)
{
    struct lossy_disk *disk = disk_of(handle_->journal);
    struct file *file = handle_->disk;
    tell(disk, "before sync");
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    bool fails = sync_fails(disk);
    for (size_t i = 0; i < file->room / BLOCK_BYTES; i++) {
        struct block *block = &file->blocks[i];
        /* After a failure they are clean, and were written nowhere. */
        if (block->is_dirty && !fails)
            memcpy(file->disk + i * BLOCK_BYTES, file->now + i * BLOCK_BYTES, BLOCK_BYTES);
        block->is_dirty = false;
        block->has_between = false;
    }
    if (!fails)
        file->bytes_on_disk = file->bytes;
    pthread_mutex_unlock(&disk->lock);
    tell(disk, "after sync");
    return fails ? vv_fail(op, VARVE_EIO, "the disk in memory failed a sync") : VARVE_OK;
}

static varve_status lossy_cut_file(struct vv_op *op, struct vv_journal_file *handle_,
    size_t bytes)
{
    struct lossy_disk *disk = disk_of(handle_->journal);
    struct file *file = handle_->disk;
    (void)op;
    tell(disk, "before cut");
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    memset(file->now + bytes, 0, file->room - bytes);
    file->bytes = bytes;
    handle_->mapped_bytes = bytes;
    pthread_mutex_unlock(&disk->lock);
    tell(disk, "after cut");
    return VARVE_OK;
}

static void lossy_warm(struct vv_journal_file *file, size_t from, size_t to)
{
    (void)file;
    (void)from;
    (void)to;
}

static void lossy_shut(struct vv_journal_file *handle_)
{
    struct file *file = handle_->disk;
    if (file != NULL && handle_->writable)
        file->is_locked = false;
}

static varve_status lossy_remove(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name)
{
    struct lossy_disk *disk = disk_of(journal);
    (void)op;
    tell(disk, "before remove");
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    struct file *file = find(disk, name);
    if (file != NULL)
        file->is_named = false;
    pthread_mutex_unlock(&disk->lock);
    tell(disk, "after remove");
    return VARVE_OK;
}

/* The two names are independent until the folder is synced: worse than any disk. */
static varve_status lossy_rename(struct vv_op *op, struct vv_journal *journal,
    struct vv_str name, struct vv_str new_name)
{
    struct lossy_disk *disk = disk_of(journal);
    char text[NAME_BYTES_MAX];
    (void)snprintf(text, sizeof(text), "%.*s", VV_ARG(new_name));
    tell(disk, "before rename");
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    struct file *from = find(disk, name);
    bool is_fine = from != NULL && find(disk, new_name) == NULL;
    if (is_fine) {
        struct file *file = add(disk, file_new(text, from->room));
        file->bytes = from->bytes;
        file->bytes_on_disk = from->bytes_on_disk;
        memcpy(file->now, from->now, from->room);
        memcpy(file->seen, from->seen, from->room);
        memcpy(file->disk, from->disk, from->room);
        memcpy(file->blocks, from->blocks, from->room / BLOCK_BYTES * sizeof(struct block));
        file->is_named = true;
        from->is_named = false;
    }
    pthread_mutex_unlock(&disk->lock);
    tell(disk, "after rename");
    return is_fine ? VARVE_OK : vv_fail(op, VARVE_EIO, "cannot rename to %s", text);
}

static varve_status lossy_sync_folder(struct vv_op *op, struct vv_journal *journal)
{
    struct lossy_disk *disk = disk_of(journal);
    tell(disk, "before sync_folder");
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    bool fails = sync_fails(disk);
    for (size_t i = 0; i < disk->files_len && !fails; i++)
        disk->files[i]->is_named_on_disk = disk->files[i]->is_named;
    pthread_mutex_unlock(&disk->lock);
    tell(disk, "after sync_folder");
    return fails ? vv_fail(op, VARVE_EIO, "the disk in memory failed a sync") : VARVE_OK;
}

static void lossy_boot(struct vv_journal *journal, unsigned char out[VV_JOURNAL_BOOT_BYTES])
{
    memset(out, disk_of(journal)->boot, VV_JOURNAL_BOOT_BYTES);
}

static void lossy_close(struct vv_journal *journal)
{
    free(journal);
}

static const struct vv_journal_ops lossy_ops = {
    .list = lossy_list,
    .claim = lossy_claim,
    .owner = lossy_owner,
    .identity = lossy_identity,
    .create = lossy_create,
    .map = lossy_map,
    .read = lossy_read,
    .sync = lossy_sync,
    .cut = lossy_cut_file,
    .warm = lossy_warm,
    .shut = lossy_shut,
    .remove = lossy_remove,
    .rename = lossy_rename,
    .sync_folder = lossy_sync_folder,
    .boot = lossy_boot,
    .close = lossy_close,
};

struct lossy_disk *lossy_disk_new(void)
{
    struct lossy_disk *disk = need(calloc(1, sizeof(*disk)));
    VV_PRE(pthread_mutex_init(&disk->lock, NULL) == 0);
    disk->boot = 1;
    return disk;
}

void lossy_disk_free(struct lossy_disk *disk)
{
    for (size_t i = 0; i < disk->files_len; i++)
        file_free(disk->files[i]);
    (void)pthread_mutex_destroy(&disk->lock);
    free(disk);
}

struct vv_journal *lossy_disk_mount(struct lossy_disk *disk)
{
    struct mount *mount = need(calloc(1, sizeof(*mount)));
    mount->journal = (struct vv_journal){&lossy_ops, VV_STR("/lossy")};
    mount->disk = disk;
    return &mount->journal;
}

void lossy_disk_fail_sync(struct lossy_disk *disk, uint64_t nth, uint64_t count)
{
    pthread_mutex_lock(&disk->lock);
    disk->syncs_until_failure = nth;
    disk->syncs_failing = count;
    pthread_mutex_unlock(&disk->lock);
}

void lossy_disk_watch(struct lossy_disk *disk, void (*at)(void *data, const char *call),
    void *data)
{
    disk->at = at;
    disk->at_data = data;
}

/* Deals out the fates of one disk in the order of its units; NULL: only counts. */
struct dealer {
    const unsigned char *fates;
    size_t dealt;
};

static unsigned deal(struct dealer *dealer)
{
    size_t index = dealer->dealt++;
    return dealer->fates != NULL ? dealer->fates[index] : LOSSY_DROP;
}

/* A name that was made may be lost; one that was removed may be there again. */
static bool is_found(const struct file *file, struct dealer *dealer)
{
    if (file->is_named == file->is_named_on_disk)
        return file->is_named;
    return deal(dealer) == LOSSY_KEEP ? file->is_named : file->is_named_on_disk;
}

static void decide_block(const struct file *file, size_t at, unsigned fate, unsigned char *out)
{
    const struct block *block = &file->blocks[at / BLOCK_BYTES];
    memcpy(out, file->disk + at, BLOCK_BYTES);
    if (fate == LOSSY_KEEP)
        memcpy(out, file->seen + at, BLOCK_BYTES);
    else if (fate == LOSSY_TEAR)
        memcpy(out, file->seen + at, BLOCK_BYTES / 2 + at / BLOCK_BYTES % 7 * 8);
    else if (fate == LOSSY_BETWEEN && block->has_between)
        memcpy(out, block->between, BLOCK_BYTES);
}

/* The file as it is found, or NULL. */
static struct file *file_after(const struct file *file, struct dealer *dealer)
{
    if (!file->is_named && !file->is_named_on_disk)
        return NULL;
    bool is_there = is_found(file, dealer);
    size_t bytes = file->bytes_on_disk;
    if (file->bytes != file->bytes_on_disk && deal(dealer) == LOSSY_KEEP)
        bytes = file->bytes;
    struct file *after = file_new(file->name, file->room);
    for (size_t at = 0; at < file->room; at += BLOCK_BYTES) {
        const struct block *block = &file->blocks[at / BLOCK_BYTES];
        decide_block(file, at, block->is_dirty ? deal(dealer) : LOSSY_DROP, after->disk + at);
    }
    memset(after->disk + bytes, 0, after->room - bytes);
    memcpy(after->now, after->disk, after->room);
    memcpy(after->seen, after->disk, after->room);
    after->bytes = after->bytes_on_disk = bytes;
    after->is_named = after->is_named_on_disk = true;
    if (is_there)
        return after;
    file_free(after);
    return NULL;
}

size_t lossy_disk_units(struct lossy_disk *disk)
{
    struct dealer dealer = {0};
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    for (size_t i = 0; i < disk->files_len; i++) {
        struct file *after = file_after(disk->files[i], &dealer);
        if (after != NULL)
            file_free(after);
    }
    pthread_mutex_unlock(&disk->lock);
    return dealer.dealt;
}

struct lossy_disk *lossy_disk_cut(struct lossy_disk *disk, const unsigned char *fates)
{
    struct lossy_disk *after = lossy_disk_new();
    struct dealer dealer = {.fates = fates};
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    after->boot = (unsigned char)(disk->boot + 1);
    for (size_t i = 0; i < disk->files_len; i++) {
        struct file *file = file_after(disk->files[i], &dealer);
        if (file == NULL)
            continue;
        /* Of two files of a name, one removed and one made since, the entry has the later one. */
        struct file *other = find(after, vv_str_of(file->name));
        if (other != NULL)
            other->is_named = other->is_named_on_disk = false;
        (void)add(after, file);
    }
    pthread_mutex_unlock(&disk->lock);
    return after;
}

struct lossy_disk *lossy_disk_kill(struct lossy_disk *disk)
{
    struct lossy_disk *after = lossy_disk_new();
    pthread_mutex_lock(&disk->lock);
    observe(disk);
    after->boot = disk->boot;
    for (size_t i = 0; i < disk->files_len; i++) {
        const struct file *from = disk->files[i];
        if (!from->is_named && !from->is_named_on_disk)
            continue;
        struct file *file = file_new(from->name, from->room);
        file->is_named = from->is_named;
        file->is_named_on_disk = from->is_named_on_disk;
        file->bytes = from->bytes;
        file->bytes_on_disk = from->bytes_on_disk;
        memcpy(file->now, from->seen, from->room);
        memcpy(file->seen, from->seen, from->room);
        memcpy(file->disk, from->disk, from->room);
        memcpy(file->blocks, from->blocks, from->room / BLOCK_BYTES * sizeof(struct block));
        (void)add(after, file);
    }
    pthread_mutex_unlock(&disk->lock);
    return after;
}
