"""The yardstick: its arithmetic, and the two commands."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from bots.models import BotProfile
from knowledge.models import IndexEntry, Source
from knowledge.retrieval.evaluation import (
    BadFolder,
    find_percentile,
    load_judged_set,
    measure_all,
    measure_ndcg,
    measure_recall,
    measure_reciprocal_rank,
)
from knowledge.tests.conftest import WARRANTY, teach
from tenants.context import tenant_context
from tenants.models import Tenant


def test_our_arithmetic_is_that_of_trec_eval():
    """The product measures without ir-measures, whose scipy is larger than all else in its image."""
    import random

    import ir_measures
    from ir_measures import RR, R, nDCG

    lot, keys = random.Random(5), [str(number) for number in range(30)]
    for _ in range(50):
        ranked = lot.sample(keys, lot.randrange(1, 25))
        relevant = {key: lot.randrange(1, 4) for key in lot.sample(keys, lot.randrange(1, 15))}
        run = {"q": {key: float(-place) for place, key in enumerate(ranked)}}
        theirs = ir_measures.calc_aggregate([nDCG @ 10, R @ 10, RR @ 10], {"q": relevant}, run)
        ours = measure_all({"q": ranked}, {"q": relevant})
        assert ours.ndcg == pytest.approx(theirs[nDCG @ 10])
        assert ours.recall == pytest.approx(theirs[R @ 10])
        assert ours.reciprocal_rank == pytest.approx(theirs[RR @ 10])


def test_a_perfect_ranking_scores_1_and_a_missing_one_0():
    relevant = {"a": 2, "b": 1}
    assert measure_ndcg(["a", "b", "x"], relevant) == 1 and measure_ndcg(["x", "y"], relevant) == 0
    assert (
        measure_recall(["b"], relevant) == 0.5
        and measure_reciprocal_rank(["x", "b"], relevant) == 0.5
    )


def test_ndcg_discounts_by_the_logarithm_of_the_rank():
    assert measure_ndcg(["x", "a"], {"a": 1}) == pytest.approx(1 / math.log2(3))
    swapped = (1 / math.log2(2) + 2 / math.log2(3)) / (2 / math.log2(2) + 1 / math.log2(3))
    assert measure_ndcg(["b", "a"], {"a": 2, "b": 1}) == pytest.approx(swapped)


def test_what_stands_beyond_the_tenth_place_does_not_count():
    ranked = [f"x{n}" for n in range(10)] + ["a"]
    assert measure_ndcg(ranked, {"a": 1}) == measure_recall(ranked, {"a": 1}) == 0
    assert measure_reciprocal_rank(ranked, {"a": 1}) == 0


def test_figures_are_means_over_the_questions_asked():
    figures = measure_all(
        {"q1": ["a"], "q2": ["x"]}, {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 1}}
    )
    assert (figures.ndcg, figures.recall, figures.reciprocal_rank) == (0.5, 0.5, 0.5)
    assert measure_all({}, {}).ndcg == 0


def test_percentiles():
    values = [float(n) for n in range(1, 101)]
    assert (
        find_percentile(values, 0.5),
        find_percentile(values, 0.95),
        find_percentile([7.0], 0.95),
    ) == (50, 95, 7)


@pytest.fixture
def folder(tmp_path) -> Path:
    topics = ["warranty of filters", "rose garden in March", "bread and yeast", "chess olympiad"]
    rows = [
        {"_id": f"d{n}", "title": "", "text": f"All about the {topic}."}
        for n, topic in enumerate(topics)
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    questions = [
        {"_id": f"q{n}", "text": f"Tell me about {topic}?"} for n, topic in enumerate(topics)
    ]
    (tmp_path / "queries.jsonl").write_text(
        "\n".join(map(json.dumps, [*questions, {"_id": "q9", "text": "unjudged"}]))
    )
    judgements = ["query-id\tcorpus-id\tscore", *[f"q{n}\td{n}\t1" for n in range(4)]]
    (tmp_path / "qrels.tsv").write_text("\n".join(judgements) + "\n")
    return tmp_path


def test_a_limit_takes_judged_questions_spread_evenly(folder):
    assert [query_id for query_id, _ in load_judged_set(folder).queries] == ["q0", "q1", "q2", "q3"]
    assert [query_id for query_id, _ in load_judged_set(folder, limit=2).queries] == ["q0", "q2"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("corpus.jsonl", None),
        ("queries.jsonl", "{"),
        ("qrels.tsv", "head\nq1 d1 1\n"),
        ("qrels.tsv", None),
    ],
)
def test_a_folder_that_is_not_right_is_named(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(BadFolder, match=name.replace(".", r"\.")):
        load_judged_set(folder)


@pytest.fixture
def committing(django_db_setup, django_db_blocker):
    """Without the test's transaction: the command makes a tenant and erases it, as it does outside of tests."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()


def test_the_command_measures_through_the_products_own_search_and_leaves_nothing(
    folder, committing, capsys
):
    before = set(Tenant.objects.values_list("slug", flat=True))
    call_command("evaluate", str(folder), model="minirag/hash")
    printed = capsys.readouterr().out
    assert (
        "4 documents" in printed
        and "4 questions: nDCG@10 1.0000  recall@10 1.0000  MRR@10 1.0000" in printed
    )
    assert "p50" in printed and "p95" in printed
    assert set(Tenant.objects.values_list("slug", flat=True)) == before


def test_the_command_can_work_in_a_tenant_and_leaves_it_as_it_was(folder, acme, capsys):
    call_command("evaluate", str(folder), tenant="acme", model="minirag/hash", limit=2)
    assert "2 questions" in capsys.readouterr().out
    with tenant_context(acme.tenant):
        assert (
            not BotProfile.objects.exists()
            and not Source.objects.exists()
            and not IndexEntry.objects.exists()
        )


def test_the_command_says_what_is_wrong(folder, acme, tmp_path):
    with pytest.raises(CommandError, match="no tenant 'nobody'"):
        call_command("evaluate", str(folder), tenant="nobody")
    with pytest.raises(CommandError, match=r"qrels\.tsv"):
        call_command("evaluate", str(tmp_path / "nothing"))


def test_search_prints_passages_with_the_parts_of_their_scores(bot, capsys):
    teach(bot)
    with tenant_context(None):
        call_command(
            "search", "How long is the warranty of the Aeris One?", tenant="acme", bot="Helper"
        )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["score", "cosine", "bm25", "place"]
    assert (
        lines[1].split()[0] == "1"
        and "Handbook > Warranty" in lines[1]
        and WARRANTY[:60] in lines[2]
    )
    assert "confidence 0." in lines[-1] and "threshold 0.120: enough to answer from" in lines[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tenant": "nobody"}, "no tenant 'nobody'"),
        ({"bot": "Nobody"}, "No bot is called 'Nobody'. There are: 'Helper'"),
        ({"limit": 0}, "at least 1"),
    ],
)  # fmt: skip
def test_search_says_what_is_wrong(bot, options, message):
    with tenant_context(None), pytest.raises(CommandError, match=message):
        call_command("search", "Why?", **{"tenant": "acme", "bot": "Helper"} | options)
