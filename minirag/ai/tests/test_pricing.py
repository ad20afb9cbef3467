from __future__ import annotations

from decimal import Decimal

import pytest

from minirag.ai import tokens
from minirag.ai.pricing import cost_of, prices_of


def test_a_known_model_costs_its_list_price():
    assert cost_of("gpt-4o-mini", 1_000_000, 1_000_000) == Decimal("0.75")
    assert cost_of("openai/gpt-4o-mini", 1000, 100) == Decimal("0.00021")


def test_one_token_is_not_rounded_away():
    assert cost_of("text-embedding-3-small", 1) == Decimal("0.00000002")


def test_local_models_cost_nothing_and_are_known():
    assert prices_of("minirag/extractive") is not None
    assert cost_of("minirag/extractive", 1000, 1000) == 0


@pytest.mark.parametrize(
    "model", ["", "/", "nobody/model", "gpt-9-imaginary", "anthropic/gpt-4o-mini", "\x00"]
)
def test_an_unknown_model_has_no_price_and_raises_nothing(model):
    assert prices_of(model) is None
    assert cost_of(model, 1000, 1000) == 0


def test_tokens_are_counted_without_a_download():
    assert tokens.count_tokens("hello world") == 2
    assert tokens.count_tokens("<|endoftext|> is only text here") > 3
    assert tokens.count_prompt_tokens([{"role": "user", "content": "hello world"}]) == 8
