#include "delta/path.h"

#include "harness/prop.h"
#include "harness/test.h"

static struct vv_str folder_of(struct vv_str column, struct vv_str value, struct vv_buf *buf)
{
    vv_buf_clear(buf);
    vv_path_partition_folder(column, value, buf);
    return vv_buf_str(buf);
}

static struct vv_str encoded(struct vv_str key, struct vv_buf *buf)
{
    vv_buf_clear(buf);
    vv_path_encode(key, buf);
    return vv_buf_str(buf);
}

TEST(path, values_become_folders_as_hive_does_it)
{
    static const struct {
        const char *value;
        const char *folder;
    } cases[] = {
        {"2025-01-30", "symbol=2025-01-30"},
        {"US/East", "symbol=US%2FEast"},
        {"BTC/USD", "symbol=BTC%2FUSD"},
        {"^GSPC", "symbol=%5EGSPC"},
        {"a b", "symbol=a b"},
        {"100%", "symbol=100%25"},
        {"10:30", "symbol=10%3A30"},
        {"a=b", "symbol=a%3Db"},
        {"\"#'*?\\{[]", "symbol=%22%23%27%2A%3F%5C%7B%5B%5D"},
        {"}<>|", "symbol=}<>|"},
        {"\x01\x7f", "symbol=%01%7F"},
        {"z\xc3\xbcrich", "symbol=z\xc3\xbcrich"},
        {"", "symbol=__HIVE_DEFAULT_PARTITION__"},
    };
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);

    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_STR(folder_of(VV_STR("symbol"), vv_str_of(cases[i].value), &buf),
            cases[i].folder);
    CHECK_STR(folder_of(VV_STR("a/b"), VV_STR_NONE, &buf), "a%2Fb=__HIVE_DEFAULT_PARTITION__");
}

TEST(path, a_folder_has_a_name_that_a_file_system_takes)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf other = VV_BUF_INIT(VV_BUF_MAX);
    char text[300];

    memset(text, 'a', sizeof(text));
    CHECK_INT(folder_of(VV_STR("c"), (struct vv_str){text, 253}, &buf).len, 255);
    CHECK_INT(folder_of(VV_STR("c"), (struct vv_str){text, 254}, &buf).len, 16);
    memset(text, '/', 200);
    struct vv_str folder = folder_of(VV_STR("c"), (struct vv_str){text, 200}, &buf);
    CHECK_INT(folder.len, 16);
    CHECK(!vv_str_eq(folder, folder_of(VV_STR("d"), (struct vv_str){text, 200}, &other)));
    vv_buf_clear(&other);
    vv_buf_adds(&other, "_change_data/");
    vv_path_partition_folder(VV_STR("c"), (struct vv_str){text, 200}, &other);
    CHECK(vv_str_eq(vv_str_skip(vv_buf_str(&other), 13), folder));
}

TEST(path, keys_are_encoded_once_more_for_the_log)
{
    static const struct {
        const char *key;
        const char *path;
    } cases[] = {
        {"part-0.parquet", "part-0.parquet"},
        {"region=US%2FEast/part-0.parquet", "region=US%252FEast/part-0.parquet"},
        {"symbol=%5EGSPC/p", "symbol=%255EGSPC/p"},
        {"symbol=a b/p", "symbol=a%20b/p"},
        {"t=10%3A30/p", "t=10%253A30/p"},
        {"a:b/c:d", "a%3Ab/c:d"},
        {"<>|}^`", "%3C%3E%7C%7D%5E%60"},
        {"\"#?[\\]{", "%22%23%3F%5B%5C%5D%7B"},
        {"z\xc3\xbcrich=1/p", "z\xc3\xbcrich=1/p"},
        {"\x01\x7f", "%01%7F"},
        {"a=b,c;d&e+f$g@h!i'j(k)l*m~n", "a=b,c;d&e+f$g@h!i'j(k)l*m~n"},
    };
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);

    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_STR(encoded(vv_str_of(cases[i].key), &buf), cases[i].path);
}

