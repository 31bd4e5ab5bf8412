"""Charts as SVG: bars of medians, curves of growth. No more than docs/performance.md needs.

Both axes of a curve, and the length of a bar, are logarithmic: what is ten times as much is a step
further. Colours hold on light and on dark paper.
"""

import math

# Each engine has its own colour in all charts.
COLOURS = {
    "varve": "#0b7285", "varve-no-sync": "#3bc9db", "varve-vectors": "#1864ab",
    "varve-python": "#74c0fc", "varve-cli": "#4dabf7", "deltalake": "#e8590c", "polars": "#f08c00",
    "duckdb": "#c2a500", "ducklake": "#868e96", "arcticdb": "#9c36b5", "spark": "#c2255c",
    "pandas": "#495057",
}
OTHERS = ["#2f9e44", "#0b7285", "#e8590c", "#9c36b5", "#c2a500", "#495057", "#1864ab"]
STYLE = ("<style>text{font:11px sans-serif;fill:#777}.t{font-size:13px;font-weight:bold}"
         ".g{stroke:#999;stroke-opacity:.3}</style>")


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def colour(name, number=0):
    return COLOURS.get(name, OTHERS[number % len(OTHERS)])


def short(value):
    """1.2M, 34k, 0.5: for an axis."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def figure(value):
    """9,164, 34.9, 0.52: beside a bar."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ticks(least, most):
    """Powers of ten from below the least to above the most."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return [10.0 ** power for power in range(first, max(last, first + 1) + 1)]


def text(x, y, words, anchor="start", kind=""):
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{escape(words)}</text>'


def whole(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">\n{STYLE}\n' + "\n".join(parts) + "\n</svg>\n")


def bars(title, groups, unit="ms"):
    """groups: [(name, [(label, median, least, most)])]; the spread is a thin line over the bar."""
    left, width, row, top = 112, 760, 15, 34
    values = [value for _, group in groups for _, *three in group for value in three if value > 0]
    marks = ticks(min(values), max(values))
    low, high = math.log10(marks[0]), math.log10(marks[-1])
    plot = width - left - 70

    def at(value):
        return left + plot * (math.log10(max(value, marks[0])) - low) / (high - low)

    parts, y = [text(8, 18, f"{title} ({unit}, logarithmic)", kind="t")], top
    for name, group in groups:
        parts.append(text(8, y + 11, name, kind="t"))
        y += 18
        for label, median, least, most in group:
            fill = colour(label)
            parts.append(text(left - 6, y + 10, label, "end"))
            parts.append(f'<rect x="{left}" y="{y + 1}" width="{max(1, at(median) - left):.1f}" '
                         f'height="{row - 4}" fill="{fill}"/>')
            parts.append(f'<path d="M{at(least):.1f} {y + 6.5}H{at(most):.1f}" stroke="#888" '
                         'stroke-width="1.5"/>')
            parts.append(text(at(max(most, median)) + 5, y + 10, figure(median)))
            y += row
        y += 6
    grid = [f'<path class="g" d="M{at(mark):.1f} {top}V{y}"/>' for mark in marks]
    names = [text(at(mark), y + 14, short(mark), "middle") for mark in marks]
    return whole(width, int(y) + 22, parts[:1] + grid + parts[1:] + names)


def even_ticks(most):
    """0 to above the most, in four or five steps of 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.2, 0.5, 1, 2) if most <= 5 * power * part)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def place(value, marks, begin, end, is_log=True):
    if not is_log:
        return begin + (end - begin) * value / marks[-1]
    share = (math.log10(value) - math.log10(marks[0])) / math.log10(marks[-1] / marks[0])
    return begin + (end - begin) * share


def curves(title, x_name, y_name, lines, x_is_log=True):
    """lines: [("engine: what", [(x, y)])]; dashed where the label says so by a leading '~'. The same
    `what` has the same colour."""
    left, right, top, width, height = 60, 180, 34, 760, 330
    points = [point for _, line in lines for point in line]
    most_x = max(x for x, _ in points)
    x_marks = ticks(min(x for x, _ in points), most_x) if x_is_log else even_ticks(most_x)
    whats = list(dict.fromkeys(label.split(": ")[-1] for label, _ in lines))
    y_marks = ticks(min(y for _, y in points), max(y for _, y in points))

    def at(point):
        return (place(point[0], x_marks, left, width - right, x_is_log),
                place(point[1], y_marks, height - 40, top))

    parts = [text(8, 18, title, kind="t"), text((left + width - right) / 2, height - 8, x_name, "middle"),
             text(left + 4, top + 12, y_name)]
    for mark in x_marks:
        x, _ = at((mark, y_marks[0]))
        parts.append(f'<path class="g" d="M{x:.1f} {top}V{height - 40}"/>')
        parts.append(text(x, height - 25, short(mark), "middle"))
    for mark in y_marks:
        _, y = at((x_marks[0], mark))
        parts.append(f'<path class="g" d="M{left} {y:.1f}H{width - right}"/>')
        parts.append(text(left - 6, y + 4, short(mark), "end"))
    for number, (label, line) in enumerate(lines):
        name, dashed = label.lstrip("~"), label.startswith("~")
        stroke = colour(name, whats.index(label.split(": ")[-1]))
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(at, line))
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{stroke}" stroke-width="2"{dash}/>')
        if not dashed:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{stroke}"/>'
                      for x, y in map(at, line)]
        y = top + 8 + 17 * number
        parts.append(f'<path d="M{width - right + 10} {y}h18" stroke="{stroke}" stroke-width="2"{dash}/>')
        parts.append(text(width - right + 34, y + 4, name))
    return whole(width, height, parts)
