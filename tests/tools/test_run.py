import pytest
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


@pytest.mark.parametrize("jobs", [1, 2])
def test_folders_are_told_in_order_however_many_run_at_a_time(tmp_path, monkeypatch, capfd, jobs):
    for name, line in (("a", "assert True"), ("b", "assert False"), ("c", "assert True")):
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / "test_it.py").write_text(f"def test_{name}():\n    {line}\n")
    (tmp_path / "tests" / "c" / "requirements.txt").write_text("")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    assert not run.run_python(tmp_path, jobs)
    told = capfd.readouterr().out
    assert told.index("tests/a:") < told.index("1 passed") < told.index("tests/b:") < told.index("1 failed")
    assert "tests/c:" not in told
    (tmp_path / "tests" / "b" / "test_it.py").write_text("def test_b():\n    pass\n")
    assert run.run_python(tmp_path, jobs)


def test_parts_have_each_program_once():
    names = [f"p{number}" for number in range(11)]
    parts = [run.part_of(names, f"{first}/3") for first in (1, 2, 3)]
    assert sorted(sum(parts, [])) == sorted(names)
    assert parts[1] == ["p1", "p4", "p7", "p10"]
    for wrong in ("0/3", "4/3"):
        with pytest.raises(ValueError):
            run.part_of(names, wrong)


def test_a_short_run_passes_slow_tests_over(tmp_path, monkeypatch, capfd):
    for name in ("a", "b"):
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / "test_it.py").write_text(
            "import pytest\n\n@pytest.mark.slow\ndef test_slow():\n    assert False\n")
    with open(tmp_path / "tests" / "a" / "test_it.py", "a", encoding="ascii") as out:
        out.write("\ndef test_quick():\n    pass\n")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    assert run.run_python(tmp_path, 2, short=True)
    told = capfd.readouterr().out
    assert "1 passed, 1 deselected" in told and "\n1 deselected" in told
    assert not run.run_python(tmp_path, 2)
