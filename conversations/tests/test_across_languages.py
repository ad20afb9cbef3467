"""A question in another language than the pages, answered offline with the multilingual embedder."""

from __future__ import annotations

import shutil

import pytest

from conversations.models import Citation
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_turns import take, text_of
from knowledge.retrieval.calibrating import calibrate_bot
from minirag.ai import build_minilm
from minirag.ai.builtin import local, minilm
from minirag.ai.builtin.sentences.kept import Kept
from tenants.context import tenant_context
from tests.embedder_folder import MULTILINGUAL

PAGES = {
    "Returns": "# Returns\n\nUnused devices may be sent back within 30 days of delivery. "
    "The refund is paid within five working days.\n",
    "Warranty": "# Warranty\n\nThe Aeris One is covered by a warranty of 36 months from the day of purchase.\n",
    "Shop": "# Our shop\n\nThe shop in Harbour Street is open from Monday to Friday, 9 am to 6 pm. "
    "There are no parking spaces in front of it.\n",
    "Delivery": "# Delivery\n\nParcels are sent by train. Delivery to an island takes two days longer.\n",
    "Calibration": "# Calibration\n\nCalibrate the sensor every 6 months with the blue calibration cap.\n",
}


@pytest.fixture
def bot(in_acme, multilingual):
    bot = make_bot(model="minirag/extractive", embedding_model=MULTILINGUAL)
    for name, text in PAGES.items():
        teach(bot, text, name)
    calibrate_bot(bot)
    return bot


def test_questions_in_other_languages_are_answered_with_their_source_or_declined(bot):
    for question, fact in {
        "Wie lange kann ich ein Gerät zurückschicken?": "within 30 days",
        "Wann hat der Laden geöffnet?": "9 am to 6 pm",
        "Combien de mois dure la garantie ?": "36 months",
        "Ile miesięcy gwarancji ma Aeris One?": "36 months",
    }.items():
        events = take(bot, question)
        done = events[-1]
        assert done.message.outcome == "answered" and fact in text_of(events), question
        assert Citation.objects.filter(message=done.message).exists(), question
    for question in (
        "Wer hat die Mondlandung geleitet?",
        "Wie hoch ist der Mont Blanc?",
        "Quel temps fera-t-il demain ?",
    ):
        assert take(bot, question)[-1].message.outcome == "refused", question


def test_another_tenant_finds_nothing_of_it(bot, globex, multilingual):
    with tenant_context(globex.tenant):
        other = make_bot(name="Gardener", model="minirag/extractive", embedding_model=MULTILINGUAL)
        teach(other, "# Rosen\n\nRosen schneidet man im März, bevor die Knospen aufgehen.\n")
        done = take(other, "Wie lange kann ich ein Gerät zurückschicken?")[-1]
        assert (
            done.message.outcome == "refused"
            and not Citation.objects.filter(message=done.message).exists()
        )
        assert "März" in text_of(take(other, "When should I prune roses?"))


@pytest.fixture
def beside_minilm(bot, settings, tmp_path, monkeypatch):
    """MiniLM and the multilingual embedder in one folder, as `make multilingual` leaves them, unread."""
    monkeypatch.setattr(local, "_VECTORS", Kept(10))
    monkeypatch.setattr(local, "_READINGS", Kept(10))
    shutil.copytree(settings.EMBEDDER_DIR, tmp_path, dirs_exist_ok=True)
    build_minilm.build(tmp_path)
    settings.EMBEDDER_DIR = tmp_path


def test_english_sentences_are_weighed_by_the_english_model_where_both_are_there(
    bot, beside_minilm, monkeypatch
):
    weighing: list[str] = []
    encode = local.encode_locally

    def note(name, texts, **options):
        if len(texts) > 1:  # a question alone is search's
            weighing.append(local.unpin(name))
        return encode(name, texts, **options)

    read = minilm.MiniLM.read

    def note_reading(self, texts, **options):
        weighing.append(local.MINILM)
        return read(self, texts, **options)

    monkeypatch.setattr(local, "encode_locally", note)
    monkeypatch.setattr(minilm.MiniLM, "read", note_reading)
    for question, model in {
        "How many months does the warranty last?": local.MINILM,
        "Wie lange gilt die Garantie?": MULTILINGUAL,
    }.items():
        weighing.clear()
        done = take(bot, question)[-1]
        assert done.message.outcome == "answered" and set(weighing) == {model}, question
