"""Makes small embedders' folders as sentence-transformers exports them: real graphs and tokenizers of a few words."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

WORDS = [
    "query",
    "passage",
    ":",
    ".",
    "?",
    "the",
    "a",
    "how",
    "long",
    "does",
    "it",
    "take",
    "to",
    "warranty",
    "years",
    "two",
    "pump",
    "parts",
    "park",
    "where",
    "fan",
    "filter",
    "calibrate",
    "once",
    "year",
    "guarantee",
    "months",
    "chess",
    "olympiad",
]
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_folder(
    directory: Path, *, dimensions: int = 8, pooling: str = "mean_tokens", seed: int = 1, **files: Any
) -> Path:  # fmt: skip
    """A whole, working folder; `files` are further JSON files by their names without `.json`."""
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "config.json", {"hidden_size": dimensions, "model_type": "bert"})
    write_json(directory / "sentence_bert_config.json", {"max_seq_length": 16})
    modules = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    write_json(
        directory / "modules.json",
        [
            {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for n, (kind, path) in enumerate(modules)
        ],
    )
    modes = dict.fromkeys(("cls_token", "mean_tokens", "max_tokens"), False) | {pooling: True}
    write_json(
        directory / "1_Pooling" / "config.json",
        {"word_embedding_dimension": dimensions}
        | {f"pooling_mode_{name}": on for name, on in modes.items()},
    )
    make_tokenizer(directory / "tokenizer.json")
    make_graph(directory / "onnx" / "model.onnx", table_of(dimensions, seed))
    for name, content in files.items():
        write_json(directory / f"{name}.json", content)
    return directory


def make_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: index for index, word in enumerate([*MARKS, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))


def table_of(dimensions: int, seed: int) -> np.ndarray:
    """A vector for each word, the same in every run."""
    numbers = [
        zlib.crc32(f"{seed} {word} {axis}".encode()) / 2**32 - 0.5
        for word in [*MARKS, *WORDS]
        for axis in range(dimensions)
    ]
    return np.asarray(numbers, dtype=np.float32).reshape(-1, dimensions)


def make_graph(
    path: Path, table: np.ndarray, *, output: str = "last_hidden_state",
    inputs: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids"),
) -> None:  # fmt: skip
    """A graph that looks each token up in `table`."""
    from onnx import TensorProto, helper, numpy_helper, save

    node = helper.make_node("Gather", ["table", "input_ids"], [output])
    graph = helper.make_graph(
        [node],
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"]) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["b", "t", table.shape[1]])],
        [numpy_helper.from_array(table, "table")],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    save(model, str(path))


MULTILINGUAL = "minirag/local:multilingual-e5-small"
"""What the fixture `multilingual` builds from the real wheel."""
