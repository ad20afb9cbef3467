"""German typed without umlauts, or as the Swiss do, is read as it is spelled."""

from __future__ import annotations

import pytest

from minirag.lib.asking.forms.plain_letters import write_letters


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("Koennt ihr das fuer mich machen?", "Könnt ihr das für mich machen?"),
        ("wie gross ist der Raum", "wie groß ist der Raum"),
        ("Habt ihr waehrend der Ferien geoeffnet?", "Habt ihr während der Ferien geöffnet?"),
    ],
)
def test_everyday_words_get_their_letters(typed, spelled):
    assert write_letters(typed, "de") == spelled


def test_a_page_s_own_words_stay():
    kept = "Dass die neue Masse dem Buero passt, weiss Manuela Goethe aus Soest."
    assert write_letters(kept, "de") == kept.replace("weiss", "weiß")


def test_other_languages_stay():
    assert write_letters("fuer", "en") == "fuer"
