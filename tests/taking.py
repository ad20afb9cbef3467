"""A pytest plugin: runs side by side take test files from one queue, so that none of them idles while others work.

The queue is a pipe whose number MINIRAG_TEST_QUEUE names; `tests.side_by_side` fills it and loads this.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

import pytest

RECORD_BYTES = 128
"""Each file's path is filled up to it: so much is written and read at once, also by several."""


def open_queue(paths: list[str]) -> int:
    """A pipe with all paths in it, from which processes that inherit it read."""
    reading, writing = os.pipe()
    try:
        for path in paths:
            os.write(writing, path.encode().ljust(RECORD_BYTES))
    finally:
        os.close(writing)
    os.set_inheritable(reading, True)
    return reading


def take_paths(queue: int) -> Iterator[str]:
    while record := os.read(queue, RECORD_BYTES):
        yield record.decode().rstrip()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """As pytest's own loop, over the tests of the files that this run takes of all it has collected."""
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        raise session.Interrupted(f"{session.testsfailed} errors while collecting")
    by_path: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in session.items:
        by_path[item.nodeid.partition("::")[0]].append(item)
    taken = (
        item
        for path in take_paths(int(os.environ["MINIRAG_TEST_QUEUE"]))
        for item in by_path.get(path, ())
    )
    # The next one is known before a test ends: what both use stays.
    item = next(taken, None)
    while item is not None:
        following = next(taken, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True
