"""Prompts: Jinja templates in config files, rendered to messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bakeoff.errors import ConfigError
from bakeoff.llm.base import Message
from bakeoff.task import Turn


@dataclass(frozen=True)
class Prompt:
    """What a language model is told.

    Args:
        system: template of the first message; empty for none.
        user: template of the last one.
    """

    user: str
    system: str = ""

    def render(
        self,
        examples: Sequence[tuple[Mapping[str, Any], str]] = (),
        history: Sequence[Turn] = (),
        **values: Any,
    ) -> tuple[Message, ...]:
        """The messages, with what changes least first: servers read an equal beginning once.

        Args:
            examples: values for ``user`` and the right answer of each, shown as earlier turns.
            history: turns of a conversation before the question; templates see it too.
            values: by name, for both templates.

        Raises:
            ConfigError: a template is no template, or names a value that there is not.
        """
        messages = [Message("system", text)] if (text := _rendered(self.system, "system", values)) else []
        for given, answer in examples:
            messages += [
                Message("user", _rendered(self.user, "user", {**values, **given})),
                Message("assistant", answer),
            ]
        messages += [Message(turn.role, turn.content) for turn in history]
        told = {"history": history, **values}
        return (*messages, Message("user", _rendered(self.user, "user", told)))

    def variables(self) -> set[str]:
        """Names of the values that the templates want. Raises ``ConfigError`` for what is no template."""
        from jinja2 import Environment, TemplateSyntaxError, meta

        found: set[str] = set()
        for which, template in (("system", self.system), ("user", self.user)):
            try:
                found |= meta.find_undeclared_variables(Environment(autoescape=False).parse(template))
            except TemplateSyntaxError as error:
                raise ConfigError(f"prompt.{which}: line {error.lineno} is no Jinja: {error.message}.") from None
        return found


def _rendered(template: str, which: str, values: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError

    try:
        return str(_compiled(template).render(**values)).strip()
    except TemplateSyntaxError as error:
        raise ConfigError(f"prompt.{which}: line {error.lineno} is no Jinja: {error.message}.") from None
    except UndefinedError as error:
        raise ConfigError(f"prompt.{which}: {error.message}. There are: {', '.join(sorted(values))}.") from None
    except TemplateError as error:
        raise ConfigError(f"prompt.{which}: {error}") from None


@lru_cache(maxsize=64)
def _compiled(template: str) -> Any:
    """In a sandbox: people share experiment files, and a template may not reach what is not its own."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template)
