"""What a process has loaded is no work for it any more."""

from __future__ import annotations

import gc

from minirag.serving.memory import settle_memory


def test_what_is_there_by_then_is_looked_through_by_no_collection_and_what_comes_later_is():
    loaded, rubbish = [object()], []
    rubbish.append(rubbish)
    settle_memory()
    later: list[object] = []
    found = {id(each) for each in gc.get_objects()}
    assert id(loaded) not in found and id(later) in found
