"""What a folder with a sentence-transformers export in ONNX says of itself: which files, pooling, prefixes and limits.

Nothing is loaded here. What may be wrong with a folder is one sentence of `EmbedderUnusable`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from minirag.ai.builtin.minilm import EmbedderMissing
from minirag.ai.builtin.tokenizing import PIECES_FILE, TOKENIZER_FILE

OWN_FILE = "minirag.json"
MAX_TOKENS = 512
MAX_DIMENSIONS = 4000  # what pgvector can index
LARGEST_JSON, LARGEST_TOKENIZER, LARGEST_MODEL = 2**20, 64 * 2**20, 4 * 2**30
QUANTISED = re.compile(r"int8|quantized|_q8|quant_")
HALF = re.compile(r"fp16|float16|_o4", re.I)
SMALLER = re.compile(r"q4|q2|q1|bnb")
FOR_ONE_CPU = re.compile(r"avx|arm64|vnni")
E5 = re.compile(r"(?:^|[/_-])e5(?:[/_-]|$)", re.I)
LANGUAGE = re.compile(r"^language:[ \t]*([^\n]*)\n((?:[ \t]*- .*\n)*)", re.M)
OWN_KEYS = {"model_file", "pooling", "query_prefix", "passage_prefix", "max_tokens", "languages", "floor",
            "abroad_floor", "cosine_weight"}  # fmt: skip


class EmbedderUnusable(EmbedderMissing):
    """A folder that is no embedder, or one that fails; the reason names files but no path."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(directory)
        self.reason = reason
        self.detail = f"The embedder {directory.name} cannot be used: {reason}"[:500]

    def __str__(self) -> str:
        return self.detail


class Pooling(StrEnum):
    """How one vector is made of those of the tokens."""

    MEAN = "mean"
    CLS = "cls"
    MAX = "max"
    LAST = "lasttoken"


@dataclass(frozen=True)
class Folder:
    """An embedder's folder as its files describe it. `dimensions` is None where they do not say. `has_dense`: a layer
    follows the pooling, which only the graph itself can apply.

    `floor`, `abroad_floor` and `cosine_weight` are what only its own `minirag.json` can know.
    """

    directory: Path
    model_file: str
    tokenizer_file: str
    pooling: Pooling
    query_prefix: str
    passage_prefix: str
    max_tokens: int
    lower_case: bool
    pad_id: int
    dimensions: int | None
    has_dense: bool
    languages: tuple[str, ...]
    floor: float | None
    cosine_weight: float | None
    abroad_floor: float | None = None
    fingerprint: str = ""

    @property
    def is_english_only(self) -> bool:
        return self.languages == ("en",)


class _Reading:
    """The files of one folder, read with bounds."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def fault(self, reason: str) -> EmbedderUnusable:
        return EmbedderUnusable(self.directory, reason)

    def json(self, name: str, kind: type = dict) -> Any:
        """A JSON file's content, or an empty one of that kind if it is not there."""
        path = self.directory / name
        if not path.is_file():
            return kind()
        try:
            if path.stat().st_size > LARGEST_JSON:
                raise self.fault(f"{name} is larger than {LARGEST_JSON >> 20} MB.")
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            raise self.fault(f"{name} is not JSON.") from None
        if not isinstance(content, kind):
            raise self.fault(f"{name} does not hold what belongs there.")
        return content

    def require(self, name: str, largest: int) -> None:
        size = (self.directory / name).stat().st_size
        if not size:
            raise self.fault(f"{name} is empty.")
        if size > largest:
            raise self.fault(f"{name} is larger than {largest >> 20} MB.")


def list_files(directory: Path) -> list[str]:
    """Names, relative to the folder, of what may belong to an export: JSON, graphs and their weights."""
    names = []
    for entry in sorted(directory.iterdir()):
        if entry.is_dir() and (entry.name == "onnx" or re.match(r"\d+_", entry.name)):
            names += [f"{entry.name}/{each.name}" for each in sorted(entry.iterdir())]
        else:
            names.append(entry.name)
    chosen = [
        name
        for name in names
        if re.search(r"\.json$|\.onnx[._]?\w*$|^sentencepiece\.model$|^README\.md$", name)
    ]
    return [name for name in chosen if (directory / name).is_file()]


