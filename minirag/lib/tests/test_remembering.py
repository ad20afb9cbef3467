from __future__ import annotations

from minirag.lib.remembering import Remembered


def test_who_remembers_no_more_begins_anew():
    remembered = Remembered[str, int](2)
    remembered["a"], remembered["b"] = 1, 2
    remembered["b"] = 3  # is there, and takes no place
    assert remembered == {"a": 1, "b": 3}
    remembered["c"] = 4
    assert remembered == {"c": 4}
