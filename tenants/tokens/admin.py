"""Admin pages of API tokens."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from minirag.lib.telling.shown import show_name
from tenants.admin_site.forms import NewTokenForm, RotationForm
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import (
    ProductAdmin,
    format_age,
    is_writable,
    once_per_row,
    posted,
)
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant, tenant_context
from tenants.models import ApiToken, May, Role, User
from tenants.people.admin import visible_users
from tenants.people.changing import outranks
from tenants.tokens.changing import Grant, mint_token, revoke_token, rotate_token


@register(ApiToken, site=platform_site)
@register(ApiToken, site=tenant_site)
class ApiTokenAdmin(ProductAdmin):
    """Tokens: facts, and the rights to revoke and to rotate. The secret is seen once, by who makes it.

    Members have their own here, owners and admins everybody's.
    """

    nothing_yet = _("With a token a program calls the API as the user that it belongs to.")
    search_fields = ("name", "token_prefix", "user__email")
    actions = ("revoke_chosen",)
    actions_detail = ("rotate", "revoke")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request).select_related("user", "tenant")
        tenant, actor = current_tenant(), acting_user(request)
        tokens = tokens if tenant is None else tokens.filter(tenant=tenant)
        return tokens if actor.may(May.MANAGE_SETTINGS) else tokens.filter(user=actor)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("tenant",)
        return (
            "shown_name",
            *home,
            "user",
            "shown_state",
            "shown_rights",
            "shown_use",
            "expires_at",
            "created_at",
        )

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("is_active",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        home = () if current_tenant() else ("tenant",)
        return (
            "name", "token_prefix", *home, "user", "told_state", "shown_rights", "shown_groups", "shown_bot", "rate",
            "expires_at", "replaced_by", "last_used_at", "created_at",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_writable() and acting_user(request).is_active

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not is_writable():
            return False
        return object_id is None or self.require_object(request, object_id).is_active

    def has_rotate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not is_writable():
            return False
        if object_id is None:
            return True
        token: ApiToken = self.require_object(request, object_id)
        works = (
            token.is_active
            and not token.is_expired
            and token.user.is_active
            and token.replaced_by_id is None
        )
        return works and (
            token.user_id == request.user.pk or not outranks(token.user, acting_user(request))
        )

    @display(description=_("token"), header=True, ordering="name")
    def shown_name(self, token: ApiToken) -> list[str]:
        return [show_name(token.name, gettext("token")), f"{token.token_prefix}…"]

    @display(
        description=_("state"),
        label={"active": "success", "expired": "warning", "revoked": "danger"},
    )
    def shown_state(self, token: ApiToken) -> tuple[str, str]:
        if not token.is_active:
            return "revoked", gettext("revoked")
        if token.is_expired:
            return "expired", gettext("expired")
        return "active", gettext("active")

    @display(description=_("state"))
    def told_state(self, token: ApiToken) -> str:
        return self.shown_state(token)[1]

    @display(description=_("rights"))
    def shown_rights(self, token: ApiToken) -> str:
        return ", ".join(token.rights) or gettext("everything its user may do")

    @display(description=_("groups"))
    def shown_groups(self, token: ApiToken) -> str:
        said = ", ".join(token.groups) or gettext(
            "none: its askers are answered from what is for everybody"
        )
        return f"{said}; {gettext('or those that it names itself')}" if token.names_groups else said

    @display(description=_("bot"))
    @once_per_row
    def shown_bot(self, token: ApiToken) -> str:
        if token.bot_profile_id is None:
            return gettext("every bot")
        with tenant_context(token.tenant):
            named: Any = apps.get_model("bots.BotProfile").objects.filter(pk=token.bot_profile_id)
            return str(named.first() or token.bot_profile_id)

    @display(description=_("last used"), ordering="last_used_at")
    def shown_use(self, token: ApiToken) -> str:
        return format_age(token.last_used_at)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Make a token and show its secret, once. Members make their own, admins none of an owner's."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if (proof := ask_for_proof(request)) is not None:
            return proof
        users, actor = (
            User.objects.filter(is_active=True, tenant__isnull=False),
            acting_user(request),
        )
        users = visible_users(
            users if actor.may(May.MANAGE_SETTINGS) else users.filter(pk=actor.pk)
        )
        if outranks(User(role=Role.OWNER), actor):
            users = users.exclude(role=Role.OWNER)

        def mint(data: dict[str, Any]) -> HttpResponse:
            grant = Grant(
                tuple(data["rights"]), data["bot_profile_id"], data["expires_at"], tuple(data["groups"]),
                data["names_groups"],
            )  # fmt: skip
            token, secret = mint_token(data["user"], data["name"], grant)
            self.log_addition(request, token, [{"added": {}}])
            return self._show(request, token, secret)

        form = NewTokenForm(
            posted(request), users=users, site=self.admin_site, initial={"user": request.user.pk}
        )
        return self.ask(
            request,
            mint,
            title=gettext("Add an API token"),
            submit=gettext("Make the token"),
            form=form,
        )

    def _show(self, request: HttpRequest, token: ApiToken, secret: str) -> HttpResponse:
        return self.show_secret_once(
            request, secret, title=gettext("The token is ready"), user=token.user, next_url=self.change_url(token),
            next_label=gettext("Go to the token"),
        )  # fmt: skip

    @action(description=_("Rotate"), permissions=["rotate"], icon="autorenew")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        old: ApiToken = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            token, secret = rotate_token(old.pk, data["overlap"], actor=acting_user(request))
            self.log_change(request, old, f"Rotated; the new one begins with {token.token_prefix}.")
            self.log_addition(request, token, [{"added": {}}])
            return self._show(request, token, secret)

        form = RotationForm(posted(request))
        intro = gettext("Makes a new token with the same user and rights, which is shown once.")
        return self.ask(
            request,
            act,
            title=gettext("Rotate %(old)s?") % {"old": old},
            intro=intro,
            submit=gettext("Rotate"),
            obj=old,
            form=form,
            needs_proof=True,
        )

    @action(
        description=_("Revoke"), permissions=["revoke"], icon="block", variant=ActionVariant.DANGER
    )
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token: ApiToken = self.require_object(request, object_id)
        intro = gettext("Whatever uses it is refused from the next request on.")
        return self.ask(
            request,
            lambda data: self._revoke(request, token),
            title=gettext("Revoke %(token)s?") % {"token": token},
            intro=intro,
            submit=gettext("Revoke"),
            danger=True,
            obj=token,
        )

    @action(description=_("Revoke"), permissions=["revoke"])
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        active = chosen.filter(is_active=True)
        self.act_on_each(
            request,
            active,
            lambda token: self._revoke(request, token),
            gettext("%(count)s revoked."),
        )

    def _revoke(self, request: HttpRequest, token: ApiToken) -> None:
        revoke_token(token)
        self.log_change(request, token, "Revoked.")
