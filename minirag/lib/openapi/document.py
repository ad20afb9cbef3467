"""The OpenAPI 3.1 document, made from what `minirag.lib.http_in.openapi` has the views declare."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.openai_errors import speaks_openai
from minirag.lib.http_in.openapi import (
    EXAMPLE_ID,
    EXAMPLE_IDS,
    ErrorSchema,
    InvalidSchema,
    Media,
    OpenAiErrorSchema,
    Operation,
    operations_of,
)
from minirag.lib.openapi.headers import HEADERS, PARAMETERS
from minirag.lib.openapi.schemas import REFERENCE, Schema, SchemaBook, sample

_JSON = "application/json"
_COMMON_ERRORS = {
    400: "The request is no HTTP that can be read, or this host is not served here.",
    401: "No credential, or one that is wrong, expired or revoked.",
    403: "The credential is good and may not do this.",
    404: "No such thing in this tenant.",
    409: "The tenant is archived, the `Idempotency-Key` was used before or by a request still running, or it is "
    "not what `If-Match` says any more.",
    413: "The body is larger than this installation takes.",
    422: "Fields are missing or wrong, or cannot be accepted together.",
    429: "Too many requests; come back after `Retry-After` seconds.",
    503: "A server that we stand on is down; try again later.",
}
_IGNORED: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": "What was sent and is not known here. Only there when something was.",
}
_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def build_document(routes: Iterable[tuple[str, Any]], *, info: Schema) -> Schema:
    """Return the document, without `servers`, for routes as (path, view); a path is Django's: `/v1/x/<str:x_id>`."""
    described = [
        (_to_template(route), method, operation)
        for route, callback in routes
        for method, operation in operations_of(callback).items()
    ]
    schemas = SchemaBook(operation for _, _, operation in described)
    paths: dict[str, Schema] = {}
    for path, method, operation in described:
        paths.setdefault(path, {})[method.lower()] = _describe_operation(
            path, method, operation, schemas
        )
    _let_ignore(paths, schemas)
    return {
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token (43 characters), or the `access_token` of `POST /v1/auth/login`.",
                }
            },
            "parameters": {name.replace("-", ""): value for name, value in PARAMETERS.items()},
            "headers": {name.replace("-", ""): value for name, value in HEADERS.items()},
            "responses": {
                f"Error{status}": _error_response(status, text, schemas)
                for status, text in _COMMON_ERRORS.items()
            },
            "schemas": _referenced(paths, schemas.components),
        },
        "security": [{"bearer": []}],
    }


def _let_ignore(paths: Schema, schemas: SchemaBook) -> None:
    """Say of the objects that writing routes answer that they may name what was ignored."""
    for operations in paths.values():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                content = response.get("content", {}).get(_JSON, {})
                if method != "get" and status < "400" and "$ref" in content.get("schema", {}):
                    schemas.resolve(content["schema"])["properties"].setdefault("ignored", _IGNORED)


def _referenced(paths: Schema, components: Schema) -> Schema:
    """The components that the paths or the common errors lead to: the models of queries, say, are parameters."""
    wanted: set[str] = set()
    new = {"Error", "Invalid", *_references(paths)}
    while new:
        wanted |= new
        new = {name for known in new for name in _references(components[known])} - wanted
    return {name: schema for name, schema in components.items() if name in wanted}


def _references(part: Any) -> set[str]:
    return set(re.findall(rf'"{REFERENCE}([^"]+)"', json.dumps(part)))