def read_folder(directory: Path, *, prefers_quantised: bool) -> Folder:
    """The folder without its fingerprint. Raises EmbedderUnusable, OSError."""
    reading = _Reading(directory)
    own = _read_own(reading)
    config = reading.json("config.json")
    model_file = own.get("model_file") or choose_graph(reading.directory, prefers_quantised)
    if not model_file:
        raise reading.fault("it has no .onnx file, neither in itself nor in onnx/.")
    tokenizer_file = next(
        (name for name in (TOKENIZER_FILE, PIECES_FILE) if (reading.directory / name).is_file()), ""
    )
    if not tokenizer_file:
        raise reading.fault("tokenizer.json is missing.")
    if not (reading.directory / model_file).is_file():
        raise reading.fault(f"{OWN_FILE} names {model_file}, which is missing.")
    for name in weights_of(reading.directory, model_file):
        reading.require(name, LARGEST_MODEL)
    reading.require(tokenizer_file, LARGEST_TOKENIZER)
    modules, pooling_config = _read_modules(reading)
    query_prefix, passage_prefix = _read_prefixes(reading, config)
    languages = own.get("languages")
    folder = Folder(
        directory=reading.directory,
        model_file=model_file,
        tokenizer_file=tokenizer_file,
        pooling=Pooling(own["pooling"]) if "pooling" in own else _read_pooling(reading, pooling_config),
        query_prefix=own.get("query_prefix", query_prefix),
        passage_prefix=own.get("passage_prefix", passage_prefix),
        max_tokens=min(own.get("max_tokens", _read_max_tokens(reading, config)), MAX_TOKENS),
        lower_case=reading.json("sentence_bert_config.json").get("do_lower_case") is True,
        pad_id=_count(config.get("pad_token_id")) or 0,
        dimensions=None
        if "dense" in modules
        else _count(pooling_config.get("word_embedding_dimension")) or _count(config.get("hidden_size")),
        has_dense="dense" in modules,
        languages=tuple(languages) if languages is not None else _read_languages(reading.directory),
        floor=own.get("floor"),
        cosine_weight=own.get("cosine_weight"),
        abroad_floor=own.get("abroad_floor"),
    )  # fmt: skip
    if folder.dimensions and folder.dimensions > MAX_DIMENSIONS:
        raise reading.fault(f"it has {folder.dimensions} dimensions, more than {MAX_DIMENSIONS}.")
    return folder


def _read_own(reading: _Reading) -> dict[str, Any]:
    """`minirag.json`, in which an operator says what the other files do not. Raises for what is not understood."""
    own: dict[str, Any] = reading.json(OWN_FILE)
    if unknown := sorted(own.keys() - OWN_KEYS):
        raise reading.fault(f"{OWN_FILE} has an unknown key: {unknown[0][:40]}.")
    checks = {
        "model_file": lambda value: isinstance(value, str) and bool(re.fullmatch(r"(?:onnx/)?[\w.-]+\.onnx", value)),
        "pooling": lambda value: value in list(Pooling),
        "query_prefix": lambda value: isinstance(value, str) and len(value) <= 1000,
        "passage_prefix": lambda value: isinstance(value, str) and len(value) <= 1000,
        "max_tokens": lambda value: (_count(value) or 0) >= 8,
        "languages": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
        "floor": _is_share,
        "abroad_floor": _is_share,
        "cosine_weight": _is_share,
    }  # fmt: skip
    for key, value in own.items():
        if not checks[key](value):
            raise reading.fault(f"{OWN_FILE}: {key} is not what belongs there.")
    return own


def choose_graph(directory: Path, prefers_quantised: bool) -> str | None:
    """The ONNX file to use: always the same one of the same files, whatever machine this is."""
    names = [name for name in list_files(directory) if name.endswith(".onnx")]
    return min(names, key=lambda name: rank_graph(name, prefers_quantised), default=None)


