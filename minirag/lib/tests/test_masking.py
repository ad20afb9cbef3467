"""What is kept from models: found by rules and check digits, put back across the borders of tokens, slow for nobody."""

from __future__ import annotations

import time

import pytest
from django.core.exceptions import ValidationError

from minirag.lib.masking.choosing import Masking, check_masking, read_masking
from minirag.lib.masking.kinds import Kind
from minirag.lib.masking.masker import Masker, Restorer

ALL = Masking(kinds=tuple(Kind))


def mask(text: str, *, languages=("de", "en"), **choice) -> str:
    return Masker(Masking(**({"kinds": tuple(Kind)} | choice)), languages).mask(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to anna.o'neil+x@mail.acme.co.at.", "Write to [EMAIL_1]."),
        ("<jörg@müller.de>, b@c.example", "<[EMAIL_1]>, [EMAIL_2]"),
        ("IBAN AT61 1904 3002 3457 3201 und weiter", "IBAN [IBAN_1] und weiter"),
        ("de89370400440532013000!", "[IBAN_1]!"),
        ("AT61 1904 3002 3457 3202 is mistyped", None),
        ("card 4111 1111 1111 1111 12/26", "card [CARD_1] 12/26"),
        ("4111-1111-1111-1111", "[CARD_1]"),
        ("order 4111 1111 1111 1112", None),
        ("+43 664 123 45 67 or 0043 (664) 1234567", "[PHONE_1] or [PHONE_2]"),
        ("ruf 0664/1234567 an, oder 0316 8752-0", "ruf [PHONE_1] an, oder [PHONE_2]"),
        ("0664 1234567 / 0316 8752-0 0664 7654321", "[PHONE_1] / [PHONE_2] [PHONE_3]"),
        ("call (212) 555-0123 today", "call [PHONE_1] today"),
        ("am 30.11.2026, 2026-11-30, um 12:30", None),
        ("error 4711001, article 1234567, E24, v1.2", None),
        ("10 000 000 people in 2026", None),
        ("from 192.168.0.1:8000 and 2001:db8::1 and ::ffff:10.0.0.1", "from [IP_1]:8000 and [IP_2] and [IP_3]"),
        ("version 1.2.3 at 10:20:30, 999.1.1.1", None),
        ("twice a@b.at and a@b.at, once c@d.at", "twice [EMAIL_1] and [EMAIL_1], once [EMAIL_2]"),
    ],
)  # fmt: skip
def test_what_belongs_to_a_person_is_found_and_nothing_else(text, masked):
    assert mask(text) == (masked or text)


def test_only_chosen_kinds_are_taken_out_and_own_patterns_come_first():
    text = "a@b.at, K-123456, 0664 1234567"
    assert mask(text, kinds=()) == text
    assert mask(text, kinds=("phone",)) == "a@b.at, K-123456, [PHONE_1]"
    own = mask(text, kinds=("email",), patterns=(r"K-\d{6}", r"\w+@b"))
    assert own == "[OWN_1].at, [OWN_2], 0664 1234567"


def test_a_placeholder_that_somebody_wrote_comes_back_as_it_was_written():
    masker = Masker(ALL)
    said = masker.mask("my mail is a@b.at, and [EMAIL_1] is a word, [EMAIL_7] too")
    assert said == "my mail is [EMAIL_1], and [WRITTEN_1] is a word, [WRITTEN_2] too"
    restored = masker.restore("[EMAIL_1] [EMAIL\\_1] [WRITTEN_1] [EMAIL_7] [1]")
    assert restored == "a@b.at a@b.at [EMAIL_1] [EMAIL_7] [1]"
    assert masker.kinds == {"email": 1, "written": 2}


def test_an_answer_is_put_back_whatever_its_pieces_are():
    masker = Masker(ALL)
    masker.mask('a@b.at and 0664 1234567 and "x"@y.at')
    answer = "To [EMAIL_1], see [1] and [PHONE_1]; [E, [EMAIL_9] [EMAIL_1"
    whole = "To a@b.at, see [1] and 0664 1234567; [E, [EMAIL_9] [EMAIL_1"
    for size in range(1, len(answer)):
        restorer = Restorer(masker)
        pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
        assert "".join(map(restorer.feed, pieces)) + restorer.flush() == whole, size
    assert Restorer(masker).feed("plain words") == "plain words"


