import check_layers
import pytest


@pytest.fixture
def tree(tmp_path):
    """Writes files into an empty tree and checks it."""

    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check_layers.check(tmp_path)

    return make


@pytest.mark.parametrize(
    "path, line",
    [
        ("src/delta/a.c", '#include "base/op.h"'),
        ("src/delta/a.c", '#include "delta/b.h"'),
        ("src/delta/a.c", '#include "varve/status.h"'),
        ("src/delta/a.c", "#include <string.h>"),
        ("src/engine/a.c", "#include <duckdb.h>"),
        ("src/base/a.c", "# include <openssl/evp.h>"),
        ("src/store/a.c", "#include <sys/stat.h>"),
        ("src/cli/a.c", '#include "varve/varve.h"'),
        ("include/varve/a.h", '#include "varve/status.h"\n#include <stdint.h>'),
    ],
)
def test_what_points_down_is_accepted(tree, path, line):
    assert tree({path: line + "\n"}) == []


@pytest.mark.parametrize(
    "path, line, words",
    [
        ("src/base/a.c", '#include "store/store.h"', "base must not include store"),
        ("src/store/a.h", '#include "engine/engine.h"', "store must not include engine"),
        ("src/delta/a.c", '  #  include "table/table.h"', "delta must not include table"),
        ("src/cli/a.c", '#include "base/op.h"', "cli must not include base"),
        ("src/delta/a.c", '#include "b.h"', 'write "delta/b.h"'),
        ("src/delta/a.c", '#include "nowhere/b.h"', "nowhere is no layer"),
        ("src/delta/a.c", "#include <duckdb.h>", "for engine alone"),
        ("src/delta/a.c", "#include <yyjson.h>", "for base alone"),
        ("src/table/a.c", "#include <fcntl.h>", "for store"),
        ("src/other/a.c", "", "is no layer"),
        ("include/varve/a.h", "#include <stdbool.h>", "must not include stdbool.h"),
        ("include/varve/a.h", '#include "base/op.h"', "must not include base/op.h"),
    ],
)
def test_what_points_up_or_elsewhere_is_refused(tree, path, line, words):
    problems = tree({path: "\n" + line + "\n"})
    assert len(problems) == 1
    assert words in problems[0]


def test_an_exception_needs_a_reason_and_a_use(tree):
    source = {"src/base/a.c": "#include <fcntl.h>\n"}
    assert tree(source) != []
    good = "src/base/a.c includes fcntl.h: reads one file\n"
    assert tree({**source, "tools/check_layers.txt": good}) == []
    assert tree({**source, "tools/check_layers.txt": "src/base/a.c includes fcntl.h:\n"}) != []
    stale = good + "src/base/b.c includes fcntl.h: gone\n"
    assert "not needed" in tree({**source, "tools/check_layers.txt": stale})[0]
