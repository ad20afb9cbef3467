"""The child process of `knowledge.formats.parsing.parse_isolated`: one file in, its sections out."""

from __future__ import annotations

from typing import Any

from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.packing import as_json
from knowledge.formats.isolated.serving import serve
from knowledge.formats.parsing import parse


def _work(data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    rules = Rules.read({"clean": request["rules"]})
    kind, name, address = request["kind"], request["name"], request["address"]
    document = parse(data, kind=kind, name=name, rules=rules, address=address)
    return {"document": as_json(document)}


if __name__ == "__main__":
    serve(_work)
