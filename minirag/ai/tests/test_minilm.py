from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minirag.ai import build_minilm
from minirag.ai.builtin import local, minilm
from minirag.ai.builtin.sentences.meaning import compare_words

QUESTION = "How long do I have to send a product back?"
PARAPHRASE = "You may return goods within thirty days of delivery."
UNRELATED = "The volcano last erupted during the Pleistocene."


@pytest.fixture
def model(embedder):
    return minilm.load(embedder)


def test_vectors_are_float32_of_length_one_in_the_order_of_the_texts(model):
    vectors = model.encode([QUESTION, PARAPHRASE * 5, UNRELATED])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip([QUESTION, PARAPHRASE * 5, UNRELATED], vectors, strict=True):
        assert np.allclose(model.encode([text])[0], vector, atol=2e-3)


def test_a_paraphrase_is_nearer_than_an_unrelated_sentence(model):
    question, paraphrase, unrelated = model.encode([QUESTION, PARAPHRASE, UNRELATED])
    assert question @ paraphrase > 0.4
    assert question @ unrelated < 0.15


def test_a_vector_does_not_depend_on_the_texts_around_it(model):
    texts = [UNRELATED * repeats for repeats in range(1, 8)]
    alone = model.encode([QUESTION])[0]
    among = model.encode([*texts, QUESTION])[-1]
    assert np.abs(alone - among).max() < 2e-3


def test_batches_change_a_vector_only_slightly(model):
    texts = [QUESTION, PARAPHRASE, UNRELATED, "Delivery takes two working days."]
    alone, batched = model.encode(texts), model.encode(texts, batch_size=4)
    assert (alone * batched).sum(axis=1).min() > 0.97


def test_read_words_have_the_texts_vector_and_one_for_each_piece_but_marks(model):
    readings = model.read([QUESTION, "Grüße, Dr. O'Neil!", "", "?!", "hello " * 400])
    assert np.allclose(readings[0].vector, model.encode([QUESTION])[0])
    assert [len(each.words) for each in readings] == [10, 6, 0, 0, 255]
    assert readings[0].ends.tolist()[:3] == [3, 8, 11] and len(readings[4].ends) == 255
    assert np.allclose(np.linalg.norm(readings[0].words, axis=1), 1, atol=1e-5)


def test_a_word_is_like_another_that_means_the_same_in_its_place(model):
    asked, friend, fee = model.read(
        ["Can I take a mate along?", "You may bring one friend.", "A joining fee is charged."]
    )
    said, strange = compare_words(asked.words, friend.words), compare_words(asked.words, fee.words)
    assert said[4] > 0.25 > strange[4], "mate"
    assert said.mean() > 0.3 > strange.mean()


def test_a_model_that_was_built_before_reads_no_words(embedder, monkeypatch):
    assert local.find_sentence_reader() is not None
    monkeypatch.setattr(minilm.MiniLM, "reads_words", False)
    assert local.find_sentence_reader() is None and local.find_sentence_embedder() is not None


def test_text_beyond_256_tokens_is_not_read(model):
    long_text = "hello " * 400
    vectors, read = model.encode_counted([long_text, long_text + UNRELATED])
    assert read == 2 * 256
    assert np.allclose(vectors[0], vectors[1], atol=2e-3)


def test_tokens_are_counted_to_the_end_without_markers(model):
    assert model.count_tokens(["hello world", "hello " * 400, ""]) == [2, 400, 0]


@given(
    st.lists(st.text(st.characters() | st.sampled_from([*" \n\t\x1c\u0301[CLS]中a-b"])), max_size=5)
)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
def test_texts_counted_word_by_word_have_the_tokens_of_the_whole(model, texts):
    whole = minilm._tokenize(model._tokenizer, texts, add_special_tokens=False)
    assert model.count_tokens(texts) == [len(each.ids) for each in whole]


def test_what_is_remembered_of_words_is_bounded_and_never_wrong(model, monkeypatch):
    monkeypatch.setattr(minilm, "_MOST_REMEMBERED", 3)
    for _ in range(2):
        assert model.count_tokens(["one two", "three four five", "two " * 9]) == [2, 3, 9]


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00", "\ud800 broken", "日本語のテキスト", "🙂" * 50]
)
def test_any_string_gets_a_usable_vector(model, text):
    assert np.isfinite(model.encode([text])).all()


