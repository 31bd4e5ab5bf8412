/*
 * The state of a table by the plainest of rules: its commits are taken forwards, one after the other, as
 * the protocol tells it. Replay goes backwards, stops at checkpoints and takes over what was there.
 */
#ifndef VARVE_FUZZ_LOG_MODEL_H
#define VARVE_FUZZ_LOG_MODEL_H

#include "delta/list.h"
#include "delta/snapshot.h"

/* A file with what its line does not tell. */
static inline uint64_t origin_of(const struct vv_file *file)
{
    return file->hash ^ ((uint64_t)file->added_version << 1 | file->by_varve);
}

static inline uint64_t origins_of(const struct vv_snapshot *snapshot)
{
    uint64_t sum = 0; /* they are in no order */
    for (size_t i = 0; i < snapshot->files_len; i++)
        sum += origin_of(snapshot->files[i]);
    return sum;
}

struct model {
    VV_ACTION_LIST(struct vv_file) files;
    VV_ACTION_LIST(struct vv_txn) txns;
    VV_ACTION_LIST(struct vv_domain) domains;
    int64_t version;
    bool is_lost; /* a commit is missing or damaged */
};

#define DROP(list, i) ((list)->items[i] = (list)->items[--(list)->len])

static inline void model_remove(struct model *model, const struct vv_remove *remove)
{
    for (size_t i = model->files.len; i > 0; i--)
        if (vv_str_eq(model->files.items[i - 1].key, remove->key) &&
            vv_str_eq(model->files.items[i - 1].dv_id, remove->dv_id))
            DROP(&model->files, i - 1);
}

static inline void model_add(struct vv_op *op, struct model *model, const struct vv_file *file)
{
    for (size_t i = model->files.len; i > 0; i--)
        if (vv_str_eq(model->files.items[i - 1].key, file->key))
            DROP(&model->files, i - 1);
    struct vv_file *item = VV_LIST_NEW(&op->arena, &model->files);
    VV_PRE(item != NULL);
    *item = *file;
}

static inline void model_rest(struct vv_op *op, struct model *model,
    const struct vv_actions *actions)
{
    for (size_t i = 0; i < actions->txns.len; i++) {
        for (size_t j = model->txns.len; j > 0; j--)
            if (vv_str_eq(model->txns.items[j - 1].app_id, actions->txns.items[i].app_id))
                DROP(&model->txns, j - 1);
        struct vv_txn *txn = VV_LIST_NEW(&op->arena, &model->txns);
        VV_PRE(txn != NULL);
        *txn = actions->txns.items[i];
    }
    for (size_t i = 0; i < actions->domains.len; i++) {
        for (size_t j = model->domains.len; j > 0; j--)
            if (vv_str_eq(model->domains.items[j - 1].domain, actions->domains.items[i].domain))
                DROP(&model->domains, j - 1);
        if (actions->domains.items[i].removed)
            continue;
        struct vv_domain *domain = VV_LIST_NEW(&op->arena, &model->domains);
        VV_PRE(domain != NULL);
        *domain = actions->domains.items[i];
    }
}

static inline void model_commit(struct vv_op *op, struct model *model, int64_t version,
    struct vv_str bytes)
{
    struct vv_actions actions = {0};
    model->is_lost = model->is_lost || version != model->version + 1;
    model->version = version;
    if (model->is_lost)
        return;
    if (vv_actions_parse(op, &op->arena, version, bytes, &actions) != VARVE_OK) {
        vv_forgive(op);
        model->is_lost = true;
        return;
    }
    for (size_t i = 0; i < actions.removes.len; i++)
        model_remove(model, &actions.removes.items[i]);
    for (size_t i = 0; i < actions.adds.len; i++)
        model_add(op, model, &actions.adds.items[i]);
    model_rest(op, model, &actions);
}

static inline uint64_t hash_txn(const struct vv_txn *txn)
{
    return vv_str_hash(txn->app_id) ^ (uint64_t)txn->version << 1;
}

static inline uint64_t hash_domain(const struct vv_domain *domain)
{
    return vv_str_hash(domain->domain) ^ vv_str_hash(domain->configuration) << 1;
}

static inline void check_model(const struct model *model, const struct vv_snapshot *snapshot)
{
    uint64_t files = origins_of(snapshot);
    uint64_t rest = 0;
    VV_PRE(model->files.len == snapshot->files_len);
    VV_PRE(model->txns.len == snapshot->txns_len);
    VV_PRE(model->domains.len == snapshot->domains_len);
    for (size_t i = 0; i < model->files.len; i++)
        files -= origin_of(&model->files.items[i]);
    for (size_t i = 0; i < model->txns.len; i++)
        rest += hash_txn(snapshot->txns[i]) - hash_txn(&model->txns.items[i]);
    for (size_t i = 0; i < model->domains.len; i++)
        rest += hash_domain(snapshot->domains[i]) - hash_domain(&model->domains.items[i]);
    VV_PRE(files == 0 && rest == 0);
}

#endif
