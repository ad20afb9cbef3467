from __future__ import annotations

from minirag.lib.signing import sign_body


def test_a_body_is_signed_as_the_published_hmac_example():
    # RFC 4231, test case 2
    signature = sign_body("Jefe", b"what do ya want for nothing?")
    assert signature == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_another_secret_or_body_gives_another_signature():
    assert len({sign_body("a", b"x"), sign_body("b", b"x"), sign_body("a", b"y")}) == 3
