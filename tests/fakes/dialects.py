"""A scripted OpenAI-compatible server that speaks in dialects: `DIALECTS` says how each answers and what must come out.

    with ScriptedProvider("think") as provider:
        Credentials("k", provider.base_url)       # any model

All say the same sentence, in their own way. `form` is how: "stream" (an event at a time), "bytes" (the same, cut after
every few bytes, also inside of marks and characters), "burst" (all at once), or "whole" (one JSON object, whatever was
asked for). What a dialect complains of it answers with an error until it is asked as it wants to be.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Parcels are accepted until 17:45 [1]."
THOUGHT = "The user asks about parcels [2]. Source [2] is no help."
FORMS = ("stream", "bytes", "burst", "whole")
Json = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """`deltas` are the `delta` objects of a stream and, joined, the `message` of a whole answer.

    `text` None: the call fails, with the ProviderError category `fails`. `frame` makes the bytes of the events;
    `refuses` gives the error that a request is answered with, or None to go on; `asked` how many calls it takes.
    """

    deltas: tuple[Json, ...] = ({"content": ANSWER},)
    text: str | None = ANSWER
    finish: str | None = "stop"
    ends: str = "stop"
    fails: str = ""
    usage: Json | None = field(
        default_factory=lambda: {"prompt_tokens": 31, "completion_tokens": 9}
    )
    forms: tuple[str, ...] = FORMS
    frame: Callable[[list[Json]], bytes] | None = None
    whole: Callable[[Json], bytes] | None = None
    refuses: Callable[[Json], tuple[int, Any] | None] = lambda body: None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = None
    asked: int = 1


def says(*pieces: str, **more: Any) -> Dialect:
    return Dialect(tuple({"content": piece} for piece in pieces), **more)


def event(delta: Json | None, finish: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def sse(
    events: list[Json], *, end: str = "\n", start: str = "data: ", done: str = "data: [DONE]\n\n"
) -> bytes:
    text = "".join(f"{start}{json.dumps(each, ensure_ascii=False)}\n\n" for each in events) + done
    return text.replace("\n", end).encode()


def framed(**changes: Any) -> Callable[[list[Json]], bytes]:
    return lambda events: sse(events, **changes)


def between(noise: str) -> Callable[[list[Json]], bytes]:
    return lambda events: (noise + "".join(sse([each], done=noise).decode() for each in events)
                           + "data: [DONE]\n\n").encode()  # fmt: skip


def instead(raw: str) -> Callable[[Any], bytes]:
    return lambda _: raw.encode()


def error(code: str | int | None, message: str, status: int = 400, **more: Any) -> tuple[int, Json]:
    return status, {
        "error": {"code": code, "message": message, "type": "invalid_request_error", **more}
    }


def always(status: int, body: Any) -> Callable[[Json], tuple[int, Any] | None]:
    return lambda _: (status, body)


def unless(name: str, reply: tuple[int, Any]) -> Callable[[Json], tuple[int, Any] | None]:
    """Refuse a request that carries a parameter."""
    return lambda body: reply if name in body else None


def refuse_max_tokens(body: Json) -> tuple[int, Any] | None:
    return error(
        "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.", param="max_tokens",
    ) if "max_tokens" in body else None  # fmt: skip


def refuse_all_bounds(body: Json) -> tuple[int, Any] | None:
    if not {"max_tokens", "max_completion_tokens"} & body.keys():
        return None
    name = "max_tokens" if "max_tokens" in body else "max_completion_tokens"
    return 422, {
        "detail": [
            {
                "type": "extra_forbidden",
                "loc": ["body", name],
                "msg": "Extra inputs are not permitted",
            }
        ]
    }


def refuse_large_bound(body: Json) -> tuple[int, Any] | None:
    if body.get("max_tokens", 0) <= 100:
        return None
    return error("invalid_value", "max_tokens is too large: 200. This model supports at most 100 completion tokens, "
                 "whereas you provided 200.", param="max_tokens")  # fmt: skip


def refuse_hot(body: Json) -> tuple[int, Any] | None:
    is_hot = body.get("temperature", 0) > 1
    return error("invalid_value", "`temperature` must be between 0 and 1") if is_hot else None


def refuse_beyond_what_is_left(body: Json) -> tuple[int, Any] | None:
    is_large = body.get("max_tokens", 10**6) > 100
    return error(None, "max_tokens is too large: 100 tokens left") if is_large else None


def refuse_beyond_at_most_left(body: Json) -> tuple[int, Any] | None:
    is_large = body.get("max_tokens", 10**6) > 100
    return error(None, "max_tokens is too large: at most 60 tokens are left") if is_large else None


def refuse_system(body: Json) -> tuple[int, Any] | None:
    has_system = any(message["role"] == "system" for message in body["messages"])
    return error(None, "System role not supported", 400) if has_system else None


def refuse_system_by_template(body: Json) -> tuple[int, Any] | None:
    has_system = any(message["role"] == "system" for message in body["messages"])
    text = "Developer instruction is not enabled for models/gemma-3-1b-it"
    return (
        (400, [{"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}}])
        if has_system
        else None
    )


def refuse_stream(body: Json) -> tuple[int, Any] | None:
    return error("unsupported_value", "Your organization must be verified to stream this model.", param="stream") \
        if body.get("stream") else None  # fmt: skip


def refuse_everything(body: Json) -> tuple[int, Any] | None:
    """A server that takes nothing but model, messages and stream, and says so one by one."""
    for name in ("stream_options", "temperature", "max_tokens", "max_completion_tokens"):
        if name in body:
            return 400, {"error": f"Unrecognized request argument supplied: {name}"}
    return refuse_system(body)


def refuse_length(body: Json) -> tuple[int, Any] | None:
    if sum(len(message["content"]) for message in body["messages"]) <= 700:
        return None
    return error("context_length_exceeded", "This model's maximum context length is 4097 tokens. However, your "
                 "messages resulted in 5000 tokens.", param="messages")  # fmt: skip


def in_place_of_delta(key: str) -> Callable[[list[Json]], bytes]:
    def frame(events: list[Json]) -> bytes:
        for each in events:
            for choice in each["choices"]:
                delta = choice.pop("delta")
                choice.update(delta if key == "text" else {key: delta})
                if key == "text":
                    choice["text"] = choice.pop("content", "")
        return sse(events)

    return frame


def split_lines(events: list[Json]) -> bytes:
    """Each event's JSON over several `data:` lines, as the protocol allows."""
    lines = (json.dumps(each, indent=1).replace("\n", "\ndata: ") for each in events)
    return ("".join(f"data: {each}\n\n" for each in lines) + "data: [DONE]\n\n").encode()


