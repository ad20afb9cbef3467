"""What `make eval` measures with: bases that are right about themselves, and figures that count what they say."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.quality import vectors
from bench.quality.__main__ import NEEDS, SECTIONS, find_sets, read_arguments, run_sections
from bench.quality.asking import Reply, ask, make_bot, teach_pages
from bench.quality.dialogues import Turn
from bench.quality.judged import holds, rank_share
from bench.quality.languages import is_in_language
from bench.quality.metrics import Order, measure_orders
from bench.quality.own import APART, OWN, UNSEEN, Asked, describe_failure
from bench.quality.questions import ANSWERABLE, BASES, HALVES, KINDS, Question, load_base
from bench.report import Report
from bots.models import Outcome
from knowledge.retrieval.evaluation import measure_all
from minirag.ai.builtin import local
from minirag.ai.builtin.local import HASH

NAMES = sorted(path.name for path in BASES.iterdir() if path.is_dir())


def read_page(path: Path) -> str:
    text = path.read_text()
    return " ".join((re.sub(r"<[^>]+>", " ", text) if path.suffix == ".html" else text).split())


@pytest.mark.parametrize("name", NAMES)
def test_what_a_base_wants_of_an_answer_stands_on_the_page_that_it_names(name):
    base = load_base(name)
    pages = {path.stem: read_page(path) for path in base.pages}
    for question in base.questions:
        assert bool(question.pages) == (question.kind in ANSWERABLE), question.key
        for page in question.pages:
            missing = [each for each in question.must if not re.search(each, pages[page], re.I)]
            assert question.must and not missing, question.key


@pytest.mark.parametrize("name", NAMES)
def test_questions_are_of_known_kinds_and_have_names_of_their_own(name):
    base = load_base(name)
    assert len({each.key for each in base.questions}) == len(base.questions)
    assert {each.kind for each in base.questions} <= set(KINDS)
    assert {each.half for each in base.questions} <= set(HALVES)
    for question in base.questions:
        assert bool(question.before) == (question.kind == "follow-up"), question.key
        assert bool(question.standard) == (question.kind in ANSWERABLE[1:]), question.key


def test_shop_and_town_are_as_large_as_agreed():
    bases = [load_base(name) for name in ("shop", "town")]
    assert [len(base.pages) for base in bases] == [15, 10]
    assert Counter(each.kind for base in bases for each in base.questions) == {
        "plain": 60, "off-topic": 30, "near-topic": 30, "follow-up": 20, "typo": 20, "compound": 10, "small-talk": 15,
    }  # fmt: skip


def test_no_page_is_in_both_halves_and_what_is_held_out_is_so_wholly():
    for base in map(load_base, NAMES):
        halves: dict[str, set[str]] = {}
        for question in base.questions:
            for page in question.pages:
                halves.setdefault(page, set()).add(question.half)
        assert all(len(each) == 1 for each in halves.values()), base.name
        found = {each.half for each in base.questions}
        whole = {"held-out"} if base.is_held_out else {"tuning"}
        assert found == (set(HALVES) if base.name in OWN else whole)
    assert {name for name in NAMES if load_base(name).is_held_out} == {*UNSEEN, *APART}


def a_question(kind: str = "plain", **facts: object) -> Question:
    return Question("x/1", kind, "en", "tuning", "What is the price?", **facts)


def said(text: str, outcome: str = Outcome.ANSWERED) -> Reply:
    return Reply(text, outcome)


def test_an_answer_is_right_with_its_facts_from_their_page():
    question = a_question(pages=("tariff",), must=(r"£5\b",), must_not=("£6",))
    assert Asked(question, said("It costs\n£5 [1]"), ("tariff",)).is_right
    assert not Asked(question, said("It costs £5 [1]"), ("other",)).is_right
    assert not Asked(question, said("It costs £5 or £6 [1]"), ("tariff",)).is_right
    assert not Asked(question, said("It costs £50 [1]"), ("tariff",)).is_right
    assert not Asked(question, said("It costs £5", Outcome.REFUSED), ("tariff",)).is_right


def test_a_stranger_is_right_to_be_declined():
    assert Asked(a_question("off-topic"), said("Sorry", Outcome.REFUSED), ()).is_right
    assert not Asked(a_question("near-topic"), said("It is blue [1]"), ("colours",)).is_right


def test_small_talk_is_no_refusal_and_cites_nothing_and_is_in_the_visitors_language():
    question = a_question("small-talk")
    assert Asked(question, said("Hello! I can help you with the shop."), ()).is_right
    assert not Asked(question, said("Hallo, ich helfe Ihnen gern."), ()).is_right
    assert not Asked(question, said("I can help you", Outcome.REFUSED), ()).is_right
    assert not Asked(question, said("I can help you [1]"), ("about",)).is_right


def test_a_failure_says_what_went_wrong():
    question = a_question("follow-up", before=("Do you have tea?",), pages=("tea",), must=("£5",))
    shown = describe_failure(Asked(question, said("It is green [1]"), ("tea",)))
    assert "without its facts" in shown and "Do you have tea?" in shown and "It is green" in shown


def test_languages_are_told_by_their_everyday_words():
    assert is_in_language("You are welcome!", "en")
    assert is_in_language("Gern! Ich bin der Assistent der Stadt.", "de")
    assert not is_in_language("Gern! Ich bin der Assistent der Stadt.", "en")
    assert not is_in_language("12345", "en")


def test_strangers_are_ranked_below_our_own():
    assert rank_share([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert rank_share([0.5], [0.5]) == 0.5
    assert rank_share([0.3, 0.7], [0.5]) == 0.5


def test_an_answer_may_stand_in_any_of_the_sentences():
    assert holds(["Paris"], ["It is far.", "It is paris."])
    assert not holds(["Paris"], [])


def test_the_last_two_questions_are_the_visitors():
    told = (("user", "A?"), ("assistant", "B."), ("user", "C?"), ("assistant", "D."))
    turn = Turn("1", "Why?", told, frozenset(), "", "")
    assert turn.last_two == "C? Why?"
    assert Turn("1", "Why?", (), frozenset(), "", "").last_two == "Why?"


def test_a_vector_that_is_known_is_not_asked_again(tmp_path, settings, monkeypatch):
    asked = []

    def encode(model: str, texts: list[str]) -> tuple[np.ndarray, int]:
        asked.extend(texts)
        return np.ones((len(texts), 3), np.float32) * len(texts[0]), 2

    settings.EMBEDDER_DIR = tmp_path
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr(vectors, "ENCODE", encode)
    first = vectors.KeptVectors(tmp_path / "kept")
    first.encode("m", ["a", "bb", "a"])
    found, tokens = vectors.KeptVectors(tmp_path / "kept").encode("m", ["bb", "a"], batch_size=4)
    assert asked == ["a", "bb"]
    assert found[:, 0].tolist() == [2.0, 1.0] and tokens == 4

    (tmp_path / "manifest.json").write_text('{"another": "embedder"}')
    vectors.KeptVectors(tmp_path / "kept").encode("m", ["a"])
    assert asked == ["a", "bb", "a"]


def test_sections_can_be_chosen_and_unknown_ones_are_refused():
    assert read_arguments(["own", "--quick"]).sections == {"own"}
    assert read_arguments([]).sections == set(SECTIONS) >= NEEDS.keys()
    assert find_sets().parts[-2:] == ("shared", "data")
    with pytest.raises(SystemExit):
        read_arguments(["speed"])


@pytest.mark.parametrize("section", ["dialogues", "scifact", "sentences", "strangers"])
def test_a_section_without_its_set_says_so_and_is_left_out(
    section, tmp_path, settings, monkeypatch, capsys
):
    monkeypatch.setattr(local, "encode_locally", local.encode_locally)  # put back afterwards
    settings.EMBEDDER_DIR = tmp_path
    (tmp_path / "manifest.json").write_text("{}")
    report = Report()
    arguments = [section, "--data", str(tmp_path), "--vectors", str(tmp_path / "kept")]
    run_sections(report, read_arguments(arguments))
    assert f"SKIPPED {section}: there is no set" in capsys.readouterr().out
    assert not report.sections


def test_pages_are_taught_and_asked_through_the_products_own_path(
    in_acme, tmp_path, run_async, settings
):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen tea is 4.20 euros a bag.\n")
    (tmp_path / "mugs.html").write_text("<h1>Mugs</h1><p>The blue mug holds 300 millilitres.</p>")
    bot = make_bot("Milly", embedding_model=HASH, refusal_floor=0.05)
    pages = teach_pages(bot, sorted(tmp_path.iterdir()))

    answer = run_async(ask, bot, "How much is a bag of green tea?")
    assert answer.is_answered and "4.20" in answer.text and answer.sureness != "- of -"
    assert {pages[each] for each in answer.cited} == {"tea"} and answer.found

    again = run_async(ask, bot, "blue mug millilitres", before=("green tea euros bag",))
    assert {pages[each] for each in again.cited} == {"mugs"}
    assert run_async(ask, bot, "Who wrote Faust?").is_declined


def test_order_is_counted_as_trec_eval_counts_it_and_what_found_nothing_counts_as_nothing():
    judged = {"a": {"x": 1}, "b": {"y": 2, "z": 1}, "not asked": {"x": 1}}
    assert measure_orders({"a": ["x", "y"]}, judged) == Order(1.0, 1.0)
    assert measure_orders({"a": ["y", "x"]}, judged).ndcg == pytest.approx(1 / math.log2(3))
    assert measure_orders({"a": ["x"], "b": []}, judged) == Order(0.5, 0.5)
    ranked = {"a": ["y", "x"], "b": ["z", "q", "y"]}
    assert measure_orders(ranked, judged).ndcg == pytest.approx(measure_all(ranked, judged).ndcg)
