"""What is accepted as a password, and what is said of one that is not."""

from __future__ import annotations

import pytest

from minirag.lib.security.passwords import PasswordWeak, check_password


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery", "tr0ub4dor&3", "łąka o świcie", "パスワードは長い方がいい", "a b c d e",
        "I am  a  bird", " with blanks around it ",
    ],
)  # fmt: skip
def test_a_good_one_passes(password):
    check_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "password", "Password1", "PASSWORD", "password ", "12345678", "987654321012", "qwertyuiop", "short", "",
        " " * 8, "\t" * 10, "\u00a0" * 8, "\u200b" * 8, "       x       ", "\u2060\u2060\u2060abc\u2060\u2060",
    ],
)  # fmt: skip
def test_a_weak_one_is_refused(password):
    with pytest.raises(PasswordWeak) as refused:
        check_password(password)
    assert (refused.value.code, refused.value.status) == ("password_weak", 422)


def test_the_sentence_does_not_repeat_it():
    with pytest.raises(PasswordWeak) as refused:
        check_password("iloveyou")
    assert refused.value.detail == "This password is too common."
