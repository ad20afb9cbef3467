"""Embedders that lie in a folder: what is read of their files, what their vectors are, and what may be wrong."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from minirag.ai import chat
from minirag.ai.builtin import exported, folders, local, minilm
from minirag.ai.builtin.folder_files import EmbedderUnusable, Pooling
from minirag.ai.builtin.trying import try_folder
from minirag.ai.embeddings import EmbedderMissing, embed_query, embed_texts, profile_of
from minirag.lib.errors import ProviderError
from tests.embedder_folder import MARKS, WORDS, make_folder, make_graph, table_of, write_json

MODEL = "minirag/local:toy"
QUESTION = "how long does the warranty take ?"


@pytest.fixture
def toy(settings, tmp_path, monkeypatch) -> Path:
    """A working folder, and a clock that never lets a change of its files be overlooked."""
    settings.EMBEDDER_DIR = tmp_path
    monkeypatch.setattr(folders, "LOOK_AGAIN_SECONDS", -1.0)
    return make_folder(tmp_path / "toy")


def embed(text: str, kind: str = "document", model: str = MODEL) -> np.ndarray:
    return embed_texts(model, [text], kind=kind).vectors[0]


def expect(words: list[str], pool=lambda rows: rows.mean(axis=0), *, seed: int = 1) -> np.ndarray:
    """What the toy's table gives for these tokens, the marks included."""
    names = [*MARKS, *WORDS]
    rows = table_of(8, seed)[[names.index(word) for word in ["[CLS]", *words, "[SEP]"]]]
    vector = pool(rows)
    return vector / np.linalg.norm(vector)


def refuse(model: str = MODEL) -> str:
    with pytest.raises(EmbedderUnusable) as caught:
        embed_texts(model, ["pump"], kind="document")
    return caught.value.reason


class TestVectors:
    def test_are_the_mean_of_the_tokens_and_of_length_one(self, toy):
        assert np.allclose(embed("pump parts"), expect(["pump", "parts"]), atol=1e-6)

    @pytest.mark.parametrize(
        "mode, pool",
        [("cls_token", lambda rows: rows[0].copy()), ("max_tokens", lambda rows: rows.max(axis=0)),
         ("lasttoken", lambda rows: rows[-1].copy())],
    )  # fmt: skip
    def test_are_pooled_as_the_folder_says(self, toy, mode, pool):
        make_folder(toy, pooling=mode)
        assert np.allclose(embed("pump parts"), expect(["pump", "parts"], pool), atol=1e-6)

    def test_do_not_depend_on_padding(self, toy):
        embedder = local.load_embedder(MODEL)
        texts = ["pump", "pump parts filter fan year", ""]
        alone, together = (embedder.encode_counted(texts, batch_size=size)[0] for size in (1, 3))
        assert np.allclose(alone, together, atol=1e-6)

    def test_of_our_own_minilm_as_such_a_folder_are_those_of_the_built_in_one(self, embedder, toy):
        import onnx

        shutil.copyfile(embedder / minilm.TOKENIZER_FILE, toy / "tokenizer.json")
        write_json(toy / "config.json", {"hidden_size": 384, "max_position_embeddings": 512})
        write_json(toy / "sentence_bert_config.json", {"max_seq_length": 256})
        write_json(
            toy / "1_Pooling" / "config.json",
            {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True},
        )
        model = onnx.load(str(embedder / minilm.MODEL_FILE))
        model.graph.node.append(
            onnx.helper.make_node("Identity", ["layer5_norm2"], ["last_hidden_state"])
        )
        del model.graph.output[:]
        model.graph.output.append(
            onnx.helper.make_tensor_value_info(
                "last_hidden_state", onnx.TensorProto.FLOAT, ["b", "t", 384]
            )
        )
        onnx.save(model, str(toy / "onnx" / "model.onnx"))
        texts = [QUESTION, "You may return goods within thirty days.", "hello " * 400, ""]
        built_in, read = minilm.load(embedder).encode_counted(texts)
        ours = embed_texts(MODEL, texts, kind="document")
        assert np.abs(ours.vectors - built_in).max() < 1e-2
        assert (ours.vectors * built_in).sum(axis=1).min() > 0.999 and ours.tokens == read

    def test_only_so_many_tokens_are_read_as_the_folder_says(self, toy):
        assert embed_texts(MODEL, ["pump " * 5000], kind="document").tokens == 16

    @pytest.mark.parametrize(
        "text", ["", "   ", "\x00", "\ud800", "日本語", "🙂" * 50, "x" * 32_000]
    )
    def test_exist_for_any_text(self, toy, text):
        assert np.linalg.norm(embed(text)) == pytest.approx(1)

    async def test_of_a_question_are_made_off_the_event_loop_with_its_prefix(self, toy):
        write_json(
            toy / "config_sentence_transformers.json",
            {"prompts": {"query": "query : ", "document": "passage : "}},
        )
        made = await embed_query(MODEL, "pump")
        assert np.allclose(made.vectors[0], expect(["query", ":", "pump"]), atol=1e-6)
        assert np.allclose(embed("pump"), expect(["passage", ":", "pump"]), atol=1e-6)
        assert made.cost_usd == 0

    def test_come_from_a_graph_that_pools_by_itself(self, toy):
        import onnx

        path = toy / "onnx" / "model.onnx"
        model = onnx.load(str(path))
        model.graph.node.append(
            onnx.helper.make_node("ReduceSum", ["last_hidden_state", "axis"], ["sentence_embedding"], keepdims=0)
        )  # fmt: skip
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "axis"))
        model.graph.output.append(
            onnx.helper.make_tensor_value_info("sentence_embedding", onnx.TensorProto.FLOAT, ["b", 8])
        )  # fmt: skip
        onnx.save(model, str(path))
        assert np.allclose(
            embed("pump"), expect(["pump"], lambda rows: rows.sum(axis=0)), atol=1e-6
        )


