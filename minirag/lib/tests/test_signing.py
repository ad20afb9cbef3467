from __future__ import annotations

import base64

import pytest

from minirag.lib.security.signing import check_secret, make_secret, sign_body, sign_message


def test_a_body_is_signed_as_the_published_hmac_example():
    # RFC 4231, test case 2
    signature = sign_body("Jefe", b"what do ya want for nothing?")
    assert signature == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_another_secret_or_body_gives_another_signature():
    assert len({sign_body("a", b"x"), sign_body("b", b"x"), sign_body("a", b"y")}) == 3


def test_a_message_is_signed_as_the_example_of_standard_webhooks():
    # The example of the specification's own test suite.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = sign_message(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_of_another_kind_signs_with_its_own_bytes():
    plain, coded = "secret", "whsec_" + base64.b64encode(b"secret").decode()
    assert sign_message(plain, "1", 2, b"x") == sign_message(coded, "1", 2, b"x")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_#", "whsec_abc", "whsec_ü"])
def test_a_secret_that_cannot_sign_is_refused(secret):
    with pytest.raises(ValueError):
        check_secret(secret)


def test_secrets_are_made_of_32_random_bytes():
    assert len(make_secret()) == 43 and make_secret() != make_secret()
    standard = make_secret(standard=True)
    assert len(base64.b64decode(standard.removeprefix("whsec_"))) == 32
    check_secret(standard)
