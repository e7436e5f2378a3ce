# ruff: noqa: E501
"""What is read from replies as models really write them: one table for answers, one for labels, one for JSON."""

from __future__ import annotations

import pytest

from bakeoff.llm.choices import choice
from bakeoff.llm.reader import Reader
from bakeoff.llm.wrapping import value, visible

WRAPPINGS = [
    "{}", "{}.", " {}\n", "**{}**", "*{}*", "**{}.**", "`{}`", '"{}"', "“{}”", "'{}'", "```\n{}\n```", "```text\n{}\n```",
    "Answer: {}", "Answer:\n{}", "answer: {}", "**Answer:** {}", "**Answer**: {}", "Answer: **{}**", "A: {}",
    "The answer is {}.", "The answer is: {}", "The answer is **{}**.", "The correct answer is {}.", "Final answer: {}",
    "**Final Answer:**\n{}", "Sure! Here is the answer:\n\n{}", "Here's the answer:\n{}", "Here is the short answer:\n\n**{}**",
    "Certainly! The answer to your question:\n\n{}", "Of course!\n{}", "Okay, here it is:\n{}", "# {}", "## Answer\n{}",
    "<think>\nOkay, the user asks.\nLet me recall.\n</think>\n\n{}", "<think></think>{}", "<thinking>Hm.</thinking>\n**{}**",
    "Let me think it through.</think>\n{}", "◁think▷hm◁/think▷{}", "<reasoning>because</reasoning> Answer: {}",
    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "<answer>{}</answer>", "\\boxed{{{}}}", "{}\n\nThe passage says so in its second line.", "**{}**\n\nThis is because it is so.",
    "{}\n(Source: passage 1)", "Antwort: {}", "答案：{}", "- {}", "Based on the passages provided,\n{}", "“{}”.",
]  # fmt: skip
ANSWERS = ["Marseille", "None", "NA", "1,204", "__init__"]
ABSTENTIONS = [
    "unknown", "Unknown", "UNKNOWN.", '"unknown"', "**Unknown**", "Answer: unknown", "The answer is unknown.", "`unknown`",
    "unknown\n\nThe passages do not say.", "<think>hm</think>unknown", "```\nunknown\n```",
    "The passages do not mention this.", "The passage doesn't mention it.", "The text does not say.",
    "The provided context does not contain that information.", "The given passages do not specify who it was.",
    "None of the passages mention this.", "None of the provided passages answers the question.",
    "I don't know.", "I do not know", "I don’t know the answer.", "I'm sorry, but I don't know.", "Sorry, I don't know.",
    "I don't have enough information to answer that.", "I do not have sufficient information.",
    "I don't have access to that information.", "I cannot find the answer in the passages.",
    "I cannot determine the answer from the text.", "I can't answer this question based on the passages.",
    "I am unable to find the answer.", "I'm not sure.", "This cannot be determined from the given text.",
    "It cannot be determined.", "Cannot be determined", "The answer cannot be found in the text.",
    "The answer is not given in the passages.", "The question cannot be answered from the passages.",
    "There is no mention of it in the passages.", "There is no information about this.",
    "There is not enough information to answer.", "Not stated", "Not mentioned in the text.", "Not specified.",
    "Not answerable", "Not in the passages.", "No answer", "No information", "No information is given.",
    "Insufficient information", "Not enough information.", "Unanswerable", "The question is unanswerable.",
    "Based on the passages, it cannot be determined.", "Based on the provided text, there is no mention of that.",
    "Unfortunately, the passages do not say.", "Ich weiß es nicht.", "Der Text enthält keine Angabe dazu.",
    "Keine Angabe", "Je ne sais pas.", "No lo sé.", "不知道", "我不知道。", "文中没有提到", "无法确定", "لا أعرف",
]  # fmt: skip
REFUSALS = [
    "I'm sorry, I can't help with that.", "I'm sorry, but I can't assist with that.", "I cannot help with that request.",
    "I can’t comply with this request.", "Sorry, I cannot assist with that.", "I'm unable to help with that.",
    "As an AI language model, I cannot provide that.", "I won't provide instructions for that.",
    "I am not able to discuss this.", "I'm sorry, but I cannot provide assistance with this.",
    "I must decline to answer that.", "I apologize, but I can't help with that.", "I will not engage with this topic.",
]  # fmt: skip
REAL_ANSWERS = [
    "None", "NA", "N/A", "Na", "n/a", "null", "Nil", "no", "No", "yes", "Unknown Pleasures", "The Unknown Soldier",
    "Not known for its beaches", "Nothing Else Matters", "Nobody", "No Country for Old Men", "Not Applicable GmbH",
    "No Doubt", "No. 5", "I Don't Know How to Love Him", "I Can't Help Falling in Love", "Information theory",
    "The Passage to India", "Text messages", "The context manager", "The document type", "unknown-host", "Unknown error",
    "Not in My Name", "Sorry", "I'm Sorry by Brenda Lee", "I Can't Get No Satisfaction", "There Is No Antimemetics Division",
    "Not Found", "404 Not Found", "It Is Not Love", "This Is Not a Love Song", "It is not allowed",
    "The passage of time", "the text of the answer", "No one", "Zero", "0", "False", "-", "**kwargs", "*args", "__init__",
    "i++", "C++", "C#", ".NET", "e.g.", "U.S.", "St. Louis", "a", "A", "the A", "3.14", "1. FC Köln", "2001: A Space Odyssey",
    "10:30", "x = 1", "if x: pass", "O'Brien", "\"Heroes\" by David Bowie", "O(n log n)", "it raises a KeyError",
    "北京", "不", "القاهرة", "Straße", "don't", "It does not return a value", "You cannot assign to it",
]  # fmt: skip


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_short_answer_is_found_in_every_wrapping(wrapping):
    for answer in ANSWERS:
        read = Reader().answer(wrapping.format(answer))
        assert (read.status, read.short) == ("ok", answer), wrapping


