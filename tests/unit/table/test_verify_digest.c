#include <stdio.h>

#include "harness/test.h"
#include "table/audit/verify_run.h"

static uint64_t digest_of(const char *line)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    uint64_t digest = 0;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_verify_digest(&op, vv_str_of(line), &digest));
    return digest;
}

TEST(verify_digest, texts_that_say_the_same_are_equal)
{
    static const char *const same[][2] = {
        {"{\"a\":1,\"b\":null}", "{\"a\":1.0}"},
        {"{\"a\":1,\"b\":\"x\"}", "{\"b\":\"x\",\"a\":1e0}"},
        {"{\"t\":\"2025-01-01T00:00:00Z\"}", "{\"t\":\"2025-01-01 00:00:00+00\"}"},
        {"{\"a\":0.50}", "{\"a\":5e-1}"},
        /* the shortest text of a float, and the double that it is */
        {"{\"a\":0.1}", "{\"a\":0.10000000149011612}"},
        {"{\"a\":-16777.217}", "{\"a\":-16777.216796875}"},
        {"{\"a\":1.0000001e-30}", "{\"a\":1.000000097210625e-30}"},
        {"{\"a\":3.4028235e38}", "{\"a\":3.4028234663852886e38}"},
    };
    for (size_t i = 0; i < VV_COUNT(same); i++)
        if (!CHECK(digest_of(same[i][0]) == digest_of(same[i][1])))
            printf("# %s and %s\n", same[i][0], same[i][1]);
}

TEST(verify_digest, texts_that_say_something_else_differ)
{
    static const char *const others[][2] = {
        {"{\"a\":1}", "{\"a\":\"1\"}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":0.1}", "{\"a\":0.1000000014901163}"},  /* no float */
        {"{\"a\":0.1}", "{\"a\":0.10000000894069672}"}, /* the next one */
        {"{\"a\":1e300}", "{\"a\":1.0000000000000002e300}"},
    };
    for (size_t i = 0; i < VV_COUNT(others); i++)
        if (!CHECK(digest_of(others[i][0]) != digest_of(others[i][1])))
            printf("# %s and %s\n", others[i][0], others[i][1]);
}
