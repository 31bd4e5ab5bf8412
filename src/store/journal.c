#include "store/journal.h"

void vv_journal_close(struct vv_journal **journal)
{
    if (*journal != NULL)
        (*journal)->ops->close(*journal);
    *journal = NULL;
}

varve_status vv_journal_list(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str **out_names, size_t *out_len)
{
    return journal->ops->list(op, journal, arena, out_names, out_len);
}

varve_status vv_journal_claim(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes, struct vv_journal_file *out)
{
    VV_PRE(bytes > VV_JOURNAL_OWNER_BYTES);
    return journal->ops->claim(op, journal, name, bytes, out);
}

varve_status vv_journal_owner(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out)
{
    return journal->ops->owner(op, journal, arena, name, out);
}

varve_status vv_journal_identity(struct vv_op *op, struct vv_journal_file *file,
    struct vv_journal_identity *out)
{
    return file->journal->ops->identity(op, file, out);
}

varve_status vv_journal_create(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes, struct vv_journal_file *out)
{
    VV_PRE(bytes > 0);
    return journal->ops->create(op, journal, name, bytes, out);
}

varve_status vv_journal_map(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    size_t bytes_max, struct vv_journal_file *out)
{
    return journal->ops->map(op, journal, name, bytes_max, out);
}

varve_status vv_journal_read(struct vv_op *op, struct vv_journal *journal,
    struct vv_arena *arena, struct vv_str name, struct vv_str *out)
{
    return journal->ops->read(op, journal, arena, name, out);
}

varve_status vv_journal_sync(struct vv_op *op, struct vv_journal_file *file)
{
    return file->journal->ops->sync(op, file);
}

varve_status vv_journal_cut(struct vv_op *op, struct vv_journal_file *file, size_t bytes)
{
    VV_PRE(file->writable && bytes <= file->mapped_bytes);
    return file->journal->ops->cut(op, file, bytes);
}

void vv_journal_warm(struct vv_journal_file *file, size_t from, size_t to)
{
    if (to > file->mapped_bytes)
        to = file->mapped_bytes;
    if (from < to)
        file->journal->ops->warm(file, from, to);
}

void vv_journal_shut(struct vv_journal_file *file)
{
    if (file->journal != NULL)
        file->journal->ops->shut(file);
    *file = (struct vv_journal_file){0};
}

varve_status vv_journal_remove(struct vv_op *op, struct vv_journal *journal, struct vv_str name)
{
    return journal->ops->remove(op, journal, name);
}

varve_status vv_journal_rename(struct vv_op *op, struct vv_journal *journal, struct vv_str name,
    struct vv_str new_name)
{
    return journal->ops->rename(op, journal, name, new_name);
}

varve_status vv_journal_sync_folder(struct vv_op *op, struct vv_journal *journal)
{
    return journal->ops->sync_folder(op, journal);
}

void vv_journal_boot(struct vv_journal *journal, unsigned char out[VV_JOURNAL_BOOT_BYTES])
{
    journal->ops->boot(journal, out);
}
