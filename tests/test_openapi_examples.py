"""Every example of the API's description works as it is, where the things that it names exist."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from minirag.lib.http_in.openapi import EXAMPLE_IDS
from tenants.models import Tenant
from tenants.provisioning import erase_tenant
from tests.openapi import document
from tests.openapi_scene import MADE, furnished  # noqa: F401 - a fixture

# What an example names that is not a thing with an id.
UNMADE = {
    "post /v1/sources/{source_id}/cancel": {409},  # nothing is being ingested
    "post /v1/evaluation-runs/{evaluation_run_id}/cancel": {409},  # it has failed
    "post /v1/gaps/{gap_id}/draft": {409},  # the sources have nothing
    "delete /v1/stats/pricing": {404}, "get /v1/exports/{export_id}/download": {409},  # a failed export
    "get /v1/turns/{turn_id}/events": {410},  # it was over long ago
    "post /v1/auth/set-password": {410},  # a made-up link
    "post /v1/widget/frames": {401},  # and a made-up session
    # By somebody who is logged in, and not by an API token: tenants/tests/test_factors.py.
    "post /v1/auth/second-factor": {403}, "post /v1/auth/second-factor/confirm": {403},
    "post /v1/auth/second-factor/recovery-codes": {403}, "post /v1/auth/second-factor/remove": {403},
    "get /v1/auth/sessions": {403}, "delete /v1/auth/sessions/{session_id}": {403},
    # The bot of the examples is linked with their dataset already.
    "post /v1/datasets/{dataset_id}/bots": {409}, "delete /v1/datasets/{dataset_id}": {409},
}  # fmt: skip
# Operations that the owner of one tenant may not use: their examples are tried by their own tests.
OPERATORS = "/v1/platform/"
HEADERS = {"/v1/widget/sessions": {"origin": "http://testserver"}}


def requests():
    """Each operation with each example of its body."""
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            examples = content.get("application/json", {}).get("examples") or {"": {"value": None}}
            for name, example in examples.items():
                if not path.startswith(OPERATORS):
                    form = content.get("multipart/form-data", {}).get("schema")
                    yield pytest.param(
                        method,
                        path,
                        operation,
                        example["value"],
                        form,
                        id=f"{method} {path} {name}",
                    )


@pytest.fixture
def scene(furnished, acme, settings):
    settings.ALLOW_TENANT_SIGNUP = True
    yield
    for tenant in Tenant.objects.filter(slug="initech"):
        erase_tenant(tenant)


def fill_in(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: EXAMPLE_IDS[found[1]], path)


def query_of(operation: dict) -> str:
    """The query parameters that must be there."""
    found = [
        each for each in operation["parameters"] if each.get("in") == "query" and each["required"]
    ]
    return urlencode({each["name"]: each["schema"].get("examples", ["text"])[0] for each in found})


def make_form(schema: dict) -> dict:
    """The required fields of a multipart body, and a file."""
    files = {name for name, each in schema["properties"].items() if each.get("format") == "binary"}
    fields = {
        name: EXAMPLE_IDS.get(name, "text") for name in schema["required"] if name not in files
    }
    return fields | {name: SimpleUploadedFile("hours.txt", b"Open from 9 to 17.") for name in files}


@pytest.mark.parametrize(("method", "path", "operation", "body", "form"), list(requests()))
def test_an_example_works(scene, as_acme, method, path, operation, body, form):
    headers = HEADERS.get(path, {})
    client = Client() if operation.get("security") == [] else as_acme
    url = f"{fill_in(path)}?{query_of(operation)}"
    if form is not None:
        response = client.post(url, make_form(form), headers=headers)
    else:
        json_type = {"content_type": "application/json"} if method != "get" else {}
        response = getattr(client, method)(url, body, headers=headers, **json_type)
    wanted = UNMADE.get(f"{method} {path}") or {
        int(status) for status in operation["responses"] if status < "400"
    }
    assert response.status_code in wanted, response.content[:500]


def test_every_id_of_an_example_belongs_to_something():
    assert set(EXAMPLE_IDS) == MADE
