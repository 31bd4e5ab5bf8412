"""Reports as charts: on a terminal of any width, in plain characters, and as a picture."""

import json
import re
import xml.etree.ElementTree as xml

import pytest

from terminal import Terminal

BLOCKS = "█▉▊▋▌▍▎▏"
ALL = ("--from", "2025-01-01", "--to", "2025-02-01")


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    """By regime: 40 up, 10 up, 20 down, and one in which nothing moved."""
    varve = varve_on(tmp_path_factory.mktemp("plot") / "lake")
    varve.ok("init", "--regimes", "up,little,down,flat<&>")
    changes = [("up", 40), ("little", 10), ("down", -20), ("flat<&>", 0)]
    varve.upsert("market_regimes", "timestamp,symbol,regime,ingested_at\n" + "".join(
        f"2025-01-30T1{i}:00:00Z,SPY,{name},2025-01-30T1{i}:00:00Z\n"
        for i, (name, _) in enumerate(changes)))
    rows, total = "2025-01-29T10:00:00Z,a,0\n", 0
    for index, (_, change) in enumerate(changes):
        total += change
        rows += f"2025-01-30T1{index}:30:00Z,a,{total}\n"
    varve.upsert("performance_metrics", "timestamp,strategy_id,total_pnl\n" + rows)
    return varve


def chart(lake, *words, columns=80, **env):
    terminal = Terminal([str(lake.program), "--lake", str(lake.lake), "--quiet", *words],
                        columns=columns, env={"VARVE_PAGER": "cat", **env})
    status, text = terminal.close()
    assert status == 0, text
    return terminal.seen.replace("\r", "")


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def bars(text):
    """{name: (cells left of zero, cells right of zero)} of the lines of a chart."""
    found = {}
    for line in plain(text).splitlines()[1:]:
        match = re.match(r"(\S+)\s+(-?[\d.]+(?:e\+\d+)?)?\s([ █#]*)(?:[│|](.*))?$", line)
        if match:
            left, right = match[3].strip(), match[4] or ""
            found[match[1]] = (len(left), len(right))
    return found


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_bars_are_as_long_as_their_values(lake, columns):
    text = chart(lake, "correlate", *ALL, "--plot", columns=columns)
    assert plain(text).splitlines()[0] == "pnl_change"
    assert max(map(len, plain(text).splitlines())) <= columns
    found = bars(text)
    assert found["flat<&>"] == (0, 0) and found["up"][0] == 0 and found["down"][1] == 0
    assert found["up"][1] > 0.3 * columns
    assert found["little"][1] == pytest.approx(found["up"][1] / 4, abs=1)
    assert found["down"][0] == pytest.approx(found["up"][1] / 2, abs=1)


def test_colour_and_no_colour(lake):
    text = chart(lake, "correlate", *ALL, "--plot", TERM="xterm")
    assert "\x1b[31m" in text and "\x1b[32m" in text
    assert "\x1b[3" not in chart(lake, "correlate", *ALL, "--plot", TERM="xterm", NO_COLOR="1")


def test_without_utf8_it_is_made_of_ascii(lake):
    text = chart(lake, "correlate", *ALL, "--plot", LC_ALL="C", LANG="C")
    assert "#" in text and "|" in text
    assert not any(block in text for block in BLOCKS + "│")


def test_the_same_report_as_table_json_and_chart(lake):
    rows = json.loads(lake.ok("correlate", *ALL, "--format", "json"))
    text = lake.ok("correlate", *ALL, "--format", "plot")
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        row["regime"] or "-" for row in rows]


def test_a_picture_is_drawn_to_scale(lake, tmp_path):
    path = tmp_path / "chart.svg"
    lake.ok("correlate", *ALL, "-o", path)
    root = xml.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == space + "svg" and root.find(space + "title").text == "pnl_change"
    found = {}
    for group in root.findall(space + "g")[1:]:
        name, rect = group.find(space + "text").text, group.find(space + "rect")
        if rect is not None:
            found[name] = (float(rect.get("x")), float(rect.get("width")))
    assert set(found) >= {"up", "little", "down", "flat<&>"}
    assert found["up"][1] == pytest.approx(4 * found["little"][1], abs=0.3)
    assert found["up"][1] == pytest.approx(2 * found["down"][1], abs=0.3)
    assert sum(found["down"]) == pytest.approx(found["up"][0], abs=0.3)
    assert found["flat<&>"][1] == 0
    again = lake.ok("correlate", *ALL, "--plot", "--format", "svg")
    assert again == path.read_text()


