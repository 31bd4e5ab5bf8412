"""How a cost grows: a straight line through its points, and the power of its growth."""

import math


def line(points):
    """(start, slope) of the least squares through (x, y)."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def power(points):
    """p of y ~ x^p, of all points together: 0 does not grow, 1 grows with x."""
    return line([(math.log(x), math.log(y)) for x, y in points])[1]


def last_power(points):
    """p between the last two points, where what is constant no longer hides what grows."""
    (x, y), (more_x, more_y) = sorted(points)[-2:]
    return math.log(more_y / y) / math.log(more_x / x)


def per_unit(points):
    """(start, slope) by the first and the last point: what there is at least, and what each adds."""
    (x, y), (more_x, more_y) = min(points), max(points)
    slope = (more_y - y) / (more_x - x)
    return y - slope * x, slope
