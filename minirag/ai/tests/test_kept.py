"""What was said of a text is kept for the next time."""

from __future__ import annotations

from minirag.ai.builtin.sentences.kept import Kept


class Embedder:
    """Says of a text how long it is, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, texts: list[str]) -> list[int]:
        self.asked += texts
        return [len(text) for text in texts]


def test_a_text_is_read_once():
    kept, embedder = Kept(10), Embedder()
    assert kept.ask("e", ["one", "three"], embedder.ask) == [3, 5]
    assert kept.ask("e", ["three", "seven", "three"], embedder.ask) == [5, 5, 5]
    assert embedder.asked == ["one", "three", "seven"]


def test_another_embedder_is_asked_anew():
    kept, one, other = Kept(10), Embedder(), Embedder()
    kept.ask("one", ["a"], one.ask)
    kept.ask("other", ["a"], other.ask)
    assert other.asked == ["a"]


def test_what_was_used_last_stays():
    kept, embedder = Kept(2), Embedder()
    for texts in (["a", "b"], ["a"], ["c"]):
        kept.ask("e", texts, embedder.ask)
    embedder.asked.clear()
    kept.ask("e", ["a", "c"], embedder.ask)
    assert embedder.asked == []
    kept.ask("e", ["b"], embedder.ask)
    assert embedder.asked == ["b"]