@pytest.mark.parametrize("words", [
    "outcomes", "transitions", "gaps market_regimes --every 1h",
    "gaps market_regimes --every 1h --show coverage", "gaps market_regimes --show lateness",
    "signals latency", "signals audit"])
def test_every_report_has_a_chart(lake, words):
    assert lake.ok(*words.split(), "--plot").splitlines()[0]
    xml.fromstring(lake.ok(*words.split(), "--format", "svg"))


def test_other_rows_have_none(lake):
    done = lake.run("tables", "--plot")
    assert done.returncode == 2 and "there is no chart of these rows" in done.stderr


def test_nothing_of_a_name_steers_the_terminal(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, s string not null",
             "--key", "at,s")
    varve.upsert("t", json.dumps({"at": "2025-01-01T00:00:00Z", "s": "\x1b[2J"}) + "\n")
    for form in ("plot", "svg"):
        text = varve.ok("gaps", "t", "--every", "1h", "--by", "s", "--show", "coverage",
                        "--format", form)
        assert "\x1b" not in text and "\\x1b[2J" in text


SERIES = ("WITH t AS (SELECT range AS i, TIMESTAMP '2025-01-30' + range * INTERVAL 1 MINUTE AS moment "
          "FROM range(600)) ")


def dots(text):
    """The rows of the line of a chart, without labels, as columns of characters."""
    return [line[line.index(" ") + 1:] if not line.startswith(" ") else line
            for line in plain(text).splitlines()[1:-1]]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_series_is_a_line_over_time(lake, columns):
    text = chart(lake, "query", SERIES + "SELECT moment, i * 2.0 AS v FROM t", "--plot", columns=columns)
    lines = plain(text).splitlines()
    assert lines[0] == "v" and len(lines) == 14 and max(map(len, lines)) <= columns
    assert lines[1].startswith("1198 ") and re.match(r" *0 ", lines[12])
    assert lines[13].split() == ["2025-01-30T00:00:00", "2025-01-30T09:59:00"] or \
        lines[13].split() == ["2025-01-30T00:00:00Z", "2025-01-30T09:59:00Z"] or columns == 40
    rising = [line[5:].find(next(iter(line[5:].strip()), "")) for line in lines[1:13]]
    assert rising == sorted(rising, reverse=True)  # from below on the left to above on the right
    assert set("".join(lines[1:13])) & set("⠁⡀⠊⠉⠤⣀⠔⡠⠒⢀⠈⠑⠢⠖⣠⠞⡴⢠⠏")


def test_several_series_are_a_line_each(lake):
    text = chart(lake, "query", SERIES + "SELECT moment, 'up' AS name, i AS v FROM t UNION ALL "
                 "SELECT moment, 'down' AS name, -i AS v FROM t ORDER BY name DESC", "--plot")
    lines = plain(text).splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["up", "0..599"], ["down", "-599..0"]]
    assert lines[1].endswith("█") and "▁" in lines[1][10:30]
    assert lines[2].endswith("▁") and "█" in lines[2][10:30]
    assert max(map(len, lines)) <= 80


def test_a_line_of_ascii(lake):
    text = chart(lake, "query", SERIES + "SELECT moment, i % 100 AS v FROM t", "--plot", LC_ALL="C",
                 LANG="C")
    assert "*" in text and text.isascii()


def test_rows_in_any_order_and_holes_make_the_same_line(lake):
    want = chart(lake, "query", SERIES + "SELECT moment, sin(i / 50.0) AS v FROM t", "--plot")
    assert want == chart(lake, "query", SERIES + "SELECT moment, v FROM (SELECT moment, sin(i / 50.0) AS v "
                         "FROM t UNION ALL SELECT NULL, 5 UNION ALL SELECT "
                         "TIMESTAMP '2025-01-30', NULL UNION ALL SELECT TIMESTAMP '2025-01-30', "
                         "'NaN'::DOUBLE) ORDER BY hash(moment)", "--plot")


def test_a_range_draws_what_it_is_known_for(lake):
    text = chart(lake, "range", "performance_metrics", "--from", "2025-01-01", "--plot")
    assert plain(text).splitlines()[0] == "total_pnl"


