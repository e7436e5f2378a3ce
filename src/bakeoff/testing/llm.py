"""The contract of a language model behind a client."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from bakeoff.llm.base import LLM, Completion, LLMRequest, Message
from bakeoff.testing.contract import Contract

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}


def check_llm(llm: LLM) -> list[str]:
    """Check a client by six small requests to the server behind it.

    Args:
        llm: made as its config says, with a server that answers: the real one, or one of your tests.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(type(llm).__name__)
    with contract.holds("it can be asked"):
        llm.check()
        assert llm.max_in_flight >= 1, f"it asks {llm.max_in_flight} at a time"
    with contract.holds("nothing asked is nothing answered"):
        assert llm.complete([]) == []
    with contract.holds("free text, several at a time, in the order asked"):
        requests = [_build_request(f"Say the number {n} and nothing else.", max_tokens=8) for n in (1, 2)]
        answers = llm.complete(requests)
        assert len(answers) == 2, f"{len(answers)} answers to 2 requests"
        for answer in answers:
            _sound(answer)
    with contract.holds("one of several choices"):
        (chosen,) = llm.complete([_build_request("Is ice cold?", choices=("yes", "no"), max_tokens=8)])
        _sound(chosen, ("ok", "invalid"))
        assert chosen.status == "invalid" or chosen.text in ("yes", "no"), f'"{chosen.text}" is none of them'
    with contract.holds("JSON as a schema asks for it"):
        (parsed,) = llm.complete([_build_request("Is ice cold? Answer in JSON.", schema=SCHEMA, max_tokens=32)])
        _sound(parsed, ("ok", "invalid"))
        assert parsed.status == "invalid" or parsed.parsed["answer"] in ("yes", "no"), f"{parsed.parsed} breaks it"
    if llm.supports_logprobs:
        with contract.holds("log-probabilities of the first token"):
            (completion,) = llm.complete([_build_request("Is ice cold? Say yes or no.", top_logprobs=5, max_tokens=1)])
            values = [value for _, value in completion.logprobs]
            assert values and values == sorted(values, reverse=True), "they do not fall, or there are none"
            assert max(values) <= 1e-6, "one is above 0"
    with contract.holds("tokens have a price, or NaN"):
        price = llm.cost(1000, 1000)
        assert math.isnan(price) or price >= 0, f"it is {price}"
    with contract.holds("what it says of its use is JSON"):
        json.dumps(dict(llm.usage()), allow_nan=True)
    return contract.held


def _build_request(
    text: str, *, choices: tuple[str, ...] = (), schema: object = None, max_tokens: int, top_logprobs: int = 0
) -> LLMRequest:
    return LLMRequest((Message("user", text),), schema, choices, max_tokens, top_logprobs)  # type: ignore[arg-type]


def _sound(answer: Completion, allowed: Sequence[str] = ("ok",)) -> None:
    assert answer.status in allowed, f"{answer.status}: {answer.error}"
    assert answer.input_tokens > 0, "it counts no tokens of the request"
    assert answer.output_tokens > 0, "it counts no tokens of the answer"
    assert answer.seconds > 0, "it took no time"
