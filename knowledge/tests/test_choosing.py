"""Which embedder a new bot gets: the multilingual one where its knowledge is not mostly English, once and for all."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as installed

from bots.drafts.models import QualityGate
from bots.profiles import update_bot
from knowledge import tasks
from knowledge.indexing.upkeep.reembedding import reembed_claimed
from knowledge.models import ANYONE, BotDataset, Dataset, Reembedding, Source
from knowledge.retrieval import calibrating
from knowledge.retrieval.calibrating import load_strangers
from knowledge.retrieval.choosing import ACTOR, LITTLE, choose_embedders, is_mostly_foreign
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import make_bot, teach
from minirag.ai.builtin.local import MINILM, pin
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork
from tenants.models import AuditEvent
from tests.embedder_folder import MULTILINGUAL

GERMAN = """# Stadtbücherei

Die Bücherei ist dienstags bis samstags von zehn bis achtzehn Uhr geöffnet. Am Montag bleibt sie geschlossen.

# Leihfrist

Bücher können vier Wochen lang ausgeliehen werden. Danach kostet jede angefangene Woche einen Euro je Buch.
"""
QUESTION = "Wie lange kann ich ein Buch ausleihen?"


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """The messages to workers, which nobody reads here."""
    sent = []
    monkeypatch.setattr(tasks.reembed, "apply_async", lambda pks, **options: sent.append(pks[0]))
    return sent


@pytest.fixture(autouse=True)
def _few_strangers(monkeypatch):
    """A worker asks these questions of each bot, with a real embedder: here it is not their floors that count."""
    few = {language: load_strangers(language)[:20] for language in ("de", "en")}
    monkeypatch.setattr(
        calibrating, "load_strangers", lambda language: few.get(language, few["en"])
    )


@pytest.fixture
def bot(in_acme):
    return make_bot(embedding_model=None)


@pytest.fixture
def both(settings, tmp_path, _multilingual):
    """EMBEDDER_DIR with MiniLM and the multilingual embedder, as `make run` leaves it."""
    for place, pattern in ((settings.EMBEDDER_DIR, "*.*"), (_multilingual, "*")):
        for entry in place.glob(pattern):
            (tmp_path / entry.name).symlink_to(entry)
    settings.EMBEDDER_DIR, settings.MULTILINGUAL_EMBEDDING_MODEL = tmp_path, MULTILINGUAL


def work_off(sent) -> None:
    """What a worker does with the messages."""
    while sent:
        tasks.reembed.run(str(sent.pop()))


def find_first(bot) -> str:
    return async_to_sync(retrieve)(bot, QUESTION, audience=ANYONE).passages[0].content


def model_of(bot) -> str | None:
    bot.refresh_from_db()
    return bot.embedding_model


def test_more_than_half_of_the_chunks_decide():
    assert is_mostly_foreign({"de": 3, "en": 2}) and is_mostly_foreign({"de": 2, "fr": 2, "en": 3})
    assert not is_mostly_foreign({"de": 2, "en": 2}) and not is_mostly_foreign({"": 5, "de": 4})
    assert not is_mostly_foreign({})


def test_a_german_bot_is_moved_once_and_answers_all_the_while(bot, globex, both, sent):
    teach(bot, GERMAN)
    with tenant_context(globex.tenant):
        theirs = make_bot(embedding_model=None)
        teach(theirs, GERMAN)
    before = find_first(bot)
    assert "vier Wochen" in before and tasks.fit_bots() == 1
    assert model_of(bot) == MULTILINGUAL and len(sent) == 1, "begun at once"
    event = AuditEvent.objects.get(action="bot.changed")
    assert event.actor == ACTOR and event.tenant_slug == "acme"
    assert event.detail["changes"] == {"embedding_model": [None, MULTILINGUAL]}
    assert find_first(bot) == before and Dataset.objects.get().embedding_model == MINILM
    assert bot.refusal_floors.get().embedding_model == MINILM, "the old vectors answer by their own"

    DueWork.objects.all().delete()
    work_off(sent)
    assert Dataset.objects.get().embedding_model == pin(MULTILINGUAL) and find_first(bot) == before
    assert DueWork.objects.filter(kind=DueKind.CALIBRATION).exists(), "floors are due for the new"
    assert tasks.fit_bots() == 1 and tasks.fit_bots() == 0 and not sent
    assert bot.refusal_floors.filter(embedding_model=pin(MULTILINGUAL)).exists()
    with tenant_context(globex.tenant):
        assert model_of(theirs) is None and Dataset.objects.get().embedding_model == MINILM


def test_the_old_vectors_answer_while_a_worker_is_at_it(bot, both, sent, monkeypatch):
    teach(bot, GERMAN)
    tasks.fit_bots()
    monkeypatch.setattr("knowledge.indexing.upkeep.reembedding.SLICE_SECONDS", 0.0)
    assert reembed_claimed(Reembedding.objects.claim(sent.pop())), "there is more to do"
    assert "vier Wochen" in find_first(bot)


def test_english_stays_with_the_default(bot, both, sent):
    teach(bot)
    teach(bot, GERMAN.partition("# Leihfrist")[0], name="Bücherei")
    assert choose_embedders() == 0 and model_of(bot) is None
    tasks.fit_bots()
    assert model_of(bot) is None and bot.refusal_floors.exists()


def test_one_english_page_before_the_german_ones_decides_nothing(bot, both, sent):
    teach(bot)
    tasks.fit_bots()
    for number in range(4):
        teach(
            bot, f"{GERMAN}\n# Zweigstelle {number}\n\nSie liegt am Markt.", name=f"Seite {number}"
        )
    tasks.fit_bots()
    assert model_of(bot) == MULTILINGUAL and len(sent) == 1


def test_a_bot_that_has_long_known_something_stays_as_it_is(bot, both, sent):
    teach(bot)
    tasks.fit_bots()
    bot.refusal_floors.update(chunk_count=LITTLE)
    Source.objects.update(language="de")
    assert choose_embedders() == 0 and model_of(bot) is None


@pytest.mark.parametrize("left_alone", ["own model", "shared dataset", "switched off", "gate"])
def test_who_has_decided_something_is_left_alone(bot, both, left_alone):
    teach(bot, GERMAN)
    if left_alone == "own model":
        update_bot(bot, {"embedding_model": MINILM})
    elif left_alone == "shared dataset":
        shared = Dataset.objects.create(name="Manuals", embedding_model=MINILM)
        BotDataset.objects.create(bot_profile=bot, dataset=shared)
    elif left_alone == "switched off":
        update_bot(bot, {"is_active": False})
    else:
        QualityGate.objects.create(bot_profile=bot)
    before = model_of(bot)
    assert choose_embedders() == 0 and model_of(bot) == before


def test_what_a_person_sets_afterwards_stays(bot, both, sent):
    teach(bot, GERMAN)
    tasks.fit_bots()
    work_off(sent)
    tasks.fit_bots()
    bot.refresh_from_db()
    update_bot(bot, {"embedding_model": None})
    tasks.reembed_outdated()
    work_off(sent)
    tasks.fit_bots()
    teach(
        bot,
        "# Mehr\n\nDer Lesesaal hat vierzig Plätze und ist am Abend länger geöffnet.",
        name="Mehr",
    )
    tasks.fit_bots()
    assert model_of(bot) is None and Dataset.objects.get().embedding_model == MINILM


@pytest.mark.parametrize("missing", ["folder", "setting", "english default"])
def test_nothing_is_chosen_without(bot, both, settings, tmp_path, missing):
    teach(bot, GERMAN)
    if missing == "folder":
        (tmp_path / MULTILINGUAL.partition(":")[2]).unlink()
    elif missing == "setting":
        settings.MULTILINGUAL_EMBEDDING_MODEL = ""
    else:
        settings.DEFAULT_EMBEDDING_MODEL = "minirag/hash"
    assert choose_embedders() == 0 and model_of(bot) is None


def test_no_other_test_sees_what_a_developer_has_made():
    assert installed.MULTILINGUAL_EMBEDDING_MODEL == ""