def test_a_picture_of_series(lake, tmp_path):
    path = tmp_path / "x.svg"
    lake.ok("query", SERIES + "SELECT moment, 'a<&>' AS name, i AS v FROM t UNION ALL "
            "SELECT moment, 'b', 600 - i FROM t", "-o", path)
    root = xml.parse(path).getroot()
    lines = root.findall("{*}polyline")
    assert len(lines) == 2
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "v" in texts and "600" in texts and "0" in texts and "a<&>" in texts and "b" in texts
    points = [tuple(map(float, point.split(","))) for point in lines[0].get("points").split()]
    assert points[0][0] == 80 and points[-1][0] == 780 and points[0][1] > points[-1][1]
    assert [x for x, _ in points] == sorted(x for x, _ in points)


NIGHTS = ("WITH t AS (SELECT TIMESTAMP '2025-01-30 09:30' + d * INTERVAL 1 DAY + i * INTERVAL 10 "
          "MINUTE AS moment, d * 10 + i % 2 AS v FROM range(3) AS a(d), range(36) AS b(i)) ")


def test_a_line_is_broken_at_nights(lake, tmp_path):
    path = tmp_path / "x.svg"
    lake.ok("query", NIGHTS + "FROM t", "-o", path)
    pieces = xml.parse(path).getroot().findall("{*}polyline")
    assert [len(piece.get("points").split()) for piece in pieces] == [36, 36, 36]
    lake.ok("query", NIGHTS + "SELECT moment, v FROM t UNION ALL SELECT TIMESTAMP '2025-02-04', 5",
            "-o", path)
    pieces = xml.parse(path).getroot().findall("{*}polyline")
    assert [len(piece.get("points").split()) for piece in pieces] == [36, 36, 36, 2]
    lines = plain(chart(lake, "query", NIGHTS + "FROM t", "--plot")).splitlines()[1:13]
    across = [{line[at] for line in lines if at < len(line)} - {" "} for at in range(3, 80)]
    runs = "".join("#" if column else " " for column in across).split()
    assert len(runs) == 3  # three days, and nothing between them


def test_a_line_without_a_usual_step_is_whole(lake, tmp_path):
    path = tmp_path / "x.svg"
    for rows in ("(VALUES (1, 1), (2, 2), (900, 3)) AS t(m, v)",
                 "(SELECT range AS m, 1 AS v FROM range(5) UNION ALL SELECT 13, 2) AS t(m, v)",
                 "(SELECT 1 AS m, range AS v FROM range(9) UNION ALL SELECT 50, 2) AS t(m, v)"):
        lake.ok("query", f"SELECT TIMESTAMP '2025-01-30' + m::INT * INTERVAL 1 HOUR AS moment, v FROM {rows}",
                "-o", path)
        assert len(xml.parse(path).getroot().findall("{*}polyline")) == 1


def test_rows_that_make_no_line_are_refused(lake):
    for sql in ("SELECT 1 AS a", "SELECT now() AS a", "SELECT now() AS t, 'x' AS b"):
        done = lake.run("query", sql, "--plot")
        assert done.returncode == 2 and "a column of times and one of numbers" in done.stderr
    assert lake.ok("query", "SELECT now() AS t, 1.5 AS v WHERE false", "--plot") == "v\nno rows\n"
    assert lake.run("history", "market_regimes", "--plot").returncode == 2


def svg_numbers(text):
    root = xml.fromstring(text)
    return [float(number) for element in root.iter() for name, value in element.items()
            if name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "points")
            for number in re.split("[ ,]+", value.strip()) if not number.endswith("%")]


FAR = "CASE WHEN i % 2 = 0 THEN 1.7e308 ELSE -1.7e308 END"
MOMENT = "TIMESTAMP '2025-01-01' + INTERVAL (i) DAY"


