/*
 * Which commits a link covers, without any I/O: commits are letters. V is Varve's, its link right;
 * F is other software's; B is Varve's with a broken link; C is Varve's with a right chain hash, D
 * with a wrong one; L and G are V and F that only the ledger has; '-' is a version that is gone, '?' one whose bytes
 * the storage does not give.
 */
#include <stdio.h>

#include "harness/test.h"
#include "table/audit/verify_run.h"

struct case_of {
    const char *commits;
    const char *covers; /* c chained, f covered, u uncovered, t tail, l, p, g, b */
};

static const struct case_of cases[] = {
    {"V", "c"},
    {"VVVV", "cccc"},
    {"VFV", "cfc"},
    {"VFFFV", "cuufc"}, /* without a chain hash only the last of a run is covered */
    {"VFFFC", "cfffc"},
    {"VFFFD", "cuufc"},
    {"VFFFCFC", "cfffcfc"},
    {"VF", "ct"},
    {"VFFFCFF", "cfffctt"},
    {"FFFC", "fffc"},
    {"FF", "tt"},
    {"VBV", "bcc"},
    {"VVVBV", "ccbcc"},
    {"VVBBV", "cbbcc"},
    {"VFB", "cbc"},
    {"LLVV", "llcc"},
    {"LGVV", "llcc"},
    {"LGGV", "lplc"},
    {"LGG-V", "lppgc"},
    {"--VV", "ggcc"},
    {"-FFV", "gufc"},
    {"V?V", "cbc"},
    {"VF?V", "cubc"},
    {"V?FC", "cbfc"},
    {"V?", "cb"},
};

static const char letters[] = {[VV_COVER_CHAINED] = 'c',
    [VV_COVER_FOREIGN] = 'f',
    [VV_COVER_UNCOVERED] = 'u',
    [VV_COVER_TAIL] = 't',
    [VV_COVER_LEDGER] = 'l',
    [VV_COVER_UNPROVEN] = 'p',
    [VV_COVER_GONE] = 'g',
    [VV_COVER_BROKEN] = 'b'};

/* The hash of a commit: 64 digits that nobody else has. */
static void hash_of(int64_t version, char out[VV_SHA256_HEX_BYTES])
{
    memset(out, 'a', VV_SHA256_HEX_BYTES - 1);
    out[0] = (char)('0' + version / 10);
    out[1] = (char)('0' + version % 10);
    out[VV_SHA256_HEX_BYTES - 1] = '\0';
}

static void take(struct vv_op *op, struct vv_chain_walk *walk, int64_t version, char kind)
{
    char own[VV_SHA256_HEX_BYTES];
    char before[VV_SHA256_HEX_BYTES];
    char chain[VV_SHA256_HEX_BYTES];
    struct vv_chain_finding found;
    struct vv_commit_info info = {.by_varve = kind != 'F' && kind != 'G',
        .prev_version = version - 1,
        .chain_from = VV_NO_VERSION};
    const struct vv_chain_step step = {version, &info, own, kind == 'L' || kind == 'G', false};
    if (kind == '?') {
        REQUIRE_OK(op,
            vv_chain_walk_step(op, walk, &(struct vv_chain_step){.version = version}, &found));
        return;
    }
    hash_of(version, own);
    hash_of(kind == 'B' ? 99 : version - 1, before);
    memcpy(chain, walk->chain, sizeof(chain));
    if (version > 0)
        info.prev_hash = vv_str_of(before);
    if (kind == 'C' || kind == 'D') {
        chain[0] = kind == 'D' ? '!' : chain[0];
        info.prev_chain = vv_str_of(chain);
        info.chain_from = walk->version - (int64_t)walk->run.len + 1;
    }
    REQUIRE_OK(op, vv_chain_walk_step(op, walk, &step, &found));
    CHECK_INT(found.link == VV_CHAIN_BROKEN, kind == 'B');
    CHECK_INT(found.is_run_broken, kind == 'D');
}

static void check(const struct case_of *one)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    char covers[64] = "";
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_chain_walk walk = {.arena = &op.arena, .version = VV_NO_VERSION};
    for (int64_t version = 0; one->commits[version] != '\0'; version++)
        if (one->commits[version] != '-')
            take(&op, &walk, version, one->commits[version]);
    REQUIRE_OK(&op, vv_chain_walk_end(&op, &walk));
    for (size_t i = 0; i < walk.ranges.len; i++)
        for (int64_t version = walk.ranges.items[i].from; version <= walk.ranges.items[i].to;
             version++)
            covers[version] = letters[walk.ranges.items[i].cover];
    CHECK_STR(vv_str_of(covers), one->covers);
}

TEST(verify_chain, a_link_covers_what_it_reaches_and_no_more)
{
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        printf("# %s\n", cases[i].commits);
        check(&cases[i]);
    }
}
