from __future__ import annotations

import pytest

from minirag.lib.http_out.addresses import OutboundError, is_public_address, vet_addresses
from minirag.lib.http_out.client import check_url

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
172.16.0.1 172.31.9.9 192.0.0.8 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::7f00:1
64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1
2001:db8::1 2002:7f00:1:: 2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1 5f00::1
fc00::1 fd00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 192.169.0.1
198.17.255.255 198.20.0.1 223.255.255.255 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111
2a00:1450:4001::5e
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_private_and_reserved_addresses_are_refused(address):
    assert not is_public_address(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_addresses_next_to_the_reserved_ranges_stay_reachable(address):
    assert is_public_address(address)


def test_what_is_no_address_is_not_public():
    assert not is_public_address("example.com")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_scheme"),
        ("example.com/page", "url_scheme"),
        ("ftp://example.com/", "url_scheme"),
        ("file:///etc/passwd", "url_scheme"),
        ("gopher://example.com:70/", "url_scheme"),
        ("http://", "url_invalid"),
        ("http:///path", "url_invalid"),
        ("http://exa mple.com/", "url_invalid"),
        ("http://example.com:99999/", "url_invalid"),
        ("http://example.com:0/", "url_invalid"),
        ("http://example.com/\x00", "url_invalid"),
        ("http://user@example.com/", "url_invalid"),
        ("http://user:secret@example.com/", "url_invalid"),
        ("http://example.com/" + "a" * 5000, "url_invalid"),
        ("http://localhost/", "address_refused"),
        ("http://LOCALHOST./", "address_refused"),
        ("http://db.localhost/", "address_refused"),
        ("http://127.0.0.1/", "address_refused"),
        ("http://2130706433/", "address_refused"),
        ("http://0x7f.1/", "address_refused"),
        ("http://0177.0.0.1/", "url_invalid"),
        ("http://127.1/", "address_refused"),
        ("http://[::1]/", "address_refused"),
        ("http://[::ffff:127.0.0.1]/", "address_refused"),
        ("http://169.254.169.254/latest/meta-data/", "address_refused"),
        ("http://192.0.0.192/", "address_refused"),
        ("http://example.com:22/", "address_refused"),
        ("http://example.com:6379/", "address_refused"),
    ],
)
def test_a_bad_url_is_refused_when_it_is_saved(url, code):
    with pytest.raises(OutboundError) as caught:
        check_url(url)
    assert caught.value.code == code
    assert not caught.value.retryable
    assert "secret" not in caught.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c#d",
        "https://bücher.example/ü",
        "http://8.8.8.8/",
        " https://a.example ",
    ],
)
def test_an_ordinary_url_is_accepted_when_it_is_saved(url):
    check_url(url)


def test_a_host_can_be_opened_by_name_address_or_with_its_port():
    for allowed in (
        "intranet.local",
        "10.0.0.5",
        "intranet.local:8080",
        "10.0.0.5:8080",
        "INTRANET.local",
    ):
        assert vet_addresses("intranet.local", 8080, ["10.0.0.5"], frozenset({allowed})) == [
            "10.0.0.5"
        ]
    for allowed in ("intranet.local:80", "10.0.0.5:80", "local", "10.0.0.6"):
        with pytest.raises(OutboundError):
            vet_addresses("intranet.local", 8080, ["10.0.0.5"], frozenset({allowed}))
    check_url("http://[fd00::1]:8080/", allowed_hosts=frozenset({"[fd00::1]:8080"}))
    check_url("http://10.0.0.5:6379/", allowed_hosts=frozenset({"10.0.0.5:6379"}))


def test_one_private_address_among_public_ones_refuses_the_host():
    with pytest.raises(OutboundError, match="private or reserved"):
        vet_addresses("mixed.example", 80, ["8.8.8.8", "10.0.0.1"], frozenset())


def test_a_host_without_addresses_is_a_failed_look_up():
    with pytest.raises(OutboundError) as caught:
        vet_addresses("empty.example", 80, [], frozenset())
    assert caught.value.code == "dns_failed"
