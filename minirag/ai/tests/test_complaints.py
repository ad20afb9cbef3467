"""What providers complain of, in their own words; none of them agrees with another on where it says so."""

from __future__ import annotations

import json
import re

import pytest

from minirag.ai.credentials import Credentials
from minirag.ai.providers.complaints import Complaint, read_complaint
from minirag.ai.providers.dialects import Dialect, learn, recall


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


OF_THE_MODEL = [
    ("System role not supported", "system"),
    ("System messages are not supported by this model.", "system"),
    ("Developer instruction is not enabled for models/gemma-3-27b-it", "system"),
    ("Only user and assistant roles are supported! Got role: system", "system"),
    ("Invalid role: system. Must be one of user, assistant.", "system"),
    ("This model does not accept a system prompt.", "system"),
    ("'messages[0].role' does not support 'system' with this model.", "system"),
    ("the system role is not allowed for this model", "system"),
    ("Conversation roles must alternate user/assistant/user/assistant/...", "turns"),
    ("First message must use the user role.", "turns"),
    ("Streaming is not supported for this model.", "stream"),
    ("Your organization must be verified to stream this model.", "stream"),
    ("Streaming is currently not supported with this model.", "stream"),
    ("stream_options is not supported", "stream_options"),
    ("Unknown parameter: 'stream_options.include_usage'", "stream_options"),
]

OF_THE_REQUEST = [
    "system message exceeds the maximum of 1000 characters",
    "The system message exceeds the maximum length.",
    "System prompt is too long.",
    "The system prompt cannot be longer than 4096 characters",
    "system instruction must be at most 8000 characters",
    "The length of the system message should be less than 2000",
    "system prompt is limited to 1000 characters",
    "system prompt too large (max 32 KB)",
    "A system message of this size is not supported",
    "System message must not be empty.",
    "system message content cannot be blank",
    "System message must be at the beginning.",
    "Only one system message is supported.",
    "At most 1 system message is allowed",
    "Unexpected second system message",
    "The system prompt must be a string.",
    "system message contains characters that are not supported",
    "system prompt contains unsupported content",
    "Images are not supported in a system message",
    "Invalid system prompt: it violates a rule",
    "too many concurrent streams: the limit is exceeded",
    "The maximum number of streaming requests was exceeded, cannot open another stream",
    "Streaming is temporarily not available, try again later",
    "stream is not available at this moment",
    "stream timeout exceeds the limit",
    "consecutive messages must not exceed 10",
    "message with role user must not be empty, at most 10 consecutive messages",
]


@pytest.mark.parametrize(("message", "parameter"), OF_THE_MODEL)
def test_what_a_model_does_not_take_is_learned(message, parameter):
    found = read_complaint(400, openai(message))
    assert (found.category, found.parameter, found.is_of_value) == ("bad_request", parameter, False)


@pytest.mark.parametrize("message", OF_THE_REQUEST)
@pytest.mark.parametrize("param", [None, "messages[0].content", "stream"])
def test_a_limit_of_one_request_is_no_dialect(message, param):
    """All who share a key would be asked otherwise, for what one of them has written."""
    found = read_complaint(400, openai(message, param=param))
    assert Dialect().adapt(found) is None


@pytest.mark.parametrize(
    "message",
    [
        each
        for each in OF_THE_REQUEST
        if re.search("exceeds the max|long|length|at most 8|limited|large|size", each)
    ],
)
def test_a_system_message_that_is_too_long_is_a_question_that_is_too_long(message):
    if "system" in message.lower():
        assert read_complaint(400, openai(message)).category == "context_length"


def test_what_is_learned_of_a_model_holds_for_the_very_same_address_and_key():
    """An address that a tenant chose may say what it likes: nobody else is asked otherwise for it."""
    liar = Credentials(api_key="own", api_base="https://liar.example.com/v1")
    complaint = read_complaint(400, openai("System role not supported"))
    assert learn("openai/m", liar, recall("openai/m", liar), complaint)
    assert not recall("openai/m", liar).takes_system
    for other in (
        None,
        Credentials(api_key="own"),
        Credentials(api_key="other", api_base=liar.api_base),
        Credentials(api_key="own", api_base="https://honest.example.com/v1"),
    ):
        assert recall("openai/m", other).takes_system
    assert recall("openai/other", liar).takes_system
