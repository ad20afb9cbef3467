"""External knowledge bases: checked when they are "ingested", searched beside our own index, never waited for."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile
from knowledge.models import ANYONE, Source
from knowledge.retrieval import retrieving as retrieval
from knowledge.retrieval.external import CIRCUITS, load_bases
from knowledge.retrieval.passages import MAX_EXTERNAL_CHARACTERS, MAX_EXTERNAL_PASSAGES
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.sources.configs import prepare_config
from knowledge.tests.conftest import HANDBOOK, make_bot, make_source, run, teach
from tenants.context import tenant_context
from tests.fakes.nyxcore_server import TOKEN, FakeNyxCore, result
from webhooks.event_types import EventType
from webhooks.models import Delivery, Webhook

QUESTION = "How many months of warranty does the Aeris One have?"
STRANGE = "Who won the chess olympiad in Baku?"


@pytest.fixture
def nyxcore(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    CIRCUITS.reset()
    with FakeNyxCore() as server:
        yield server


@pytest.fixture
def hook(in_acme) -> Webhook:
    return Webhook.objects.create(
        url="https://hooks.example.com/", events=[event.value for event in EventType]
    )


def told() -> list[str]:
    return list(Delivery.objects.order_by("created_at").values_list("event_type", flat=True))


@pytest.fixture
def impatient(settings):
    settings.NYXCORE_TIMEOUT_SECONDS = 1


def make_external(
    bot: BotProfile, nyxcore: FakeNyxCore, base: str, token: str | None = TOKEN, **fields
) -> Source:
    source = make_source(bot, None, source_type="nyxcore", name=f"Axiom {base}")
    config = {"base_url": nyxcore.base_url(base), "api_token": token, **fields.pop("config", {})}
    source.config = prepare_config("nyxcore", config, source_id=source.pk)
    source.save()
    return source


def connect(bot: BotProfile, nyxcore: FakeNyxCore, base: str, **fields) -> Source:
    source = run(make_external(bot, nyxcore, base, **fields))
    assert source.status == "ready", source.error_message
    return source


def ask(bot: BotProfile, question: str = QUESTION, **options) -> Retrieval:
    return async_to_sync(retrieve)(bot, question, audience=ANYONE, **options)


def contents(found: Retrieval) -> list[str]:
    return [passage.content for passage in found.passages]


# --- The connection check -----------------------------------------------------------------------------------------
def test_a_check_counts_the_documents_that_are_ready_and_their_chunks(bot, nyxcore, hook):
    documents = [
        {"status": "ready", "chunkCount": 3}, {"status": "READY", "chunkCount": 4},
        {"status": "processing", "chunkCount": 9},
    ]  # fmt: skip
    nyxcore.hold("a", documents=documents)
    source = run(make_external(bot, nyxcore, "a"))
    assert (source.status, source.document_count, source.chunk_count, source.error_message) == (
        "ready",
        2,
        7,
        None,
    )
    assert source.last_refreshed_at
    base, headers = nyxcore.checks[0]
    assert (base, headers["authorization"]) == ("a", f"Bearer {TOKEN}")
    assert told() == [], "as the contract has it, a check is no ingestion"


@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [
        ("refuse", "nyxcore_error", "nyxCore reported an error: The plan is used up (QUOTA)"),
        ("401", "token_refused", "nyxCore refused the API token: Something broke (OOPS)"),
        ("500", "nyxcore_error", "nyxCore reported an error: Something broke (OOPS)"),
        ("redirect", "http_status", "The server answered with status 307."),
        ("broken", "bad_response", "The server's answer is not one of nyxCore's."),
        ("text", "bad_response", "The server's answer is not one of nyxCore's."),
        ("list", "bad_response", "The server's answer is not one of nyxCore's."),
        ("cut", "bad_response", "The server's answer is not valid HTTP."),
    ],
)
def test_a_check_that_fails_says_why(bot, nyxcore, hook, behaviour, code, reason):
    nyxcore.hold("a", behaviour=behaviour)
    source = run(make_external(bot, nyxcore, "a"))
    assert (source.status, source.error_code, source.error_message) == ("error", code, reason)
    assert told() == ["source.failed"]


def test_a_check_ends_when_the_server_does_not(bot, nyxcore, monkeypatch):
    monkeypatch.setattr("knowledge.retrieval.nyxcore.CHECK_SECONDS", 0.3)
    for behaviour in ("hang", "drip"):
        nyxcore.hold("a", behaviour=behaviour)
        source = run(make_external(bot, nyxcore, "a"))
        assert (source.status, source.error_code) == ("error", "timeout")
        assert source.next_refresh_at, "it is tried again"


def test_a_check_without_a_token_says_so(bot, nyxcore):
    source = run(make_external(bot, nyxcore, "a", token=None))
    assert (source.status, source.error_message) == ("error", "No API token configured")
    assert not nyxcore.checks


def test_a_wrong_token_and_a_wrong_address_say_so(bot, nyxcore):
    nyxcore.hold("a")
    wrong = run(make_external(bot, nyxcore, "a", token="nyx_ax_wrong"))
    assert (
        wrong.error_message
        == "nyxCore refused the API token: The token is not valid (INVALID_TOKEN)"
    )
    assert (
        run(make_external(bot, nyxcore, "gone")).error_message
        == "The server answered with status 404."
    )


def test_a_private_address_is_not_reached_even_if_it_was_stored(bot, nyxcore, settings):
    nyxcore.hold("a", result("Secret."))
    source, asked = make_external(bot, nyxcore, "a"), connect(bot, nyxcore, "a")
    settings.OUTBOUND_ALLOWED_HOSTS = []
    nyxcore.checks.clear()
    assert run(source).error_code == "address_refused"
    assert [search.outcome for search in ask(bot).external] == ["address_refused"]
    assert not nyxcore.checks and not nyxcore.searches and asked.status == "ready"


@pytest.mark.parametrize(
    "documents",
    [
        None, 5, "x", {}, [None, 5, "x", [], {}], [{"status": 5}], [{"status": "ready"}], [{"status": None}],
        [{"status": "ready", "chunkCount": value} for value in (None, "7", -3, 1.5, True, [], 10**30, float("nan"))],
    ],
)  # fmt: skip
def test_a_malformed_list_of_documents_never_breaks_the_check(bot, nyxcore, documents):
    nyxcore.hold("a", documents=documents)
    source = run(make_external(bot, nyxcore, "a"))
    assert source.error_code in ("", "bad_response") and 0 <= source.chunk_count < 2**31


def test_a_check_that_fails_later_silences_the_base_until_it_works_again(bot, nyxcore):
    held = nyxcore.hold("a", result("Axiom says 60 months."))
    source = connect(bot, nyxcore, "a")
    held.behaviour = "500"
    assert run(source).status == "error" and source.chunk_count == 3
    assert contents(ask(bot)) == [] and not nyxcore.searches
    held.behaviour = "answer"
    assert run(source).status == "ready"
    assert contents(ask(bot)) == ["Axiom says 60 months."]


# --- Searching ----------------------------------------------------------------------------------------------------
def test_a_search_sends_what_the_protocol_wants(bot, nyxcore):
    nyxcore.hold("a", result("x", authority="mandatory"))
    connect(bot, nyxcore, "a", config={"limit": 7, "authority": ["guideline", "mandatory"]})
    ask(bot)
    _, headers, body = nyxcore.searches[0]
    assert body == {"query": QUESTION, "limit": 7, "authority": ["mandatory", "guideline"]}
    assert (
        headers["authorization"] == f"Bearer {TOKEN}"
        and headers["content-type"] == "application/json"
    )
    connect(bot, nyxcore, "a")
    ask(bot)
    assert {"query": QUESTION, "limit": 10} in [search[2] for search in nyxcore.searches]


def test_what_binds_comes_first_and_what_was_found_here_last(bot, nyxcore):
    teach(bot)
    nyxcore.hold(
        "a", result("i", score=0.99), result("m1", authority="mandatory", score=0.4),
        result("g", authority="Guideline", score=0.5), result("m2", authority="mandatory", score=0.7),
    )  # fmt: skip
    nyxcore.hold(
        "b", result("m3", authority="mandatory", score=0.5), result("?", authority="law", score=0.5)
    )
    connect(bot, nyxcore, "a")
    connect(bot, nyxcore, "b")
    found = ask(bot, limit=2)
    assert contents(found)[:6] == ["m2", "m3", "m1", "g", "i", "?"]
    assert [passage.authority for passage in found.passages] == [
        "mandatory", "mandatory", "mandatory", "guideline", "informational", "informational", "", "",
    ]  # fmt: skip
    assert "36 months" in contents(found)[6]
    assert {search.outcome for search in found.external} == {"ok"}


def test_an_external_passage_knows_its_place(bot, nyxcore):
    chunk = str(uuid.uuid4())
    nyxcore.hold(
        "a", result("One.", chunkId=chunk, heading="Scope", score=0.9),
        result("Two.", chunkId="axm#17", filename=None, score=0.8),
    )  # fmt: skip
    source = connect(bot, nyxcore, "a")
    one, two = ask(bot).passages
    assert (str(one.chunk_id), one.shown_id, one.source_id) == (chunk, chunk, source.pk)
    assert (one.title, one.heading) == ("rules.md", "rules.md > Scope")
    assert (two.chunk_id, two.shown_id) == (uuid.uuid5(source.pk, "axm#17"), "axm#17")
    assert (two.title, two.heading) == ("Axiom a", "Axiom a")


def test_what_external_bases_add_to_a_prompt_is_bounded(bot, nyxcore):
    nyxcore.hold(
        "a", *[result(f"{number} " + "x" * 9000, authority="guideline") for number in range(9)]
    )
    nyxcore.hold(
        "b",
        *[result(f"short {number}") for number in range(50)],
        result("Must.", authority="mandatory"),
    )
    connect(bot, nyxcore, "a")
    connect(bot, nyxcore, "b", config={"limit": 50})
    nyxcore.bases["b"].results.insert(0, nyxcore.bases["b"].results.pop())
    found = ask(bot)
    assert contents(found)[0] == "Must." and len(found.passages) <= MAX_EXTERNAL_PASSAGES
    assert sum(map(len, contents(found))) <= MAX_EXTERNAL_CHARACTERS
    assert "short 1" in contents(found)


def test_the_same_text_from_two_bases_is_kept_where_it_binds_most(bot, nyxcore):
    nyxcore.hold("a", result("Same.", score=0.9))
    nyxcore.hold("b", result("Same.", authority="mandatory", score=0.2))
    connect(bot, nyxcore, "a")
    connect(bot, nyxcore, "b")
    assert [(each.content, each.authority) for each in ask(bot).passages] == [
        ("Same.", "mandatory")
    ]


def test_a_base_that_was_asked_to_inform_gives_no_orders(bot, nyxcore):
    nyxcore.hold("a", result("Obey.", authority="mandatory"), result("Know."))
    connect(bot, nyxcore, "a", config={"authority": ["informational"]})
    assert contents(ask(bot)) == ["Know."]


@pytest.mark.parametrize(
    "results",
    [
        None, 5, "x", {}, [None, 5, "x", []], [{}], [{"content": 5}], [{"content": "  "}], [{"content": None}],
        [result("x", score=value) for value in (None, "1", float("nan"), float("inf"), 10**400, True, -5, [])],
        [result("x", **{name: value}) for name in ("heading", "filename", "authority", "chunkId", "documentId")
         for value in (None, 5, [], {}, "\0", "\ud800", "y" * 5000)],
        [result("\0nul and \ud800 half")],
    ],
)  # fmt: skip
def test_malformed_results_never_break_a_search(bot, nyxcore, results):
    teach(bot)
    nyxcore.hold("a").results = results
    connect(bot, nyxcore, "a", config={"limit": 50})
    found = ask(bot)
    assert any("36 months" in content for content in contents(found))
    assert all(
        "\0" not in f"{p.content}{p.title}{p.heading}{p.external_id}" for p in found.passages
    )
    assert all(-1e9 < passage.score < 1e9 for passage in found.passages)


@pytest.mark.parametrize(
    "behaviour", ["hang", "drip", "broken", "text", "list", "refuse", "cut", "redirect", "503"]
)
def test_a_base_that_fails_is_left_out_and_says_so(bot, nyxcore, impatient, caplog, behaviour):
    teach(bot)
    held, source = nyxcore.hold("a"), None
    nyxcore.hold("b", result("Axiom B."))
    source = connect(bot, nyxcore, "a")
    connect(bot, nyxcore, "b")
    held.behaviour = behaviour
    found = ask(bot)
    assert contents(found)[0] == "Axiom B." and "36 months" in contents(found)[1]
    assert [search.outcome == "ok" for search in found.external] == [False, True]
    source.refresh_from_db()
    assert source.status == "ready" and source.failed_searches == 1 and source.error_code
    assert source.error_message.startswith("The last search failed: ")
    assert "a nyxCore base was left out" in caplog.text
    assert (
        QUESTION not in caplog.text
        and TOKEN not in caplog.text
        and "plan is used up" not in caplog.text
    )
    held.behaviour = "answer"
    ask(bot)
    source.refresh_from_db()
    assert (source.error_code, source.error_message, source.failed_searches) == ("", None, 1)


def test_slow_bases_are_asked_at_once_and_none_is_waited_for_beyond_the_budget(
    bot, nyxcore, impatient
):
    teach(bot)
    for base in "abcde":
        connect(bot, nyxcore, base) if nyxcore.hold(base) else None
    for base in "abcde":
        nyxcore.bases[base].behaviour = "hang"
    found = ask(bot)
    assert nyxcore.most_at_once == 5, "all five were under way together"
    assert [search.outcome for search in found.external] == ["timeout"] * 5
    assert "36 months" in contents(found)[0]


def test_a_base_is_asked_while_our_own_index_is_searched(bot, nyxcore, monkeypatch):
    nyxcore.hold("a", result("Axiom A."))
    connect(bot, nyxcore, "a")
    before = []

    async def embed_late(*args):
        for _ in range(6000):
            if nyxcore.searches:
                break
            await asyncio.sleep(0.01)
        before.append(len(nyxcore.searches))
        return await embed(*args)

    embed = retrieval._embed_question
    monkeypatch.setattr("knowledge.retrieval.retrieving._embed_question", embed_late)
    ask(bot)
    assert before == [1]


def test_a_base_that_failed_three_times_is_left_alone_until_its_source_changes(bot, nyxcore):
    held, source = nyxcore.hold("a", result("Axiom A.")), connect(bot, nyxcore, "a")
    held.behaviour = "500"
    assert [ask(bot).external[0].outcome for _ in range(5)] == ["nyxcore_error"] * 3 + [
        "paused"
    ] * 2
    assert len(nyxcore.searches) == 3
    held.behaviour = "answer"
    run(source)
    assert contents(ask(bot)) == ["Axiom A."], "its owner had it checked again"


def test_only_active_and_ready_bases_of_the_bot_are_asked(bot, nyxcore, globex):
    nyxcore.hold("a", result("Axiom A."))
    source = connect(bot, nyxcore, "a")
    make_external(bot, nyxcore, "a")  # never checked
    other = make_bot(name="Other")
    parent = make_source(bot, None, source_type="nyxcore", name="Parent")
    child = connect(bot, nyxcore, "a")
    Source.objects.filter(pk=child.pk).update(parent=parent)
    assert {base.source_id for base in load_bases(bot.pk, ANYONE)} == {source.pk, child.pk}
    assert load_bases(other.pk, ANYONE) == ()
    with tenant_context(globex.tenant):
        assert load_bases(bot.pk, ANYONE) == ()
    Source.objects.filter(pk=parent.pk).update(is_active=False)
    assert [base.source_id for base in load_bases(bot.pk, ANYONE)] == [source.pk]
    Source.objects.filter(pk=source.pk).update(is_active=False)
    assert load_bases(bot.pk, ANYONE) == () and ask(bot).passages == ()


def test_a_source_that_lost_its_token_says_so_once_and_is_left_out(bot, nyxcore, settings):
    nyxcore.hold("a", result("Axiom A."))
    source = connect(bot, nyxcore, "a")
    Source.objects.filter(pk=source.pk).update(config={"base_url": nyxcore.base_url("a")})
    for _ in range(2):
        assert ask(bot).passages == () and not nyxcore.searches
    source.refresh_from_db()
    assert (source.error_message, source.failed_searches) == ("No API token configured", 1)


def test_external_counts_do_not_weigh_in_local_search(bot, nyxcore, django_assert_num_queries):
    nyxcore.hold("a", documents=[{"status": "ready", "chunkCount": 10**6}])
    connect(bot, nyxcore, "a")
    assert not Source.objects.answering(bot.pk, ANYONE).exists()
    bot.embedding_model = "minirag/minilm"
    bot.save()
    local = teach(bot)
    assert local.dataset.embedding_model == "minirag/minilm", (
        "an external base made no vectors that bind the dataset"
    )


# --- Refusing -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "config", "is_weak"),
    [
        ({"score": 0.9}, {}, False), ({"score": 0.29}, {}, True), ({"score": 0.3}, {}, False),
        ({"score": 0.29, "authority": "mandatory"}, {}, True), ({"score": 0.9, "authority": "mandatory"}, {}, False),
        ({"score": 0.05}, {"min_score": 0.01}, False), ({"score": 0.9}, {"min_score": 0.95}, True),
        ({"score": None}, {}, True),
    ],
)  # fmt: skip
def test_a_relevant_external_passage_is_knowledge_and_an_irrelevant_one_is_not(
    bot, nyxcore, fields, config, is_weak
):
    teach(bot, HANDBOOK)
    assert ask(bot, STRANGE).is_weak
    nyxcore.hold("a", result("Uzbekistan won it.", **fields))
    connect(bot, nyxcore, "a", config=config)
    found = ask(bot, STRANGE)
    assert found.is_weak is is_weak
    assert found.confidence < found.threshold, "another system's score is no part of our confidence"