def test_no_texts_give_no_rows(model):
    assert model.encode([]).shape == (0, 384)


def test_threads_share_one_instance_and_get_the_same_vectors(embedder):
    found, vectors = [], []

    def work() -> None:
        found.append(minilm.load(embedder))
        vectors.append(found[-1].encode([QUESTION])[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in found}) == 1
    assert all(np.allclose(vector, vectors[0], atol=2e-3) for vector in vectors)


def test_a_forked_worker_opens_a_session_of_its_own(model, embedder):
    program = (
        "import os, sys; from pathlib import Path; from minirag.ai.builtin import minilm\n"
        f"directory = Path({str(embedder)!r}); minilm.load(directory).encode(['parent'])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    ok = not minilm._loaded and minilm.load(directory).encode(['child']).shape == (1, 384)\n"
        "    os._exit(0 if ok else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=600).returncode == 0


def test_the_library_of_the_embedder_tells_nobody_what_it_runs(embedder, tmp_path):
    """From 1.29 on onnxruntime reports to its makers, and keeps what it could not send in the user's folder."""
    program = (
        "from pathlib import Path; from minirag.ai.builtin import minilm\n"
        f"minilm.load(Path({str(embedder)!r})).encode(['a'])\n"
    )
    silencing = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in silencing}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_files_are_named_for_the_operator_and_not_for_the_visitor(tmp_path):
    with pytest.raises(minilm.EmbedderMissing) as caught:
        minilm.load(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert str(tmp_path) not in caught.value.detail
    assert not minilm.is_built(tmp_path / "nowhere")


def test_whether_the_embedder_is_there_can_be_asked(embedder, settings, tmp_path):
    assert local.is_embedder_available(local.MINILM)
    settings.EMBEDDER_DIR = tmp_path
    assert not local.is_embedder_available(local.MINILM)
    assert local.is_embedder_available(local.HASH)


class TestBuilding:
    def run(self, output) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "minirag.ai.build_minilm", "--output", str(output)]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    def test_a_second_build_does_nothing_and_both_say_one_line(self, tmp_path):
        output = tmp_path / "models" / "minilm"
        first = self.run(output)
        assert first.returncode == 0, first.stderr
        assert first.stdout.count("\n") == 1 and "built" in first.stdout
        assert sorted(os.listdir(output)) == ["manifest.json", "minilm-int8.onnx", "tokenizer.json"]
        written_at = (output / minilm.MODEL_FILE).stat().st_mtime_ns
        second = self.run(output)
        assert "already there" in second.stdout
        assert (output / minilm.MODEL_FILE).stat().st_mtime_ns == written_at

    def test_a_damaged_result_is_not_taken_for_a_good_one(self, embedder, tmp_path):
        shutil.copytree(embedder, tmp_path, dirs_exist_ok=True)
        assert build_minilm.is_current(tmp_path, build_minilm.RECIPE)
        (tmp_path / minilm.MODEL_FILE).write_bytes(b"half a mod")
        assert not build_minilm.is_current(tmp_path, build_minilm.RECIPE)

    def test_weights_that_are_not_the_expected_ones_are_refused(
        self, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.setattr(build_minilm, "WEIGHTS_SHA256", "0" * 64)
        assert build_minilm.main(["--output", str(tmp_path)]) == 1
        assert "is not the file" in capsys.readouterr().err
        assert not minilm.is_built(tmp_path)

    def test_missing_weights_name_the_command_that_installs_them(
        self, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.setattr(build_minilm, "WEIGHTS_PACKAGE", "no_such_package")
        assert build_minilm.main(["--output", str(tmp_path)]) == 1
        assert "requirements-model.txt" in capsys.readouterr().err


def test_each_kind_of_embedder_says_which_words_it_knows(embedder):
    assert local.knows_word(local.MINILM, "Many") and local.knows_word(local.MINILM, "delivery")
    assert not local.knows_word(local.MINILM, "delievry")
    assert not local.knows_word(local.HASH, "many")
    assert local.knows_word("openai/text-embedding-3-small", "warrnaty")
