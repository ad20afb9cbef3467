"""An id that leads nowhere is refused in every field that may hold one, as the route's description says.

The client compares each answer with the description, so a status that is not described fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from uuid import uuid4

from tests.openapi import dereference, document
from tests.test_bad_input import VALID, _made_api, api  # noqa: F401

# A visitor whose chat is gone begins another one.
BEGINS_ANEW = {("widget/sessions", "chat_id"), ("widget/frames", "chat_id")}


def id_fields(route: str, method: str) -> Iterator[str]:
    """The fields of a body that are ids, required or not."""
    path = "/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
    operation = document()["paths"][path][method]
    schema = dereference(operation["requestBody"]["content"]["application/json"]["schema"])
    for name, field in schema["properties"].items():
        kinds = [field, *field.get("anyOf", [])]
        if any(kind.get("format") == "uuid" for kind in kinds):
            yield name


def test_an_id_that_leads_nowhere_is_refused_as_described(api):
    for route, method in sorted(VALID):
        for name in id_fields(route, method):
            if (route, name) in BEGINS_ANEW:
                continue
            body = {**api.body(route, method), name: str(uuid4())}
            if name == "subject_id":
                body["subject"] = "bot"
            if name == "dataset_id":
                body.pop("bot_profile_id", None)
            response = api.send(route, method, json.dumps(body).encode())
            assert 400 <= response.status_code < 500, (route, method, name, response.status_code)
