import subprocess

import check_names
import pytest


def words(name, text):
    return [word for word, _ in check_names.check_file(name, text)]


def guarded(guard, text=""):
    return f"#ifndef {guard}\n#define {guard}\n{text}\n#endif\n"


@pytest.mark.parametrize(
    "text",
    [
        "int vv_thing(void)\n{\n}\n",
        "static int thing(void)\n{\n}\n",
        "int main(void)\n{\n}\n",
        '/* free(), TODAY */ const char *a = "malloc(1) // printf(";\n',
        "void vv_a(void)\n{\n    vv_free(a);\n    alc.free(b);\n    x->malloc(c);\n}\n",
        "/* see https://example.org for it */\n",
        "typedef int callback(void);\n",
    ],
)
def test_good_sources_are_accepted(text):
    assert words("src/base/a.c", text) == []


@pytest.mark.parametrize(
    "text, word",
    [
        ("int thing(void)\n{\n}\n", "thing"),
        ("static int vv_thing(void)\n{\n}\n", "vv_thing"),
        ("void vv_a(void)\n{\n    free(a);\n}\n", "free"),
        ("void vv_a(void)\n{\n    exit(1);\n}\n", "exit"),
        ("struct _thing;\n", "_thing"),
        ("typedef struct thing thing;\n", "typedef struct"),
        ("int a; // why\n", "//"),
        ("/* TODO: later */\n", "TODO"),
        ('#define A "/home/me/x"\n', "/home/me/x"),
    ],
)
def test_bad_sources_are_refused(text, word):
    assert words("src/base/a.c", text) == [word]


def test_the_command_may_print_and_own_memory():
    assert words("src/cli/a.c", "void vv_a(void)\n{\n    printf(free(a));\n}\n") == []


def test_headers_have_their_guard():
    assert words("src/base/op.h", guarded("VV_BASE_OP_H")) == []
    assert words("src/base/op.h", guarded("OP_H")) == ["VV_BASE_OP_H"]
    assert words("include/varve/a.h", guarded("VARVE_A_H")) == []


def test_public_functions_have_the_prefix():
    good = guarded("VARVE_A_H", "VARVE_API int varve_a(int (*b)(int));")
    assert words("include/varve/a.h", good) == []
    bad = guarded("VARVE_A_H", "VARVE_API VARVE_MUST_CHECK int a(void);")
    assert words("include/varve/a.h", bad) == ["a"]


def test_inline_functions_of_a_header_are_shared():
    text = "static inline int {}(void)\n{{\n}}\n"
    good = guarded("VV_BASE_A_H", text.format("vv_a"))
    assert words("src/base/a.h", good) == []


def test_exports_and_headers_agree(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("int varve_a(void) { return 1; }\nint other(void) { return 2; }\n")
    library = tmp_path / "libvarve.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    header = "VARVE_API int varve_a(void);\nVARVE_API int varve_b(void);\n"
    assert list(check_names.check_exports(tmp_path, [header])) == [
        "varve_b is declared in include/varve and not in libvarve.so",
        "other is exported by libvarve.so and declared nowhere in include/varve",
    ]


def test_exceptions_need_a_use(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    (tmp_path / "src/base/a.c").write_text("void vv_a(void)\n{\n    free(a);\n}\n")
    (tmp_path / "tools").mkdir()
    excuses = tmp_path / "tools/check_names.txt"
    assert len(check_names.check(tmp_path)) == 1
    excuses.write_text("src/base/a.c free: the only owner\n")
    assert check_names.check(tmp_path) == []
    excuses.write_text("src/base/a.c free: the only owner\nsrc/base/a.c exit: gone\n")
    assert "not needed" in check_names.check(tmp_path)[0]
