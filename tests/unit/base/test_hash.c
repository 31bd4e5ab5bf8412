#include "base/hash.h"

#include "harness/test.h"

/* FIPS 180-2, RFC 1321, the check value of CRC-32, xxHash's own value of nothing. */
TEST(hash, known_answers)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    char hex[VV_SHA256_HEX_BYTES];
    CHECK_INT(vv_sha256(&op, VV_STR("abc"), hex), VARVE_OK);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_INT(vv_sha256(&op, VV_STR_NONE, hex), VARVE_OK);
    CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_INT(vv_md5(&op, VV_STR("message digest"), hex), VARVE_OK);
    CHECK_STR(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    CHECK_INT(vv_crc32(VV_STR("123456789")), 0xCBF43926);
    CHECK_INT(vv_crc32(VV_STR_NONE), 0);
    CHECK(vv_xxh3(VV_STR("")) == UINT64_C(0x2D06800538D394C2));
    CHECK(vv_xxh3(VV_STR_NONE) == UINT64_C(0x2D06800538D394C2));
}

TEST(hash, a_file_hashes_as_its_bytes)
{
    const char *path = test_path("bytes");
    static const size_t sizes[] = {0, 1, 262143, 262144, 262145, 700001};
    for (size_t i = 0; i < VV_COUNT(sizes); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        char *bytes = vv_new(&op.arena, char, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            bytes[at] = (char)(at * 7 % 251);
        REQUIRE(test_file_write(path, (struct vv_str){bytes, sizes[i]}));
        char want[VV_SHA256_HEX_BYTES];
        char got[VV_SHA256_HEX_BYTES];
        int64_t got_bytes = -1;
        CHECK_INT(vv_sha256(&op, (struct vv_str){bytes, sizes[i]}, want), VARVE_OK);
        CHECK_INT(vv_sha256_file(&op, path, got, &got_bytes), VARVE_OK);
        CHECK_STR(got, want);
        CHECK_INT(got_bytes, sizes[i]);
        CHECK_INT(vv_sha256_file(&op, path, got, NULL), VARVE_OK);
    }
}

TEST(hash, a_file_that_cannot_be_read_is_named)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    char hex[VV_SHA256_HEX_BYTES] = "untouched";
    int64_t bytes = 42;
    CHECK_INT(vv_sha256_file(&op, "no/such/file", hex, &bytes), VARVE_ENOTFOUND);
    CHECK(strstr(op.error.message, "no/such/file") != NULL);
    vv_forgive(&op);
    CHECK_INT(vv_sha256_file(&op, test_dir(), hex, &bytes), VARVE_EIO);
    CHECK_STR(hex, "untouched");
    CHECK_INT(bytes, 42);
}

TEST(hash, a_long_file_can_be_cancelled)
{
    atomic_bool cancel = true;
    struct vv_env env = *vv_env_system();
    env.cancel = &cancel;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
    char hex[VV_SHA256_HEX_BYTES];
    CHECK_INT(vv_sha256_file(&op, "/proc/self/exe", hex, NULL), VARVE_EINTERRUPTED);
}
