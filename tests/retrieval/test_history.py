from bakeoff.llm.base import Completion
from bakeoff.llm.prompts import Prompt
from bakeoff.retrieval.history import AsAsked, ByLLM, FollowUps
from bakeoff.task import Question, Turn

FIRST = Question("What does the with statement do?")
FOLLOW_UP = Question(
    "Does it work with several items?",
    (Turn("user", "What does the with statement do?"), Turn("assistant", "It wraps a block in a context manager.")),
)


def test_a_first_question_is_looked_up_as_it_was_asked():
    assert FollowUps().rewrite([FIRST]) == [FIRST.text]
    assert AsAsked().rewrite([FIRST, FOLLOW_UP]) == [FIRST.text, FOLLOW_UP.text]


def test_a_follow_up_brings_the_words_of_the_users_turns_that_carry_meaning():
    (text,) = FollowUps().rewrite([FOLLOW_UP])
    assert text == "statement Does it work with several items?", "with is asked for again; the answer's words are not"


def test_only_the_last_turns_of_the_user_count_the_latest_first():
    turns = [Turn("user", f"topic{i}") for i in range(5)]
    assert FollowUps(turns=2).rewrite([Question("Why?", tuple(turns))]) == ["topic4 topic3 Why?"]
    assert FollowUps(turns=0).rewrite([Question("Why?", tuple(turns))]) == ["Why?"]


def test_no_more_words_are_put_before_a_question_than_allowed_and_none_twice():
    long = " ".join(f"word{i}" for i in range(50)) + " word1 WORD2"
    (text,) = FollowUps(words=7).rewrite([Question("Why?", (Turn("user", long),))])
    assert text.split() == [*(f"word{i}" for i in range(7)), "Why?"]


def test_names_with_dots_and_hyphens_stay_whole():
    asked = Question("And then?", (Turn("user", "What does object.__init__ return in single-dispatch?"),))
    assert FollowUps().rewrite([asked]) == ["object.__init__ return single-dispatch And then?"]


class Answers:
    """An LLM of which only the answers matter here."""

    def __init__(self, *completions):
        self.completions = completions
        self.asked = []

    def complete(self, requests):
        self.asked += requests
        return list(self.completions)


def test_an_llm_is_asked_of_follow_ups_only_and_the_rule_stands_in_for_it():
    template = Prompt(user="{% for turn in history %}{{ turn.content }} {% endfor %}{{ question }}")
    llm = Answers(Completion("ok", " Does with work with several items? \n"), Completion("failed", error="no answer"))
    texts = ByLLM(llm, template).rewrite([FIRST, FOLLOW_UP, FOLLOW_UP])
    assert texts == [FIRST.text, "Does with work with several items?", *FollowUps().rewrite([FOLLOW_UP])]
    assert len(llm.asked) == 2
    assert "with statement" in llm.asked[0].messages[-1].content
