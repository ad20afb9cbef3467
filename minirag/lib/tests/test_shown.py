from __future__ import annotations

from datetime import UTC, datetime

from django.utils.translation import override

from minirag.lib.telling.shown import show_moment, show_name, show_number


def test_a_number_is_told_as_its_reader_writes_it():
    assert (show_number(1234567), show_number(0.559, 2)) == ("1,234,567", "0.56")
    with override("de"):
        assert (show_number(1234567), show_number(1234.5, 2)) == ("1.234.567", "1.234,50")


def test_a_name_that_cannot_be_seen_is_told_by_what_stands_for_it():
    assert [show_name(name, 7) for name in ("", " \n", "\u200b\u2060", "🙂", "Ava")] == [
        "7",
        "7",
        "7",
        "🙂",
        "Ava",
    ]


def test_a_time_is_told_without_its_seconds_parts():
    moment = datetime(2026, 3, 1, 12, 30, 5, 403170, tzinfo=UTC)
    assert (show_moment(moment), show_moment(None)) == ("2026-03-01 12:30", "–")
    with override("de"):
        assert show_moment(moment) == "1. März 2026 12:30"