def _to_template(route: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def _describe_operation(
    path: str, method: str, operation: Operation, schemas: SchemaBook
) -> Schema:
    described: Schema = {
        "operationId": _identify(operation.summary),
        "summary": operation.summary,
        "tags": [path.removeprefix("/v1").strip("/").split("/")[0]],
    }
    if operation.description:
        described["description"] = operation.description
    described["parameters"] = [
        *_path_parameters(path, operation, schemas),
        *_query_parameters(operation, schemas),
        *(
            {"$ref": f"#/components/parameters/{name.replace('-', '')}"}
            for name in _header_names(method, operation)
        ),
    ]
    if operation.body or operation.form:
        described["requestBody"] = {
            "required": True,
            "content": _request_content(method, operation, schemas),
        }
    answers = {
        str(status): _response(method, operation, answer, schemas)
        for status, answer in operation.answers.items()
    }
    errors = sorted(_error_responses(path, method, operation, schemas).items())
    # A protocol of its own may say itself what an error is.
    described["responses"] = answers | {
        status: answer for status, answer in errors if status not in answers
    }
    if operation.public:
        described["security"] = []
    return described


def _identify(summary: str) -> str:
    words = re.findall(r"[a-z0-9]+", summary.lower())
    return "_".join(word for word in words if word not in ("a", "an", "the", "of", "s"))


def _header_names(method: str, operation: Operation) -> list[str]:
    names = ["X-Request-ID"]
    if method == "POST":
        names.append("Idempotency-Key")
    if operation.tagged and method != "GET":
        names.append("If-Match")
    return names


def _path_parameters(path: str, operation: Operation, schemas: SchemaBook) -> list[Schema]:
    found = []
    for name in re.findall(r"{(\w+)}", path):
        schema: Schema = (
            {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}
        )
        if name in operation.path:
            schema = schemas.of(operation.path[name], "validation")
        example = EXAMPLE_IDS.get(name, EXAMPLE_ID) if schema.get("format") == "uuid" else None
        extra = {} if example is None else {"example": example}
        found.append({"name": name, "in": "path", "required": True, "schema": schema, **extra})
    return found


def _query_parameters(operation: Operation, schemas: SchemaBook) -> list[Schema]:
    if operation.query is None:
        return []
    model = schemas.resolve(schemas.of(operation.query, "validation"))
    found = []
    for name, schema in model.get("properties", {}).items():
        choices = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
        if choices and len(choices) < len(
            schema["anyOf"]
        ):  # a parameter that is left out, not one that is null
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
            schema = {**rest, **(choices[0] if len(choices) == 1 else {"anyOf": choices})}
        parameter = {
            "name": name,
            "in": "query",
            "required": name in model.get("required", []),
            "schema": schema,
        }
        if text := schema.get("description"):
            parameter["description"] = text
        found.append(parameter)
    return found


def _request_content(method: str, operation: Operation, schemas: SchemaBook) -> Schema:
    if operation.form is not None:
        model = schemas.resolve(schemas.of(operation.form, "validation"))
        files = {name: {"type": "string", "format": "binary"} for name in operation.files}
        form = {**model, "properties": {**files, **model.get("properties", {})}}
        form["required"] = [*operation.files, *model.get("required", [])]
        return {"multipart/form-data": {"schema": form}}
    schema = schemas.of(operation.body, "validation")
    if method == "PATCH":  # what is not sent is not changed, whatever the model's defaults say
        model = {
            key: value for key, value in schemas.resolve(schema).items() if key != "description"
        }
        bare = {
            name: {key: value for key, value in each.items() if key != "default"}
            for name, each in model.get("properties", {}).items()
        }
        schema = {**model, "properties": bare}
    examples = operation.examples or {"example": sample(schema, schemas, whole=False)}
    return {
        _JSON: {
            "schema": schema,
            "examples": {name: {"value": value} for name, value in examples.items()},
        }
    }


def _response(method: str, operation: Operation, answer: Any, schemas: SchemaBook) -> Schema:
    kinds = answer if isinstance(answer, tuple) else (answer,)
    names = ["X-Request-ID", *_LIMIT_HEADERS, "X-Ignored-Fields"]
    if method == "POST":
        names.append("Idempotency-Replayed")
    if operation.tagged and answer is not None:
        names.append("ETag")
    if getattr(answer, "__origin__", None) is list and "cursor" in getattr(
        operation.query, "model_fields", {}
    ):
        names += ["Link", "X-Next-Cursor"]
    found: Schema = {"description": operation.summary + ".", "headers": _header_references(names)}
    if answer is None:
        return {**found, "description": "Done; the answer has no body."}
    found["content"] = {}
    for kind in kinds:
        if isinstance(kind, Media):
            schema = {"type": "string", **({"format": "binary"} if kind.binary else {})}
            content: Schema = {
                "schema": {
                    **schema,
                    **({"description": kind.description} if kind.description else {}),
                }
            }
            if kind.example is not None:
                content["example"] = kind.example
            found["content"][kind.content_type] = content
        else:
            schema = schemas.of(kind)
            found["content"][_JSON] = {
                "schema": schema,
                "example": sample(schema, schemas, whole=True),
            }
    return found


def _header_references(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in names}


def _error_responses(path: str, method: str, operation: Operation, schemas: SchemaBook) -> Schema:
    has_fields = bool(operation.body or operation.form or operation.query or "{" in path)
    common = {
        400: True,
        401: not operation.public,
        403: not operation.public,
        404: "{" in path,
        409: method == "POST" or (method != "GET" and not operation.public),
        413: bool(operation.body or operation.form),
        422: has_fields or method == "POST",  # a POST has its Idempotency-Key
        429: path.startswith("/v1/"),
        503: True,
    }
    kind = OpenAiErrorSchema if speaks_openai(path) else ErrorSchema
    found: Schema = {}
    for status in (status for status, applies in common.items() if applies):
        shared = {"$ref": f"#/components/responses/Error{status}"}
        found[str(status)] = (
            shared
            if kind is ErrorSchema
            else _error_response(status, _COMMON_ERRORS[status], schemas, kind)
        )
    return found | {
        str(status): _error_response(status, text, schemas, kind)
        for status, text in operation.errors.items()
    }


def _error_response(
    status: int, text: str, schemas: SchemaBook, kind: type[Noun] = ErrorSchema
) -> Schema:
    schema: Schema = schemas.of(kind)
    if status == 422 and kind is ErrorSchema:
        schema = {"anyOf": [schemas.of(InvalidSchema), schemas.of(ErrorSchema)]}
    names = ["X-Request-ID", *(["Retry-After"] if status in (409, 429, 503) else [])]
    return {
        "description": text,
        "headers": _header_references(names),
        "content": {_JSON: {"schema": schema}},
    }
