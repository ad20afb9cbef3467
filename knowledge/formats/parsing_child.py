"""What a reader of `isolated.nursery` does for `parse_isolated`: one file in, its sections out."""

from __future__ import annotations

from typing import Any

from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.packing import as_json
from knowledge.formats.parsing import parse


def work(data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    rules = Rules.read({"clean": request["rules"]})
    kind, name, address = request["kind"], request["name"], request["address"]
    document = parse(data, kind=kind, name=name, rules=rules, address=address)
    return {"document": as_json(document)}