def rank_graph(name: str, prefers_quantised: bool) -> tuple[Any, ...]:
    """Sorts the best first: bytes or full precision as preferred, half precision (slow on a CPU), then the rest."""
    kind = (
        3
        if SMALLER.search(name)
        else 2
        if HALF.search(name)
        else int(bool(QUANTISED.search(name)) != prefers_quantised)
    )
    return kind, bool(FOR_ONE_CPU.search(name)), len(name), name


def weights_of(directory: Path, model_file: str) -> list[str]:
    """A graph and, where they lie beside it, its weights."""
    beside = (f"{model_file}_data", f"{model_file}.data")
    return [model_file, *(name for name in beside if (directory / name).is_file())]


def _read_modules(reading: _Reading) -> tuple[set[str], dict[str, Any]]:
    """The kinds of module in modules.json, and the configuration of its pooling."""
    kinds, pooling = set(), "1_Pooling"
    for module in reading.json("modules.json", list):
        kind = str(module.get("type", "")) if isinstance(module, dict) else ""
        kinds.add(kind.rpartition(".")[2].lower())
        path = str(module.get("path", "")) if isinstance(module, dict) else ""
        if kind.endswith(".Pooling") and re.fullmatch(r"[\w-]+", path):
            pooling = path
    if strange := sorted(kinds - {"transformer", "pooling", "normalize", "dense", "dropout"}):
        raise reading.fault(f"modules.json has a module of an unknown kind: {strange[0][:40]!r}.")
    return kinds, reading.json(f"{pooling}/config.json")


def _read_pooling(reading: _Reading, config: dict[str, Any]) -> Pooling:
    said = config.get("pooling_mode")
    modes = [said] if isinstance(said, str) else []
    names = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
    for key, chosen in config.items():
        mode = key.removeprefix("pooling_mode_")
        if mode != key and chosen is True:
            modes.append(names.get(mode, mode))
    if not modes:
        return Pooling.MEAN
    if len(modes) > 1 or modes[0] not in list(Pooling):
        raise reading.fault(f"its pooling is not supported: {', '.join(modes)[:60]}.")
    return Pooling(modes[0])


def _read_prefixes(reading: _Reading, config: dict[str, Any]) -> tuple[str, str]:
    """What is written before a question and before a passage; E5 models want theirs also where no file says so."""
    said = reading.json("config_sentence_transformers.json")
    prompts = said.get("prompts")
    prompts = prompts if isinstance(prompts, dict) else {}
    texts = {name: text[:1000] for name, text in prompts.items() if isinstance(text, str) and text}
    default = texts.get(str(said.get("default_prompt_name")), "")
    query = texts.get("query", default)
    passage = next((texts[name] for name in ("document", "passage", "corpus") if name in texts), default)  # fmt: skip
    names = (str(config.get("_name_or_path", "")), reading.directory.name)
    if not texts and any(E5.search(name) and "instruct" not in name for name in names):
        return "query: ", "passage: "
    return query, passage


def _read_max_tokens(reading: _Reading, config: dict[str, Any]) -> int:
    said = [
        reading.json("sentence_bert_config.json").get("max_seq_length"),
        reading.json("tokenizer_config.json").get("model_max_length"),
    ]
    positions = _count(config.get("max_position_embeddings"))
    # RoBERTa and its kin count positions from behind their padding.
    offset = 2 if "roberta" in str(config.get("model_type")) or config.get("model_type") == "mpnet" else 0  # fmt: skip
    counts = [count for count in map(_count, said) if count]
    counts += [positions - offset] if positions else []
    return max(8, min([*counts, MAX_TOKENS]))


def _read_languages(directory: Path) -> tuple[str, ...]:
    """Those that the head of the model card names, if it does."""
    card = directory / "README.md"
    if not card.is_file():
        return ()
    with card.open("rb") as stream:
        text = stream.read(65_536).decode("utf-8", "replace")
    head = re.match(r"---\s*\n(.*?\n)---", text, re.DOTALL)
    found = LANGUAGE.search(head[1]) if head else None
    if not found:
        return ()
    listed = re.findall(r"- *['\"]?([a-z]{2,3})\b", found[2])
    return tuple(re.findall(r"\b[a-z]{2,3}\b", found[1]) or listed)


def _count(value: Any) -> int | None:
    """A positive whole number, None for anything else."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_count else None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
