"""TLS is checked against the name in the URL, although the connection goes to a vetted address."""

from __future__ import annotations

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from minirag.lib.http_out import network as http_network
from minirag.lib.http_out.client import OutboundError, fetch, post_async

OPEN = frozenset({"127.0.0.1"})


@pytest.fixture
def authority_file(outside, tmp_path):
    """Gives `outside` a certificate for secure.example; returns the file of the authority that signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("secure.example")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    outside.socket = context.wrap_socket(outside.socket, server_side=True)
    outside.serve("/", b"sealed")
    return certificate_file


@pytest.fixture
def trusted(authority_file, monkeypatch):
    """The operator's machine trusts the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    http_network.tls_context.cache_clear()
    yield
    http_network.tls_context.cache_clear()


def url_of(server, name):
    return f"https://{name}:{server.port}/"


def to_loopback(host, port):
    return ["127.0.0.1"]


async def test_a_trusted_certificate_of_the_right_name_is_accepted(outside, trusted):
    url = url_of(outside, "secure.example")
    assert fetch(url, resolver=to_loopback, allowed_hosts=OPEN).body == b"sealed"
    assert (
        await post_async(url, b"{}", {}, resolver=to_loopback, allowed_hosts=OPEN)
    ).body == b"sealed"


async def test_a_trusted_certificate_of_another_name_is_refused(outside, trusted):
    url = url_of(outside, "other.example")
    with pytest.raises(OutboundError, match="certificate"):
        fetch(url, resolver=to_loopback, allowed_hosts=OPEN)
    with pytest.raises(OutboundError, match="certificate"):
        await post_async(url, b"{}", {}, resolver=to_loopback, allowed_hosts=OPEN)
    assert outside.seen == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(outside, authority_file):
    with pytest.raises(OutboundError, match="certificate") as caught:
        fetch(url_of(outside, "secure.example"), resolver=to_loopback, allowed_hosts=OPEN)
    assert caught.value.code == "connect_failed"
    assert outside.seen == []
