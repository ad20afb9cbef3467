"""Reads what a provider complains of, in the words of whichever server it is. Pure; its text goes no further than here.

Compatible servers agree on the shape of an answer and on nothing in their errors: the reason may be in `code`, in
`type`, in `param` or in the message alone, below `error`, below `detail`, or at the root.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from minirag.lib.starting.patterns import compile_later

Parameter = Literal["", "max_tokens", "temperature", "stream_options", "stream", "system", "turns"]
LONGEST_TEXT = 4000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUOTA_CODES = _words(
    "insufficient_quota billing_hard_limit_reached billing_not_active insufficient_balance insufficient_credits "
    "insufficient_funds credit_limit_reached arrearage account_deactivated payment_required "
    "exceeded_current_quota_error"
)
_QUOTA = compile_later(
    r"insufficient[ _](?:account )?(?:quota|balance|credits?|funds)|exceeded your (?:current|monthly) quota|"
    r"(?:billing|spending|credit) (?:hard )?limit|credit balance is too low|(?:out of|not enough|no) credits|"
    r"payment required|account .{0,40}(?:suspended|arrears|overdue|deactivated)|余额不足|欠费"
)
_MODEL_CODES = _words(
    "model_not_found not_found_error unknown_model invalid_model model_not_supported"
)
_NO_MODEL = compile_later(
    r"(?:no such|unknown|invalid|unsupported) model|"
    r"model.{0,80}(?:does not exist|do not exist|not found|not available|not exist|is not supported)"
)
# A window that passes by itself, whatever else the text says of quotas.
_PASSING = compile_later(
    r"per[ -]?(?:minute|second|hour|day)|retry (?:in|after)|try again in|\b[rt]p[mds]\b"
)
_FILTER_CODES = _words(
    "content_filter content_filtered content_policy_violation responsibleaipolicyviolation data_inspection_failed "
    "datainspectionfailed moderation_blocked guardrail_intervened sensitive_content content_blocked "
    "prohibited_content safety 1301"
)
_FILTER = compile_later(
    r"content[ _](?:filter|management polic|polic|safety)|responsible ?ai ?polic|content exists risk|"
    r"safety (?:system|filter|setting|polic)|(?:flagged|blocked) (?:as|by|for|due)|inappropriate content|"
    r"prohibited content|moderation|guardrail|敏感|"
    r"(?:prompt|input|request|content) violates? .{0,40}(?:polic|guideline)"
)
_LENGTH_CODES = _words(
    "context_length_exceeded context_window_exceeded model_context_window_exceeded exceed_context_size_error "
    "input_too_long prompt_too_long string_above_max_length request_too_large"
)
_LENGTH = compile_later(
    r"context[ _](?:length|window|size)|too many (?:input |prompt )?tokens|"
    r"(?:prompt|input|message|request|conversation)\w* (?:is |are |was )?too (?:long|large)|reduce the length|"
    r"exceeds? .{0,60}(?:token limit|context|\d+ tokens|number of tokens|input length)|"
    r"input (?:token|length).{0,60}(?:exceed|limit|range|should)|maximum (?:input|prompt) (?:length|tokens)"
)
_LIMIT = compile_later(
    r"(?:context (?:length|window|size)|n_ctx|limit|maximum|at most|less than or equal to)[^0-9]{0,40}?(\d{3,8})"
)
_OUTPUT_LIMIT = compile_later(
    r"(?:\d > |at most|up to|less than or equal to|<=|maximum(?: value| is| of)?|"
    r"max(?:imum)? (?:output|completion|allowed)|\[\d+, ?|between \d+ and)[^0-9]{0,30}?(\d{1,8})"
)
_REFUSES = compile_later(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields|parameter)|not permitted|"
    r"not allowed|invalid|deprecated|only the default|must be|not available|not enabled|cannot|too large|"
    r"only .{0,30}supported|verified|does not (?:take|accept)|no such|incompatible|should be|\d > \d|exceeds"
)
# A value beyond its range: the parameter is taken, and what another bot sends may be fine.
_OF_VALUE = compile_later(
    r"between\W{0,3}(?:-?\d|zero)|(?<![a-z])range(?![a-z])|\b(?:maximum|minimum)\b(?! number)|\bat (?:most|least)\b|"
    r"up to \d|[<>≤≥]=? ?-?\d|<=|>=|too (?:large|small|high|low|big|great|many)|exceed|above_max|below_min|"
    r"\b(?:less|lower|smaller|fewer|greater|higher|larger|bigger)\b|more than|out of bounds|negative|"
    r"(?:above|below|over) (?:the |its )?(?:max|min|limit|\d)|invalid value|[\[(] ?-?\d[\d.]* ?[,;] ?\d|"
    r"\d (?:-|–|to) \d|\d ?\.\.+ ?\d|\b(?:left(?! out)|remain\w*)\b"
)
# What says that the parameter itself is not taken, whatever it says of values besides.
_OF_PARAMETER = compile_later(
    r"(?:unsupported|unknown|unexpected|unrecogni[sz]ed)[ _](?:request )?(?:parameter|argument|field|key|property)|"
    r"extra[ _](?:inputs|fields|parameter|forbidden)|deprecated|only the default|"
    r"use \W?max_completion_tokens|not support\W{1,3}(?:the )?(?:parameter|temperature|max_\w*tokens)\W*(?:$|[.,;])"
)
# How long or large something is. A system message, which holds the passages, makes it the question that is too long.
_LENGTH_WORDS = (
    r"exceed|too (?:long|large|big|many)|longer than|\blength\b|limited to|\d (?:characters|chars|bytes|kb|words)|"
    r"\b(?:at most|less than|up to|fewer than|max(?:imum)?(?: of)?) \d{2,}|\bsize\b"
)
_OF_LENGTH = compile_later(_LENGTH_WORDS)
# What is wrong with one request, or for a while: its length, its content, its place, how many there are. Else
# all who share the model would be asked in another way from then on, for what one of them has written.
_OF_ONE_CALL = compile_later(
    _LENGTH_WORDS
    + r"|\b(?:at most|at least|maximum|minimum|limit)\b|characters|empty|blank|\bnull\b|\bcontent\b|"
    r"\bstring\b|beginning|only one|more than one|second|multiple|duplicate|images?\b|violat|polic|concurren|simultan|"
    r"temporar|try again|retry|at (?:this|the) moment|time(?:d )?-?out|overload|rate limit"
)
# A bound of this request, not of the model.
_OF_REQUEST = compile_later(
    r"\b(?:left|remain\w*|available)\b|context|your (?:prompt|input|request|messages|budget|plan|credits?|balance)"
)
# In this order: `stream` is a part of other names, and a message about one often names another as the way out.
_SYSTEM = compile_later(
    r"(?:system|developer)\W{0,3} (?:role|message|prompt|instruction)|role\W{1,4}(?:system|developer)|"
    r"(?:system|developer) instructions?|does not support '(?:system|developer)'"
)
_SIGNS: tuple[tuple[Parameter, re.Pattern[str]], ...] = (
    ("stream_options", compile_later(r"stream_options|include_usage")),
    ("system", _SYSTEM),
    ("turns", compile_later(r"roles must alternate|alternat\w+ .{0,30}roles?|consecutive .{0,30}(?:role|message)|"
                            r"first message must .{0,30}user")),
    ("max_tokens", compile_later(r"max_(?:completion_|new_)?tokens|maxtokens|max_output_tokens")),
    ("temperature", compile_later(r"temperature")),
    ("stream", compile_later(r"\bstream(?:ing)?\b")),
)  # fmt: skip
_NAMES: dict[str, Parameter] = {
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "temperature": "temperature",
    "stream_options": "stream_options",
    "stream": "stream",
}
_TRANSIENT = {
    "rate_limit": "rate_limit",
    "overloaded": "unavailable",
    "server_error": "unavailable",
}


@dataclass(frozen=True)
class Complaint:
    """`category` is a ProviderError's. `parameter` is what of our request the model does not take, "" for none of it;
    `number` a limit that it named: tokens of context, or of an answer. `is_of_value`: the parameter is taken, and only
    the value in this call is not, so that nothing follows for any other call.
    """

    category: str
    parameter: Parameter = ""
    number: int | None = None
    is_of_value: bool = False
    is_of_model: bool = False

    @property
    def says_more(self) -> bool:
        """Whether it says more than the status of an error does."""
        named = self.category in ("quota", "content_filter", "context_length")
        return bool(self.parameter) or self.is_of_model or named


def read_complaint(status: int | None, body: bytes | str | Any) -> Complaint:
    """What an error means. `status` None: it came inside an answer of status 200."""
    facts = _read_facts(_parse(body))
    if status is None or 200 <= status < 300:
        status = facts.status
    text, codes = facts.text, facts.codes
    may_pass = _PASSING.search(text) is not None
    if status == 402 or codes & _QUOTA_CODES or (_QUOTA.search(text) and not may_pass):
        return Complaint("quota")
    if status not in (401, 404, 429) and (codes & _FILTER_CODES or _FILTER.search(text)):
        return Complaint("content_filter")
    is_about_input = status in (None, 400, 413, 422, 500)
    found = _find_parameter(facts) if status not in (401, 403, 429) else ""
    is_long = _LENGTH.search(text) or (_SYSTEM.search(text) and _OF_LENGTH.search(text))
    if is_about_input and (status == 413 or codes & _LENGTH_CODES or is_long):
        return Complaint("context_length", number=facts.context or _read_number(_LIMIT, text))
    if found:
        return _read_refusal(found, f"{text} {' '.join(sorted(codes))}")
    if status is None:
        for sign, category in _TRANSIENT.items():
            if any(sign in code for code in codes):
                return Complaint(category)
    is_of_model = status == 404 or bool(codes & _MODEL_CODES or _NO_MODEL.search(text))
    category = category_of_status(status)
    return Complaint(category, is_of_model=is_of_model and category == "bad_request")


def _read_refusal(found: Parameter, text: str) -> Complaint:
    """Whether a parameter or its value is refused. A model's own bound may be kept, so it is not one value's."""
    if found not in ("max_tokens", "temperature") or _OF_PARAMETER.search(text):
        return Complaint("bad_request", found)
    number = _read_number(_OUTPUT_LIMIT, text) if found == "max_tokens" else None
    if number is not None:
        return Complaint("bad_request", found, number, _OF_REQUEST.search(text) is not None)
    return Complaint("bad_request", found, None, _OF_VALUE.search(text) is not None)


@dataclass(frozen=True)
class _Facts:
    text: str
    codes: frozenset[str]
    parameter: str
    status: int | None
    context: int | None


def _parse(body: bytes | str | Any) -> Any:
    if not isinstance(body, bytes | str):
        return body
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read_facts(body: Any) -> _Facts:
    """Everything of an error that may say what is wrong, and nothing of what it repeats from the request."""
    texts: list[str] = []
    codes: set[str] = set()
    names: list[str] = []
    numbers: dict[str, int] = {}
    waiting, seen = [body], 0
    while waiting and seen < 50:
        each, seen = waiting.pop(0), seen + 1
        if isinstance(each, str):
            texts.append(each[:LONGEST_TEXT])
        elif isinstance(each, list):
            waiting += each[:10]
        elif isinstance(each, dict):
            _read_object(each, texts, codes, names, numbers)
            waiting += [
                each[key] for key in _NESTED if isinstance(each.get(key), dict | list | str)
            ]
    return _Facts(
        " ".join(texts).lower()[:LONGEST_TEXT],
        frozenset(codes),
        names[0] if names else "",
        numbers.get("status"),
        numbers.get("n_ctx"),
    )


_NESTED = (
    "error",
    "errors",
    "detail",
    "innererror",
    "metadata",
    "details",
    "message",
    "msg",
    "raw",
    "error_msg",
)


def _read_object(
    each: dict[str, Any],
    texts: list[str],
    codes: set[str],
    names: list[str],
    numbers: dict[str, int],
) -> None:
    for key in ("code", "type", "status", "finish_reason", "reason"):
        value = each.get(key)
        if isinstance(value, str):
            codes.add(value.lower())
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, int) and not isinstance(number, bool) and 300 <= number < 600:
            numbers.setdefault("status", number)
    if isinstance(each.get("n_ctx"), int):
        numbers["n_ctx"] = each["n_ctx"]
    location = each.get("loc")
    if isinstance(location, list):
        names += [str(part) for part in location if str(part) in _NAMES]
        texts += [str(part) for part in location if isinstance(part, str)]
    if isinstance(each.get("param"), str):
        names.append(re.split(r"[.\[]", each["param"])[0])


def _find_parameter(facts: _Facts) -> Parameter:
    """What of our request is refused: as the error names it, else as its text does where that refuses something."""
    named: Parameter = _NAMES.get(facts.parameter, "")
    if not named:
        if not (_REFUSES.search(facts.text) or "role" in facts.text):
            return ""
        named = next((name for name, sign in _SIGNS if sign.search(facts.text)), "")
    has_value = named in ("max_tokens", "temperature")
    return "" if not has_value and _OF_ONE_CALL.search(facts.text) else named


def category_of_status(status: Any) -> str:
    """The category of an HTTP status. A redirect is never followed, so it is a refusal like a 4xx."""
    known = {
        401: "authentication",
        403: "authentication",
        408: "timeout",
        429: "rate_limit",
        504: "timeout",
    }
    if status in known:
        return known[status]
    return "bad_request" if isinstance(status, int) and 300 <= status < 500 else "unavailable"


def _read_number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    number = int(found[1]) if found else 0
    return number if 0 < number < 10**8 else None
