"""The admin's page of how a bot's widget looks: the form, the widget itself beside it, and the tag for a page."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from bots.admin_fields import LinesField
from bots.appearance.looks import (
    HOST,
    LAUNCHERS,
    LONGEST_LABEL,
    LONGEST_TITLE,
    MOST_HOSTS,
    POSITIONS,
    SIZES,
    THEMES,
    Appearance,
    is_readable,
    read_appearance,
    tell_unreadable,
)
from bots.models import MOST_QUESTIONS, BotProfile
from bots.profiles import update_bot
from minirag.lib.bounds import longest
from minirag.lib.errors import ProductError
from tenants.admin_site.meanwhile import GuardedForm, holding
from tenants.admin_site.model_admin import ProductAdmin, posted
from tenants.branding.colours import is_colour
from tenants.branding.serving import logo_address

_PREVIEW_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_SAID = ("greeting", "starter_questions")


def _colour(name: str, help_text: Any) -> forms.CharField:
    attrs = {
        "placeholder": "#3f51d8",
        "autocomplete": "off",
        "spellcheck": "false",
        "data-colour": "",
    }
    return forms.CharField(
        label=gettext_lazy("Colour") if name == "color" else gettext_lazy("Colour in the dark"), required=False,
        max_length=7, widget=UnfoldAdminTextInputWidget(attrs=attrs), help_text=help_text,
    )  # fmt: skip


def _choice(label: Any, choices: dict[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, required=False, choices=list(choices.items()), widget=UnfoldAdminSelectWidget
    )


class AppearanceForm(GuardedForm):
    """What of a look is kept with the bot."""

    title = forms.CharField(
        label=gettext_lazy("Heading"), required=False, max_length=LONGEST_TITLE,
        widget=UnfoldAdminTextInputWidget, help_text=gettext_lazy("Empty: the bot's name."),
    )  # fmt: skip
    greeting = forms.CharField(
        label=gettext_lazy("Greeting"), required=False, max_length=longest(BotProfile, "greeting"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )  # fmt: skip
    starter_questions = LinesField(
        label=gettext_lazy("Starter questions"), required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy("One per line, shown as buttons before the first question."),
    )  # fmt: skip
    color = _colour(
        "color",
        gettext_lazy(
            "Of header, bubble and buttons. White or black text has to be readable on it."
        ),
    )
    dark_color = _colour(
        "dark_color", gettext_lazy("Empty: the other one, light enough for a dark window.")
    )
    theme = _choice(gettext_lazy("Light or dark"), THEMES)
    position = _choice(gettext_lazy("Place"), POSITIONS)
    size = _choice(gettext_lazy("Size"), SIZES)
    radius = forms.IntegerField(
        label=gettext_lazy("Corners"), required=False, min_value=0, max_value=24,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"placeholder": "16"}),
        help_text=gettext_lazy("From 0, square, to 24."),
    )  # fmt: skip
    shows_logo = forms.BooleanField(
        label=gettext_lazy("Your logo"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("That of the settings, in the header and on the bubble."),
    )  # fmt: skip
    launcher = _choice(gettext_lazy("Icon of the bubble"), LAUNCHERS)
    launcher_label = forms.CharField(
        label=gettext_lazy("Words on the bubble"), required=False, max_length=LONGEST_LABEL,
        widget=UnfoldAdminTextInputWidget, help_text=gettext_lazy("Such as “Ask us”. Empty: the icon alone."),
    )  # fmt: skip
    image_hosts = LinesField(
        label=gettext_lazy("Pictures from"), required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "placeholder": "images.example.com"}),
        help_text=gettext_lazy(
            "Hosts, one per line, whose pictures answers may show. Others are links, since whoever has a picture sees "
            "who looks at it."
        ),
    )  # fmt: skip

    @classmethod
    def of(cls, bot: BotProfile, data: Any) -> AppearanceForm:
        look = read_appearance(bot.appearance).model_dump()
        said = {name: getattr(bot, name) for name in _SAID}
        return cls(data, initial={**look, **said}, guards=bot.pk)

    def clean_color(self) -> str:
        return self._clean_colour("color")

    def clean_dark_color(self) -> str:
        return self._clean_colour("dark_color")

    def _clean_colour(self, name: str) -> str:
        colour = str(self.cleaned_data[name]).strip().lower()
        if colour and not is_colour(colour):
            raise forms.ValidationError(gettext("A colour is written as #rrggbb, such as #3f51d8."))
        if colour and not is_readable(colour):
            raise forms.ValidationError(tell_unreadable(name, colour))
        return colour

    def clean_image_hosts(self) -> list[str]:
        hosts = [line.strip().lower() for line in self.cleaned_data["image_hosts"]]
        wrong = next((host for host in hosts if not re.fullmatch(HOST, host)), "")
        if wrong:
            raise forms.ValidationError(
                gettext("“%(host)s” is not a host, such as images.example.com.") % {"host": wrong}
            )
        if len(hosts) > MOST_HOSTS:
            raise forms.ValidationError(gettext("At most %(most)s hosts.") % {"most": MOST_HOSTS})
        return hosts

    def clean_starter_questions(self) -> list[str]:
        lines: list[str] = self.cleaned_data["starter_questions"]
        column: Any = BotProfile._meta.get_field("starter_questions")
        column.run_validators(lines)
        return lines

    @property
    def columns(self) -> dict[str, Any]:
        """What was sent, as the bot has it."""
        look = {name: value for name, value in self.cleaned_data.items() if name not in _SAID}
        return {
            "appearance": Appearance.model_validate(look).chosen,
            **{name: self.cleaned_data[name] for name in _SAID},
        }


class AppearancePages(ProductAdmin):
    """The page of a bot's look, and the page that shows its widget."""

    def get_urls(self) -> list[Any]:
        shown = xframe_options_sameorigin(self.admin_site.admin_view(self.show_preview))
        pages = [
            path(
                "<uuid:bot_id>/appearance/", self.admin_site.admin_view(self.edit_appearance),
                name="bot_appearance",
            ),
            path("<uuid:bot_id>/appearance/preview/", shown, name="bot_preview"),
        ]  # fmt: skip
        return [*pages, *super().get_urls()]

    def edit_appearance(self, request: HttpRequest, bot_id: UUID) -> HttpResponse:
        with holding(request, bot_id):
            bot = self._find(request, bot_id)
            may_change = self.has_change_permission(request, bot)
            form = AppearanceForm.of(bot, posted(request))
            if request.method == "POST":
                if not may_change:
                    raise PermissionDenied
                if form.is_valid() and self._save(request, bot, form):
                    return HttpResponseRedirect(reverse("admin:bot_appearance", args=[bot.pk]))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": bot, "form": form,
            "title": gettext("How %(bot)s looks") % {"bot": bot}, "may_change": may_change,
            "most_questions": MOST_QUESTIONS, "logo_url": logo_address(), **self.facts_beside(request, bot),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/appearance.html", context)

    def _save(self, request: HttpRequest, bot: BotProfile, form: AppearanceForm) -> bool:
        try:
            update_bot(bot, form.columns)
        except ProductError as error:
            form.add_error(None, error.detail)
            return False
        self.log_change(request, bot, gettext("Changed how it looks."))
        self.message_user(
            request, gettext("Saved. Pages show it within five minutes."), messages.SUCCESS
        )
        return True

    def show_preview(self, request: HttpRequest, bot_id: UUID) -> HttpResponse:
        """The widget itself, which asks nobody anything and wears what the page around it says."""
        bot = self._find(request, bot_id)
        response = TemplateResponse(request, "admin/widget_preview.html", {"bot": bot})
        response["Content-Security-Policy"] = _PREVIEW_POLICY
        return response

    def _find(self, request: HttpRequest, bot_id: UUID) -> BotProfile:
        bot = BotProfile.objects.filter(pk=bot_id).first()
        if bot is None:
            raise Http404
        if not self.has_view_permission(request, bot):
            raise PermissionDenied
        return bot