@pytest.mark.parametrize("text", ABSTENTIONS)
def test_abstention_is_read_as_withheld(text):
    assert Reader().answer(text).status == "withheld"


@pytest.mark.parametrize("text", REFUSALS)
def test_refusal_is_no_abstention_and_no_answer(text):
    assert Reader().answer(text).status == "refused"


@pytest.mark.parametrize("text", REAL_ANSWERS)
def test_answer_that_looks_like_an_abstention_is_an_answer(text):
    read = Reader().answer(text)
    assert (read.status, read.whole) == ("ok", text)


def test_abstention_word_is_exact_and_configurable():
    assert Reader("NO_ANSWER").answer("no_answer").status == "withheld"
    assert Reader("NO_ANSWER").answer("unknown").status == "ok"
    assert Reader(phrases=False).answer("I don't know.").status == "ok"


STEPS = "Open the hood\nCheck the oil\nClose the hood"


@pytest.mark.parametrize(
    ("text", "whole", "short"),
    [
        ("Follow these steps:\n1. Open the hood\n2. Check the oil", None, "Open the hood, Check the oil"),
        ("1. **Open the hood**\n2. Check the oil.", None, "Open the hood, Check the oil"),
        ("- red\n- green\n- blue", None, "red, green, blue"),
        ("Sure! Here are the steps:\n\n* one\n* two", "* one\n* two", "one, two"),
        ("(1) one\n(2) two", None, "one, two"),
        (STEPS, None, "Open the hood"),
        ("It is blue.\n\nIt was painted in 1990.", None, "It is blue"),
        ("Use this:\n```python\nprint(1)\n```", "Use this:\n```python\nprint(1)\n```", "print(1)"),
    ],
)
def test_long_answers_stay_whole_and_have_a_short_form(text, whole, short):
    read = Reader().answer(text)
    assert read.short == short
    assert read.whole == (text if whole is None else whole)


def test_thoughts_that_never_end_leave_no_answer():
    assert visible("<think>\nOkay, let me") == ("", "<think>\nOkay, let me", True)
    assert visible("<think>a</think>b <think>c") == ("b", "<think>a</think><think>c", True)


LABELS = ("positive", "negative", "not sure", "C", "C++", "1", "10", "spam", "The End", "A, or B")


@pytest.mark.parametrize("wrapping", [w for w in WRAPPINGS if w != "A: {}"])
def test_label_is_found_in_every_wrapping(wrapping):
    for label in ("positive", "negative", "C++", "10", "spam"):
        assert choice(wrapping.format(label), LABELS) == label, wrapping


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Positive", "positive"), ("POSITIVE!", "positive"), ("a positive", "positive"), ("Class: positive", "positive"),
        ("The class is positive.", "positive"), ("Label: **Negative**", "negative"), ("Category: spam", "spam"),
        ("positive\n\nThe message speaks of joy.", "positive"), ("This message is negative.", "negative"),
        ("I would say it's positive", "positive"), ('{"answer": "spam"}', "spam"), ('{"label": "spam"}', "spam"),
        ('{"Answer": "Spam"}', "spam"), ('```json\n{"answer": "spam"}\n```\nThat is my answer.', "spam"),
        ('Here you go: {"answer": "spam"}', "spam"), ('["spam"]', "spam"), ("spam - it wants money", "spam"),
        ("spam (it wants money)", "spam"), ("pos", "positive"), ("C", "C"), ("C++", "C++"), ("It is C++.", "C++"),
        ("1", "1"), ("10", "10"), ("10.", "10"), ("end", "The End"), ("the end", "The End"), ("not sure", "not sure"),
        ("It is not positive but negative.", "negative"), ("It isn't positive", None), ("positive or negative", None),
        ("", None), ("no idea", None), ("eggs", None), ("[1", "1"), ("A, or B", "A, or B"), ('{"other": 3}', None),
        ("The answer could be positive, negative or spam.", None), ("neg.", "negative"), ("{}", None),
        ('{"answer": 10}', "10"), ("<think>spam or not?</think>positive", "positive"), ("<think>spam", None),
    ],
)  # fmt: skip
def test_label_that_a_reply_names(text, label):
    assert choice(text, LABELS) == label


