"""The wire of /v1: what a body, a query and an id may be, and what every error looks like."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import RequestFactory, override_settings

from minirag.lib.errors import Conflict, NotAuthenticated, NotFound, ProviderError, TooManyRequests
from minirag.lib.http_in.reading import network_of
from minirag.lib.http_in.rest import (
    Body,
    BodyTooLarge,
    InvalidFields,
    client_address,
    error_response,
    naive_utc,
    parse_uuid,
    read_body,
    read_query,
)
from minirag.lib.strict_json import InvalidJSON, parse_json

JSON = "application/json"


class Order(Body):
    name: str
    count: int = 1
    config: dict[str, object] = {}
    owner_password: str = "long enough"


class Paging(Body):
    limit: int = 50


def post(body, content_type=JSON):
    return RequestFactory().post("/v1/orders", body, content_type=content_type)


def errors_of(body, content_type=JSON):
    with pytest.raises(InvalidFields) as caught:
        read_body(Order, post(body, content_type))
    return caught.value.errors


def test_a_good_body_is_read_and_unknown_fields_are_ignored():
    order = read_body(Order, post('{"name": "Zoë", "colour": "red"}'))
    assert (order.name, order.count, order.model_fields_set) == ("Zoë", 1, {"name"})


def test_a_json_subtype_counts_as_json():
    assert (
        read_body(Order, post('{"name": "x"}', "application/vnd.api+json; charset=utf-8")).name
        == "x"
    )


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("{}", JSON, ("missing", ["body", "name"])),
        ("", JSON, ("missing", ["body"])),
        ("null", JSON, ("missing", ["body"])),
        ('{"name": }', JSON, ("json_invalid", ["body", 9])),
        (b'{"name": "\xff"}', JSON, ("json_invalid", ["body", 10])),
        (b'{"name": "\xed\xa0\x80"}', JSON, ("json_invalid", ["body", 10])),
        ('{"name": "x", "count": NaN}', JSON, ("json_invalid", ["body", 0])),
        ('{"name": "x", "count": 1e999}', JSON, ("json_invalid", ["body", 0])),
        ('{"name": "x", "count": ' + "9" * 5000 + "}", JSON, ("json_invalid", ["body", 0])),
        ("[" * 5000 + "]" * 5000, JSON, ("json_invalid", ["body", 0])),
        ('{"name": "x", "config": ' + '{"a":' * 70 + "1" + "}" * 71, JSON, ("json_invalid", ["body", 0])),
        ("[1]", JSON, ("model_attributes_type", ["body"])),
        ('"text"', JSON, ("model_attributes_type", ["body"])),
        ('{"name": "x"}', "text/plain", ("model_attributes_type", ["body"])),
        ('{"name": "x"}', "application/x-www-form-urlencoded", ("model_attributes_type", ["body"])),
        (r'{"name": "a\u0000b"}', JSON, ("string_unicode", ["body", "name"])),
        (r'{"name": "\ud800"}', JSON, ("string_unicode", ["body", "name"])),
        (r'{"name": "x", "config": {"a": ["\u0000"]}}', JSON, ("string_unicode", ["body", "config", "a", 0])),
        (r'{"name": "x", "config": {"\u0000": 1}}', JSON, ("string_unicode", ["body", "config"])),
        ('{"name": null}', JSON, ("string_type", ["body", "name"])),
        ('{"name": 5}', JSON, ("string_type", ["body", "name"])),
        ('{"name": "x", "count": null}', JSON, ("int_type", ["body", "count"])),
        ('{"name": "x", "count": "many"}', JSON, ("int_parsing", ["body", "count"])),
        ('{"name": "x", "config": null}', JSON, ("dict_type", ["body", "config"])),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_with_its_place(body, content_type, expected):
    error = errors_of(body, content_type)[0]
    assert (error["type"], error["loc"]) == expected


def test_what_is_wrong_with_a_body_is_said_in_words_of_ours():
    [typed] = errors_of('{"name": "x"}', "application/x-www-form-urlencoded")
    assert typed["ctx"] == {"error": "The Content-Type has to be application/json"}
    [long] = errors_of('{"count": ' + "9" * 5000 + "}", JSON)
    assert long["ctx"] == {"error": "A number is too long"}


def test_a_surrogate_pair_and_an_escaped_backslash_are_fine():
    assert read_body(Order, post(r'{"name": "\ud83d\ude00 \\u0000"}')).name == "😀 \\u0000"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"owner_password": "hunter2"}', JSON),
        ('{"name": "x", "owner_password": ["hunter2"]}', JSON),
        ('[{"owner_password": "hunter2"}]', JSON),
        ('"{owner_password: hunter2}"', JSON),
        ('{"owner_password": "hunter2"}', "text/plain"),
        ('{"config": {"api_token": "hunter2"}}', JSON),
    ],
)
def test_a_secret_is_never_echoed(body, content_type):
    assert "hunter2" not in json.dumps(errors_of(body, content_type))


def test_a_long_input_is_echoed_in_part():
    assert len(errors_of(json.dumps({"name": "x", "count": "y" * 10_000}))[0]["input"]) < 600


@override_settings(MAX_BODY_BYTES=100, DATA_UPLOAD_MAX_MEMORY_SIZE=100)
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_too_large_whether_or_not_it_says_so(declared):
    request = post(json.dumps({"name": "x" * 200}))
    if not declared:
        request.META["CONTENT_LENGTH"] = ""
        request._stream.limit = 10_000
    with pytest.raises(BodyTooLarge) as caught:
        read_body(Order, request)
    assert (caught.value.status, caught.value.code) == (413, "body_too_large")


def test_a_bad_query_names_its_parameter_and_the_last_of_a_repeated_one_counts():
    assert read_query(Paging, RequestFactory().get("/?limit=x&limit=7")).limit == 7
    with pytest.raises(InvalidFields) as caught:
        read_query(Paging, RequestFactory().get("/?limit=x"))
    assert caught.value.errors[0] == {
        "type": "int_parsing", "loc": ["query", "limit"], "input": "x",
        "msg": "Input should be a valid integer, unable to parse string as an integer",
    }  # fmt: skip


def test_a_malformed_id_of_the_path_is_invalid():
    assert parse_uuid("123e4567-e89b-12d3-a456-426614174000", "bot_id") == UUID(
        "123e4567-e89b-12d3-a456-426614174000"
    )
    with pytest.raises(InvalidFields) as caught:
        parse_uuid("nope", "bot_id")
    assert (caught.value.errors[0]["type"], caught.value.errors[0]["loc"]) == (
        "uuid_parsing",
        ["path", "bot_id"],
    )


@pytest.mark.parametrize(
    ("error", "status", "detail", "code", "retryable"),
    [
        (NotFound("Bot profile not found"), 404, "Bot profile not found", "not_found", False),
        (Conflict("Taken", code="slug_taken"), 409, "Taken", "slug_taken", False),
        (
            ProviderError("timeout"),
            504,
            "The model provider did not answer in time.",
            "provider_timeout",
            True,
        ),
        (Http404(), 404, "Not Found", "not_found", False),
        (PermissionDenied(), 403, "You may not do this.", "forbidden", False),
        (SuspiciousOperation("secret"), 400, "Bad Request", "bad_request", False),
        (
            OperationalError("host"),
            503,
            "The service is not available at the moment.",
            "database_unavailable",
            True,
        ),
        (ZeroDivisionError("secret"), 500, "Internal Server Error", "internal", False),
    ],
)
def test_every_exception_becomes_the_contracts_error(error, status, detail, code, retryable):
    request = RequestFactory().get("/v1/x")
    request.request_id = "abc"
    response = error_response(error, request)
    assert response.status_code == status
    assert json.loads(response.content) == {
        "detail": detail, "code": code, "request_id": "abc", "retryable": retryable,
    }  # fmt: skip


def test_invalid_fields_are_a_list_in_detail():
    response = error_response(
        InvalidFields.of("missing", ("body", "name"), "Field required"), post("{}")
    )
    payload = json.loads(response.content)
    assert payload["detail"] == [
        {"type": "missing", "loc": ["body", "name"], "msg": "Field required", "input": None}
    ]
    assert (response.status_code, payload["code"]) == (422, "validation_error")


def test_401_and_429_carry_their_headers():
    request = RequestFactory().get("/")
    assert (
        error_response(NotAuthenticated("Not authenticated"), request)["WWW-Authenticate"]
        == "Bearer"
    )
    assert (
        error_response(TooManyRequests("Slow down", retry_after_seconds=7), request)["Retry-After"]
        == "7"
    )


def test_times_are_naive_utc_without_an_empty_fraction():
    assert (
        naive_utc(datetime(2026, 11, 20, 23, 38, 33, 801678, tzinfo=UTC))
        == "2026-11-20T23:38:33.801678"
    )
    assert (
        naive_utc(datetime(2026, 11, 21, 1, 0, tzinfo=timezone(timedelta(hours=2))))
        == "2026-11-20T23:00:00"
    )
    assert naive_utc(None) is None


@pytest.mark.parametrize(("trusts", "expected"), [(False, "10.0.0.9"), (True, "203.0.113.7")])
def test_the_callers_address_comes_from_the_proxy_only_when_it_is_trusted(trusts, expected):
    request = RequestFactory().get(
        "/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.7"
    )
    with override_settings(TRUST_PROXY_HEADERS=trusts):
        assert client_address(request) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("2001:DB8:0:7:ffff::9", "2001:db8:0:7::/64"),
        (
            "::ffff:203.0.113.7",
            "203.0.113.7",
        ),  # a socket of both kinds; all of IPv4 is not one network
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_address_is_counted_with_those_that_its_owner_has_as_well(address, network):
    assert network_of(address) == network


def test_a_document_of_very_many_values_is_refused_before_it_is_parsed():
    many = b'{"a": [' + b"1," * 100_000 + b"1]}"
    with pytest.raises(InvalidJSON, match="More than 100000 values"):
        parse_json(many)
    text = 'one, two: [three], {four} \\ "five" ' * 20_000
    assert parse_json(json.dumps({"content": text}).encode()) == {"content": text}
