from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from minirag.lib.security.crypto import DecryptionFailed, decrypt, encrypt, rotate

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
PLACE = "acme/bot:7/api_key"


def test_a_secret_opens_in_the_place_it_was_made_for():
    for secret in ("sk-123", "", "schlüssel 🔑", "x" * 10_000):
        token = encrypt(secret, context=PLACE, keys=[NEW])
        assert token.startswith("v1:")
        assert secret == "" or secret not in token
        assert decrypt(token, context=PLACE, keys=[NEW]) == secret


def test_two_tokens_of_one_secret_differ():
    assert encrypt("s", context=PLACE, keys=[NEW]) != encrypt("s", context=PLACE, keys=[NEW])


@pytest.mark.parametrize(
    "place", ["globex/bot:7/api_key", "acme/bot:8/api_key", "", "acme/bot:7/api_key "]
)
def test_a_token_copied_to_another_place_does_not_open(place):
    token = encrypt("sk-123", context=PLACE, keys=[NEW])
    with pytest.raises(DecryptionFailed):
        decrypt(token, context=place, keys=[NEW])
    with pytest.raises(DecryptionFailed):
        rotate(token, place, keys=[NEW])


def test_a_context_cannot_be_forged_by_the_plaintext():
    token = encrypt('globex/x", "stolen', context="acme/x", keys=[NEW])
    with pytest.raises(DecryptionFailed):
        decrypt(token, context="globex/x", keys=[NEW])


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-4], lambda t: t.removeprefix("v1:"), lambda t: "", lambda t: "v1:ü"]
)
def test_a_damaged_token_does_not_open(damage):
    with pytest.raises(DecryptionFailed):
        decrypt(damage(encrypt("s", context=PLACE, keys=[NEW])), context=PLACE, keys=[NEW])


def test_a_wrong_key_does_not_open_and_says_nothing_of_the_secret():
    token = encrypt("sk-123", context=PLACE, keys=[NEW])
    with pytest.raises(DecryptionFailed) as caught:
        decrypt(token, context=PLACE, keys=[OTHER])
    assert "sk-123" not in str(caught.value)


def test_rotation_moves_a_secret_to_the_first_key():
    token = encrypt("sk-123", context=PLACE, keys=[OLD])
    rotated = rotate(token, PLACE, keys=[NEW, OLD])
    assert decrypt(token, context=PLACE, keys=[NEW, OLD]) == "sk-123"
    assert decrypt(rotated, context=PLACE, keys=[NEW]) == "sk-123"
    with pytest.raises(DecryptionFailed):
        decrypt(token, context=PLACE, keys=[NEW])


def test_what_is_under_the_first_key_already_stays_as_it_is():
    token = encrypt("sk-123", context=PLACE, keys=[NEW])
    assert rotate(token, PLACE, keys=[NEW, OLD]) == token


def test_the_keys_come_from_the_settings_at_each_call(settings):
    settings.ENCRYPTION_KEYS = [OLD]
    token = encrypt("sk-123", context=PLACE)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert decrypt(token, context=PLACE) == "sk-123"


@pytest.mark.parametrize("keys", [[], ["short"], ["ü" * 44]])
def test_missing_or_malformed_keys_are_named_as_a_setting(keys):
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        encrypt("s", context=PLACE, keys=keys)
