/*
 * A snapshot as text: one action a line, sorted, in the form in which a commit would have it.
 * What tells how the snapshot was made (from a checkpoint or not) is left out, so that two ways
 * to the same state give the same text.
 */
#ifndef VARVE_TEST_STATE_TEXT_H
#define VARVE_TEST_STATE_TEXT_H

#include <stdlib.h>

#include "delta/snapshot.h"

static inline int state_text_by_line(const void *a, const void *b)
{
    return vv_str_cmp(*(const struct vv_str *)a, *(const struct vv_str *)b);
}

static inline int state_text_by_name(const void *a, const void *b)
{
    return vv_str_cmp(((const struct vv_pair *)a)->name, ((const struct vv_pair *)b)->name);
}

/* The pairs by name: a map in a checkpoint has no order. */
static inline struct vv_pairs state_text_sorted(struct vv_arena *arena, struct vv_pairs pairs)
{
    struct vv_pair *items = vv_new(arena, struct vv_pair, pairs.len + 1);
    for (size_t i = 0; i < pairs.len; i++)
        items[i] = pairs.items[i];
    qsort(items, pairs.len, sizeof(*items), state_text_by_name);
    return (struct vv_pairs){items, pairs.len};
}

static inline struct vv_str state_text_line(struct vv_arena *arena, struct vv_buf *buf)
{
    struct vv_str line = vv_arena_str(arena, vv_buf_str(buf));
    vv_buf_clear(buf);
    return line;
}

static inline void state_text_add_sorted(struct vv_str *lines, size_t len, struct vv_buf *out)
{
    qsort(lines, len, sizeof(*lines), state_text_by_line);
    for (size_t i = 0; i < len; i++)
        vv_buf_add(out, lines[i]);
}

static inline void state_text_add_files(const struct vv_snapshot *snapshot,
    struct vv_arena *arena, struct vv_buf *out)
{
    struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str *lines = vv_new(arena, struct vv_str, snapshot->files_len + 1);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        struct vv_file file = *snapshot->files[i];
        file.data_change = true;
        file.partition_values = state_text_sorted(arena, file.partition_values);
        file.tags = state_text_sorted(arena, file.tags);
        vv_action_write_add(&file, &buf);
        lines[i] = state_text_line(arena, &buf);
    }
    state_text_add_sorted(lines, snapshot->files_len, out);
    vv_buf_done(&buf);
}

static inline void state_text_add_tombstones(const struct vv_snapshot *snapshot, bool with_tags,
    struct vv_arena *arena, struct vv_buf *out)
{
    struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str *lines = vv_new(arena, struct vv_str, snapshot->tombstones_len + 1);
    for (size_t i = 0; i < snapshot->tombstones_len; i++) {
        struct vv_remove remove = *snapshot->tombstones[i];
        remove.data_change = true;
        remove.partition_values = state_text_sorted(arena, remove.partition_values);
        remove.tags = with_tags ? state_text_sorted(arena, remove.tags) : (struct vv_pairs){0};
        vv_action_write_remove(&remove, &buf);
        lines[i] = state_text_line(arena, &buf);
    }
    state_text_add_sorted(lines, snapshot->tombstones_len, out);
    vv_buf_done(&buf);
}

static inline void state_text_add_rest(const struct vv_snapshot *snapshot,
    struct vv_arena *arena, struct vv_buf *out)
{
    struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    size_t len = snapshot->txns_len + snapshot->domains_len;
    struct vv_str *lines = vv_new(arena, struct vv_str, len + 1);
    struct vv_metadata metadata = *snapshot->metadata;
    metadata.configuration = state_text_sorted(arena, metadata.configuration);
    vv_action_write_protocol(snapshot->protocol, out);
    vv_action_write_metadata(&metadata, out);
    for (size_t i = 0; i < snapshot->txns_len; i++) {
        vv_action_write_txn(snapshot->txns[i], &buf);
        lines[i] = state_text_line(arena, &buf);
    }
    for (size_t i = 0; i < snapshot->domains_len; i++) {
        vv_action_write_domain(snapshot->domains[i], &buf);
        lines[snapshot->txns_len + i] = state_text_line(arena, &buf);
    }
    state_text_add_sorted(lines, len, out);
    vv_buf_done(&buf);
}

/* `with_tags`: those of tombstones, which a checkpoint does not keep. */
static inline void state_text(const struct vv_snapshot *snapshot, bool with_tags,
    struct vv_arena *arena, struct vv_buf *out)
{
    vv_buf_addf(out, "{\"version\":%" PRId64 "}\n", snapshot->version);
    state_text_add_rest(snapshot, arena, out);
    state_text_add_files(snapshot, arena, out);
    state_text_add_tombstones(snapshot, with_tags, arena, out);
}

#endif
