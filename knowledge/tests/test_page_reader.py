"""One reader reads page after page; whatever happens to it or to its nursery, the next page is read."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from knowledge.formats.isolated import asking
from knowledge.formats.sections import ParseError
from knowledge.sites.pages import reading
from knowledge.sites.pages.reading import PageReader
from knowledge.tests.test_parsing import list_readers, wait_until

ADDRESS = "https://acme.example.com/prices"
SLOW = b"<div>" * 400_000


def read(reader: PageReader, data: bytes):
    return reader.read(data, kind="html", url=ADDRESS)


def test_pages_are_read_one_after_the_other_by_one_reader_which_ends_with_them():
    with PageReader() as reader:
        for word in ("One", "Two"):
            page = read(reader, f"<h1>{word}</h1><p>Text.<a href='/{word}'>more</a>".encode())
            assert word in page.marks.names
            assert page.marks.links == (f"https://acme.example.com/{word}",)
            assert "Text." in page.document.sections[0].text
            pids = list_readers()
            assert len(pids) == 1
        assert list_readers() == pids
    wait_until(lambda: not list_readers())


def test_a_page_that_takes_too_long_is_refused_and_the_next_is_read():
    with PageReader(seconds=1.0) as reader:
        with pytest.raises(ParseError, match="took too long") as refused:
            read(reader, SLOW)
        assert refused.value.code == "timeout"
        wait_until(lambda: not list_readers())
        reader._seconds = 60.0
        assert read(reader, b"<p>word").document.sections[0].text == "word"


def test_a_page_that_kills_its_reader_is_refused_and_the_next_is_read():
    def kill() -> None:
        wait_until(lambda: bool(list_readers()))
        os.kill(list_readers()[0], signal.SIGKILL)

    with PageReader() as reader:
        killing = threading.Thread(target=kill)
        killing.start()
        with pytest.raises(ParseError) as refused:
            read(reader, SLOW)
        killing.join()
        assert refused.value.code == "crashed"
        assert read(reader, b"<p>word").document.sections[0].text == "word"


def test_a_nursery_that_hangs_is_replaced_and_the_page_is_read(monkeypatch):
    with PageReader() as reader:
        read(reader, b"<p>one")
    hanging = asking.NURSERY.process
    os.kill(hanging.pid, signal.SIGSTOP)
    monkeypatch.setattr(asking, "GREETED_WITHIN", [0.2, 120.0])
    with PageReader() as reader:
        assert read(reader, b"<p>two").document.sections[0].text == "two"
    assert hanging.wait(30) == -signal.SIGKILL


def test_where_nobody_greets_in_time_the_page_is_refused_and_not_waited_for():
    with PageReader() as reader:
        read(reader, b"<p>one")
    hanging = asking.NURSERY.process
    os.kill(hanging.pid, signal.SIGSTOP)
    began = time.monotonic()
    with (
        PageReader(ends_at=began) as reader,
        pytest.raises(ParseError, match="took too long"),
    ):
        read(reader, b"<p>two")
    assert time.monotonic() - began < 20
    os.kill(hanging.pid, signal.SIGCONT)


def test_a_nursery_that_hangs_is_replaced_though_nobody_has_time_to_wait_long_for_it(monkeypatch):
    with PageReader() as reader:
        read(reader, b"<p>one")
    hanging = asking.NURSERY.process
    os.kill(hanging.pid, signal.SIGSTOP)
    monkeypatch.setattr(asking, "GREETED_WITHIN", [1.2, 120.0])
    for _ in range(3):
        with PageReader(seconds=0.5) as reader, pytest.raises(ParseError, match="took too long"):
            read(reader, b"<p>two")
    with PageReader() as reader:
        assert read(reader, b"<p>two").document.sections[0].text == "two"
    assert hanging.wait(30) == -signal.SIGKILL


def test_who_waits_at_once_with_others_waits_no_longer_than_they(monkeypatch):
    """Of ten that are read at once and hang for three seconds nobody has waited for thirty."""
    now = 1000.0
    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=lambda: now))
    nursery = asking._Nursery()
    nursery.note_heard()
    now += 3
    for _ in range(10):
        nursery.wait_in_vain(None, 1000.0)
    assert nursery.in_vain == 3
    now += 2
    nursery.wait_in_vain(None, 1004.0)
    assert nursery.in_vain == 4
    nursery.note_heard()
    now += 1
    nursery.wait_in_vain(None, 1000.0)
    assert nursery.in_vain == 1


def test_an_answer_without_bounds_is_no_answer(monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_ANSWER", 1000)
    with PageReader() as reader:
        with pytest.raises(ParseError) as refused:
            read(reader, b"<p>" + b"word " * 1_000_000)
        assert refused.value.code == "crashed"
        assert read(reader, b"<p>word").document.sections[0].text == "word"
