"""Admin pages of datasets: the shared ones are made, changed and linked here, the bots' own only looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, register
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from knowledge.datasets.changing import (
    change_link,
    create_dataset,
    delete_dataset,
    link_bot,
    listed_datasets,
    unlink_bot,
    update_dataset,
)
from knowledge.datasets.figures import measure_dataset
from knowledge.models import BotDataset, Dataset, Reembedding
from knowledge.progress.telling import count_chunks, count_documents
from minirag.lib.errors import ProductError
from tenants.admin_site.meanwhile import GuardedModelForm, GuardedRowForm
from tenants.admin_site.model_admin import ProductAdmin, may_manage, once_per_row
from tenants.admin_site.rows import GuardedRows
from tenants.admin_site.sites import tenant_site


class DatasetForm(GuardedModelForm):
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Divided by commas."),
    )

    class Meta:
        model = Dataset
        fields = ("name", "description", "is_active", "embedding_model")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts = {
            "embedding_model": _(
                "Empty: the installation's. Only bots with the same one can be linked."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["tags"] = ", ".join(self.instance.tags)
        if "embedding_model" in self.fields:
            self.fields["embedding_model"].required = False

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Dataset.objects.shared().filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(gettext("There is a shared dataset of this name already."))
        return name

    def clean_tags(self) -> list[str]:
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",")]
        tags = list(dict.fromkeys(tag for tag in tags if tag))
        column: Any = Dataset._meta.get_field("tags")
        column.run_validators(tags)
        return tags


class LinkForm(GuardedRowForm):
    class Meta:
        model = BotDataset
        fields = ("bot_profile", "priority", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A link with another bot is another link. Its own is shown without a look-up per row.
        if not self.instance._state.adding:
            bot = self.instance.bot_profile
            self.fields["bot_profile"].widget = UnfoldAdminSelectWidget(
                choices=[(bot.pk, str(bot))]
            )
            self.fields["bot_profile"].disabled = True

    @property
    def noted_id(self) -> object:
        return self.instance.dataset_id


class LinkInline(GuardedRows):
    model = BotDataset
    form = LinkForm
    autocomplete_fields = ("bot_profile",)
    extra = 0
    tab = False
    verbose_name, verbose_name_plural = _("bot"), _("bots that answer from it")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_link(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_link(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_link(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BotDataset]:
        return super().get_queryset(request).select_related("bot_profile", "dataset")

    def _may_link(self, request: HttpRequest, obj: Dataset | None) -> bool:
        return obj is not None and obj.is_shared and may_manage(request, "datasets")


class SharingFilter(SimpleListFilter):
    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("shared", gettext("Shared")), ("private", gettext("A bot's own"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> QuerySet[Dataset]:
        if self.value() in ("shared", "private"):
            return queryset.filter(bot_profile__isnull=self.value() == "shared")
        return queryset


@register(Dataset, site=tenant_site)
class DatasetAdmin(ProductAdmin):
    nothing_yet = _(
        "Each bot brings a dataset of its own; a shared one is for sources that several bots answer from."
    )
    form = DatasetForm
    inlines = (LinkInline,)
    list_display = (
        "name", "kind", "shown_tags", "is_active", "source_count", "bot_count", "embedding_model", "created_at",
    )  # fmt: skip
    list_filter = (SharingFilter, "is_active")
    list_select_related = ("bot_profile",)
    search_fields = ("name", "description", "bot_profile__name")
    readonly_fields = (
        "kind",
        "shown_figures",
        "knowledge_links",
        "shown_reembedding",
        "embedding_dimensions",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        return listed_datasets()

    def get_readonly_fields(
        self, request: HttpRequest, obj: Dataset | None = None
    ) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "embedding_model")

    def get_fieldsets(self, request: HttpRequest, obj: Dataset | None = None) -> Any:
        fields: tuple[Any, ...] = ("name", "description", "tags", "is_active")
        if obj is None:
            return ((None, {"fields": (*fields, "embedding_model")}),)
        if not self.has_change_permission(request, obj):
            fields = ("name", "description", "is_active")
        facts = ("kind", "shown_figures", "knowledge_links", ("embedding_model", "embedding_dimensions"),
                 "shown_reembedding", ("created_at", "updated_at"))  # fmt: skip
        return ((None, {"fields": fields}), (gettext("Facts"), {"fields": facts}))

    def has_change_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_shared)

    def has_delete_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_shared)

    def save_model(self, request: HttpRequest, obj: Dataset, form: Any, change: bool) -> None:
        fields = {
            name: form.cleaned_data[name] for name in ("name", "description", "tags", "is_active")
        }
        if change:
            update_dataset(
                obj.pk, {name: fields[name] for name in form.changed_data if name in fields}
            )
            return
        made = create_dataset({**fields, "embedding_model": form.cleaned_data["embedding_model"]})
        obj.pk = made.pk
        obj.refresh_from_db()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the links by the same functions as `/v1`, which also move what hangs on them."""
        dataset = form.instance
        changed = formset.save(commit=False)
        for link in formset.deleted_objects:
            self._try(request, link, partial(unlink_bot, dataset.pk, link.bot_profile_id))
        for link in changed:
            facts = {"priority": link.priority, "is_active": link.is_active}
            if link._state.adding:
                self._try(
                    request, link, partial(link_bot, dataset.pk, link.bot_profile_id, **facts)
                )
            else:
                self._try(
                    request, link, partial(change_link, dataset.pk, link.bot_profile_id, facts)
                )
        formset.new_objects, formset.changed_objects = [], []

    def _try(self, request: HttpRequest, link: BotDataset, act: Callable[[], object]) -> None:
        try:
            act()
        except ProductError as error:
            self.message_user(request, f"{link.bot_profile}: {error.detail}", messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Dataset) -> None:
        delete_dataset(obj.pk, force=True)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> None:
        for dataset in queryset:
            if dataset.is_shared:
                delete_dataset(dataset.pk, force=True)
            else:
                self.message_user(
                    request,
                    gettext("%(dataset)s is a bot's own and stays.") % {"dataset": dataset},
                    messages.WARNING,
                )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Sum up instead of listing every chunk; deleting only marks datasets and sources."""
        rows: dict[Any, Any] = {  # Any: the counts are annotations of the query
            row.pk: row for row in listed_datasets().filter(pk__in=[obj.pk for obj in objs])
        }
        lines = [
            f"{row}: {row.source_count} sources, {row.bot_count} bots" for row in rows.values()
        ]
        return lines, {"datasets": len(lines)}, set(), []

    @display(description=_("kind"))
    def kind(self, dataset: Dataset) -> str:
        return (
            gettext("Shared")
            if dataset.bot_profile is None
            else gettext("Own of %(bot_profile)s") % {"bot_profile": dataset.bot_profile}
        )

    @display(description=_("tags"))
    def shown_tags(self, dataset: Dataset) -> str:
        return ", ".join(str(tag) for tag in dataset.tags) or "–"

    @display(description=_("sources"), ordering="source_count")
    def source_count(self, dataset: Any) -> int:
        return int(dataset.source_count)

    @display(description=_("bots"), ordering="bot_count")
    def bot_count(self, dataset: Any) -> int:
        return int(dataset.bot_count) if dataset.is_shared else 1

    @display(description=_("last change of embedding model"))
    def shown_reembedding(self, dataset: Dataset) -> str:
        return str(Reembedding.objects.filter(dataset=dataset).first() or "–")

    @display(description=_("holds"))
    @once_per_row
    def shown_figures(self, dataset: Dataset) -> str:
        found = measure_dataset(dataset.pk)
        states = ", ".join(
            f"{count} {gettext(status)}" for status, count in found.by_status.items() if count
        )
        sources = (
            ngettext("%(count)s source", "%(count)s sources", found.sources)
            % {"count": found.sources}
            + f" ({states})"
            if states
            else gettext("no sources")
        )
        return gettext("%(sources)s, %(documents)s, %(chunks)s, %(size)s; %(share)s embedded") % {
            "sources": sources,
            "documents": count_documents(found.documents),
            "chunks": count_chunks(found.chunks),
            "size": filesizeformat(found.octets),
            "share": f"{found.embedding_progress:.0%}",
        }

    @display(description=_("knowledge"))
    def knowledge_links(self, dataset: Dataset) -> str:
        sources, documents = (
            reverse(f"admin:knowledge_{name}_changelist") for name in ("source", "document")
        )
        return format_html(
            '<a class="mr-link" href="{}?dataset__id__exact={}">{}</a> &nbsp; '
            '<a class="mr-link" href="{}?source__dataset__id__exact={}">{}</a>',
            sources, dataset.pk, gettext("its sources"), documents, dataset.pk, gettext("its documents"),
        )  # fmt: skip
