"""What makes tables and charts of measurements: bench/fit.py, bench/svg.py, bench/report.py."""

import json
import xml.etree.ElementTree

import fit
import pytest
import report
import svg
import targets


def cost(ms, **more):
    counts = dict.fromkeys(("files_opened", "files_created", "folders_listed", "reads",
                            "bytes_read", "bytes_mapped", "writes", "bytes_written", "syncs"), 0)
    return {"ms": ms, "cpu_ms": ms / 2, "peak_mib": 100.0, **counts, **more}


def results(**more):
    told = {
        "facts": {"profile": "quick", "rows": 1000, "strategies": 2, "days": 55, "cores": 2,
                  "memory_gib": 24, "system": "Linux", "date": "2026-01-01", "load_at_begin": 0.1,
                  "load_at_end": 0.2, "sync_floor_ms": 2.0, "sync_floor_least_ms": 1.0,
                  "sync_floor_most_ms": 3.0, "encode_floor_ms": 1.1},
        "notes": ["a note"],
        "costs": {"W2": {"varve": [cost(3, syncs=4, bytes_read=2048), cost(5, syncs=4), cost(4, syncs=4)],
                         "deltalake": [cost(40), cost(50), cost(45)]},
                  "W4": {"varve": [cost(90)], "deltalake": [cost(100)]}},
        "growth": [{"of": "files", "at": at, "engine": "varve", "what": "open, ms of the processor",
                    "median": 2 + at / 1000, "least": 1, "most": 9} for at in (1000, 10000)],
        "series": {"varve": [3.0, 4.0, 5.0]},
    }
    return report.Results(json.dumps({**told, **more}))


def test_a_line_and_a_power_are_found_again():
    points = [(1.0, 5.0), (2.0, 7.0), (4.0, 11.0)]
    assert fit.line(points) == pytest.approx((3.0, 2.0))
    assert fit.per_unit(points) == pytest.approx((3.0, 2.0))
    square = [(10.0, 100.0), (100.0, 10000.0), (1000.0, 1000000.0)]
    assert fit.power(square) == pytest.approx(2.0)
    assert fit.power([(10, 7.0), (1000, 7.0)]) == pytest.approx(0.0)
    # What is constant hides the growth of all points together, not that of the last two.
    hidden = [(1.0, 100.0), (1e3, 110.0), (1e6, 1e6)]
    assert fit.power(hidden) < fit.last_power(hidden) < 1.4


def test_ticks_are_powers_of_ten_around_all_values():
    assert svg.ticks(3, 250) == [1, 10, 100, 1000]
    assert svg.ticks(10, 10) == [10, 100]
    assert [svg.short(value) for value in (0.5, 12, 1e3, 2.5e6, 1e9)] == ["0.5", "12", "1k", "2.5M", "1G"]


def test_even_ticks_reach_above_all_values():
    assert svg.even_ticks(47) == [0, 10, 20, 30, 40, 50]
    assert svg.even_ticks(1000) == [0, 200, 400, 600, 800, 1000]
    assert svg.even_ticks(1001) == [0, 500, 1000, 1500]
    assert svg.place(5, [0, 10], 100, 200, is_log=False) == 150
    assert svg.place(10, [1, 100], 100, 200) == 150


def shapes(picture, kind):
    tree = xml.etree.ElementTree.fromstring(picture)
    return [node for node in tree.iter() if node.tag.rsplit("}", 1)[-1] == kind]


def test_bars_are_as_long_as_their_values_are_high():
    picture = svg.bars("a < b & c", [("W", [("varve", 1.0, 0.9, 1.1), ("deltalake", 10.0, 9, 11),
                                            ("polars", 100.0, 90, 110)])])
    first, second, third = (float(node.get("width")) for node in shapes(picture, "rect"))
    assert first < second < third
    assert second - first == pytest.approx(third - second, abs=0.2)  # ten times: one step further
    assert [svg.figure(value) for value in (9164.2, 100, 34.86, 0.517)] == ["9,164", "100", "34.9", "0.517"]
    assert "a < b & c (ms, logarithmic)" in [node.text for node in shapes(picture, "text")]


def test_curves_rise_with_their_values_and_name_their_lines():
    picture = svg.curves("t", "x", "y", [("varve", [(10, 1), (100, 10)]), ("~deltalake", [(10, 5), (100, 5)])])
    first, second = shapes(picture, "circle")
    assert float(first.get("cx")) < float(second.get("cx"))
    assert float(first.get("cy")) > float(second.get("cy"))
    words = [node.text for node in shapes(picture, "text")]
    assert "varve" in words and "deltalake" in words


def test_medians_spread_and_verdicts():
    one = results()
    assert one.median("W2", "varve") == 4
    assert "| W2 | upsert of 250 fresh rows | 4.0 (3.0-5.0) | 45.0 (40.0-50.0) |" in report.times(
        one, ["varve", "deltalake", "spark"])
    rows = {(row[0], row[1]): row for row in report.verdicts(one)}
    assert rows["W2", "varve / two synced files"][2:] == ["2.5x", "2.00x", "", "", "met"]
    assert rows["W4", "varve / deltalake"][2:] == ["0.85x", "0.90x", "0.90x", "", "missed"]
    assert rows["W2", "varve / deltalake, greatest memory (W14)"][-1] == "missed"
    assert report.summary(one).startswith("**2 of ")