def test_within_json_a_value_stays_within_its_string():
    masker = Masker(Masking(patterns=('"[a-z]+"',)))
    masker.mask('say "hello"')
    assert masker.restore('{"x": "[OWN_1]"}', in_json=True) == '{"x": "\\"hello\\""}'


def test_passages_lose_what_the_conversation_has_lost_and_more_only_by_choice():
    text = "Write to office@acme.at or anna@home.at."
    masker = Masker(Masking(kinds=("email",)))
    masker.mask("I am anna@home.at")
    assert masker.mask_passage(text) == "Write to office@acme.at or [EMAIL_1]."
    assert Masker(Masking(kinds=("email",), passages=True)).mask_passage(text).count("[EMAIL_") == 2


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "a@" * 50_000, "1 " * 50_000, "AT61" * 25_000, "4" * 100_000, ":a" * 50_000, "+1(" * 30_000,
     "[EMAIL" * 20_000, "a.b-c+" * 16_000 + "@", "0664 1234567 " * 8_000, "x@y." * 25_000],
)  # fmt: skip
def test_no_text_makes_it_slow(text):
    patterns = ("(a+)+$", "(.*a){12}", r"(\w+@?)+!")
    masker = Masker(Masking(kinds=tuple(Kind), patterns=patterns), ("de", "en"))
    began = time.thread_time()
    masker.restore(masker.mask(text))
    assert time.thread_time() - began < 3.0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"kinds": ["name"]}, "kinds"),
        ({"patterns": ["(a"]}, "RE2"),
        ({"patterns": ["a*"]}, "nothing"),
        ({"patterns": [r"(?<=a)b"]}, "RE2"),
        ({"patterns": [r"(a)\1"]}, "RE2"),
        ({"patterns": ["((a{1000}){1000}){1000}"]}, "RE2"),
        ({"patterns": ["ab"] * 21}, "patterns"),
        ({"patterns": ["a" * 201]}, "patterns"),
        ({"passages": "maybe"}, "passages"),
        ({"more": 1}, "more"),
        ([], "dictionary|object"),
        ({"patterns": ["\ud800a"]}, "JSON"),
    ],
)
def test_what_is_no_choice_is_refused_in_a_sentence(value, said):
    with pytest.raises(ValidationError, match=said):
        check_masking(value)


def test_a_choice_is_read_as_it_is_kept():
    check_masking({"kinds": ["email", "phone"], "patterns": [r"K-\d+"], "passages": True})
    assert not read_masking({}).takes_out and read_masking({"kinds": ["ip"]}).takes_out


def test_a_passage_that_has_a_placeholder_of_its_own_reads_as_it_was_found():
    text = "Write to anna@home.at or [EMAIL_1], 1."
    masker = Masker(Masking(kinds=("email",), patterns=(r"\b\d\b",)))
    masker.mask("anna@home.at said [EMAIL_1] 1")
    masked = masker.mask_passage(text)
    assert masked == "Write to [EMAIL_1] or [WRITTEN_1], [OWN_1]."
    assert masker.restore(masked) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (r'{"text": "Hi\nanna@home.at"}', r'{"text": "Hi\n[EMAIL_1]"}'),
        (r'{"text": "m\u00fcller@home.at", "n": 1.10}', '{"text": "[EMAIL_1]", "n": 1.10}'),
        ('{"card": 4111111111111111, "many": 12e3}', '{"card": "[CARD_1]", "many": 12e3}'),
        (r'{"half": "\ud800 K-123456"}', '{"half": "? [OWN_1]"}'),
        ("no JSON of anna@home.at", "no JSON of [EMAIL_1]"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_json_stays_json(text, masked):
    assert Masker(Masking(kinds=tuple(Kind), patterns=(r"K-\d{6}",))).mask_json(text) == masked
