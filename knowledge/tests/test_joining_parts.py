"""What the searches for a question's parts found is ordered by how well it fits any of them, and none is left out."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from knowledge.retrieval.found import Retrieval, join_parts
from knowledge.retrieval.passages import Passage


def find(*passages: tuple[str, float], confidence: float = 0.9) -> Retrieval:
    return Retrieval(
        tuple(make_passage(content, score) for content, score in passages), confidence, 0.3, {}, "en", "hybrid",
        "minirag/minilm", 3, Decimal(0), 4.0,
    )  # fmt: skip


def make_passage(content: str, score: float) -> Passage:
    ids = uuid4(), uuid4(), uuid4()
    return Passage(*ids, "Handbook", "", None, "Handbook", content, score, 0.8, 7.0)


def join(*found: Retrieval, wanted: int = 10) -> list[str]:
    return [each.content for each in join_parts(found, wanted).passages]


def test_a_good_second_stands_before_what_hardly_fits_another_part():
    prices = find(("price", 1.0), ("discount", 0.9))
    times = find(("time", 0.95), ("holiday", 0.5))
    assert join(prices, times) == ["price", "time", "discount", "holiday"]
    strong = find(("price", 1.0), ("discount", 0.97))
    assert join(strong, times) == ["price", "discount", "time", "holiday"]


def test_the_best_of_each_part_has_a_place_however_few_there_are():
    prices = find(("price", 1.0), ("discount", 0.97), ("student", 0.96))
    assert join(prices, find(("time", 0.9), ("holiday", 0.2)), wanted=2) == ["price", "time"]


def test_what_fits_as_well_takes_turns():
    assert join(find(("a", 1.0), ("b", 0.5)), find(("c", 1.0), ("d", 0.5))) == ["a", "c", "b", "d"]


def test_a_passage_for_two_parts_stands_once_and_a_part_that_is_not_known_gives_none():
    both = make_passage("price and time", 0.8)
    parts = [find(("price", 1.0)), find(("time", 0.9))]
    shared = [Retrieval(**{**vars(each), "passages": (*each.passages, both)}) for each in parts]
    assert join(*shared) == ["price", "time", "price and time"]
    assert join(parts[0], find(("chess", 1.0), confidence=0.1)) == ["price"]
