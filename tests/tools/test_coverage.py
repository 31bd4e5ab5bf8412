"""tools/coverage.py: sums by folder, and what is below its floor."""

import coverage

FILES = {
    "src/delta/a.c": {1: True, 2: True, 3: False, 9: False},
    "src/delta/deep/b.c": {5: True, 6: True},
    "src/cli/c.c": {1: False},
}


def test_lines_are_summed_by_layer():
    assert coverage.by_folder(FILES) == {"all": (4, 7), "src/cli": (0, 1), "src/delta": (4, 6)}


def test_what_is_below_its_floor_is_told():
    sums = coverage.by_folder(FILES)
    assert coverage.too_low(sums, {"src/delta": 66.6}) == []
    told = coverage.too_low(sums, {"src/delta": 66.7, "src/store": 1.0})
    assert told == ["src/delta: 66.7 % of its lines are run, 66.7 % have to be",
                    "src/store: no line of it was found"]


def test_lines_that_nothing_runs_are_listed():
    table, rest = coverage.report(FILES, coverage.by_folder(FILES))
    assert table[1] == "src/cli            0 of       1 lines    0.0 %"
    assert rest == ["src/cli/c.c: 1 of 1: 1", "src/delta/a.c: 2 of 4: 3, 9"]
    assert coverage.ranges([7, 1, 2, 3, 9, 10]) == "1-3, 7, 9-10"
