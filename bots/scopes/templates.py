"""Ready-made scopes to start from; each is a good scope as it is, and meant to be changed."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_noop

from bots.models import Strictness, Tone

_PERSONAL: Final = ["politics", "religion", "medical advice", "legal advice", "investment advice"]

TEMPLATES: Final[dict[str, dict[str, Any]]] = {
    "customer-support": {
        "name": gettext_noop("Customer support"),
        "description": "Answers what customers ask after they have bought: orders, delivery, returns, accounts.",
        "strictness": Strictness.MODERATE,
        "allowed_topics": [
            "orders and order status", "delivery and shipping", "returns and exchanges", "refunds",
            "warranty and repairs",
            "invoices and payment", "customer account and password", "opening hours and contact", "product problems",
        ],
        "forbidden_topics": _PERSONAL,
        "refusal_text": "I am here for questions about your order, delivery, returns, repairs and your account. "
        "For anything else please write to our team.",
        "max_words": 200, "require_citations": True, "step_by_step": True, "tone": Tone.FRIENDLY,
    },
    "sales": {
        "name": gettext_noop("Sales"),
        "description": "Helps to choose: what there is, what it costs, how offers differ. Promises no discount.",
        "strictness": Strictness.MODERATE,
        "allowed_topics": [
            "products and features", "prices and plans", "comparison of our products", "availability and stock",
            "free trial and demo", "payment methods", "contract and cancellation", "delivery time",
        ],
        "forbidden_topics": [*_PERSONAL, "salaries", "discount negotiation"],
        "refusal_text": "I can tell you about our products, prices and plans. For an individual offer please talk to "
        "our sales team.",
        "max_words": 150, "require_citations": True, "step_by_step": False, "tone": Tone.FRIENDLY,
    },
    "event-desk": {
        "name": gettext_noop("Event desk"),
        "description": "Speaks for one event: programme, tickets, venue, travel, access.",
        "strictness": Strictness.STRICT,
        "allowed_topics": [
            "programme and schedule", "speakers and sessions", "tickets and registration", "venue and rooms",
            "travel and parking", "hotels", "food and drinks", "accessibility", "cloakroom and lost property",
        ],
        "forbidden_topics": [*_PERSONAL, "attendee list", "private addresses"],
        "refusal_text": "I know the programme, tickets, venue and travel of this event. Please ask the desk at the "
        "entrance for anything else.",
        "max_words": 120, "require_citations": True, "step_by_step": False, "tone": Tone.FRIENDLY,
    },
    "product-expert": {
        "name": gettext_noop("Product expert"),
        "description": "Explains one product in depth from its documentation: set-up, use, errors, limits.",
        "strictness": Strictness.STRICT,
        "allowed_topics": [
            "installation and set-up", "configuration and settings", "features and functions", "error messages",
            "troubleshooting", "maintenance and cleaning", "compatibility", "updates and versions", "technical data",
            "safety instructions",
        ],
        "forbidden_topics": ["politics", "religion", "circumventing a safety device", "licence key generator"],
        "refusal_text": "I only know this product and its documentation: set-up, use, maintenance and errors.",
        "max_words": 300, "require_citations": True, "step_by_step": True, "tone": Tone.PLAIN,
    },
    "course-adviser": {
        "name": gettext_noop("Course adviser"),
        "description": "Advises on courses and study: entry, dates, fees, examinations. Does nobody's homework.",
        "strictness": Strictness.MODERATE,
        "allowed_topics": [
            "courses and programmes", "admission and application", "entry requirements", "tuition fees",
            "scholarships",
            "timetable and semester dates", "exams and grades", "credits and modules", "student housing",
            "student services",
        ],
        "forbidden_topics": [*_PERSONAL, "cheating", "ghostwriting of essays", "personal data of others"],
        "refusal_text": "I can help with courses, admission, fees, dates and examinations. For personal advice please "
        "see the student office.",
        "max_words": 250, "require_citations": True, "step_by_step": True, "tone": Tone.FRIENDLY,
    },
}  # fmt: skip
"""By id: the fields of a Scope."""
