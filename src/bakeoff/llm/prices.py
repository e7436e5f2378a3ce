"""What tokens cost: as the config says, or as the price table of genai-prices does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

PER_MILLION = 1_000_000


def of_tokens(
    price: Mapping[str, float] | None, model: str, base_url: str, input_tokens: int, output_tokens: int
) -> float:
    """Dollars for some tokens; NaN where the price is not known.

    Args:
        price: dollars per million tokens, ``{input, output}``; None: the table of genai-prices, which is part of its
            package, so nothing is fetched.
        model: as the server names it, or as it was asked for.
        base_url: which tells the provider.
        input_tokens: read.
        output_tokens: written.
    """
    if price is not None:
        return (price["input"] * input_tokens + price["output"] * output_tokens) / PER_MILLION
    from genai_prices import Usage, calc_price

    try:
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        return float(calc_price(usage, model_ref=model, provider_api_url=base_url).total_price)
    except LookupError:
        return math.nan


@lru_cache(maxsize=64)
def is_known(model: str, base_url: str) -> bool:
    """Whether the table has a price."""
    return not math.isnan(of_tokens(None, model, base_url, 1, 1))