def ending_twice(events: list[Json]) -> bytes:
    return sse([*events, event({}, "stop"), event(None, "stop")])


def with_heads(events: list[Json]) -> bytes:
    """What Azure and others send before the first word: no choices, a role alone, nothing at all."""
    heads = [
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {"id": "c", "choices": None},
        event({"role": "assistant"}),
        event({"role": "assistant", "content": None}),
        event({"role": "assistant", "content": ""}),
        event(None),
        {"id": "c", "choices": [{"index": 0}]},
    ]
    return sse([*heads, *events])


def failing(after: int, failure: Json) -> Callable[[list[Json]], bytes]:
    return lambda events: sse([*events[:after], failure], done="")


TOOL = {
    "tool_calls": [
        {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
}
PARTS = tuple(
    {"content": [{"type": "text", "text": piece}]}
    for piece in ("Parcels are accepted ", "until 17:45 [1].")
)
MISTRAL = (
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]},
    {"content": [{"type": "text", "text": ANSWER}]},
)
HARMONY = (
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|>"
    f"<|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
)
CUT = "Parcels are accepted until 17:45 [1], and"
ODD_USAGE = {"prompt_tokens": 31, "completion_tokens": 9}

DIALECTS: dict[str, Dialect] = {
    "plain": says("Parcels are ", "accepted until ", "17:45 [1]."),
    # Thoughts in the text.
    "think": says(f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}"),
    "think_in_pieces": says("<th", "ink>", THOUGHT[:20], THOUGHT[20:], "</thi", "nk>", "\n\n", ANSWER),
    "think_unopened": says(THOUGHT[:20], THOUGHT[20:], "\n</think>\n\n", ANSWER),
    "think_nested": says(f"<think>{THOUGHT}<think>deeper [2]</think> and back [2]</think>{ANSWER}"),
    "think_mentioned": says(f"<think>I must not write <think> again.</think>{ANSWER}"),
    "think_behind": says(f"{ANSWER}<think>{THOUGHT}"),
    "think_empty": says(f"<think>\n\n</think>\n\n{ANSWER}"),
    "think_upper": says(f"<THINK>{THOUGHT}</THINK>{ANSWER}"),
    "think_closed_behind": says(f"{ANSWER}</think>"),
    "think_unclosed": says(f"<think>{THOUGHT}", text="", finish="length", ends="length"),
    "thinking": says(f"<thinking>{THOUGHT}</thinking>\n{ANSWER}"),
    "thought": says(f"<thought>{THOUGHT}</thought>\n<answer>{ANSWER}</answer>"),
    "reasoning_tag": says(f"<reasoning>{THOUGHT}</reasoning>{ANSWER}"),
    "seed": says(f"<seed:think>{THOUGHT}</seed:think>{ANSWER}"),
    "magistral": says(f"[THINK]{THOUGHT}[/THINK]{ANSWER}"),
    "kimi": says(f"◁think▷{THOUGHT}◁/think▷{ANSWER}"),
    "harmony": says(HARMONY),
    "harmony_bare": says(f"analysisWe see. {THOUGHT}assistantfinal{ANSWER}"),
    "gemma": says(f"<|channel>thought\n{THOUGHT}\n<channel|>{ANSWER}"),
    "command": says(f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>"),
    "sky": says(f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n\n<|begin_of_solution|>{ANSWER}<|end_of_solution|>"),
    "end_token": says(f"{ANSWER}<|im_end|>"),
    # Thoughts beside it.
    "reasoning_content": Dialect(({"reasoning_content": THOUGHT, "content": None}, {"content": ANSWER})),
    "reasoning": Dialect(({"reasoning": THOUGHT, "content": ""}, {"content": ANSWER})),
    "reasoning_details": Dialect((
        {"content": "", "reasoning_details": [{"type": "reasoning.text", "text": THOUGHT}]}, {"content": ANSWER},
    )),
    "thinking_parts": Dialect(MISTRAL),
    # Content in other shapes.
    "parts": Dialect(PARTS),
    "parts_of_text": Dialect(({"content": ["Parcels are accepted ", "until 17:45 [1]."]},)),
    "output_text": Dialect(({"content": [{"type": "output_text", "text": {"value": ANSWER}}]},)),
    "one_part": Dialect(({"content": {"type": "text", "text": ANSWER}},)),
    "text": says(ANSWER, frame=in_place_of_delta("text"), forms=("stream", "bytes", "burst")),
    "message": says(ANSWER, frame=in_place_of_delta("message"), forms=("stream", "bytes", "burst")),
    "refusal_field": Dialect(({"content": None, "refusal": "I cannot."},), text="I cannot."),
    # Ends.
    "length": says(CUT, text=CUT, finish="length", ends="length"),
    "max_tokens_end": says(CUT, text=CUT, finish="MAX_TOKENS", ends="length"),
    "content_filter": says(CUT, text=CUT, finish="content_filter", ends="content_filter"),
    "safety": says(CUT, text=CUT, finish="SAFETY", ends="content_filter"),
    "filtered_at_once": says("", text="", finish="content_filter", ends="content_filter"),
    "end_turn": says(ANSWER, finish="end_turn"),
    "ends_twice": says(CUT, text=CUT, finish="length", ends="length", frame=ending_twice, forms=("stream", "bytes")),
    "broke_down": says(CUT, text=None, finish="error", fails="interrupted"),
    "no_done": says(ANSWER, frame=framed(done=""), forms=("stream", "bytes", "burst")),
    "no_reason": says(ANSWER, finish=None, forms=("stream", "bytes", "burst")),
    "breaks_off": says(CUT, text=None, finish=None, fails="interrupted", frame=framed(done=""), forms=("stream",)),
    "empty": says("", text=""),
    "tool_calls": Dialect((TOOL,), text="", finish="tool_calls"),
    # The stream's form.
    "crlf": says(ANSWER, frame=framed(end="\r\n"), forms=("stream", "bytes", "burst")),
    "cr": says(ANSWER, frame=framed(end="\r"), forms=("stream", "bytes", "burst")),
    "no_space": says(ANSWER, frame=framed(start="data:"), forms=("stream", "bytes", "burst")),
    "comments": says("Parcels are accepted ", "until 17:45 [1].", frame=between(": PROCESSING\n\n"),
                     forms=("stream", "bytes", "burst")),
    "named_events": says(ANSWER, frame=framed(start="event: message\nid: 7\nretry: 5\ndata: "),
                         forms=("stream", "bytes", "burst")),
    "byte_order_mark": says(ANSWER, frame=lambda events: b"\xef\xbb\xbf" + sse(events), forms=("stream", "bytes")),
    "many_lines": says(ANSWER, frame=split_lines, forms=("stream", "bytes", "burst")),
    "json_lines": says("Parcels are accepted ", "until 17:45 [1].", frame=framed(start="", done=""),
                       forms=("stream", "bytes", "burst")),
    "heads": says(ANSWER, frame=with_heads, forms=("stream", "bytes", "burst")),
    "gzip": says(ANSWER, headers=(("content-encoding", "gzip"),)),
    "as_text": says(ANSWER, content_type="text/plain"),
    "as_html": says(ANSWER, content_type="text/html"),
    "umlauts": says("Grüße aus ", "東京 👋 [1]", text="Grüße aus 東京 👋 [1]"),
    "broken_event": says(ANSWER, text=None, fails="interrupted", forms=("stream",),
                         frame=lambda events: sse(events[:1], done="") + b"data: {oops\n\n" + sse(events[1:])),
    "web_page": says(text=None, fails="malformed", frame=instead("<html>Welcome</html>"), forms=("stream",)),
    "nothing": says(text=None, fails="malformed", frame=instead(""), forms=("stream",)),
    # Usage in odd places.
    "usage_named_otherwise": says(ANSWER, usage={"input_tokens": 31, "output_tokens": 9}),
    "usage_missing": says(ANSWER, usage=None),
    "usage_in_choice": says(ANSWER, usage=None, forms=("stream",), frame=lambda events: sse([
        *events[:-1], {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": ODD_USAGE}]},
    ])),
    # Errors.
    "filter_400": Dialect(text=None, fails="content_filter", refuses=always(*error(
        "content_filter", "The response was filtered due to the prompt triggering Azure OpenAI's content management "
        "policy.", innererror={"code": "ResponsibleAIPolicyViolation"},
    ))),
    "filter_by_text": Dialect(text=None, fails="content_filter", refuses=always(
        400, {"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "code": None}},
    )),
    "filter_403": Dialect(text=None, fails="content_filter", refuses=always(
        403, {"error": {"code": 403, "message": "m requires moderation. Your input was flagged for \"violence\".",
                        "metadata": {"reasons": ["violence"], "flagged_input": "x"}}},
    )),
    "filter_in_stream": Dialect(text=None, fails="content_filter", forms=("stream",), frame=failing(0, {
        "error": {"code": "content_filter", "message": "filtered"},
    })),
    "no_quota": Dialect(text=None, fails="quota", refuses=always(*error(
        "insufficient_quota", "You exceeded your current quota, please check your plan and billing details.", 429,
    ))),
    "no_quota_402": Dialect(text=None, fails="quota", refuses=always(402, {"error": "Insufficient Balance"})),
    "no_quota_by_text": Dialect(text=None, fails="quota", refuses=always(400, {
        "type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low."},
    })),
    "no_quota_in_stream": Dialect(text=None, fails="quota", forms=("stream",), frame=failing(0, {
        "error": {"code": "insufficient_quota", "message": "You exceeded your current quota"},
    })),
    "rate_limit": Dialect(text=None, fails="rate_limit", refuses=always(*error(
        "rate_limit_exceeded", "Rate limit reached for m on requests per min (RPM): Limit 3. Please try again in 20s.",
        429,
    ))),
    "rate_limit_google": Dialect(text=None, fails="rate_limit", refuses=always(429, [{"error": {
        "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota, please check your "
        "plan and billing details. Quota exceeded for metric: requests per minute. Please retry in 22.4s.",
    }}])),
    "too_long": Dialect(text=None, fails="context_length", refuses=always(*error(
        "context_length_exceeded", "This model's maximum context length is 4097 tokens. However, you requested 5000.",
    ))),
    "too_long_llama": Dialect(text=None, fails="context_length", refuses=always(400, {"error": {
        "code": 400, "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096,
    }})),
    "too_long_413": Dialect(text=None, fails="context_length", refuses=always(
        413, {"error": {"message": "Request too large for model `m`: Limit 6000, Requested 7005"}},
    )),
    "error_as_text": Dialect(text=None, fails="bad_request", refuses=always(400, {"error": "the model is not there"})),
    "error_in_stream": Dialect(text=None, fails="unavailable", forms=("stream",), frame=failing(0, {
        "error": {"message": "overloaded", "type": "overloaded_error"},
    })),
    "error_midway": says("Parcels ", "are", text=None, fails="interrupted", forms=("stream",), frame=failing(1, {
        "error": {"message": "overloaded", "code": 503},
    })),
    # What a model does not take, until it is asked without.
    "max_completion_tokens": says(ANSWER, refuses=refuse_max_tokens, asked=2),
    "unbounded": says(ANSWER, refuses=refuse_all_bounds, asked=3),
    "small_bound": says(ANSWER, refuses=refuse_large_bound, asked=2),
    "no_temperature": says(ANSWER, asked=2, refuses=unless("temperature", error(
        "unsupported_value", "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default "
        "(1) value is supported.", param="temperature",
    ))),
    "no_stream_options": says(ANSWER, asked=2, refuses=unless("stream_options", (
        422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"],
                          "msg": "Extra inputs are not permitted", "input": {"include_usage": True}}]},
    )), forms=("stream", "bytes", "burst")),
    "no_system": says(ANSWER, refuses=refuse_system, asked=2),
    "no_system_google": says(ANSWER, refuses=refuse_system_by_template, asked=2),
    "no_stream": says(ANSWER, refuses=refuse_stream, asked=2, forms=("whole",)),
    "nothing_else": says(ANSWER, refuses=refuse_everything, asked=6, forms=("stream", "bytes", "burst")),
    "short_context": says(ANSWER, refuses=refuse_length, asked=1),
}  # fmt: skip