@pytest.mark.parametrize("time, value, drawn", [
    (MOMENT, FAR, True),
    (MOMENT, "CASE WHEN i = 0 THEN 5e-324 ELSE 0.0 END", True),
    (MOMENT, "CASE i WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE ELSE i END", True),
    (MOMENT, "'-inf'::DOUBLE", False),
    (f"CASE WHEN i = 0 THEN {MOMENT} END", FAR, True),
    ("CASE WHEN i % 2 = 0 THEN TIMESTAMP '294247-01-10' ELSE TIMESTAMP '290000-01-01 (BC)' END",
     "i", True),
    ("CASE WHEN i % 2 = 0 THEN DATE '5881580-07-10' ELSE DATE '2025-01-01' END", "i", True),
    ("DATE '5881580-07-10'", "i", False),
    ("CASE WHEN i % 2 = 0 THEN 'infinity'::TIMESTAMP ELSE '-infinity'::TIMESTAMP END", "i", False),
    ("CASE WHEN i % 2 = 0 THEN 'infinity'::DATE ELSE DATE '2025-01-01' END", "i", True),
    ("TIMESTAMP_S '290308-12-21 19:59:59'", "i", True),
])
@pytest.mark.parametrize("series", ["", "CASE WHEN i < 3 THEN 'a' ELSE 'b' END AS name, "])
def test_the_furthest_values_and_times_are_drawn(lake, time, value, drawn, series):
    sql = f"SELECT {time} AS t, {series}{value} AS v FROM range(6) r(i)"
    text = lake.ok("query", sql, "--format", "plot")
    assert ("no row has a time and a number" not in text) == drawn
    numbers = svg_numbers(lake.ok("query", sql, "--format", "svg"))
    assert len(numbers) > 8 or not drawn
    assert all(0 <= number <= 800 for number in numbers)


def test_a_time_beyond_timestamps_is_told(lake):
    text = lake.ok("query", "SELECT CASE i WHEN 0 THEN DATE '5881580-07-10' ELSE DATE '2025-01-01' END "
                   "AS t, i AS v FROM range(2) r(i)", "--format", "plot")
    assert text.endswith("1 row more is not drawn\n")


def test_far_values_are_at_the_ends_of_a_line(lake):
    lines = lake.ok("query", f"SELECT {MOMENT} AS t, {FAR} AS v FROM range(2) r(i)", "--format",
                    "plot").splitlines()
    assert lines[1].startswith(" 1.7e+308 ") and lines[1][10] != " "
    assert lines[12].startswith("-1.7e+308 ") and lines[12].rstrip()[-1] not in " 8"


def test_bars_of_the_furthest_values(varve):
    varve.ok("init", "--regimes", "r0,r1")
    varve.upsert("market_regimes", "timestamp,symbol,regime,ingested_at\n" + "".join(
        f"2025-01-30T1{i}:00:00Z,SPY,r{i},2025-01-30T1{i}:00:00Z\n" for i in range(2)))
    varve.upsert("performance_metrics", "timestamp,strategy_id,total_pnl\n"
                 "2025-01-29T10:00:00Z,a,0\n2025-01-30T10:30:00Z,a,1.1e308\n"
                 "2025-01-30T11:30:00Z,a,-0.5e308\n")
    found = bars(varve.ok("correlate", *ALL, "--format", "plot"))
    assert found["r0"][1] > 5 and found["r1"][0] > 5
    text = varve.ok("correlate", *ALL, "--format", "svg")
    assert all(0 <= number <= 800 for number in svg_numbers(text))
    found = [rect.get("width") for rect in xml.fromstring(text).iter(
        "{http://www.w3.org/2000/svg}rect")]
    widths = [float(width) for width in found if width != "100%"]
    assert len(widths) == 2
    assert min(widths) > 100


@pytest.mark.parametrize("form", ["plot", "svg"])
def test_nothing_of_a_columns_name_steers_the_terminal(lake, form):
    text = lake.ok("query", 'SELECT now() AS t, i AS "a\x1b[31m<&>RED" FROM range(3) r(i)',
                   "--format", form)
    assert "\x1b" not in text
    title = xml.fromstring(text)[0].text if form == "svg" else text.splitlines()[0]
    assert title == "a\\x1b[31m<&>RED"


def test_names_have_short_times_and_show_that_they_are_cut(lake):
    gaps = ("gaps", "market_regimes", "--every", "1m", "--by", "symbol", *ALL, "--plot")
    wide = plain(chart(lake, *gaps, columns=200))
    assert ":00Z" in wide and ".000000Z" not in wide
    for env, mark in (({}, "…"), ({"LC_ALL": "C"}, "~")):
        narrow = [line for line in plain(chart(lake, *gaps, columns=45, **env)).splitlines()
                  if line.startswith(("2025", "SPY"))]
        assert narrow and all(mark in line for line in narrow), narrow


def test_names_of_series_show_that_they_are_cut(lake):
    text = plain(chart(lake, "query", "SELECT TIMESTAMP '2025-01-30' + i * INTERVAL 1 HOUR AS moment, "
                       "repeat('a_long_name', 4) || i % 2 AS name, i AS v FROM range(20) AS r(i)",
                       "--plot", columns=60))
    named = [line for line in text.splitlines() if line.startswith("a_long")]
    assert named and all("…" in line for line in named), text
