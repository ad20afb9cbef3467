"""JSON Schemas of the types that operations name, as components that they share, and values that fit them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from minirag.lib.http_in.openapi import (
    EXAMPLE_ID,
    EXAMPLE_IDS,
    ErrorSchema,
    InvalidSchema,
    Media,
    OpenAiErrorSchema,
    Operation,
)

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"


_ERRORS = tuple((kind, "serialization") for kind in (ErrorSchema, InvalidSchema, OpenAiErrorSchema))


class SchemaBook:
    """The JSON Schemas of all types of all operations, generated at once so that they share components."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        inputs: list[tuple[Any, str, TypeAdapter[Any]]] = []
        seen: set[tuple[Any, str]] = set()
        for kind, mode in [*_ERRORS, *_types_of(operations)]:
            if (key := (_key(kind), mode)) not in seen:
                seen.add(key)
                inputs.append((key[0], mode, TypeAdapter(kind)))
        schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE + "{model}")  # type: ignore[arg-type]
        known = shared.get("$defs", {})
        names = {name: name if (short := _shorten(name)) in known else short for name in known}
        self._schemas = {key: _rename(schema, names) for key, schema in schemas.items()}
        self.components: Schema = {
            names[name]: _rename(schema, names) for name, schema in sorted(known.items())
        }

    def of(self, kind: Any, mode: str = "serialization") -> Schema:
        return dict(self._schemas[(_key(kind), mode)])  # type: ignore[index]

    def resolve(self, schema: Schema) -> Schema:
        """Follow a reference to its component."""
        while "$ref" in schema:
            schema = self.components[schema["$ref"].removeprefix(REFERENCE)]
        return schema


def sample(schema: Schema, schemas: SchemaBook, name: str = "", *, whole: bool) -> Any:
    """Make a value that fits a schema; `whole` with the optional fields of objects too."""
    schema = schemas.resolve(schema)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "const" in schema or "default" in schema:
        return schema.get("const", schema.get("default"))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return sample(schema[key][0], schemas, name, whole=whole)
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("properties", {})
        required = schema.get("required", [])
        shown = wanted if whole else [key for key in wanted if key in required]
        return {key: sample(wanted[key], schemas, key, whole=whole) for key in shown}
    if kind == "array":
        return (
            [sample(schema["items"], schemas, name.removesuffix("s"), whole=whole)]
            if schema.get("items")
            else []
        )
    if kind == "string":
        if schema.get("format") == "uuid":
            return EXAMPLE_IDS.get(name, EXAMPLE_ID)
        return schema.get("format", "text").ljust(schema.get("minLength", 0), "x")
    return {
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 0.5),
        "boolean": True,
    }.get(str(kind))


def _types_of(operations: Iterable[Operation]) -> Iterator[tuple[Any, str]]:
    for operation in operations:
        for kind in (operation.body, operation.form, operation.query, *operation.path.values()):
            if kind is not None:
                yield kind, "validation"
        for answer in operation.answers.values():
            for kind in answer if isinstance(answer, tuple) else (answer,):
                if kind is not None and not isinstance(kind, Media):
                    yield kind, "serialization"


def _shorten(name: str) -> str:
    return name.removesuffix("Schema")


def _key(kind: Any) -> str:
    """A type's name with its module: equal for `list[X]` written twice, which are two objects."""
    return (
        f"{kind.__module__}.{kind.__qualname__}"
        if isinstance(kind, type) and not _arguments(kind)
        else repr(kind)
    )


def _arguments(kind: Any) -> Any:
    return getattr(kind, "__args__", None)


def _rename(schema: Any, names: Mapping[str, str]) -> Any:
    """Point references to the components' own names; titles only repeat the names of fields."""
    if isinstance(schema, dict):
        kept = {
            key: value
            for key, value in schema.items()
            if key != "title" or not isinstance(value, str)
        }
        reference = kept.get("$ref")
        if isinstance(reference, str):
            kept["$ref"] = REFERENCE + names[reference.removeprefix(REFERENCE)]
        return {key: _rename(value, names) for key, value in kept.items()}
    return [_rename(each, names) for each in schema] if isinstance(schema, list) else schema
