from __future__ import annotations

import pytest

from minirag.lib.security.rates import Rate, parse_rate


@pytest.mark.parametrize(("text", "rate"), [
    ("60/minute", Rate(60, 1, "minute")), ("5 per 10 second", Rate(5, 10, "second")), ("10/hour", Rate(10, 1, "hour")),
    ("100 / 2 days", Rate(100, 2, "day")), (" 1/SECOND ", Rate(1, 1, "second")),
])  # fmt: skip
def test_a_rate_is_read(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0", " ", "0/minute"])
def test_nothing_and_zero_are_no_limit(text):
    assert parse_rate(text) is None


@pytest.mark.parametrize("text", [
    "many", "60", "-1/minute", "60/fortnight", "1.5/minute", "60/0 minutes", "60/minute; 5/hour", "9" * 30 + "/minute",
])  # fmt: skip
def test_anything_else_is_a_mistake(text):
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate(text)


def test_a_rate_knows_its_window_and_is_multiplied_within_it():
    assert parse_rate("5 per 10 second").seconds == 10
    assert parse_rate("5 per 10 second").window == "10 seconds"
    assert parse_rate("20/minute") * 5 == Rate(100, 1, "minute")
