"""A tiny OpenID provider on this machine: it signs what it is told to say, and checks what it is asked."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT_ID, SECRET = "minirag", "made-up-client-secret"


class OidcProvider:
    """`claims` is what the next ID token says besides; `sign_with` another key than the one that is published."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.sign_with: Any = None
        self.algorithm = "ES256"
        self.claims: dict[str, Any] = {}
        self.issuer_said = ""
        self.tries: dict[str, dict[str, str]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def approve(self, address: str) -> dict[str, str]:
        """Whoever was sent to `address` logs in; returns the query that they come back with."""
        query = dict(parse_qsl(urlsplit(address).query))
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT_ID and "openid" in query["scope"].split()
        code = f"code-{len(self.tries)}"
        self.tries[code] = query
        return {"code": code, "state": query["state"]}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        pair = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        asked = self.tries.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = (
            asked is not None and authorization == f"Basic {pair}"
            and asked["code_challenge"] == challenge and asked["redirect_uri"] == form["redirect_uri"]
        )  # fmt: skip
        if not is_right or asked is None:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        said = {
            "iss": self.issuer, "sub": "person-1", "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "email": "bob@acme.example.com", "email_verified": True, "name": "Bob",
            **self.claims,
        }  # fmt: skip
        key = self.sign_with or self.key
        token = jwt.encode(said, key, algorithm=self.algorithm, headers={"kid": "one"})
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}

    def published(self) -> dict[str, Any]:
        key = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**key, "kid": "one", "use": "sig", "alg": "ES256"}]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/.well-known/openid-configuration":
                    issuer = provider.issuer
                    return self.say(200, {
                        "issuer": provider.issuer_said or issuer, "authorization_endpoint": f"{issuer}/authorize",
                        "token_endpoint": f"{issuer}/token", "jwks_uri": f"{issuer}/keys",
                    })  # fmt: skip
                return self.say(200, provider.published())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self.say(*provider.redeem(form, self.headers.get("Authorization", "")))

            def say(self, status: int, what: dict[str, Any]) -> None:
                body = json.dumps(what).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
