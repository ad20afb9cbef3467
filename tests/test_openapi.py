"""The API's own description: every route is in it, its examples work, and it is served wherever the API is."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import set_script_prefix

from tests.openapi import document
from tests.test_docs import served_routes, shorten

OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
]
BODIES = [
    (f"{method} {path} {name}", content["schema"], example["value"])
    for method, path, operation in OPERATIONS
    for content in operation.get("requestBody", {}).get("content", {}).values()
    for name, example in content.get("examples", {}).items()
]
ANSWERS = [
    (f"{method} {path} {status}", content["schema"], content["example"])
    for method, path, operation in OPERATIONS
    for status, answer in operation["responses"].items()
    for content in answer.get("content", {}).values()
    if "example" in content
]

PREDECESSORS = [
    ("/dashboard", "/admin/"),
    ("/dashboard/", "/admin/"),
    ("/docs", "/v1/docs"),
    ("/redoc", "/v1/docs"),
    ("/openapi.json", "/v1/openapi.json"),
]


def test_who_opens_the_root_of_the_api_in_a_browser_reads_its_reference(client):
    led = client.get("/v1/", HTTP_ACCEPT="text/html,*/*")
    assert (led.status_code, led["Location"]) == (302, "/v1/docs")
    told = client.get("/v1/")
    assert told.json()["code"] == "not_found"
    assert all("Accept" in each["Vary"].split(", ") for each in (led, told))


def check(value, schema):
    whole = {**schema, "components": document()["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(
        value
    )


def test_every_route_is_described_with_its_methods():
    described = {f"{method} {shorten(path)}" for method, path, _ in OPERATIONS}
    assert served_routes() - described == set(), (
        "decorate them with minirag.lib.http_in.openapi.describe"
    )
    assert described - served_routes() == set()


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(("where", "schema", "value"), BODIES, ids=[each[0] for each in BODIES])
def test_every_example_of_a_body_fits_its_schema(where, schema, value):
    check(value, schema)


@pytest.mark.parametrize(("where", "schema", "value"), ANSWERS, ids=[each[0] for each in ANSWERS])
def test_every_example_of_an_answer_fits_its_schema(where, schema, value):
    check(value, schema)


# --- served -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_it_is_served_to_anybody_and_names_the_server_that_was_asked(acme, prefix):
    response = Client().get("/v1/openapi.json", SCRIPT_NAME=prefix)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json()["openapi"] == "3.1.0"
    assert response.json()["servers"] == [{"url": f"http://testserver{prefix}"}]


def test_it_is_not_sent_again_to_who_has_it(db):
    first = Client().get("/v1/openapi.json")
    for sent in (first["ETag"], f'"x", W/{first["ETag"]}'):
        again = Client().get("/v1/openapi.json", headers={"if-none-match": sent})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert Client().get("/v1/openapi.json", headers={"if-none-match": '"other"'}).status_code == 200


# --- shown --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_its_page_loads_our_own_files_only(acme, prefix):
    set_script_prefix(f"{prefix}/")
    try:
        response = Client().get("/v1/docs", SCRIPT_NAME=prefix)
    finally:
        set_script_prefix("/")
    page = response.content.decode()
    assert f'data-url="{prefix}/v1/openapi.json"' in page
    assert "<script>" not in page and "style=" not in page
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) == 5 and all(url.startswith(("/static/", f"{prefix}/v1/")) for url in loaded)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy and "http" not in policy


def test_its_files_are_there_and_those_that_call_other_servers_are_not(db):
    assert finders.find("swagger-ui/swagger-ui-bundle.js") and finders.find("minirag/reference.js")
    assert finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js") is None


@pytest.mark.parametrize("prefix", ["", "/t/acme"])
@pytest.mark.parametrize(("old", "new"), PREDECESSORS)
def test_the_predecessors_pages_lead_to_ours(acme, prefix, old, new):
    set_script_prefix(f"{prefix}/")
    try:
        response = Client().get(old, SCRIPT_NAME=prefix)
    finally:
        set_script_prefix("/")
    assert (response.status_code, response["Location"]) == (302, prefix + new)


# --- for Postman --------------------------------------------------------------------------------------------------
def requests_of(collection: dict) -> dict[tuple[str, str], dict]:
    return {
        (item["request"]["method"].lower(), item["request"]["url"]["raw"]): item
        for folder in collection["item"]
        for item in folder["item"]
    }


@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_postman_gets_a_request_for_every_operation_at_the_server_that_was_asked(acme, prefix):
    response = Client().get("/v1/postman.json", SCRIPT_NAME=prefix)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    collection = response.json()
    assert collection["info"]["schema"].endswith("/v2.1.0/collection.json")
    values = {each["key"]: each["value"] for each in collection["variable"]}
    assert values == {"base_url": f"http://testserver{prefix}", "token": ""}
    described = {
        (method, "{{base_url}}" + re.sub(r"{(\w+)}", r":\1", path))
        for path, operations in document()["paths"].items()
        for method in operations
    }
    assert requests_of(collection).keys() == described
    seen = response["ETag"]
    assert (
        Client()
        .get("/v1/postman.json", SCRIPT_NAME=prefix, headers={"if-none-match": seen})
        .status_code
        == 304
    )


def test_a_request_of_postmans_can_be_sent_as_it_stands(db):
    requests = requests_of(Client().get("/v1/postman.json").json())
    asked = requests["post", "{{base_url}}/v1/chat"]["request"]
    assert json.loads(asked["body"]["raw"])["message"] and "auth" not in asked
    listed = requests["get", "{{base_url}}/v1/chat/:chat_id/messages"]["request"]["url"]
    assert [each["key"] for each in listed["variable"]] == ["chat_id"]
    upload = requests["post", "{{base_url}}/v1/sources/upload"]["request"]["body"]
    kinds = {each["key"]: each["type"] for each in upload["formdata"]}
    assert (upload["mode"], kinds["file"], kinds["bot_profile_id"]) == ("formdata", "file", "text")
    log_in = requests["post", "{{base_url}}/v1/auth/login"]
    assert log_in["request"]["auth"] == {"type": "noauth"}
    assert "access_token" in log_in["event"][0]["script"]["exec"][0]


@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_what_the_predecessors_clients_look_for_is_there(acme, prefix):
    style = Client().get("/dashboard/widget/minirag-widget.css", SCRIPT_NAME=prefix)
    assert (style.status_code, style["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert Client().get("/v1/health", SCRIPT_NAME=prefix).json() == {"status": "ok"}
    assert Client().post("/v1/health", SCRIPT_NAME=prefix).status_code == 405