@dataclass
class ScriptedProvider:
    """The server, running while the `with` block does; `requests` are the bodies that came in."""

    name: str = "plain"
    form: str = "stream"
    port: int = 0
    requests: list[Json] = field(default_factory=list)

    def __enter__(self) -> ScriptedProvider:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _Handler)
        self._server.daemon_threads = True
        self._server.provider = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments: object) -> None:
        """Silence."""

    def do_POST(self) -> None:
        provider: ScriptedProvider = self.server.provider  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        provider.requests.append(body)
        dialect = DIALECTS[provider.name]
        with suppress(ConnectionError):
            refused = dialect.refuses(body)
            if refused is not None:
                self._send(refused[0], "application/json", [json.dumps(refused[1]).encode()], ())
            elif provider.form == "whole" or not body.get("stream"):
                self._send_answer(dialect, "application/json", write_whole(dialect), "burst")
            else:
                self._send_answer(
                    dialect, "text/event-stream", write_stream(dialect), provider.form
                )

    def _send_answer(self, dialect: Dialect, kind: str, body: bytes, form: str) -> None:
        if ("content-encoding", "gzip") in dialect.headers:
            body = gzip.compress(body)
        packets = {
            "bytes": lambda: [body[i : i + 3] for i in range(0, len(body), 3)],
            "stream": lambda: [part + b"\n\n" for part in body.split(b"\n\n") if part] or [body],
        }.get(form, lambda: [body])()
        if form == "stream" and (dialect.headers or b"\n\n" not in body):
            packets = [body]
        self._send(200, dialect.content_type or kind, packets, dialect.headers)

    def _send(
        self, status: int, kind: str, packets: list[bytes], headers: tuple[tuple[str, str], ...]
    ) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("transfer-encoding", "chunked"), *headers):
            self.send_header(name, value)
        self.end_headers()
        for packet in packets:
            if packet:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(packet), packet))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def list_events(dialect: Dialect) -> Iterator[Json]:
    for delta in dialect.deltas:
        yield event(dict(delta))
    if dialect.finish:
        yield event({}, dialect.finish)
    if dialect.usage:
        yield {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": dialect.usage}


def write_stream(dialect: Dialect) -> bytes:
    return (dialect.frame or sse)(list(list_events(dialect)))


def write_whole(dialect: Dialect) -> bytes:
    """The deltas joined to one message, as a server answers that does not stream."""
    message: Json = {"role": "assistant"}
    for delta in dialect.deltas:
        for key, value in delta.items():
            before = message.get(key)
            message[key] = value if before is None or value is None else _join(before, value)
    choice = {"index": 0, "message": message, "finish_reason": dialect.finish}
    answer = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    return json.dumps({**answer, "usage": dialect.usage} if dialect.usage else answer).encode()


def _join(before: Any, value: Any) -> Any:
    return before + value if type(before) is type(value) else value
