"""Bots and datasets whose embedder lies in a folder: exchanged or broken files never mix vectors and lose nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile
from knowledge import tasks
from knowledge.datasets.changing import create_dataset, link_bot, update_dataset
from knowledge.models import ANYONE, Chunk, Dataset, IndexEntry, Reembedding, Source
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.tests.conftest import HANDBOOK, WARRANTY, make_bot, make_source, run, teach
from minirag.ai.builtin import exported, folders, local
from tenants.context import tenant_context
from tests.embedder_folder import make_folder, make_graph, table_of

MODEL = "minirag/local:toy"


@pytest.fixture(autouse=True)
def toy(settings, tmp_path, monkeypatch) -> Path:
    settings.EMBEDDER_DIR = tmp_path
    monkeypatch.setattr(folders, "LOOK_AGAIN_SECONDS", -1.0)
    monkeypatch.setattr(tasks.reembed, "apply_async", lambda *arguments, **options: None)
    return make_folder(tmp_path / "toy")


@pytest.fixture
def taught(in_acme) -> BotProfile:
    bot = make_bot(embedding_model=MODEL)
    teach(bot)
    return bot


def exchange(toy: Path, *, dimensions: int = 8) -> None:
    """Other files under the same name, and processes that have never had the old ones."""
    make_folder(toy, dimensions=dimensions, seed=2)
    exported._loaded.clear()


def ask(bot: BotProfile, question: str = "How long is the warranty?") -> Retrieval:
    return async_to_sync(retrieve)(bot, question, audience=ANYONE)


def reembed() -> str:
    tasks.reembed_outdated()
    row = Reembedding.objects.first()
    tasks.reembed.run(str(row.pk if row else uuid4()))
    return str(Reembedding.objects.first())


def dimensions() -> set[int]:
    return set(IndexEntry.objects.values_list("dim", flat=True))


def test_a_bot_may_name_a_folder_and_its_dataset_remembers_the_content(taught):
    dataset = Dataset.objects.get()
    assert dataset.embedding_model == local.pin(MODEL) != MODEL
    assert dataset.embedding_dimensions == 8 and dimensions() == {8}
    found = ask(taught)
    assert (found.mode, found.embedding_model) == ("hybrid", local.pin(MODEL))
    assert found.passages[0].content == WARRANTY and found.passages[0].cosine > 0
    assert not tasks.reembed_outdated()


@pytest.mark.parametrize("size", [8, 12])
def test_exchanged_files_are_embedded_anew_beside_the_old_vectors(taught, toy, size):
    ids = set(Chunk.objects.values_list("pk", flat=True))
    before = Dataset.objects.get().embedding_model
    exchange(toy, dimensions=size)
    between = ask(taught)
    assert between.passages[0].content == WARRANTY
    assert between.mode == "lexical"  # no vector of the new model meets one of the old
    assert dimensions() == {8}
    assert reembed() == f"{local.pin(MODEL)}: Done"
    assert Dataset.objects.get().embedding_model == local.pin(MODEL) != before
    assert dimensions() == {size} and set(Chunk.objects.values_list("pk", flat=True)) == ids
    assert ask(taught).mode == "hybrid" and not tasks.reembed_outdated()


def test_a_process_that_still_has_the_old_model_answers_by_it(taught, toy):
    make_graph(toy / "onnx" / "model.onnx", table_of(8, 2))
    found = ask(taught)
    assert found.mode == "hybrid" and found.embedding_model == Dataset.objects.get().embedding_model
    assert found.embedding_model != local.pin(MODEL)


def test_a_shared_dataset_follows_exchanged_files_though_no_bot_pays(in_acme, toy):
    made = create_dataset({"name": "Shared", "embedding_model": MODEL})
    assert made.embedding_model == local.pin(MODEL)
    bot = make_bot(embedding_model=MODEL)
    link_bot(made.pk, bot.pk)
    run(Source.objects.create(dataset=made, name="Handbook", source_type="text", content=HANDBOOK))
    exchange(toy, dimensions=12)
    another = make_bot(name="Another", embedding_model=MODEL)
    link_bot(made.pk, another.pk)
    assert reembed() == f"{local.pin(MODEL)}: Done"
    assert dimensions() == {12} and ask(another).mode == "hybrid"


def test_a_shared_dataset_of_a_broken_folder_stays_as_it_is(in_acme, toy):
    made = create_dataset({"name": "Shared", "embedding_model": MODEL})
    run(Source.objects.create(dataset=made, name="Handbook", source_type="text", content=HANDBOOK))
    (toy / "tokenizer.json").unlink()
    assert not tasks.reembed_outdated() and dimensions() == {8}


def test_an_empty_dataset_may_be_given_a_folders_model(in_acme):
    made = create_dataset({"name": "Shared"})
    assert update_dataset(made.pk, {"embedding_model": MODEL}).embedding_model == local.pin(MODEL)


def test_a_broken_folder_leaves_the_words_says_why_and_loses_nothing(in_acme, toy):
    kept = (toy / "tokenizer.json").read_bytes()
    (toy / "tokenizer.json").unlink()
    bot = make_bot(embedding_model=MODEL)
    teach(bot)
    assert dimensions() == {0}
    found = ask(bot)
    assert found.mode == "lexical" and found.passages[0].content == WARRANTY
    (toy / "tokenizer.json").write_bytes(kept)
    assert reembed() == f"{local.pin(MODEL)}: Done"
    assert dimensions() == {8} and ask(bot).mode == "hybrid"


def test_a_folder_that_breaks_later_keeps_its_vectors_and_the_admin_says_why(taught, toy):
    kept = (toy / "tokenizer.json").read_bytes()
    (toy / "tokenizer.json").unlink()
    exported._loaded.clear()
    assert ask(taught).passages[0].content == WARRANTY
    assert "The embedder toy cannot be used: tokenizer.json is missing." in reembed()
    assert dimensions() == {8}
    (toy / "tokenizer.json").write_bytes(kept)
    assert ask(taught).mode == "hybrid" and not tasks.reembed_outdated()


def test_a_change_from_one_model_to_a_broken_folder_goes_on_with_the_old_one(in_acme, toy):
    bot = make_bot(embedding_model="minirag/hash")
    teach(bot)
    (toy / "onnx" / "model.onnx").write_bytes(b"no graph")
    bot.embedding_model = MODEL
    bot.save()
    assert "model.onnx cannot be loaded" in reembed()
    found = ask(bot)
    assert (found.mode, found.embedding_model) == ("hybrid", "minirag/hash")


def test_the_installations_default_may_be_a_folder(in_acme, settings, toy):
    settings.DEFAULT_EMBEDDING_MODEL = MODEL
    bot = make_bot(embedding_model=None)
    teach(bot)
    assert ask(bot).embedding_model == local.pin(MODEL) and not tasks.reembed_outdated()
    exchange(toy)
    assert reembed() == f"{local.pin(MODEL)}: Done"


def test_globex_is_embedded_by_its_own_job_and_finds_its_own(taught, globex, toy):
    with tenant_context(globex.tenant):
        theirs = make_bot(embedding_model=MODEL)
        run(make_source(theirs, "# Fans\n\nGlobex calibrates its fans once a year."))
        before = Dataset.objects.get().embedding_model
    exchange(toy)
    assert reembed().endswith("Done")
    with tenant_context(globex.tenant):
        assert Dataset.objects.get().embedding_model == before
        assert reembed().endswith("Done")
        assert [p.content for p in ask(theirs, "When are the fans calibrated?").passages] == [
            "Globex calibrates its fans once a year."
        ]


def test_a_path_instead_of_a_name_is_no_model(in_acme):
    bot = make_bot(embedding_model="minirag/local:../toy")
    source = run(make_source(bot))
    assert (source.status, source.error_code) == ("error", "provider_not_configured")