SPAM, TOXIC, MOOD, RATING = (
    ("spam", "not spam"),
    ("toxic", "non-toxic"),
    ("positive", "negative"),
    ("1", "2", "3", "4", "5"),
)
CHINESE, THAI, KOREAN = ("正面", "负面"), ("บวก", "ลบ"), ("긍정", "부정")


@pytest.mark.parametrize(
    ("choices", "text", "label"),
    [
        (SPAM, "not_spam", "not spam"), (SPAM, "Not-Spam.", "not spam"), (SPAM, "It is not  spam", "not spam"),
        (TOXIC, "non toxic", "non-toxic"), (TOXIC, "Non\u2011toxic", "non-toxic"), (TOXIC, "nontoxic", "non-toxic"),
        (TOXIC, "The comment is non toxic.", "non-toxic"), (TOXIC, "It is not toxic.", None),
        (("sci fi", "scifi"), "It is SciFi", None), (("10 20", "1020"), "10-20", None), (("1020",), "10 20", None),
        (MOOD, "It is far from positive", None), (MOOD, "This is anything but positive.", None),
        (MOOD, "The opposite of negative", None), (MOOD, "It sounds nice, but negative.", "negative"),
        (MOOD, "positive\nText: I hate it.\nLabel: negative", "positive"),
        (MOOD, "positive\n\n**Message 2:** bad\n**Label:** negative", "positive"),
        (MOOD, "positive\nIt is sarcastic.\nLabel: negative", None),
        (MOOD, "Answer: negative\nWait.\nFinal answer: positive", "positive"),
        (MOOD, "<analysis>maybe negative</analysis><answer>positive</answer>", "positive"),
        (MOOD, "It might be negative.\n<answer>positive</answer>", "positive"),
        (MOOD, '[{"label": "positive", "score": 0.9}]', "positive"),
        (("R", "R & D"), "R &amp; D", "R & D"), (("&amp;", "&"), "&amp;", "&amp;"),
        (RATING, "4.0", "4"), (RATING, "2 stars out of 5", "2"), (RATING, "Rating (1-5): 3", "3"),
        (RATING, "On a scale of 1 to 5, 3", "3"), (RATING, "On a scale of 1 to 10, 3", None), (RATING, "4.5", None),
        (CHINESE, "这是正面的", "正面"), (CHINESE, "不是正面，是负面", "负面"), (CHINESE, "非正面", None),
        (THAI, "ข้อความนี้เป็นบวก", "บวก"), (KOREAN, "긍정이 아닙니다", None),
    ],
)  # fmt: skip
def test_label_in_another_spelling_is_found_and_a_denied_one_is_not(choices, text, label):
    assert choice(text, choices) == label


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Q: Where is it?\nA: Paris", "Paris"), ("Paris [1]", "Paris"), ("Paris [1][3].", "Paris"), ("a[0]", "a[0]"),
        ("Here is the answer: Paris", "Paris"), ("Here's the final answer: **Paris**", "Paris"),
    ],
)  # fmt: skip
def test_short_answer_beside_its_question_or_source(text, short):
    assert Reader().answer(text).short == short


def test_abstention_with_its_reason_in_parentheses_is_withheld():
    assert Reader().answer("Unknown (not in the passages)").status == "withheld"


def test_labels_that_differ_by_case_alone_are_told_apart():
    assert choice("IT", ("it", "IT")) == "IT" and choice('{"answer": "it"}', ("it", "IT")) == "it"
    assert choice("It", ("it", "IT")) is None


SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "sources": {"type": "array", "items": {"type": "integer"}}},
    "required": ["answer", "sources"],
    "additionalProperties": False,
}
SAID = '{"answer": "mice {and} men", "sources": [1]}'


@pytest.mark.parametrize(
    "text",
    [
        SAID, f"```json\n{SAID}\n```", f"```\n{SAID}\n```", f"Sure! Here is the JSON:\n{SAID}", f"{SAID}\n\nI hope this helps!",
        f"Here you go:\n```json\n{SAID}\n```\nLet me know.", f"<think>{{\"answer\": 1}}</think>{SAID}", f"Answer: {SAID}",
        f'The schema {{"type": "object"}} asks for {SAID}', f"{{ not JSON }} {SAID}", f"  \n{SAID}  ",
    ],
)  # fmt: skip
def test_json_is_found_in_prose(text):
    assert value(text, SCHEMA) == {"answer": "mice {and} men", "sources": [1]}


@pytest.mark.parametrize(
    "text", ["", "mice", '{"answer": "mice"}', '{"answer": "mice", "sou', "[]", "null", "{" * 2000]
)
def test_json_that_breaks_its_schema_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        value(text, SCHEMA)
