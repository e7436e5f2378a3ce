"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from bakeoff.numbers import (
    difference,
    difference_with_interval,
    interval_decimals,
    number,
    price,
    threshold,
    with_interval,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (0.84, "0.840"), (0.0084, "0.0084"), (0.00004, "0.0000"), (12.345, "12.3"),
     (-0.1, "-0.100"), (-0.00004, "0.0000"), (54321.5, "54,322"), (999.6, "1,000"), (NAN, "–"), (math.inf, "–"),
     (None, "–")],
)  # fmt: skip
def test_numbers_have_three_digits_and_no_exponent(value: float | None, text: str) -> None:
    assert number(value) == text


def test_an_interval_and_its_value_share_the_decimals_that_the_width_supports() -> None:
    assert with_interval(0.81234, 0.7811, 0.8533) == "0.812 [0.781, 0.853]"
    assert with_interval(0.5, 0.2, 0.9) == "0.50 [0.20, 0.90]"
    assert with_interval(12345.6, 11000.0, 14000.0) == "12,346 [11,000, 14,000]"
    assert with_interval(0.5, None, None) == "0.500"
    assert interval_decimals([(0.1, 0.3), (0.1, 0.1), (None, 1.0)]) == 2


def test_differences_have_a_sign_and_zero_has_none() -> None:
    assert difference(0.153) == "+0.153"
    assert difference(-4322.0) == "-4,322"
    assert difference(0.00001, 3) == "0.000"
    assert difference_with_interval(0.153, 0.042, 0.305) == "+0.15 [+0.04, +0.30]"


def test_a_chosen_number_has_no_trailing_zeros() -> None:
    assert [threshold(value) for value in (0.01, 0.0081, 543.2, 0.0, 5.0)] == ["0.01", "0.0081", "543", "0", "5"]


def test_an_unknown_price_is_never_zero() -> None:
    assert (price(None), price(NAN), price(0.00001), price(0.0), price(1.5)) == (
        "unknown", "unknown", "<0.0001", "0", "1.50",
    )  # fmt: skip
