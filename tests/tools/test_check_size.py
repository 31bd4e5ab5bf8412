import check_size
import pytest


def body(lines):
    return "".join(f"    a{i}();\n" for i in range(lines))


def problems_of(text, name="src/base/a.c", excused=None):
    return check_size.check_file(name, text, excused or {}, set())


@pytest.mark.parametrize(
    "name, lines, good",
    [
        ("src/base/a.c", 600, True),
        ("src/base/a.c", 601, False),
        ("src/base/a.h", 300, True),
        ("src/base/a.h", 301, False),
        ("tools/a.py", 150, True),
        ("tools/a.py", 151, False),
    ],
)
def test_files_have_a_limit(name, lines, good):
    assert (problems_of("int a;\n" * lines, name) == []) == good


@pytest.mark.parametrize("lines, good", [(70, True), (71, False)])
def test_functions_have_a_limit(lines, good):
    problems = problems_of("void f(void)\n{\n" + body(lines) + "}\n")
    assert (problems == []) == good
    if not good:
        assert problems == ["src/base/a.c:1: f lines: 71, more than 70"]


@pytest.mark.parametrize("count, good", [(7, True), (8, False)])
def test_parameters_have_a_limit(count, good):
    parameters = ", ".join(f"int a{i}" for i in range(count))
    assert (problems_of(f"void f({parameters})\n{{\n}}\n") == []) == good


@pytest.mark.parametrize("depth, good", [(4, True), (5, False)])
def test_nesting_has_a_limit(depth, good):
    text = "void f(void)\n{\n" + "    if (a) {\n" * depth + "    }\n" * depth + "}\n"
    assert (problems_of(text) == []) == good


def test_an_exception_may_only_shrink():
    text = "void f(void)\n{\n" + body(80) + "}\n"
    key = "src/base/a.c f lines"
    assert problems_of(text, excused={key: "80, a table"}) == []
    assert "more than 79" in problems_of(text, excused={key: "79, a table"})[0]
    assert "is 80 by now" in problems_of(text, excused={key: "90, a table"})[0]
    assert "a number and a reason" in problems_of(text, excused={key: "80"})[0]
    short = "void f(void)\n{\n}\n"
    assert "not needed" in problems_of(short, excused={key: "80, a table"})[0]


def test_an_exception_for_nothing_is_a_problem(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/check_size.txt").write_text("src/base/a.c f lines: 80, a table\n")
    assert check_size.check(tmp_path) == [
        "tools/check_size.txt: no such thing: src/base/a.c f lines"
    ]