TEST(path, paths_of_the_log_become_canonical_keys)
{
    static const struct {
        const char *path;
        const char *key;
        bool is_absolute;
    } cases[] = {
        {"part-0.parquet", "part-0.parquet", false},
        {"region=US%252FEast/p", "region=US%2FEast/p", false},
        {"symbol=%255EGSPC/p", "symbol=%5EGSPC/p", false},
        {"a%20b", "a b", false},
        {"a b", "a b", false},
        {"a%2520b", "a%20b", false},
        {"z%C3%BCrich", "z\xc3\xbcrich", false},
        {"a+b", "a+b", false},
        {"./a//b/./c/", "a/b/c", false},
        {"a/../b", "b", false},
        {"a/b/../../c/d", "c/d", false},
        {"a%3Ab", "a:b", false},
        {"a:b.parquet", "a:b.parquet", false},
        {"t=10:30/p", "t=10:30/p", false},
        {".hidden/p", ".hidden/p", false},
        {"..a/p", "..a/p", false},
        {"/data/t/p", "/data/t/p", true},
        {"//data//t/p", "/data/t/p", true},
        {"file:/data/t/p", "/data/t/p", true},
        {"file:///data/t/p", "/data/t/p", true},
        {"FILE:///data/a%20b", "/data/a b", true},
        {"file://localhost/data/p", "/data/p", true},
        {"file://other/data/p", "file://other/data/p", true},
        {"s3://bucket/a%20b//c", "s3://bucket/a b//c", true},
        {"S3A://bucket/p", "s3a://bucket/p", true},
        {"abfss:/x", "abfss:/x", true},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_str key = VV_STR_NONE;
        bool is_absolute = !cases[i].is_absolute;

        CHECK_OK(&op,
            vv_path_decode(&op, &op.arena, vv_str_of(cases[i].path), &key, &is_absolute));
        CHECK_STR(key, cases[i].key);
        CHECK_INT(is_absolute, cases[i].is_absolute);
    }
}

TEST(path, paths_that_name_no_file_of_the_table_are_corrupt)
{
    static const char *const paths[] = {"", "/", ".", "./", "a/..", "..", "../a", "a/../../b",
        "a%", "a%2", "a%2g", "a%g0", "a%00b", "%2e%2e/a", "a%ff", "/..", "/a/../..", "file:/",
        "file:///..", "s3://b/a%zz"};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);

    for (size_t i = 0; i < VV_COUNT(paths); i++) {
        struct vv_str key = VV_STR("untouched");
        bool is_absolute;

        if (!CHECK_FAILS(&op,
                vv_path_decode(&op, &op.arena, vv_str_of(paths[i]), &key, &is_absolute),
                VARVE_ECORRUPT))
            CHECK_STR(paths[i], "");
        CHECK_STR(key, "untouched");
    }
}

/* Keys as Varve makes them: folders by value, then a name. */
TEST(path, what_is_encoded_decodes_to_the_same_key)
{
    struct prop prop = prop_start();

    for (int i = 0; i < 20000; i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf key = VV_BUF_INIT(VV_BUF_MAX);
        VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
        char column[12];
        char value[24];
        struct vv_str back = VV_STR_NONE;
        bool is_absolute = true;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        vv_path_partition_folder(prop_utf8(&prop, column, sizeof(column)),
            prop_utf8(&prop, value, sizeof(value)), &key);
        vv_buf_adds(&key, prop_chance(&prop, 50) ? "/part-0:1.parquet" : "/p");
        vv_path_encode(vv_buf_str(&key), &path);
        CHECK_OK(&op, vv_path_decode(&op, &op.arena, vv_buf_str(&path), &back, &is_absolute));
        CHECK_STR(back, vv_buf_str(&key));
        CHECK(!is_absolute);
    }
}

TEST(path, any_bytes_decode_or_fail_and_canonical_keys_stay_what_they_are)
{
    struct prop prop = prop_start();

    for (int i = 0; i < 50000; i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
        char bytes[24];
        struct vv_str key;
        struct vv_str again = VV_STR_NONE;
        bool is_absolute;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        if (vv_path_decode(&op, &op.arena, prop_str(&prop, bytes, sizeof(bytes), "ab:/.%2eF "),
                &key, &is_absolute) != VARVE_OK) {
            CHECK_STATUS(&op, VARVE_ECORRUPT);
            continue;
        }
        if (is_absolute)
            continue;
        vv_path_encode(key, &path);
        CHECK_OK(&op, vv_path_decode(&op, &op.arena, vv_buf_str(&path), &again, &is_absolute));
        CHECK_STR(again, key);
    }
}