class TestWhatIsRead:
    def test_the_prefixes_of_e5_are_known_where_no_file_says_them(self, toy):
        write_json(toy / "config.json", {"_name_or_path": "someone/multilingual-e5-small"})
        folder = local.describe(MODEL)
        assert (folder.query_prefix, folder.passage_prefix) == ("query: ", "passage: ")
        write_json(toy / "minirag.json", {"query_prefix": "", "passage_prefix": ""})
        assert local.describe(MODEL).query_prefix == ""

    def test_the_folders_own_file_has_the_last_word(self, toy):
        own = {
            "pooling": "cls",
            "max_tokens": 9,
            "languages": ["en"],
            "floor": 0.4,
            "cosine_weight": 0.6,
        }
        write_json(toy / "minirag.json", own)
        folder = local.describe(MODEL)
        assert (folder.pooling, folder.max_tokens) == (Pooling.CLS, 9)
        profile = profile_of(MODEL)
        assert (profile.floor, profile.cos_weight, profile.english_only) == (0.4, 0.6, True)
        assert profile.lexical_weight == pytest.approx(0.4)

    def test_bytes_are_preferred_unless_the_operator_wants_precision(self, toy, settings):
        for name in (
            "model_qint8_avx512.onnx",
            "model_int8.onnx",
            "model_fp16.onnx",
            "model_q4.onnx",
        ):
            make_graph(toy / "onnx" / name, table_of(8, 1))
        assert local.describe(MODEL).model_file == "onnx/model_int8.onnx"
        settings.EMBEDDER_QUANTISED = False
        assert local.describe(MODEL).model_file == "onnx/model.onnx"

    def test_languages_are_those_of_the_model_card(self, toy):
        (toy / "README.md").write_text("---\nlanguage:\n- de\n- 'en'\nlicense: mit\n---\n# Toy\n")
        assert local.describe(MODEL).languages == ("de", "en")
        (toy / "README.md").write_text("---\nlanguage: en\n---\n")
        assert profile_of(MODEL).english_only

    def test_words_decide_on_refusal_until_somebody_has_measured(self, toy):
        profile = profile_of(local.pin(MODEL))
        assert (profile.cos_weight, profile.lexical_weight, profile.floor) == (0, 1, 0.17)
        assert not profile.english_only and profile.dimensions == 8

    def test_the_folder_itself_may_be_the_model(self, toy, settings):
        settings.EMBEDDER_DIR = toy
        assert np.allclose(embed("pump", model="minirag/local"), expect(["pump"]), atol=1e-6)
        assert local.list_folders() == ["minirag/local"]


