"""Reads one JSON object of an answer, a chunk of a stream or a whole completion, as any compatible server writes it."""

from __future__ import annotations

import json
from typing import Any

from minirag.ai.providers import calls
from minirag.ai.providers.calls import Piece
from minirag.ai.providers.complaints import read_complaint
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProviderError

LENGTH, CONTENT_FILTER, STOP, BROKEN = "length", "content_filter", "stop", "error"
_FINISH = {
    LENGTH: "length max_tokens max_output_tokens max_completion_tokens model_length token_limit max_length "
    "model_context_window_exceeded context_window_exceeded error_limit",
    CONTENT_FILTER: "content_filter content_filtered content-filter safety recitation prohibited_content blocklist "
    "spii guardrail_intervened guardrail refusal sensitive error_toxic image_safety moderation language",
    BROKEN: "error network_error insufficient_system_resource malformed_function_call aborted abort cancelled",
}
_REASONS = {name: reason for reason, names in _FINISH.items() for name in names.split()}
# Where servers put what a model thinks; none of it is the answer.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought", "thoughts", "reasoning_text")
_THOUGHT_PARTS = frozenset(
    ("thinking", "reasoning", "thought", "redacted_thinking", "reasoning_content")
)
_COUNTS = {
    "prompt_tokens": ("prompt_tokens", "input_tokens", "prompt_eval_count", "prompt_token_count", "promptTokenCount"),
    "completion_tokens": (
        "completion_tokens", "output_tokens", "eval_count", "completion_token_count", "candidatesTokenCount",
    ),
}  # fmt: skip


# id, object, created, model, choices, and what vendors add that says nothing to us.
_PLAIN_KEYS = 9


class Malformed(ValueError):
    """This is not part of an answer."""


def read_object(answer: Any, provider: str) -> Piece:
    """The piece in an object. Raises Malformed, or the ProviderError that it reports."""
    if (word := _read_word(answer)) is not None:
        return Piece(word, None, None)
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise Malformed
    if _is_error(answer):
        raise read_failure(answer, provider)
    choices = answer.get("choices")
    if choices is None and not any(key in answer for key in ("usage", "message", "id", "object")):
        raise Malformed
    if not isinstance(choices, list | None):
        raise Malformed
    choice = choices[0] if choices else answer if isinstance(answer.get("message"), dict) else {}
    if not isinstance(choice, dict):
        raise Malformed
    if choice.get("error"):
        raise read_failure(choice, provider)
    said, thought = _read_choice(choice)
    calls_made = read_tool_calls(choice.get("delta") or choice.get("message"))
    return Piece(said, read_reason(choice), _read_usage(answer, choice), thought, calls_made)


def read_tool_calls(spoken: Any) -> tuple[ToolCallPiece, ...]:
    """The pieces of calls in a delta or a message. Raises Malformed."""
    made = spoken.get("tool_calls") if isinstance(spoken, dict) else None
    if not made:
        return ()
    if not isinstance(made, list):
        raise Malformed
    return tuple(_read_tool_call(each, place) for place, each in enumerate(made))


def _read_tool_call(made: Any, place: int) -> ToolCallPiece:
    index, function = made.get("index"), made.get("function") or {}
    arguments = function.get("arguments") or ""
    return ToolCallPiece(
        index if isinstance(index, int) else place, str(made.get("id") or ""), str(function.get("name") or ""),
        arguments if isinstance(arguments, str) else json.dumps(arguments),
    )  # fmt: skip


def _read_word(answer: Any) -> str | None:
    """The text of a chunk that says nothing else, as nearly all do: all that is looked for below costs time."""
    try:
        choice = answer["choices"][0]
        delta = choice["delta"]
        word = delta["content"]
    except (KeyError, IndexError, TypeError):
        return None
    is_plain = (
        type(word) is str
        and len(delta) == 1 + ("role" in delta)
        and choice.get("finish_reason") is None
        and len(answer) <= _PLAIN_KEYS
        and not (answer.get("error") or answer.get("usage") or choice.get("usage"))
    )
    return word if is_plain and "error" not in choice and "x_groq" not in answer else None


def read_failure(answer: Any, provider: str) -> ProviderError:
    """Our error for one that was sent in an answer of status 200."""
    return calls.report_complaint(read_complaint(None, answer), provider=provider, kind="answer")


def read_reason(choice: dict[str, Any]) -> str | None:
    reason = choice.get("finish_reason") or choice.get("done_reason")
    if reason is None:
        return None
    if not isinstance(reason, str):
        raise Malformed
    return name_reason(reason)


def name_reason(reason: str) -> str:
    """Why an answer ended: "stop", "length", "content_filter", or "error" for a provider that broke down."""
    return _REASONS.get(reason.lower(), STOP)


def _is_error(answer: dict[str, Any]) -> bool:
    if answer.get("error"):
        return True
    if answer.get("choices") or answer.get("usage"):
        return False
    return (
        answer.get("object") == "error"
        or answer.get("type") == "error"
        or bool(answer.get("detail"))
    )


def _read_choice(choice: dict[str, Any]) -> tuple[str, str]:
    """What is said and what is thought; a stream's `delta` wins over a `message`, which may repeat all of it."""
    spoken = choice.get("delta")
    if spoken is None:
        spoken = choice.get("message")
    if spoken is None:
        spoken = {"content": choice.get("text")}
    if not isinstance(spoken, dict):
        raise Malformed
    content = spoken.get("content")
    said, thought = (content, "") if isinstance(content, str) else read_content(content)
    if not said:
        refused = spoken.get("refusal")
        said = refused if isinstance(refused, str) else ""
    for name in _THOUGHTS:
        if not thought and isinstance(spoken.get(name), str):
            thought = spoken[name]
    if not thought and spoken.get("reasoning_details"):
        thought = " "  # progress, if nothing that could be counted
    return said, thought


def read_content(content: Any) -> tuple[str, str]:
    """What a content says and thinks: a text, a list of parts, or a single part. Raises Malformed for anything else."""
    if content is None:
        return "", ""
    if isinstance(content, str):
        return content, ""
    if isinstance(content, dict):
        content = content.get("parts") or [content]
    if not isinstance(content, list):
        raise Malformed
    said: list[str] = []
    thought: list[str] = []
    for part in content:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict):
            is_thought = part.get("type") in _THOUGHT_PARTS or part.get("thought") is True
            (thought if is_thought else said).append(_read_part(part))
        elif part is not None:
            raise Malformed
    return "".join(said), "".join(thought)


def _read_part(part: dict[str, Any]) -> str:
    for key in ("text", "content", "thinking", "reasoning", "refusal", "value"):
        value = part.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return "".join(read_content(value))
        if isinstance(value, dict) and isinstance(value.get("value"), str):
            return str(value["value"])
    return ""


def _read_usage(answer: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any] | None:
    """The counts of an object, by our names, wherever it has them; None where it has none."""
    aside = answer.get("x_groq")
    places = (
        answer.get("usage"), choice.get("usage"), aside.get("usage") if isinstance(aside, dict) else None,
        answer.get("usage_metadata"), answer.get("usageMetadata"),
        answer if "prompt_eval_count" in answer else None,
    )  # fmt: skip
    for place in places:
        if isinstance(place, dict):
            found = {
                ours: count
                for ours, names in _COUNTS.items()
                if (count := max(calls.read_count(place.get(name)) for name in names))
            }
            if found:
                return found
    return None
