"""The acts on a bot's admin page that make and forget its identity secret."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from bots.identities.changing import forget_secret, make_secret
from bots.models import BotProfile
from tenants.admin_site.model_admin import ProductAdmin, posted


class OverlapForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label=_("The secret before it counts"), coerce=int, widget=UnfoldAdminSelectWidget, initial=0,
        choices=[(0, _("no longer")), (3600, _("for another hour")), (24 * 3600, _("for another day")),
                 (7 * 24 * 3600, _("for another week"))],
    )  # fmt: skip


class IdentityActs(ProductAdmin):
    """What a bot's page can do about the signatures by which its site says who a visitor is."""

    actions_detail: tuple[str, ...] = ("new_identity_secret", "forget_identity_secret")

    @display(description=_("visitors that your site signs for"))
    def shown_identity(self, bot: BotProfile) -> str:
        if not bot.has_identity_secret:
            return gettext("None: the bot has no identity secret, and every visitor is anybody.")
        until = bot.previous_identity_secret_until
        also = (
            gettext(" The secret before it counts until %(until)s UTC.")
            % {"until": f"{until:%Y-%m-%d %H:%M}"}
            if until
            else ""
        )
        return gettext("Those with an identity that is signed with the bot's secret.%(also)s") % {
            "also": also
        }

    def is_offered(self, act: str, row: Any) -> bool:
        return act != "forget_identity_secret" or row.has_identity_secret

    @action(description=_("New identity secret"), permissions=["change"], icon="fingerprint")
    def new_identity_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        bot: BotProfile = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            _, secret = make_secret(bot.pk, data.get("overlap", 0))
            self.log_change(request, bot, "Made a new identity secret.")
            return self.show_secret_once(
                request, secret, title=gettext("The identity secret is ready"), next_url=self.change_url(bot),
                next_label=gettext("Go to the bot"), what=gettext("identity secret"),
            )  # fmt: skip

        intro = gettext(
            "With it your site signs who a visitor of the widget is and in which groups, so that they are answered "
            "from what is for these. Keep it on your server: whoever has it can be anybody."
        )
        return self.ask(
            request,
            act,
            title=gettext("Make an identity secret for %(bot)s?") % {"bot": bot},
            intro=intro,
            submit=gettext("Make the secret"),
            obj=bot,
            form=OverlapForm(posted(request)) if bot.has_identity_secret else None,
        )

    @action(
        description=_("Forget the identity secret"), permissions=["change"], icon="block",
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def forget_identity_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        bot: BotProfile = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            forget_secret(bot.pk)
            self.log_change(request, bot, "Forgot its identity secret.")

        intro = gettext(
            "From the next question on every visitor is anybody, and pages that send an identity are refused."
        )
        return self.ask(
            request,
            act,
            title=gettext("Forget the identity secret of %(bot)s?") % {"bot": bot},
            intro=intro,
            submit=gettext("Forget it"),
            danger=True,
            obj=bot,
        )