def test_a_target_holds_by_the_wall_and_by_the_processor():
    def verdict(wall, used):
        both = {"varve": [dict(cost(wall), cpu_ms=used)], "deltalake": [dict(cost(100), cpu_ms=100)]}
        rows = report.verdicts(results(costs={"W4": both}))
        return next(row[-1] for row in rows if row[1] == "varve / deltalake")
    assert verdict(80, 80) == "met"
    assert verdict(80, 90) == "missed by the processor"
    assert verdict(90, 80) == "missed by the wall"
    assert verdict(90, 90) == "missed"


def test_the_floor_stands_beside_the_same_peer_and_beside_varve():
    one = results(costs={"W4": {"varve": [cost(150)], "floor": [cost(60)], "varve-vectors": [cost(40)],
                                "floor-vectors": [cost(10), cost(20), cost(30)], "deltalake": [cost(100)],
                                "ducklake": [cost(80)]}})
    rows = {row[1]: row for row in report.verdicts(one)}
    assert rows["varve / deltalake"][2:] == ["0.85x", "1.50x", "1.50x", "0.60x", "missed"]
    assert rows["varve-vectors / ducklake"][5] == "0.25x"
    assert report.least_table(one).splitlines()[2:] == [
        "| W4 | varve | 60.0 | 150 | 2.50x | 30.0 | 2.50x |",
        "| W4 | varve-vectors | 20.0 | 40.0 | 2.00x | 10.0 | 2.00x |"]
    assert "floor" not in report.times(one, targets.ORDER)


def test_a_summary_says_where_varve_is_ahead_and_where_others_are():
    said = report.summary(results(costs={
        "W2": {"varve": [cost(5)], "varve-no-sync": [cost(1)], "deltalake": [cost(45)], "polars": [cost(10)]},
        "W4": {"varve": [cost(200)], "varve-vectors": [cost(150)], "deltalake": [cost(100)]},
        "W9": {"varve": [cost(1)]}}))
    assert "fastest of all in W2 (2.0x beside polars)." in said
    assert "Others are faster in W4 (deltalake by 1.5x)." in said and "W9" not in said
    whole = report.whole_run(results(), report.sections(results()), [])
    assert whole.startswith("## The last run of `make bench`\n\n**2 of ")


def test_what_was_not_measured_is_left_out():
    assert "W6" not in report.times(results(), targets.ORDER)
    assert "duckdb" not in report.target_table(results())
    assert "growth-rows" not in report.sections(results())
    bare = results(notes=[])
    assert "Sustained upserts" not in report.whole_run(bare, report.sections(bare), [])
    assert "| W3 |" not in report.floor_table(results(costs={"W3": {"varve": [cost(3)]}}))
    assert "Beside the disk" not in report.whole_run(
        bare, report.sections(results(costs={"W3": {"varve": [cost(3)]}})), [])
    assert list(report.charts(results(costs={}, growth=[], series={}))) == []


def test_work_is_told_of_both():
    line = next(line for line in report.work_table(results()).splitlines() if line.startswith("| W2"))
    assert line == "| W2 | 0 / 0 / 0 | 0.00 | 0.00 | 4 | 0 / 0 / 0 | 0.00 | 0.00 | 0 |"


def test_growth_tells_its_power_and_is_projected():
    one = results()
    assert "| varve | open, ms of the processor | 3.0 | 12.0 | 0.60 |" in report.growth_table(one, "files")
    assert "so 1,002 at 1,000,000 files" in report.projection(one)


def test_only_what_is_between_the_marks_of_the_profile_changes():
    document = ("a\n<!-- bench quick notes -->\nold\n<!-- end -->\nb\n"
                "<!-- bench full notes -->\nkept\n<!-- end -->\n"
                "<!-- bench quick unknown -->\nof a run before\n<!-- end -->\nc\n")
    made = report.fill(document, "quick", report.sections(results()))
    assert made == ("a\n<!-- bench quick notes -->\n\n- a note\n\n<!-- end -->\nb\n"
                    "<!-- bench full notes -->\nkept\n<!-- end -->\n"
                    "<!-- bench quick unknown -->\n<!-- end -->\nc\n")
    assert report.fill(made, "quick", report.sections(results())) == made


def test_a_whole_run_has_its_tables_and_its_pictures():
    one = results()
    whole = report.whole_run(one, report.sections(one), report.charts(one))
    assert "**Greatest memory (W14)**" in whole and "- a note" in whole
    assert "![quick-writes.svg](charts/quick-writes.svg)" in whole


def test_all_charts_are_xml():
    made = report.charts(results())
    assert set(made) == {"quick-writes.svg", "growth-files.svg", "quick-sustained.svg"}
    for picture in made.values():
        xml.etree.ElementTree.fromstring(picture)


def test_each_target_is_of_a_workload_and_an_engine_that_there_are():
    for workload, ours, other, most in targets.TIME + targets.MEMORY:
        assert workload in targets.TITLES and 0 < most <= 3
        assert ours in targets.ORDER and other in [*targets.ORDER, targets.FLOOR]