class TestFingerprint:
    def test_names_the_content_and_not_the_place(self, toy, tmp_path):
        shutil.copytree(toy, tmp_path / "copy")
        here, there = local.pin(MODEL), local.pin("minirag/local:copy")
        assert (
            here.partition("@")[2] == there.partition("@")[2] and len(here.partition("@")[2]) == 12
        )
        assert local.pin(here) == here and local.unpin(here) == MODEL

    def test_changes_with_graph_tokenizer_pooling_and_prefixes_and_not_with_the_card(self, toy):
        seen = [local.pin(MODEL)]
        make_graph(toy / "onnx" / "model.onnx", table_of(8, 2))
        seen.append(local.pin(MODEL))
        write_json(toy / "minirag.json", {"pooling": "cls"})
        seen.append(local.pin(MODEL))
        write_json(toy / "minirag.json", {"pooling": "cls", "query_prefix": "query : "})
        seen.append(local.pin(MODEL))
        tokenizer = json.loads((toy / "tokenizer.json").read_text())
        tokenizer["normalizer"] = None
        write_json(toy / "tokenizer.json", tokenizer)
        seen.append(local.pin(MODEL))
        assert len(set(seen)) == 5
        (toy / "README.md").write_text("---\nlanguage: de\n---\n")
        assert local.pin(MODEL) == seen[-1]

    def test_of_exchanged_files_answers_only_from_a_process_that_still_has_them(self, toy):
        before = local.pin(MODEL)
        old = embed("pump", model=before)
        make_graph(toy / "onnx" / "model.onnx", table_of(8, 2))
        assert np.allclose(embed("pump", model=before), old)
        assert np.allclose(embed("pump"), expect(["pump"], seed=2), atol=1e-6)
        exported._loaded.clear()
        assert refuse(before) == "its files have been exchanged since."
        assert not local.is_embedder_available(before) and local.is_embedder_available(MODEL)

    def test_models_do_not_pile_up_in_memory(self, toy):
        for seed in range(6):
            make_graph(toy / "onnx" / "model.onnx", table_of(8, seed))
            embed("pump")
        assert len(exported._loaded) == exported.MOST_LOADED


def grow(path: Path, size: int) -> None:
    """A file of that size that takes no room."""
    with path.open("ab") as stream:
        stream.truncate(size)


def graph(toy: Path) -> Path:
    return toy / "onnx" / "model.onnx"


def tokenizer(toy: Path) -> Path:
    return toy / "tokenizer.json"


