"""Which provider people come in by where we are: the tenant's own, or for operators that of the installation."""

from __future__ import annotations

from django.conf import settings

from tenants.context import current_tenant
from tenants.sso.models import SsoProvider


def find_provider() -> SsoProvider | None:
    """The one that is in use here."""
    tenant = current_tenant()
    if tenant is None:
        return operators_provider()
    return SsoProvider.objects.filter(tenant=tenant, is_active=True).first()


def operators_provider() -> SsoProvider | None:
    """That of the installation's settings, as a row that is nowhere stored; None where they name none.

    It makes nobody an operator: whoever comes in is one already, of the same verified e-mail.
    """
    if not settings.OPERATOR_SSO_ISSUER:
        return None
    provider = SsoProvider(
        issuer=settings.OPERATOR_SSO_ISSUER, client_id=settings.OPERATOR_SSO_CLIENT_ID,
        allowed_domains=list(settings.OPERATOR_SSO_DOMAINS),
    )  # fmt: skip
    provider.set_secret(settings.OPERATOR_SSO_CLIENT_SECRET)
    return provider
