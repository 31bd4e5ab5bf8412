#include "base/sign.h"

#include "harness/test.h"

struct keys {
    struct vv_op op;
    struct vv_buf secret, open;
};

static bool keys_init(struct keys *keys)
{
    *keys = (struct keys){.secret = VV_BUF_INIT(4096), .open = VV_BUF_INIT(4096)};
    vv_op_init(&keys->op, NULL, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(&keys->op, vv_sign_keygen(&keys->op, &keys->secret, &keys->open));
}

static void keys_done(struct keys *keys)
{
    vv_buf_done(&keys->secret);
    vv_buf_done(&keys->open);
    vv_op_done(&keys->op);
}

TEST(sign, is_valid_for_that_text_and_that_key_alone)
{
    VV_CLEANUP(keys_done) struct keys keys;
    VV_CLEANUP(keys_done) struct keys other;
    char signature[VV_SIGNATURE_BYTES];
    char again[VV_SIGNATURE_BYTES];
    bool is_valid = false;
    REQUIRE(keys_init(&keys) && keys_init(&other));
    struct vv_op *op = &keys.op;
    struct vv_str secret = vv_buf_str(&keys.secret);
    struct vv_str open = vv_buf_str(&keys.open);
    REQUIRE_OK(op, vv_sign(op, secret, VV_STR("head"), signature));
    REQUIRE_OK(op, vv_sign(op, secret, VV_STR("head"), again));
    CHECK_STR(vv_str_of(again), signature);
    struct vv_str given = vv_str_of(signature);
    REQUIRE_OK(op, vv_sign_check(op, open, VV_STR("head"), given, &is_valid));
    CHECK(is_valid);
    REQUIRE_OK(op, vv_sign_check(op, open, VV_STR("heaD"), given, &is_valid));
    CHECK(!is_valid);
    is_valid = true;
    REQUIRE_OK(op,
        vv_sign_check(op, vv_buf_str(&other.open), VV_STR("head"), given, &is_valid));
    CHECK(!is_valid);
    for (size_t i = 0; i < 85; i++) { /* the last digit has bits that stand for nothing */
        char bytes[VV_SIGNATURE_BYTES];
        memcpy(bytes, signature, sizeof(bytes));
        bytes[i] = bytes[i] == 'B' ? 'C' : 'B';
        is_valid = true;
        REQUIRE_OK(op, vv_sign_check(op, open, VV_STR("head"), vv_str_of(bytes), &is_valid));
        CHECK(!is_valid);
    }
}

TEST(sign, refuses_what_is_no_key_and_no_signature)
{
    VV_CLEANUP(keys_done) struct keys keys;
    char signature[VV_SIGNATURE_BYTES];
    bool is_valid = false;
    REQUIRE(keys_init(&keys));
    struct vv_op *op = &keys.op;
    struct vv_str open = vv_buf_str(&keys.open);
    CHECK_FAILS(op, vv_sign(op, open, VV_STR("x"), signature), VARVE_EUSAGE);
    CHECK_FAILS(op, vv_sign(op, VV_STR(""), VV_STR("x"), signature), VARVE_EUSAGE);
    CHECK_FAILS(op, vv_sign_check(op, open, VV_STR("x"), VV_STR("short"), &is_valid),
        VARVE_EUSAGE);
    REQUIRE_OK(op, vv_sign(op, vv_buf_str(&keys.secret), VV_STR("x"), signature));
    CHECK_FAILS(op,
        vv_sign_check(op, vv_buf_str(&keys.secret), VV_STR("x"), vv_str_of(signature),
            &is_valid),
        VARVE_EUSAGE);
}
