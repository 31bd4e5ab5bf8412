import csource

SOURCE = r'''
#include "a.h"

/* A brace { in a comment, and one in a string. */
static const int table[] = {1, 2};

struct thing {
    int a;
};

static int
two(void)
{
    return 2;
}

VV_MUST_CHECK varve_status vv_thing_do(struct vv_op *op, int (*call)(int a, int b), const char *name,
    struct thing *out)
{
    const char *text = "}{ /* no comment */ {";
    if (op) {
        for (int i = 0; i < 2; i++) {
            out->a = '{';
        }
    }
    struct thing made = {1};
    return VARVE_OK;
}
'''


def test_functions_are_found_with_their_parameters_and_place():
    two, do = csource.functions(SOURCE)
    assert (two.name, two.parameters) == ("two", [])
    assert do.name == "vv_thing_do"
    assert len(do.parameters) == 4
    assert do.parameters[1] == "int (*call)(int a, int b)"
    assert SOURCE.split("\n")[do.first - 1].startswith("VV_MUST_CHECK")
    assert SOURCE.split("\n")[do.last - 1] == "}"


def test_length_counts_the_lines_between_the_braces():
    two, do = csource.functions(SOURCE)
    assert two.length() == 1
    assert do.length() == 8


def test_nesting_counts_blocks_and_not_initialisers_or_strings():
    two, do = csource.functions(SOURCE)
    assert two.nesting() == 0
    assert do.nesting() == 2


def test_comments_and_strings_are_blanked_in_place():
    text = 'a /* x\ny */ "s\\"t" b'
    bare = csource.plain(text)
    assert len(bare) == len(text)
    assert bare.count("\n") == 1
    assert bare.split() == ["a", '"', '"', "b"]


def test_exceptions_are_read_with_their_reasons(tmp_path):
    path = tmp_path / "e.txt"
    path.write_text("# a comment\n\nsrc/a.c x: because\n")
    assert csource.exceptions(path) == {"src/a.c x": "because"}
    assert csource.exceptions(tmp_path / "none.txt") == {}


def test_a_problem_gives_a_failing_exit_status(capsys):
    assert csource.report("tool", ["bad"], "good") == 1
    assert csource.report("tool", [], "good") == 0
    assert capsys.readouterr().out == "tool: bad\ntool: good\n"
