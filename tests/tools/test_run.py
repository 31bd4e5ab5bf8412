import run


def test_tap_lines_are_counted():
    text = "1..5\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no disk\nok 4 # skip\n# ok 5\nokay\n"
    assert run.count_tap(text) == (1, 1, 2)


def test_a_crashed_program_counts_as_one_failure():
    records = [
        {"result": "OK", "stdout": "ok 1 - a\nok 2 - b\n"},
        {"result": "FAIL", "stdout": "ok 1 - c\n"},
        {"result": "TIMEOUT"},
    ]
    assert run.count_programs(records) == [3, 2, 0]


def test_a_program_without_tap_counts_as_one():
    assert run.count_programs([{"result": "OK", "stdout": ""}]) == [1, 0, 0]
