"""What providers complain of, in their own words; none of them agrees with another on where it says so."""

from __future__ import annotations

import json

import pytest

from minirag.ai.providers.complaints import Complaint, read_complaint


def openai(message: str, code: str | None = None, param: str | None = None) -> dict:
    return {
        "error": {"message": message, "type": "invalid_request_error", "code": code, "param": param}
    }


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (400, openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                     "'max_completion_tokens' instead.", "unsupported_parameter", "max_tokens"),
         Complaint("bad_request", "max_tokens")),
        (400, openai("max_tokens: 200000 > 8192, which is the maximum allowed number of output tokens for m"),
         Complaint("bad_request", "max_tokens", 8192)),
        (400, openai("Range of max_tokens should be [1, 8192]"), Complaint("bad_request", "max_tokens", 8192)),
        (400, openai("Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                     "unsupported_value", "messages[0].role"), Complaint("bad_request", "system")),
        (400, {"object": "error", "message": "Conversation roles must alternate user/assistant/user/assistant/..."},
         Complaint("bad_request", "turns")),
        (400, [{"error": {"code": 400, "message": 'Invalid JSON payload. Unknown name "stream_options": Cannot find '
                                                  "field.", "status": "INVALID_ARGUMENT"}}],
         Complaint("bad_request", "stream_options")),
        (400, openai("`temperature` is deprecated for this model."), Complaint("bad_request", "temperature")),
        (400, openai("Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) "
                     "value is supported.", "unsupported_value", "temperature"),
         Complaint("bad_request", "temperature")),
        (400, openai("This model does not support temperature."), Complaint("bad_request", "temperature")),
        (400, openai("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' for the maximum of tokens."),
         Complaint("bad_request", "max_tokens")),
        (400, openai("max_tokens is not supported with this model."), Complaint("bad_request", "max_tokens")),
        (400, openai("max_tokens must be left out."), Complaint("bad_request", "max_tokens")),
        (400, openai("max_tokens of 900 is not supported with this model, which gives at most 100"),
         Complaint("bad_request", "max_tokens", 100)),
        (404, openai("The model `m` does not exist"), Complaint("bad_request")),
        (401, openai("Incorrect API key provided: sk-x."), Complaint("authentication")),
        (400, openai("'max_tokens' is too large: 2000. This model's maximum context length is 2048 tokens and your "
                     "request has 500 input tokens."), Complaint("context_length", number=2048)),
        (400, openai("prompt is too long: 210000 tokens > 200000 maximum"), Complaint("context_length")),
        (400, {"error": "input length and `max_tokens` exceed context limit: 9 + 9 > 10"}, Complaint("context_length")),
        (429, openai("Rate limit reached for m on tokens per min (TPM): Limit 3. Please try again in 6s."),
         Complaint("rate_limit")),
        (429, openai("You exceeded your current quota.", "insufficient_quota"), Complaint("quota")),
        (403, {"error": {"message": "Your account has been suspended due to insufficient balance."}},
         Complaint("quota")),
        (400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."},
         Complaint("content_filter")),
        (451, "blocked", Complaint("bad_request")),
        (500, b"\xff<html>", Complaint("unavailable")),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
         Complaint("unavailable")),
        (None, {"error": {"type": "overloaded_error"}}, Complaint("unavailable")),
        (None, {"error": {"code": "429", "message": "slow down"}}, Complaint("rate_limit")),
        (None, {"error": "no idea"}, Complaint("unavailable")),
    ],
)  # fmt: skip
def test_a_complaint_is_understood(status, body, complaint):
    found = read_complaint(status, body if isinstance(body, bytes) else json.dumps(body).encode())
    if complaint.number is None:
        assert (found.category, found.parameter) == (complaint.category, complaint.parameter)
        assert (found.number is None or not found.parameter) and not found.is_of_value
    else:
        assert found == complaint


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (openai("`temperature` must be between 0 and 1"), "temperature"),
        (openai("Invalid 'temperature': decimal above maximum value. Expected a value <= 1, but got 1.8 instead.",
                "decimal_above_max_value", "temperature"), "temperature"),
        (openai("temperature should be less than or equal to 1"), "temperature"),
        (openai("Unsupported value: temperature 1.8 is not in [0, 1]", param="temperature"), "temperature"),
        (openai("temperature 1.8 is out of range", param="temperature"), "temperature"),
        (openai("temperature values above 1 are not supported, at most 1"), "temperature"),
        (openai("This model does not support temperature greater than 1."), "temperature"),
        ({"detail": [{"type": "less_than_equal", "loc": ["body", "temperature"],
                      "msg": "Input should be less than or equal to 1"}]}, "temperature"),
        (openai("temperature 1.8 is not supported with this model: it must be between 0 and 1"), "temperature"),
        (openai("max_tokens is too large: 100 tokens left"), "max_tokens"),
        (openai("max_tokens is too large: at most 100 tokens left"), "max_tokens"),
        (openai("max_tokens must be less than the model's own"), "max_tokens"),
        (openai("Invalid value for max_tokens: 900000"), "max_tokens"),
        (openai("max_tokens exceeds the limit of this model"), "max_tokens"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_no_complaint_about_its_parameter(body, parameter):
    found = read_complaint(400, body)
    assert (found.category, found.parameter, found.is_of_value) == ("bad_request", parameter, True)


def test_what_an_error_repeats_of_the_request_decides_nothing():
    body = {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required",
                        "input": {"messages": [{"content": "insufficient_quota content_filter"}]}}]}  # fmt: skip
    assert read_complaint(422, body) == Complaint("bad_request")


def test_an_error_without_end_is_read_in_no_time():
    nested: dict = {}
    for _ in range(500):
        nested = {"error": nested, "message": "x" * 100}
    assert read_complaint(400, nested).category == "bad_request"
    assert read_complaint(400, "exceeds " * 100_000).category == "bad_request"