FAULTS = {
    "no tokenizer": (lambda toy: tokenizer(toy).unlink(), "tokenizer.json is missing."),
    "no graph": (lambda toy: shutil.rmtree(toy / "onnx"), "no .onnx file"),
    "no folder": (shutil.rmtree, "there is no such folder."),
    "a broken tokenizer": (lambda toy: tokenizer(toy).write_text('{"model":'), "tokenizer.json cannot be loaded"),
    "an empty tokenizer": (lambda toy: tokenizer(toy).write_text(""), "tokenizer.json is empty."),
    "a huge tokenizer": (lambda toy: grow(tokenizer(toy), 2**27), "tokenizer.json is larger than 64 MB."),
    "a huge graph": (lambda toy: grow(graph(toy), 2**33), "onnx/model.onnx is larger than 4096 MB."),
    "huge weights": (lambda toy: grow(toy / "onnx/model.onnx_data", 2**33), "onnx/model.onnx_data is larger"),
    "a broken graph": (lambda toy: graph(toy).write_bytes(b"no graph"), "model.onnx cannot be loaded"),
    "an empty graph": (lambda toy: graph(toy).write_bytes(b""), "onnx/model.onnx is empty."),
    "broken JSON": (lambda toy: (toy / "config.json").write_text('{"hidden_size"'), "config.json is not JSON."),
    "bytes for JSON": (lambda toy: (toy / "modules.json").write_bytes(b"\xff\xfe\x00"), "modules.json is not JSON."),
    "deep JSON": (lambda toy: (toy / "config.json").write_text("[" * 100_000), "config.json is not JSON."),
    "other JSON": (lambda toy: (toy / "config.json").write_text("[]"), "config.json does not hold what belongs there."),
    "huge JSON": (lambda toy: grow(toy / "config.json", 2**21), "config.json is larger than 1 MB."),
    "other dimensions": (
        lambda toy: make_graph(graph(toy), table_of(12, 1)), "gives 12 dimensions where the folder",
    ),
    "too many dimensions": (lambda toy: make_folder(toy, dimensions=4001), "4001 dimensions, more than 4000"),
    "another model's tokenizer": (
        lambda toy: make_graph(graph(toy), table_of(8, 1)[:2]), "failed on a text",
    ),
    "figures that are none": (
        lambda toy: make_graph(graph(toy), table_of(8, 1) * np.nan), "vectors with figures that are none",
    ),
    "an unknown input": (
        lambda toy: make_graph(graph(toy), table_of(8, 1), inputs=("input_ids", "pixels")), "an input 'pixels'",
    ),
    "strange pooling": (lambda toy: make_folder(toy, pooling="weightedmean_tokens"), "pooling is not supported"),
    "an unknown module": (
        lambda toy: write_json(toy / "modules.json", [{"type": "x.CLIPModel"}]), "an unknown kind: 'clipmodel'",
    ),
    "a layer that the graph lacks": (
        lambda toy: write_json(toy / "modules.json", [{"type": "x.Dense"}]), "leaves out the Dense layer",
    ),
    "an unknown key of ours": (lambda toy: write_json(toy / "minirag.json", {"foor": 1}), "unknown key: foor."),
    "a wrong value of ours": (lambda toy: write_json(toy / "minirag.json", {"floor": 7}), "floor is not what"),
    "a graph elsewhere": (
        lambda toy: write_json(toy / "minirag.json", {"model_file": "../x.onnx"}), "model_file is not",
    ),
}  # fmt: skip


class TestAFolderThatIsNone:
    @pytest.mark.parametrize("name", FAULTS)
    def test_says_why_and_names_no_path(self, toy, tmp_path, name):
        spoil, reason = FAULTS[name]
        spoil(toy)
        assert reason in refuse()
        with pytest.raises(EmbedderMissing) as caught:
            embed("pump")
        assert (
            str(tmp_path) not in caught.value.detail and "The embedder toy" in caught.value.detail
        )
        with pytest.raises(EmbedderUnusable):
            try_folder(toy)

    def test_is_not_loaded_again_and_again(self, toy, monkeypatch):
        (toy / "onnx" / "model.onnx").write_bytes(b"no graph")
        refuse()
        monkeypatch.setattr(exported, "_open", None)
        assert "cannot be loaded" in refuse()

    def test_works_as_soon_as_it_is_mended(self, toy):
        kept = (toy / "tokenizer.json").read_bytes()
        (toy / "tokenizer.json").unlink()
        refuse()
        assert not local.is_embedder_available(MODEL) and local.pin(MODEL) == MODEL
        (toy / "tokenizer.json").write_bytes(kept)
        assert local.is_embedder_available(MODEL) and embed("pump").any()

    def test_lets_a_process_start(self, toy, tmp_path):
        (toy / "tokenizer.json").unlink()
        chat.warm_up(["minirag/extractive", MODEL])
        assert profile_of(MODEL).dimensions is None

    @pytest.mark.parametrize(
        "name", ["../toy", "toy/../toy", "/etc", "..", ".hidden", "", "a" * 65, "toy\n", "toy@xyz"]
    )
    def test_cannot_be_reached_by_a_path(self, toy, name):
        model = f"minirag/local:{name}"
        assert not local.is_folder(model)
        with pytest.raises(ProviderError) as caught:
            embed_texts(model, ["pump"], kind="document")
        assert caught.value.category == "not_configured"

    def test_does_not_read_what_cannot_be_read(self, toy, monkeypatch):
        def fail(directory):
            raise PermissionError(13, os.strerror(13))

        monkeypatch.setattr(folders, "list_files", fail)
        assert refuse() == "Permission denied."


def test_trying_a_folder_tells_what_it_is(toy):
    told = "\n".join(try_folder(toy))
    for line in (
        "onnx/model.onnx",
        "dimensions   8",
        "pooling      mean",
        "16 of a text",
        "ms for a short text",
    ):
        assert line in told
    assert "there is no SHA256SUMS" in told
