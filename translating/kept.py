"""Finds the sentences that are kept in English and told in the reader's language later (`minirag.lib.telling`).

They are the literals that go into an error of a worker, into a finding, into `notes`, or into a name for what is
kept, such as `reason`; and what is marked with `kept`. What stands in an f-string becomes a place with a name: "It is
{size} MB."
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator

from minirag.lib.telling.kept_sentences import TEMPLATES

# Which arguments are kept: of errors and results, and of what ends a job.
_CALLS = {
    "kept": (0,), "ParseError": (0,), "ItemGone": (0,), "IngestionError": (1,), "SiteFailed": (1,),
    "OutboundError": (1,), "RobotsUnknown": (1,), "NyxCoreError": (1,), "Visit": (3,), "ended": (2,), "fail": (1,),
    "Finding": (2, 3), "told": (0,), "interrupted": (0,), "FilesFailed": (0,), "FileMissing": (0,),
}  # fmt: skip
_NAMES = {"reason", "error_message", "last_error", "remedy"}


def kept_of_code(text: str) -> set[str]:
    """The sentences that a module keeps."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        for value in _find_values(node):
            found |= {each for each in _read(value) if " " in each}
    return found


def _find_values(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose text is kept."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        yield from (node.args[at] for at in _CALLS.get(name, ()) if at < len(node.args))
        if name == "append" and _name_of(getattr(node.func, "value", node)) == "notes":
            yield from node.args
        yield from (each.value for each in node.keywords if each.arg in _NAMES)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
            else:
                pairs = zip([target], [node.value], strict=True)
            yield from (value for each, value in pairs if _name_of(each) in _NAMES)
    elif isinstance(node, ast.FunctionDef) and node.name in ("interrupted_reason", "find_fault"):
        yield from (
            each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value
        )


def _name_of(target: ast.expr) -> str:
    return str(getattr(target, "id", getattr(target, "attr", "")))


def _read(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value.strip()
    elif isinstance(value, ast.JoinedStr):
        yield _make_template(value).strip()
    elif isinstance(value, ast.IfExp):
        yield from _read(value.body)
        yield from _read(value.orelse)
    elif isinstance(value, ast.Subscript):  # cut to its column
        yield from _read(value.value)


def _make_template(text: ast.JoinedStr) -> str:
    said, names = "", list[str]()
    for part in text.values:
        if isinstance(part, ast.FormattedValue):
            last = re.findall(r"[A-Za-z_]\w*", ast.unparse(part.value)) or ["value"]
            name = last[-1].lower().strip("_")
            names.append(name)
            said += f"{{{name}{names.count(name) if names.count(name) > 1 else ''}}}"
        elif isinstance(part, ast.Constant):
            said += str(part.value)
    return said


def write_templates(sentences: Iterable[str]) -> str:
    """The file of those that have places, the most said first, so that the closest one counts."""
    templates = {each for each in sentences if "{" in each}
    ordered = sorted(templates, key=lambda each: (-len(re.sub(r"\{\w+\}", "", each)), each))
    return json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"


def build_templates(sentences: Iterable[str]) -> None:
    TEMPLATES.write_text(write_templates(sentences))
