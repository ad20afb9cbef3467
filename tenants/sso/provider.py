"""Talking to an OpenID provider: discovery, the code for tokens, and what the ID token says.

By hand over the guarded transport and PyJWT: the libraries for Django go by settings of one provider for the whole
process and call out by themselves, past the guard (`mozilla-django-oidc`), or bring accounts of their own (`allauth`).
Nothing of what a provider says is believed before its ID token's signature, issuer, audience, times and nonce hold.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
from django.conf import settings
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from minirag.lib.errors import ProductError
from minirag.lib.http_out.client import OutboundError, fetch
from tenants.sso.models import SsoProvider

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_MAX_BYTES, _SECONDS, _LEEWAY = 512 * 1024, 10, 60


class SsoFailed(ProductError):
    """The provider cannot be reached, or says what does not hold. The reason is for who set it up."""

    status, code = 502, "sso_failed"


@dataclass(frozen=True)
class Endpoints:
    authorization: str
    token: str
    keys: str
    basic: bool


@dataclass(frozen=True)
class Person:
    """Whom the provider names: `email` only where it says that it has verified it."""

    subject: str
    email: str
    name: str


def discover(provider: SsoProvider) -> Endpoints:
    """Read the provider's configuration. Raises SsoFailed."""
    issuer = provider.issuer.rstrip("/")
    said = _get_json(f"{issuer}/.well-known/openid-configuration")
    if str(said.get("issuer", "")).rstrip("/") != issuer:
        raise SsoFailed(gettext("The provider calls itself something else than this issuer."))
    try:
        methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        found = Endpoints(
            str(said["authorization_endpoint"]), str(said["token_endpoint"]), str(said["jwks_uri"]),
            basic="client_secret_basic" in methods,
        )  # fmt: skip
    except (KeyError, TypeError):
        raise SsoFailed(gettext("The provider's configuration is not whole.")) from None
    if urlsplit(found.authorization).scheme not in ("https", urlsplit(issuer).scheme):
        raise SsoFailed(gettext("The provider's log-in page is not reached by https."))
    return found


def write_request(
    provider: SsoProvider, endpoints: Endpoints, *, back: str, state: str, nonce: str, verifier: str,
) -> str:  # fmt: skip
    """The address of the provider's log-in page for one try."""
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": back,
        "scope": "openid email profile", "state": state, "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "code_challenge_method": "S256",
    }  # fmt: skip
    sign = "&" if "?" in endpoints.authorization else "?"
    return f"{endpoints.authorization}{sign}{urlencode(query)}"


def redeem(provider: SsoProvider, code: str, *, back: str, nonce: str, verifier: str) -> Person:
    """Trade the code for an ID token and read whom it names. Raises SsoFailed."""
    endpoints = discover(provider)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier,
        "client_id": provider.client_id,
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if provider.secret and endpoints.basic:
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif provider.secret:
        form["client_secret"] = provider.secret
    answer = _call(
        endpoints.token, method="POST", content=urlencode(form).encode(), api_headers=headers
    )
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise SsoFailed(gettext("The provider did not take the code."))
    return _read_person(provider, token, _get_json(endpoints.keys), nonce)


def _read_person(provider: SsoProvider, token: str, keys: dict[str, Any], nonce: str) -> Person:
    try:
        header = jwt.get_unverified_header(token)
        known = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_type != "oct"]
        fitting = [key for key in known if key.key_id == header.get("kid")] or known
        if len(fitting) != 1 or header.get("alg") not in _ALGORITHMS:
            raise SsoFailed(gettext("The ID token is signed with no key of this provider."))
        claims = jwt.decode(
            token, fitting[0].key, algorithms=[header["alg"]], audience=provider.client_id, leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise SsoFailed(gettext("The ID token does not hold.")) from error
    if str(claims["iss"]).rstrip("/") != provider.issuer.rstrip("/"):
        raise SsoFailed(gettext("The ID token is of another issuer."))
    if not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise SsoFailed(gettext("The ID token is not for this try."))
    party = claims.get("azp", provider.client_id)
    if party != provider.client_id:
        raise SsoFailed(gettext("The ID token is for another client."))
    email = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
    return Person(str(claims["sub"])[:255], email, str(claims.get("name") or "")[:255])


def _get_json(url: str) -> dict[str, Any]:
    return _call(url, api_headers={"Accept": "application/json"})


def _call(url: str, **how: Any) -> dict[str, Any]:
    allowed = frozenset(settings.OUTBOUND_ALLOWED_HOSTS)
    try:
        found = fetch(
            url, max_bytes=_MAX_BYTES, timeout_seconds=_SECONDS, allowed_hosts=allowed, **how
        )
        said = json.loads(found.body)
    except OutboundError as error:
        raise SsoFailed(
            gettext("The provider cannot be asked: %(error)s") % {"error": error}
        ) from error
    except ValueError as error:
        raise SsoFailed(gettext("The provider answered something that is no JSON.")) from error
    if found.status >= 300 or not isinstance(said, dict):
        raise SsoFailed(gettext("The provider refused."))
    return said
