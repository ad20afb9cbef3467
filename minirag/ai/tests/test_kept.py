"""What was said of a sentence is kept for the next question, and nothing of a question."""

from __future__ import annotations

from minirag.ai.builtin.sentences.kept import Kept


class Embedder:
    """Says of a text how long it is, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, texts: list[str]) -> list[int]:
        self.asked += texts
        return [len(text) for text in texts]


def test_a_sentence_is_read_once_and_each_question_every_time():
    kept, embedder = Kept(10), Embedder()
    assert kept.ask("e", "why", ["one", "three"], embedder.ask) == [3, 3, 5]
    assert kept.ask("e", "why", ["three", "seven", "three"], embedder.ask) == [3, 5, 5, 5]
    assert embedder.asked == ["why", "one", "three", "why", "seven"]


def test_another_embedder_is_asked_anew():
    kept, one, other = Kept(10), Embedder(), Embedder()
    kept.ask("one", "why", ["a"], one.ask)
    kept.ask("other", "why", ["a"], other.ask)
    assert other.asked == ["why", "a"]


def test_what_was_used_last_stays():
    kept, embedder = Kept(2), Embedder()
    kept.ask("e", "q", ["a", "b"], embedder.ask)
    kept.ask("e", "q", ["a"], embedder.ask)
    kept.ask("e", "q", ["c"], embedder.ask)
    embedder.asked.clear()
    kept.ask("e", "q", ["a", "c"], embedder.ask)
    assert embedder.asked == ["q"]
    kept.ask("e", "q", ["b"], embedder.ask)
    assert embedder.asked == ["q", "q", "b"]
