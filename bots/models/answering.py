"""How a bot finds its answers, puts them and refuses: the part of `BotProfile` that a question meets."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots.models.choices import (
    CondenseMode,
    Fusion,
    RefusalMode,
    UnsupportedMode,
    default_refusal_mode,
)
from bots.models.filters import check_source_filter
from minirag.lib.masking.choosing import Masking, check_masking, read_masking
from minirag.lib.masking.masker import Masker
from tenants.context import current_tenant


class Answering(models.Model):
    """The settings of searching and answering. Their bounds in the database stand with `BotProfile`."""

    passage_count = models.PositiveSmallIntegerField(
        "passages per question", default=5, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    history_turns = models.PositiveSmallIntegerField(default=10, validators=[MaxValueValidator(50)])
    unsupported_mode = models.CharField(
        "sentences that their sources do not support",
        max_length=10,
        choices=UnsupportedMode,
        default=UnsupportedMode.MARK,
        help_text="To leave them out, the answer is shown sentence by sentence.",
    )
    asks_back = models.BooleanField(
        "asks back",
        default=True,
        help_text='Asks what is meant where a short question ("refund?") has several good readings.',
    )
    follow_up_questions = models.BooleanField(
        "further questions below answers",
        default=True,
        help_text="Up to three that the sources answer and that were not asked yet.",
    )
    condense_mode = models.CharField(
        "rewriting of follow-ups", max_length=10, choices=CondenseMode, default=CondenseMode.AUTO
    )
    condense_model = models.CharField(
        "model for that", max_length=100, blank=True, default="", help_text="Empty: the chat model."
    )
    query_variations = models.PositiveSmallIntegerField(
        "question in other words",
        default=0,
        validators=[MaxValueValidator(4)],
        help_text="How many a chat model makes of a question, to be searched as well. 0: none.",
    )
    fusion = models.CharField(max_length=10, choices=Fusion, default=Fusion.MAX_NORM)
    dense_weight = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of the dense score in the fused one. Empty: 0.6; of languages that the embedder does not know "
        "0.4, or 0.2 where they have other letters than Latin ones.",
    )
    rerank_model = models.CharField(
        "model that orders what was found",
        max_length=100,
        blank=True,
        default="",
        help_text="A reranker, or a chat model. Empty: none, the search's own order counts.",
    )
    source_filter = models.JSONField(
        "only sources",
        default=dict,
        blank=True,
        validators=[check_source_filter],
        help_text='Of what it may answer from, e.g. {"tags": ["public"], "languages": ["en"]}. Empty: everything.',
    )
    recency_days = models.PositiveIntegerField(
        "age that halves",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text="Newer sources come before older ones that fit about as well, and win where they contradict them. "
        "After so many days half of the advantage is gone. Empty: age does not count.",
    )
    refusal_mode = models.CharField(
        "refusal", max_length=10, choices=RefusalMode, default=default_refusal_mode
    )
    refusal_floor = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Confidence below which the bot refuses. Empty: what fits its knowledge.",
    )
    refusal_text = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        help_text="Empty: a sentence in the question's language.",
    )

    masking = models.JSONField(
        "kept from models", default=dict, db_default={}, blank=True, validators=[check_masking],
        help_text='Taken out of what visitors say before a model reads it, e.g. {"kinds": ["email", "phone"]}. '
        'Empty: as the tenant has it; {"kinds": []}: nothing.',
    )  # fmt: skip

    class Meta:
        abstract = True

    @property
    def known_masking(self) -> Masking:
        """The bot's own choice, or its tenant's."""
        tenant = current_tenant()
        return read_masking(self.masking or (tenant.masking if tenant is not None else {}))

    def make_masker(self) -> Masker:
        """One for a turn, or for texts that belong together."""
        tenant = current_tenant()
        return Masker(self.known_masking, tenant.languages if tenant is not None else ())

    @property
    def refuses(self) -> bool:
        """Whether it ever says that its sources hold no answer: what `refusal_mode` was before it had three values."""
        return self.refusal_mode != RefusalMode.OPEN

    @refuses.setter
    def refuses(self, value: bool) -> None:
        """Off is `open`; on leaves a mode that refuses as it is, and makes `open` `balanced`."""
        if not value:
            self.refusal_mode = RefusalMode.OPEN
        elif not self.refuses:
            self.refusal_mode = RefusalMode.BALANCED
