"""Admin pages of users and API tokens: all of them on the platform, a tenant's own in its admin."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from minirag.lib.errors import Forbidden
from tenants.admin_forms import NewTokenForm, NewUserForm, PasswordForm, UserForm
from tenants.context import current_tenant
from tenants.model_admin import ProductAdmin, format_age, is_writable, posted, require_manager
from tenants.models import ApiToken, Role, User
from tenants.permissions import acting_user
from tenants.sites import platform_site, tenant_site

_ROLE_COLOURS = {Role.OWNER: "primary", Role.ADMIN: "info", Role.MEMBER: "default"}


def outranks(user: User, actor: User) -> bool:
    """Whether `user` has rights that `actor` must not touch: only owners and operators reach owners."""
    return not actor.is_superuser and actor.role != Role.OWNER and user.role == Role.OWNER


def visible_users(rows: QuerySet[User]) -> QuerySet[User]:
    tenant = current_tenant()
    return rows.select_related("tenant") if tenant is None else rows.filter(tenant=tenant)


@register(User, site=platform_site)
@register(User, site=tenant_site)
class UserAdmin(ProductAdmin):
    """People. They are deactivated, not deleted: the audit log names them."""

    search_fields = ("email", "display_name")
    readonly_fields = ("shown_tenant", "created_at", "last_login")
    actions_detail = ("set_password",)
    actions = ("deactivate_chosen", "activate_chosen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return visible_users(super().get_queryset(request))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("shown_tenant",)
        return ("shown_person", *home, "shown_role", "is_active", "last_login", "created_at")

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("role", "is_active") if current_tenant() else ("role", "is_active", "is_superuser")

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, form=UserForm if obj else NewUserForm, **kwargs)
        if "role" in form.base_fields and outranks(User(role=Role.OWNER), acting_user(request)):
            form.base_fields["role"].choices = [choice for choice in Role.choices if choice[0] != Role.OWNER]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            home = () if current_tenant() else ("tenant",)
            return ((None, {"fields": ("email", "display_name", *home, "role", "password")}),)
        return (
            (None, {"fields": (("email", "display_name"), "role", "is_active")}),
            ("Facts", {"fields": ("shown_tenant", ("created_at", "last_login"))}),
        )

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return () if current_tenant() else ("tenant",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        own = ("role", "is_active") if obj is not None and obj.pk == request.user.pk else ()
        operator = ("role",) if obj is not None and obj.is_superuser else ()
        return tuple(dict.fromkeys((*self.readonly_fields, *own, *operator)))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "tenant" and field is not None:
            field.help_text = "Empty: a platform operator, who may enter every tenant."
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not outranks(self.require_object(request, obj), acting_user(request)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        if not change:
            tenant = current_tenant()
            if tenant is not None:
                obj.tenant = tenant
            obj.is_superuser = obj.tenant_id is None
            obj.role = Role.OWNER if obj.is_superuser else obj.role
        super().save_model(request, obj, form, change)

    @display(description="user", header=True, ordering="email")
    def shown_person(self, user: User) -> list[str]:
        return [user.display_name or user.email, user.email]

    @display(description="tenant", ordering="tenant__slug")
    def shown_tenant(self, user: User) -> str:
        return str(user.tenant) if user.tenant_id else "Platform operator"

    @display(description="role", ordering="role", label=_ROLE_COLOURS)
    def shown_role(self, user: User) -> tuple[str, str]:
        return user.role, "Operator" if user.is_superuser else user.get_role_display()

    @action(description="Set password", permissions=["change"], icon="key")
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            user.set_password(data["password"])
            user.save(update_fields=["password", "updated_at"])
            self.log_change(request, user, "Password was set.")
            self.message_user(request, f"{user} has a new password.", messages.SUCCESS)

        form = PasswordForm(posted(request))
        intro = "Every browser session of this user ends."
        return self.ask(
            request, act, title=f"Set the password of {user}", intro=intro, submit="Set password", obj=user, form=form
        )

    @action(description="Deactivate", permissions=["change"])
    def deactivate_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        self.act_on_each(request, chosen, lambda user: self._switch(request, user, False), "deactivated")

    @action(description="Activate", permissions=["change"])
    def activate_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        self.act_on_each(request, chosen, lambda user: self._switch(request, user, True), "activated")

    def _switch(self, request: HttpRequest, user: User, is_active: bool) -> None:
        if user.pk == request.user.pk or outranks(user, acting_user(request)):
            raise Forbidden("You cannot switch this account.")
        user.is_active = is_active
        user.save(update_fields=["is_active", "updated_at"])
        self.log_change(request, user, "Activated." if is_active else "Deactivated.")


@register(ApiToken, site=platform_site)
@register(ApiToken, site=tenant_site)
class ApiTokenAdmin(ProductAdmin):
    """Tokens: facts, and the right to revoke. The secret is seen once, by who makes it."""

    search_fields = ("name", "token_prefix", "user__email")
    actions = ("revoke_chosen",)
    actions_detail = ("revoke",)
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request).select_related("user", "tenant")
        tenant = current_tenant()
        return tokens if tenant is None else tokens.filter(tenant=tenant)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("tenant",)
        return ("shown_name", *home, "user", "shown_state", "shown_use", "expires_at", "created_at")

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("is_active",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        home = () if current_tenant() else ("tenant",)
        return (
            "name", "token_prefix", *home, "user", "shown_state", "scopes", "bot_profile_id", "expires_at",
            "last_used_at", "created_at",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not (is_writable() and acting_user(request).is_manager):
            return False
        if object_id is None:
            return True
        token: ApiToken = self.require_object(request, object_id)
        return token.is_active and not outranks(token.user, acting_user(request))

    @display(description="token", header=True, ordering="name")
    def shown_name(self, token: ApiToken) -> list[str]:
        return [token.name or "token", f"{token.token_prefix}…"]

    @display(description="state", label={"active": "success", "expired": "warning", "revoked": "danger"})
    def shown_state(self, token: ApiToken) -> str:
        if not token.is_active:
            return "revoked"
        return "expired" if token.is_expired else "active"

    @display(description="last used", ordering="last_used_at")
    def shown_use(self, token: ApiToken) -> str:
        return format_age(token.last_used_at)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a token and show its secret, once."""
        require_manager(request)
        users = visible_users(User.objects.filter(is_active=True, tenant__isnull=False).select_related("tenant"))
        if outranks(User(role=Role.OWNER), acting_user(request)):
            users = users.filter(~Q(role=Role.OWNER))

        def mint(data: dict[str, Any]) -> HttpResponse:
            token, secret = ApiToken.objects.mint(**data)
            self.log_addition(request, token, [{"added": {}}])
            return self.show_secret_once(
                request, secret, title="The token is ready", user=token.user, next_url=self.change_url(token),
                next_label="Go to the token",
            )  # fmt: skip

        form = NewTokenForm(posted(request), users=users, initial={"user": request.user.pk})
        return self.ask(request, mint, title="Add an API token", submit="Make the token", form=form)

    @action(description="Revoke", permissions=["revoke"], icon="block", variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token: ApiToken = self.require_object(request, object_id)
        intro = "Whatever uses it is refused from the next request on."
        return self.ask(
            request, lambda data: self._revoke(request, token), title=f"Revoke {token}?", intro=intro, submit="Revoke",
            danger=True, obj=token,
        )  # fmt: skip

    @action(description="Revoke", permissions=["revoke"])
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        active = chosen.filter(is_active=True)
        self.act_on_each(request, active, lambda token: self._revoke(request, token), "revoked")

    def _revoke(self, request: HttpRequest, token: ApiToken) -> None:
        if outranks(token.user, acting_user(request)):
            raise Forbidden("This token has more rights than you have.")
        token.revoke()
        self.log_change(request, token, "Revoked.")
