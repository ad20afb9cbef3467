"""A sentence that leans on the one before it is quoted with it."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.offline import OfflinePassage, compose_answer


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        (
            "How long is it valid?",
            "Open the page. We send a certificate for the embassy. It is valid for 90 days.",
            "We send a certificate for the embassy. [1] It is valid for 90 days. [1]",
        ),
        (
            "Was kostet das bei Bedarf?",
            "Für Gäste gibt es Leihräder. Das kostet bei Bedarf 8 €.",
            "Für Gäste gibt es Leihräder. [1] Das kostet bei Bedarf 8 €. [1]",
        ),
        (
            "What does the label cost?",
            "We refund all goods. The label costs 4 euros.",
            "The label costs 4 euros. [1]",
        ),
        (
            "How long is it valid?",
            "# Passes\n\n- A certificate\n- It is valid for 90 days",
            "It is valid for 90 days. [1]",
        ),
    ],
)
def test_the_sentence_before_is_quoted_where_the_first_word_leads_back_to_it(
    question, text, answer
):
    assert compose_answer(question, [OfflinePassage(1, "Help", text, 1.0)], sentences=1) == answer
