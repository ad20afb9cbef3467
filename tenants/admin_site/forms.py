"""Forms of the admin pages of tenants, users and tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib.admin import AdminSite
from django.db.models import Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from minirag.lib.bounds import longest
from minirag.lib.errors import BadInput
from minirag.lib.security.groups import fold_groups
from minirag.lib.security.passwords import PasswordWeak, check_password
from tenants.admin_site.meanwhile import GuardedModelForm, GuardedRowForm
from tenants.admin_site.searching import search_field
from tenants.context import current_tenant
from tenants.models import ApiToken, Domain, Right, Role, Tenant, User, normalise_email
from tenants.provisioning import SLUG, normalise_host


class NewTenantForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=longest(Tenant, "name"), widget=UnfoldAdminTextInputWidget
    )
    slug = forms.RegexField(
        rf"^{SLUG.pattern}$",
        label=_("Slug"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Part of the tenant's URLs (/t/slug/) and fixed for good: a-z, 0-9 and '-'."),
        error_messages={"invalid": _("A slug has 1 to 100 characters of a-z, 0-9 and '-'.")},
    )
    owner_email = forms.EmailField(label=_("Owner's e-mail"), widget=UnfoldAdminEmailInputWidget)
    owner_display_name = forms.CharField(
        label=_("Owner's name"),
        max_length=longest(User, "display_name"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    owner_password = forms.CharField(
        label=_("Owner's password"),
        strip=False,
        help_text=_("At least 8 characters; the owner can change it."),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        owner = User(
            email=self.cleaned_data.get("owner_email", ""),
            display_name=self.cleaned_data.get("owner_display_name", ""),
        )
        _check_password_of(self, "owner_password", owner)
        return self.cleaned_data


class DomainForm(GuardedModelForm):
    """A host; the same rules as those of `manage.py add_domain`."""

    class Meta:
        model = Domain
        fields = ("domain", "tenant", "is_primary", "is_claim")
        labels = {"domain": _("Host")}
        help_texts = {
            "domain": _(
                "For example bots.acme.com, without scheme, port and path. Its DNS must lead here."
            )
        }

    def clean_domain(self) -> str:
        try:
            return normalise_host(self.cleaned_data["domain"])
        except BadInput as error:
            raise forms.ValidationError(error.detail) from None


class DomainRowForm(GuardedRowForm, DomainForm):
    """A host on the page of its tenant."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=longest(Tenant, "status_reason"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Shown to the tenant's users and kept in the audit log."),
    )


class EraseForm(forms.Form):
    """Typing the slug is the confirmation."""

    slug = forms.CharField(
        label=_("Slug"), widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slug = slug
        self.fields["slug"].label = gettext("Type “%(slug)s” to confirm") % {"slug": slug}

    def clean_slug(self) -> str:
        if self.cleaned_data["slug"] != self._slug:
            raise forms.ValidationError(
                gettext("This is not the tenant's slug, so nothing was erased.")
            )
        return self._slug


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 8 characters."),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("Once more"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("password") != self.cleaned_data.get("again"):
            self.add_error("again", _("The two passwords differ."))
        else:
            _check_password_of(self, "password", self._user)
        return self.cleaned_data


def _check_password_of(form: forms.BaseForm, field: str, user: User) -> None:
    """Say at the field why a password is refused for this user; nothing where it was refused already."""
    if field in form.cleaned_data:
        try:
            check_password(form.cleaned_data[field], user)
        except PasswordWeak as error:
            form.add_error(field, error.detail)


class UserForm(GuardedModelForm):
    """A user; who is new sets a password by the link that is mailed to them."""

    class Meta:
        model = User
        fields = ("email", "display_name", "role", "is_active")
        help_texts = {
            "role": _(
                "Owners and admins do everything, but only owners touch owners. Editors write what is answered, agents "
                "take over chats, members read and ask, viewers look at all but chats."
            )
        }

    def clean(self) -> dict[str, Any]:
        super().clean()
        email = normalise_email(self.cleaned_data.get("email") or "")
        self.cleaned_data["email"] = email
        # The constraint's own check is left out where the tenant is not a field of the form.
        tenant = current_tenant() or self.cleaned_data.get("tenant") or self.instance.tenant
        if User.objects.filter(tenant=tenant, email=email).exclude(pk=self.instance.pk).exists():
            self.add_error("email", gettext("There is a user with this e-mail already."))
        return self.cleaned_data


class NewTokenForm(forms.Form):
    """A new token for one of the users that the maker may act for."""

    name = forms.CharField(
        label=_("Name"),
        max_length=longest(ApiToken, "name"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What will use it, e.g. “website backend”."),
    )
    rights = forms.MultipleChoiceField(
        label=_("Rights"),
        required=False,
        choices=[
            (Right.CHAT, _("chat: ask")),
            (Right.READ, _("read: look at all that there is")),
            (Right.MANAGE, _("manage: ask, look and change")),
        ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: everything its user may do."),
    )
    bot_profile_id = forms.UUIDField(
        label=_("Bot"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "The id of the only bot that it may ask, from the address of the bot's page. Empty: every bot."
        ),
    )
    groups = forms.CharField(
        label=_("Groups"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Whoever asks with it is in these, such as staff, partners, and is answered from what is for them. "
            "Empty: only from what is for everybody."
        ),
    )
    names_groups = forms.BooleanField(
        label=_("Names groups itself"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_(
            "For a server of yours that knows its visitors: with each question it says in which groups the "
            "visitor is, and is believed."
        ),
    )
    expires_at = forms.SplitDateTimeField(
        label=_("Expires at"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("Empty: until it is revoked. UTC."),
    )

    field_order = ("name", "user")

    def __init__(self, *args: Any, users: Any, site: AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"] = search_field(
            ApiToken, "user", site, users,
            help_text=gettext("The token has this user's rights and stops working with the account."),
        )  # fmt: skip
        field: Any = self.fields["user"]
        field.label_from_instance = describe_user
        if current_tenant() is not None:
            bots = apps.get_model("bots.BotProfile").objects.all()
            self.fields["bot_profile_id"] = search_field(
                apps.get_model("bots.UsageEvent"), "bot_profile", site, bots,
                label=gettext("Bot"), required=False,
                help_text=gettext("The only one that it may ask. Empty: every bot."),
            )  # fmt: skip
        self.order_fields(self.field_order)

    def clean_bot_profile_id(self) -> Any:
        chosen = self.cleaned_data["bot_profile_id"]
        return chosen.pk if isinstance(chosen, Model) else chosen

    def clean_groups(self) -> list[str]:
        groups = fold_groups(self.cleaned_data["groups"].split(","))
        column: Any = ApiToken._meta.get_field("groups")
        column.run_validators(groups)
        return groups


class RotationForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label=_("The old token works"), coerce=int, widget=UnfoldAdminSelectWidget, initial=24 * 3600,
        choices=[(0, _("no longer")), (3600, _("for another hour")), (24 * 3600, _("for another day")),
                 (7 * 24 * 3600, _("for another week"))],
    )  # fmt: skip


def describe_user(user: User) -> str:
    """`alice@acme.example.com (Acme, owner)`."""
    return f"{user.email} ({f'{user.tenant}, ' if user.tenant_id else ''}{Role(user.role).label.lower()})"
