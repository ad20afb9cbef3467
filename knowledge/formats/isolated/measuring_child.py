"""What a reader of `isolated.nursery` does for `isolated.measuring`: one file in, its figures out, never its text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from knowledge.formats.isolated.measuring import count_chunks, cut_packed, measure
from knowledge.formats.isolated.packing import unpack
from knowledge.formats.parsing import parse


def work(data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    kind, name, counter = request["kind"], request.get("name", ""), request["counter"]
    if request.get("wants_drafts"):
        return {"drafts": cut_packed(data, counter=counter)}
    if kind is None:  # a document that was read before
        chunks, tokens = count_chunks(unpack(data), counter=counter)
        return {"chunks": chunks, "tokens": tokens}
    if counter is None:
        parse(data, kind=kind, name=name)
        return {}
    return asdict(measure(data, kind=kind, name=name, counter=counter))
