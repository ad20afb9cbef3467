"""How each model wants to be asked: what it does not take is left out, and remembered for that model.

A provider's refusal is the only documentation that is never out of date: the first call is made as OpenAI's protocol
has it, and each complaint about a parameter (see `complaints`) changes how the same model is asked from then on.
A complaint about a value changes the one call that sent it: all tenants share what is learned with the platform's key.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from minirag.ai.credentials import Credentials
from minirag.ai.providers.complaints import Complaint

Messages = Sequence[dict[str, Any]]

# They want another name for max_tokens and take no temperature.
REASONING = re.compile(r"(ft:)?(o\d|gpt-5(?!-chat))")
# Their templates open the thought, so that an answer begins inside of it; servers that know keep it apart.
_THINKING_FIRST = re.compile(r"deepseek-r1|\br1\b|reasoner|qwq|-thinking\b", re.IGNORECASE)
_LEARNED_SECONDS = 24 * 3600.0
_MAX_LEARNED = 2048


@dataclass(frozen=True)
class Dialect:
    """`limit_names` may bound an answer, and the first is sent; `most_tokens` is the most that it may be."""

    limit_names: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    most_tokens: int | None = None
    takes_temperature: bool = True
    takes_stream_options: bool = True
    takes_system: bool = True
    wants_turns: bool = False  # user and assistant by turns, the user first
    streams: bool = True
    thinks_first: bool = False

    def write(
        self, messages: Messages, *, temperature: float | None, max_tokens: int
    ) -> dict[str, Any]:
        """The parameters of a call, without the model's name. `temperature` None leaves it out."""
        written: dict[str, Any] = {
            "messages": self._write_messages(messages),
            "stream": self.streams,
        }
        if self.streams and self.takes_stream_options:
            written["stream_options"] = {"include_usage": True}
        if self.limit_names:
            written[self.limit_names[0]] = self.bound(max_tokens)
        if self.takes_temperature and temperature is not None:
            written["temperature"] = temperature
        return written

    def bound(self, max_tokens: int) -> int:
        return min(max_tokens, self.most_tokens or max_tokens)

    def _write_messages(self, messages: Messages) -> list[dict[str, Any]]:
        written = list(messages)
        if not self.takes_system and written and written[0]["role"] == "system":
            rules, written = written[0]["content"], written[1:]
            written = _join_neighbours([{"role": "user", "content": rules}, *written])
        return _take_turns(written) if self.wants_turns else written

    def adapt(self, complaint: Complaint) -> Dialect | None:
        """The dialect that the complaint asks for; None where there is nothing left to leave out."""
        changed = self
        if complaint.is_of_value:
            return None
        if complaint.parameter == "max_tokens":
            changed = self._refuse_bound(complaint.number)
        elif complaint.parameter == "temperature":
            changed = replace(self, takes_temperature=False)
        elif complaint.parameter == "stream_options":
            changed = replace(self, takes_stream_options=False)
        elif complaint.parameter == "stream":
            changed = replace(self, streams=False)
        elif complaint.parameter == "system":
            changed = replace(self, takes_system=False)
        elif complaint.parameter == "turns":
            changed = replace(self, wants_turns=True)
        return None if changed == self else changed

    def _refuse_bound(self, most_tokens: int | None) -> Dialect:
        if most_tokens is None:
            return replace(self, limit_names=self.limit_names[1:])
        return replace(self, most_tokens=self.bound(most_tokens))

    def spare(
        self, complaint: Complaint, *, temperature: float | None, max_tokens: int
    ) -> tuple[float | None, int] | None:
        """Temperature and most tokens for one more try of this one call; None where there is nothing to spare."""
        if complaint.parameter == "temperature" and self.takes_temperature:
            return None if temperature is None else (None, max_tokens)
        if complaint.parameter == "max_tokens" and self.limit_names:
            sent, limit = self.bound(max_tokens), complaint.number
            fewer = limit if limit is not None and limit < sent else sent // 2
            return (temperature, fewer) if fewer else None
        return None


def _join_neighbours(messages: Messages) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for message in messages:
        # Calls and what came of them each stand for themselves.
        is_plain = message.keys() <= {"role", "content"}
        if joined and is_plain and joined[-1]["role"] == message["role"]:
            content = f"{joined[-1]['content']}\n\n{message['content']}"
            joined[-1] = {"role": message["role"], "content": content}
        else:
            joined.append(message)
    return joined


def _take_turns(messages: Messages) -> list[dict[str, Any]]:
    rules = [each for each in messages if each["role"] == "system"]
    told = [each for each in messages if each["role"] != "system"]
    while told and told[0]["role"] == "assistant":
        told = told[1:]
    return rules + _join_neighbours(told)


# By model and a fingerprint of the credentials: what one tenant's server says must not decide how another's is asked.
# The platform's key is for one server that all share, so only what holds for every call may be learned of it.
_Key = tuple[str, int]
_learned: OrderedDict[_Key, tuple[float, Dialect]] = OrderedDict()


def recall(model: str, credentials: Credentials | None) -> Dialect:
    """What is known of a model; kept in this process for a day, since servers learn as well."""
    known = _learned.get((model, hash(credentials)))
    if known is not None and time.monotonic() < known[0]:
        return known[1]
    name = model.rpartition("/")[2]
    first = Dialect(thinks_first=bool(_THINKING_FIRST.search(name)))
    if model.removeprefix("openai/") == name and REASONING.match(name):
        return replace(first, limit_names=first.limit_names[::-1], takes_temperature=False)
    return first


def remember(model: str, credentials: Credentials | None, dialect: Dialect) -> None:
    key = (model, hash(credentials))
    _learned[key] = time.monotonic() + _LEARNED_SECONDS, dialect
    _learned.move_to_end(key)
    while len(_learned) > _MAX_LEARNED:
        _learned.popitem(last=False)


def learn(
    model: str, credentials: Credentials | None, asked: Dialect, complaint: Complaint
) -> bool:
    """Remember what a complaint about a call in dialect `asked` wants; returns whether asking again may help."""
    if recall(model, credentials) != asked:
        return True  # another call has learned it in the meantime
    changed = asked.adapt(complaint)
    if changed is not None:
        remember(model, credentials, changed)
    return changed is not None
