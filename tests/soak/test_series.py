"""Figures over time: what counts as growth, and what does not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.soak.series import Series

_values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


def a_series(*values: float) -> Series:
    """A figure taken once a second."""
    series = Series(name="x", unit="s")
    for at, value in enumerate(values):
        series.take(float(at), value)
    return series


@given(_values)
def test_figures_lie_between_the_least_and_the_greatest(values: list[float]) -> None:
    """Median and percentiles are figures that were taken, or lie between two of them."""
    series = a_series(*values)
    assert min(values) <= series.median <= max(values)
    assert series.percentile(0) == min(values)
    assert series.percentile(100) == max(values)
    assert series.percentile(50) <= series.percentile(95)


@given(st.floats(-100, 100), st.integers(2, 50))
def test_the_slope_of_a_line_is_told_for_an_hour(each: float, count: int) -> None:
    """What grows by so much a second grows by 3600 times that in an hour."""
    series = a_series(*(each * at for at in range(count)))
    assert math.isclose(series.slope, each * 3600, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("values", "growth"),
    [((5.0,), 0.0), ((1.0,) * 10, 0.0), ((1.0,) * 9 + (50.0,), 24.5), ((1.0, 1, 1, 9, 9, 1, 1, 1), 0.0)],
)
def test_a_peak_is_no_growth_and_a_rise_is(values: tuple[float, ...], growth: float) -> None:
    """What was taken up and given back does not count."""
    assert a_series(*values).growth == growth


def test_without_two_moments_there_is_no_slope() -> None:
    """A figure that was taken once says nothing of growth."""
    assert a_series(3.0).slope == 0.0
