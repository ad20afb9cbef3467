"""How the admin looks: Unfold's name, colours and sidebar."""

from __future__ import annotations

from django.templatetags.static import static
from django.urls import reverse

UNFOLD = {
    "SITE_TITLE": "MiniRAG",
    "SITE_HEADER": "MiniRAG",
    "SITE_SYMBOL": "forum",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("minirag/icon.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": lambda request: reverse("admin:set_language")},
    "COLORS": {
        "primary": {
            "50": "oklch(96.2% .018 272.3)",
            "100": "oklch(93% .034 272.8)",
            "200": "oklch(87% .065 274)",
            "300": "oklch(78.5% .115 274.7)",
            "400": "oklch(67.3% .182 276.9)",
            "500": "oklch(64% .205 277)",
            "600": "oklch(51.1% .262 276.9)",
            "700": "oklch(45.7% .24 277)",
            "800": "oklch(39.8% .195 277.4)",
            "900": "oklch(35.9% .144 278.7)",
            "950": "oklch(25.7% .09 281.3)",
        }
    },
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "minirag.pages.dashboard.fill_index",
    "STYLES": [
        lambda request: static("minirag/colors.css"),
        lambda request: static("minirag/admin.css"),
    ],
    "SCRIPTS": [lambda request: static("minirag/admin.js")],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "minirag.pages.navigation.list_groups",
    },
}
