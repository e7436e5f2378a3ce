"""Token prices, from the config or from the price table of genai-prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache

from bakeoff.errors import ConfigError

PER_MILLION = 1_000_000


def price_tokens(
    price: Mapping[str, float] | None,
    model: str,
    base_url: str,
    input_tokens: int,
    output_tokens: int,
    provider: str | None = None,
) -> float:
    """Dollars for some tokens; NaN where the price is not known.

    Args:
        price: dollars per million tokens, ``{input, output}``; None: the table of genai-prices, which is part of its
            package, so nothing is fetched.
        model: as the server names it, or as requested.
        base_url: of the server, which identifies the provider.
        input_tokens: read.
        output_tokens: written.
        provider: its name in the table, where the address does not tell, as for one with several price lists.
    """
    if price is not None:
        return (price["input"] * input_tokens + price["output"] * output_tokens) / PER_MILLION
    from genai_prices import Usage, calc_price

    try:
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        if provider is not None:
            return float(calc_price(usage, model_ref=model, provider_id=provider).total_price)
        return float(calc_price(usage, model_ref=model, provider_api_url=base_url).total_price)
    except LookupError:
        return math.nan


def price_on(day: date, model: str, base_url: str, input_tokens: float, output_tokens: float) -> float:
    """Dollars for the tokens of one request on another day, by the price table; NaN where no price is known."""
    from genai_prices import Usage, calc_price

    noon = datetime.combine(day, time(12), UTC)
    # The table counts whole tokens, and a mean over requests has parts of them.
    usage = Usage(input_tokens=round(input_tokens), output_tokens=round(output_tokens))
    try:
        return float(calc_price(usage, model, provider_api_url=base_url, genai_request_timestamp=noon).total_price)
    except LookupError:
        return math.nan


def has_history(model: str, base_url: str) -> bool:
    """Return whether the price table knows prices of a model with dates."""
    from genai_prices import Usage, calc_price

    try:
        found = calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_api_url=base_url)
    except LookupError:
        return False
    return isinstance(found.model.prices, list) and len(found.model.prices) > 1


@lru_cache(maxsize=64)
def is_known(model: str, base_url: str, provider: str | None = None) -> bool:
    """Check whether the table has a price."""
    return not math.isnan(price_tokens(None, model, base_url, 1, 1, provider))


def price_served(
    price: Mapping[str, float] | None, model: str, served: str, base_url: str, input_tokens: int, output_tokens: int
) -> float:
    """As ``of_tokens``, by the name that was asked for, else by that of the dated version that ``served``."""
    by_asked = price_tokens(price, model, base_url, input_tokens, output_tokens)
    return price_tokens(None, served, base_url, input_tokens, output_tokens) if math.isnan(by_asked) else by_asked


def check(
    price: Mapping[str, float] | None,
    max_cost_usd: float | None,
    model: str,
    base_url: str,
    provider: str | None = None,
) -> None:
    """Raise ``ConfigError`` for an invalid price, or for a budget in dollars when the price is unknown."""
    if price is not None and set(price) != {"input", "output"}:
        raise ConfigError("llm.price: give dollars per million tokens, e.g. llm.price='{input: 0.15, output: 0.6}'")
    if max_cost_usd is not None and price is None and not is_known(model, base_url, provider):
        raise ConfigError(
            f'llm.max_cost_usd: the price of "{model}" is not known, so it cannot be counted. '
            "Give llm.price='{input: …, output: …}' in dollars per million tokens."
        )
