"""The API as a Postman collection (format 2.1), made from the OpenAPI document: nothing of it is written by hand."""

from __future__ import annotations

import json
from typing import Any, Final

from minirag.lib.openapi.schemas import Schema

_FORMAT: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_JSON: Final = "application/json"
_TOKENS: Final = {
    ("post", "/v1/auth/login"): "access_token",
    ("post", "/v1/tenants"): "api_token",
}
"""Whose answers hold a token that all further requests go on with."""


def build_collection(document: Schema, server: str) -> Schema:
    """Return the collection for the server at `server`: a folder for each tag, a request for each operation."""
    folders: dict[str, list[Schema]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            folders.setdefault(operation["tags"][0], []).append(
                _write_request(path, method, operation)
            )
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": _FORMAT,
        },
        "auth": {"type": "bearer", "bearer": [_text("token", "{{token}}")]},
        "variable": [_text("base_url", server), _text("token", "")],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }


def _write_request(path: str, method: str, operation: Schema) -> Schema:
    request: Schema = {"method": method.upper(), "url": _write_url(path, operation)}
    if text := operation.get("description"):
        request["description"] = text
    if "security" in operation and not operation["security"]:
        request["auth"] = {"type": "noauth"}
    if "requestBody" in operation:
        request |= _write_body(operation["requestBody"]["content"])
    item: Schema = {"name": operation["summary"], "request": request, "response": []}
    if field := _TOKENS.get((method, path)):
        keep = f'if (pm.response.code < 300) pm.collectionVariables.set("token", pm.response.json().{field});'
        item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": [keep]}}]
    return item


def _write_url(path: str, operation: Schema) -> Schema:
    own = [each for each in operation.get("parameters", ()) if "name" in each]
    of_path = [each for each in own if each["in"] == "path"]
    for each in of_path:
        path = path.replace(f"{{{each['name']}}}", f":{each['name']}")
    url: Schema = {
        "raw": "{{base_url}}" + path, "host": ["{{base_url}}"], "path": path.strip("/").split("/"),
    }  # fmt: skip
    if of_path:
        url["variable"] = [
            {"key": each["name"], "value": str(each.get("example", ""))} for each in of_path
        ]
    query = [
        {
            "key": each["name"], "value": _example_of(each["schema"]), "disabled": not each["required"],
            "description": each.get("description", ""),
        }
        for each in own if each["in"] == "query"
    ]  # fmt: skip
    return url | ({"query": query} if query else {})


def _write_body(content: Schema) -> Schema:
    """Header and body of a request: its first example, or a form to fill in."""
    if _JSON in content:
        examples: Schema = content[_JSON].get("examples", {})
        first: Any = next((each["value"] for each in examples.values()), {})
        raw = json.dumps(first, indent=2, ensure_ascii=False)
        return {
            "header": [{"key": "Content-Type", "value": _JSON}],
            "body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}},
        }
    model = next(iter(content.values()))["schema"]
    required = model.get("required", ())
    fields = [
        {"key": name, "type": "file", "src": []}
        if schema.get("format") == "binary"
        else {**_text(name, _example_of(schema)), "type": "text", "disabled": name not in required}
        for name, schema in model.get("properties", {}).items()
    ]
    return {"body": {"mode": "formdata", "formdata": fields}}


def _example_of(schema: Schema) -> str:
    found: Any = next(iter(schema.get("examples", ())), schema.get("default"))
    return "" if found is None else found if isinstance(found, str) else json.dumps(found)


def _text(key: str, value: str) -> Schema:
    return {"key": key, "value": value, "type": "string"}
