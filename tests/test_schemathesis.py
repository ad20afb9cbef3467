"""The running product against its own description: whatever is sent to whichever route, fitting or not, the answer has
a described status, content type, headers and keys, and is never a 5xx.

The same requests in every run, and few for each route: what only a long hunt finds is looked for by hand, with
`EXAMPLES=200 python -m pytest tests/test_schemathesis.py`.
"""

from __future__ import annotations

import os

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from minirag.lib.http_in.openapi import EXAMPLE_IDS
from minirag.pages.reference import api_document
from tests.product import Product, TenantAccount

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("EXAMPLES", "2"))
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
schema = schemathesis.openapi.from_dict(
    {**api_document(), "servers": [{"url": "http://127.0.0.1"}]}
)
schema.config.generation.update(with_security_parameters=False)


@pytest.fixture(scope="module")
def fuzzed(product: Product) -> TenantAccount:
    """A tenant of its own, with one of everything: what is made and spoilt here is in nobody's way."""
    account = product.sign_up("fuzzed")
    product.manage("shell", "-c", "from tests.openapi_scene import furnish; furnish('fuzzed')")
    return account


@pytest.fixture(scope="module")
def session() -> requests.Session:
    return requests.Session()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
def test_the_answer_is_as_described(
    case: schemathesis.Case, product: Product, fuzzed: TenantAccount, session: requests.Session
):
    def check(case: schemathesis.Case) -> None:
        answer = case.call(
            base_url=product.base_url, session=session, headers={"Authorization": f"Bearer {fuzzed.token}"},
            timeout=120, allow_redirects=False,
        )  # fmt: skip
        if (
            answer.status_code == 400
            and not answer.content
            and case.media_type == "multipart/form-data"
        ):
            return  # a form that Twisted cannot take apart does not reach us
        case.validate_response(answer, checks=CHECKS)

    check(case)
    existing = {name: EXAMPLE_IDS[name] for name in case.path_parameters if name in EXAMPLE_IDS}
    if (
        existing and case.method != "DELETE"
    ):  # made-up ids lead nowhere; what is deleted would lead nowhere as well
        case.path_parameters = {**case.path_parameters, **existing}
        check(case)
