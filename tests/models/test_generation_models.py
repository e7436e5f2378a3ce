"""Models that write texts: sentences of the input, templates of rules, a language model."""

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError
from bakeoff.models.rules.rules import Rules
from bakeoff.models.summaries.central import Central
from bakeoff.models.summaries.lead import Lead
from bakeoff.task import Schema
from bakeoff.testing import check_model
from bakeoff.testing.tasks import TEXTS, notices

RULES = "model.rules=[{name: bread, keywords: [bread], output: 'On {topic}: {text}'}]"


@pytest.mark.parametrize(("option", "overrides"), [("lead", ()), ("central", ("model.count=2",)), ("rules", (RULES,))])
def test_model_holds_to_the_contract_on_texts(option: str, overrides: tuple[str, ...]) -> None:
    assert check_model(option, TEXTS, overrides)


def test_lead_takes_the_first_sentences(context) -> None:
    schema, rows = notices()
    model = Lead(count=2)
    model.fit(rows, None, context(schema))
    first = model.predict(rows.X.head(1)).output[0]
    assert first == (
        "Notice 0 is about bread. To bake bread, knead flour, water, salt and yeast, and let the dough rise."
    )


def test_central_takes_the_sentence_most_like_the_whole_and_then_one_unlike_it(context) -> None:
    schema = Schema("generation", "summary", {"text": "text"})
    about = "Storms hit the harbour. Storms flooded the coast. Storms hit harbour and coast. A dog barked."
    X = pd.DataFrame({"text": [about, "Rivers flow to the sea.", "Dogs bark at night.", ""]})
    from bakeoff.testing.tasks import examples

    y = np.empty(4, dtype=object)
    for count, summary in (
        (1, "Storms hit harbour and coast."),
        (2, "Storms hit harbour and coast. A dog barked."),
    ):
        model = Central(count=count, diversity=0.9, lead_bonus=0.0)
        model.fit(examples(X, y), None, context(schema))
        outputs = model.predict(X).output.tolist()
        assert outputs[0] == summary
        assert outputs[1:] == ["Rivers flow to the sea.", "Dogs bark at night.", ""]


def test_rules_fill_templates_with_columns_and_groups(context) -> None:
    schema = Schema("generation", "summary", {"name": "categorical", "text": "text"})
    X = pd.DataFrame({"name": ["isdir", "open", "x"], "text": ["Whether it is a folder.", "Open a file.", ""]})
    from bakeoff.testing.tasks import examples

    model = Rules(
        [{"name": "whether", "regex": r"^Whether (?P<what>.+)\.", "output": "Return True if {what} ({name})."}],
        default="{name}: {text}",
    )
    model.check(schema)
    model.fit(examples(X, np.empty(3, dtype=object)), None, context(schema))
    predictions = model.predict(X)
    assert predictions.output.tolist() == ["Return True if it is a folder (isdir).", "open: Open a file.", "x:"]
    assert predictions.stage is not None and predictions.stage.tolist() == ["whether", "default", "default"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("about {tpoic}", r'there is no column or group "tpoic".*Did you mean "topic"'),
        ("about {topic", "is no template"),
    ],
)
def test_rules_templates_that_cannot_be_filled_are_refused(template: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Rules([{"keywords": ["x"], "output": template}]).check(notices()[0])


def test_summaries_of_a_task_without_text_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.text: no column holds free text"):
        Lead().check(Schema("generation", "y", {"x": "numeric"}))


@pytest.mark.parametrize("shots", [0, 2])
def test_llm_a_real_model_writes_with_and_without_examples(context, llm, prompt, shots: int) -> None:
    from bakeoff.models.prompted.llm import PromptedLLM

    schema, rows = notices()
    model = PromptedLLM(llm(), prompt("summarise"), method="logprobs", shots=shots, shots_by="random")
    model.check(schema)
    model.fit(rows, None, context(schema))
    predictions = model.predict(rows.X.head(2))
    assert all(isinstance(text, str) and text for text in predictions.output)
    assert predictions.proba is None


def test_llm_a_prompt_with_labels_is_refused_for_texts(context, llm, prompt) -> None:
    from bakeoff.models.prompted.llm import PromptedLLM

    with pytest.raises(ConfigError, match="Choose prompt=summarise"):
        PromptedLLM(llm(), prompt("classify")).check(notices()[0])
