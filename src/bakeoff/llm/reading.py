"""Completions as they are read from raw replies: thoughts set aside, and the choice or the JSON in them found."""

from __future__ import annotations

from dataclasses import replace

from bakeoff.llm import choices, wrapping
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.corrections import corrections
from bakeoff.llm.phrases import REFUSES

LASTING = ("cut", "filtered", "refused")
"""Reason codes that a retry does not change: such replies are cached, and cost nothing the next time."""
FILTERED = ("content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "safety")
THINKING = "A model that thinks first needs room for it: raise llm.thinking_tokens, or let it think less by llm.extra"


def formed(completion: Completion, request: LLMRequest) -> Completion:
    """The completion as it is read from its raw reply: thoughts set aside, its choice or its JSON found.

    It is invalid, with the reason, where the reply is not usable in the form that was asked for.
    """
    raw = completion.raw or ""
    text, thoughts, is_open = wrapping.visible(raw)
    completion = replace(completion, status="ok", text=text, parsed=None, error=None, reason="")
    room = f"at {request.max_tokens} tokens"
    if completion.finish in FILTERED:
        return _invalid(completion, "filtered: by the server's content filter")
    if completion.refusal:  # whatever stands beside it
        return _invalid(completion, "refused: by the model")
    if not text and not completion.logprobs:
        if is_open or thoughts or completion.reasoning or completion.is_cut:
            if is_open or completion.is_cut:
                return _invalid(completion, f"cut: within its thoughts, {room} (llm.thinking_tokens)", THINKING)
            return _invalid(completion, "unreadable: as an answer (thoughts alone)")
        if request.choices or request.schema is not None:
            return _invalid(completion, "unreadable: as an answer (empty)")
        return completion
    if is_open:
        return _invalid(completion, f"cut: within its thoughts, {room} (llm.thinking_tokens)", THINKING)
    if request.choices:
        if completion.logprobs and not text:
            return completion
        named = choices.choice(text, request.choices)
        may_go_on = completion.is_cut and any(one != named and one.startswith(named or "") for one in request.choices)
        if named is not None and not may_go_on:
            return replace(completion, text=named)
        shown = " ".join(text.split())[:80]
        if completion.is_cut:
            return _invalid(completion, f"cut: {room} (model.max_tokens)", f'"{shown}"')
        reason = "refused: by the model" if REFUSES.match(text) else "unreadable: as one of the labels"
        return _invalid(completion, reason, f'"{shown}" is none of the {len(request.choices)} choices')
    if request.schema is None:
        return completion
    try:
        parsed = wrapping.value(text, request.schema)
        if completion.is_cut and "{" not in text:
            raise ValueError("it may end within a number")
        if "}" in text and any(one.is_certain for one in corrections(text[text.rfind("}") + 1 :])):
            raise ValueError("it takes back the answer that it gave")
        return replace(completion, parsed=parsed)
    except ValueError as error:
        if completion.is_cut:
            return _invalid(completion, f"cut: {room} (model.max_tokens)", f"the answer breaks its schema: {error}")
        reason = "unreadable: as the JSON that was asked for"
        reason = "refused: by the model" if REFUSES.match(text) else reason
        return _invalid(completion, reason, f"the answer breaks its schema: {error}")


def _invalid(completion: Completion, reason: str, more: str = "") -> Completion:
    return replace(completion, status="invalid", reason=reason, error=f"{reason}{f'. {more}' if more else ''}")
