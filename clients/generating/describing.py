"""What the API's description says of each operation, for whoever writes a client of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
MATCH = "If-Match"
BY_HAND = frozenset({"upload_file_as_source", "upload_many_files_as_sources"})
"""What takes files: each client has methods of its own for that."""


@dataclass(frozen=True)
class Argument:
    name: str
    schema: Schema
    is_required: bool


@dataclass(frozen=True)
class Operation:
    """`answer` is the schema of its first answer of 2xx: None where that is no JSON, when `is_text` or it is empty."""

    id: str
    summary: str
    method: str
    path: str
    in_path: list[Argument]
    in_query: list[Argument]
    in_body: list[Argument]
    answer: Schema | None
    is_text: bool
    is_tagged: bool
    takes_match: bool


def read_operations(document: Schema) -> Iterator[Operation]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["operationId"] not in BY_HAND:
                yield _read(document, path, method.upper(), operation)


def _read(document: Schema, path: str, method: str, operation: Schema) -> Operation:
    parameters = [resolve(document, each) for each in operation.get("parameters", ())]
    body = _body_of(document, operation)
    must = set(body.get("required", ()))
    answer, is_text = _answer_of(operation)
    return Operation(
        operation["operationId"], operation["summary"], method, path,
        in_path=_arguments(parameters, "path"), in_query=_arguments(parameters, "query"),
        in_body=[Argument(key, value, key in must) for key, value in body.get("properties", {}).items()],
        answer=answer, is_text=is_text,
        # Whether what it answers comes with an `ETag`.
        is_tagged=any("ETag" in resolve(document, each).get("headers", {}) for each in operation["responses"].values()),
        takes_match=any(each["in"] == "header" and each["name"] == MATCH for each in parameters),
    )  # fmt: skip


def _arguments(parameters: list[Schema], place: str) -> list[Argument]:
    return [
        Argument(each["name"], each["schema"], bool(each.get("required")))
        for each in parameters
        if each["in"] == place
    ]


def _body_of(document: Schema, operation: Schema) -> Schema:
    content = resolve(document, operation.get("requestBody", {})).get("content", {})
    return resolve(document, content.get("application/json", {}).get("schema", {}))


def _answer_of(operation: Schema) -> tuple[Schema | None, bool]:
    for status in sorted(operation["responses"]):
        if status.startswith("2"):
            content = operation["responses"][status].get("content", {})
            if "application/json" in content:
                return content["application/json"]["schema"], False
            return None, bool(content)
    return None, False


def resolve(document: Schema, part: Schema) -> Schema:
    while "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
