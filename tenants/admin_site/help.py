"""Help: each page of the admin leads to its page of the docs, which are shown here as they lie beside the code."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tenants.admin_site.gate import page_of

if TYPE_CHECKING:
    from markdown_it.token import Token

HELP: Final[dict[str, str]] = {
    # A page's name in its urlconf without what Django puts behind it, or the beginning of several: page#heading.
    "index": "index", "search": "index", "help": "index", "set_language": "index", "app_list": "index",
    "login": "people#passwords", "logout": "people", "password_change": "people#passwords",
    "security": "people#second-factor", "sso": "people#single-sign-on", "settings": "settings",
    "admin_logentry": "operations#everyday-work", "django_celery_beat": "operations#due-work",
    "tenants_tenant": "tenancy#suspend-archive-restore-erase", "tenants_domain": "settings#hosts-of-your-own",
    "tenants_plan": "plans#what-a-plan-says", "tenants_user": "people", "tenants_apitoken": "people#api-tokens",
    "tenants_operatortoken": "platform", "tenants_auditevent": "platform#the-audit-log",
    "tenants_schemamigration": "deployment",
    "enter": "platform#entering-a-tenant", "leave": "platform#entering-a-tenant",
    "tenants_tenanttransfer": "platform#one-file-for-a-tenant", "tenants_operatorentry": "platform#entering-a-tenant",
    "tenants_erasurereceipt": "platform#erase-with-a-receipt",
    "bots_botprofile": "models", "try": "widget#trying-a-bot", "bots_scope": "guardrails",
    "bots_providercredential": "models#any-litellm-model", "bots_quota": "limits#quotas-and-budgets",
    "bots_quota_plan": "plans#what-a-tenant-sees", "bots_quotause": "limits#quotas-and-budgets",
    "bots_usageevent": "statistics", "bots_priceoverride": "statistics#prices", "bots_qualitygate": "evaluation",
    "bots_botdraft": "publishing", "bots_botversion": "publishing#versions", "bot_publishing": "publishing",
    "second_factor": "people#second-factor", "prove": "people", "forgotten": "people#passwords",
    "set_password": "people#passwords",
    "knowledge_source": "knowledge#sources", "knowledge_sitesync": "sites#looking-again",
    "knowledge_sitepage": "sites#what-is-read", "knowledge_document": "datasets#documents",
    "knowledge_documentversion": "corrections", "knowledge_chunk": "corrections#find-the-chunk",
    "knowledge_correction": "corrections#after-the-source-is-read-again", "knowledge_dataset": "datasets",
    "knowledge_curatedanswer": "gaps#curated-answers",
    "conversations_chat": "chats", "conversations_cannedanswer": "inbox",
    "conversations_chat_explain": "knowledge#search",
    "conversations_handoff": "inbox#inbox", "conversations_handoffrules": "inbox#rules",
    "conversations_exportjob": "exports#export-jobs", "conversations_gap": "gaps#gaps",
    "conversations_goldenquestion": "evaluation#your-own-bot", "conversations_evaluationrun": "evaluation",
    "webhooks_webhook": "webhooks", "webhooks_delivery": "webhooks#what-arrives",
}  # fmt: skip
_SLUG: Final = re.compile(r"[a-z0-9-]+")
_LOCAL_PAGE: Final = re.compile(r"([a-z0-9-]+)\.md(#.*)?")


def find_help(name: str) -> str:
    """The page of the docs, with its heading, for a page of the admin by its name; "" where there is none."""
    fitting = [each for each in HELP if name == each or name.startswith(f"{each}_")]
    return HELP[max(fitting, key=len)] if fitting else ""


def link_help(request: HttpRequest) -> SafeString:
    """The link beside a page's title."""
    page, _hash, heading = (find_help(page_of(request)) or "index").partition("#")
    address = reverse("admin:help", args=[page]) + (f"#{heading}" if heading else "")
    return format_html(
        '<a class="mr-help-link" href="{}" target="_blank" title="{}" aria-label="{}">'
        '<span class="material-symbols-outlined" aria-hidden="true">help</span></a>',
        address, _("Help on this page"), _("Help on this page"),
    )  # fmt: skip


def show_help(request: HttpRequest, page: str, *, site: Any) -> HttpResponse:
    """One page of the docs."""
    path = docs_folder() / f"{page}.md"
    if not _SLUG.fullmatch(page) or not path.is_file():
        raise Http404
    text = path.read_text()
    title = text.partition("\n")[0].lstrip("# ")
    context = {**site.each_context(request), "title": title, "text": mark_safe(render_page(text))}  # noqa: S308 - ours
    request.current_app = site.name
    return TemplateResponse(request, "admin/help.html", context)


def docs_folder() -> Path:
    return Path(settings.BASE_DIR) / "docs"


def name_heading(text: str) -> str:
    """What a heading is called in an address, as on the pages where our docs are read elsewhere."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def render_page(text: str) -> str:
    """Our own Markdown as HTML: headings have names, links between pages lead to pages here."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", name_heading(inside.content))
    for token in tokens:
        for child in token.children or ():
            _lead_here(child)
    html: str = reader.renderer.render(tokens, reader.options, {})
    return html.replace(
        "<table>", '<div class="mr-scroll" tabindex="0"><table class="mr-table">'
    ).replace("</table>", "</table></div>")


def _lead_here(token: Token) -> None:
    if token.type == "image":  # pictures are not shipped
        token.type, token.tag = "text", ""
    elif token.type == "link_open":
        target = str(token.attrGet("href") or "")
        page = _LOCAL_PAGE.fullmatch(target)
        if page is not None:
            token.attrSet("href", reverse("admin:help", args=[page[1]]) + (page[2] or ""))
        elif target.startswith("http"):
            token.attrSet("rel", "noopener")
        elif not target.startswith("#"):
            token.attrs.pop("href")
