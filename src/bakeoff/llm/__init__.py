"""Language models: clients and prompts, under the names that configs use."""

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    from bakeoff.llm.client import OpenAICompatible as OpenAICompatible
    from bakeoff.llm.decisions import Decisions as Decisions
    from bakeoff.llm.local import LlamaCpp as LlamaCpp
    from bakeoff.llm.prompts import Prompt as Prompt
    from bakeoff.llm.reader import Reader as Reader
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
