"""Sentences by which language models say that they have no answer, or will not give one."""

from __future__ import annotations

import re

from bakeoff import lazy

_NOT = (
    r"(?:do(?:es)?\s+not|did\s+not|don['’]?t|doesn['’]?t|didn['’]?t"
    r"|cannot|can['’]?t|can\s+not|could\s*n['’]?t|could\s+not)"
)
_SOURCE = (
    r"(?:text|passage|context|document|article|source|excerpt|information|material"
    r"|reference|snippet|conversation|content)s?"
)
_TELL = (
    r"(?:mention|state|say|specif(?:y|ically)|contain|provide|give|answer|include|address|discuss|indicate|tell|explain|reveal"
    r"|describe|offer|cover|name|identify|list|note|show|define|have|refer|clarify|disclose|report|express|make\s+(?:it\s+)?clear)"
)
_SORRY = r"(?:(?:(?:i['’]?m|i\s+am)\s+)?(?:(?:very|so)\s+)?(?:sorry|unfortunately)\b[\s,.!]*(?:but\s+)?)?"
_BASED = r"(?:(?:based\s+on|from|according\s+to)\s+[^,]{1,60},\s*)?"
_ABSTENTIONS = (
    rf"(?:i|we)\s+{_NOT}\s+know(?:\s+(?:the\s+answer|this|that|it|for\s+sure|who|when|where|if|whether)\b|\s*[.!,]|$)",
    rf"(?:i|we)\s+{_NOT}\s+have\s+(?:enough|sufficient|any|the|that|access|specific)\b",
    rf"(?:i|we)\s+{_NOT}\s+(?:find|see|answer|determine|tell|locate|infer)\s+(?:this|that|the|it|any|an|from|who|what|when)\b",
    r"(?:i\s+am|i['’]?m)\s+(?:not\s+(?:sure|certain|able\s+to\s+(?:answer|find|determine))"
    r"|unable\s+to\s+(?:answer|find|determine|locate))\b",
    rf"(?:the|this|these|that|none\s+of\s+the|no)\s+(?:\w+\s+){{0,2}}?{_SOURCE}\s+(?:\w+\s+){{0,2}}?"
    rf"(?:{_NOT}\s+(?:\w+ly\s+|(?:appear|seem)\s+to\s+)?{_TELL}\b"
    r"|makes?\s+no\s+mention|gives?\s+no|has\s+no\s+(?:information|mention|answer|details?)|contains?\s+no(?:thing)?"
    r"|provides?\s+no|says?\s+nothing|fails?\s+to|lacks?|(?:is|are)\s+(?:silent|insufficient)"
    r"|(?:is|are)\s+not\s+(?:clear|specific|sufficient|enough|explicit|relevant|helpful)\b)",
    rf"(?:none\s+of\s+the|no)\s+(?:\w+\s+){{0,2}}?{_SOURCE}\s+(?:mentions?|states?|says?|answers?|contains?|provides?)\b",
    r"(?:it|this|that|the\s+(?:answer|question))\s+(?:is|was|can)\s*(?:not|n['’]t)\s+(?:be\s+)?(?:stated|mentioned"
    r"|specified|given|provided|known\s*[.!]?$|clear\s+from|answerable|answered|determined|found|in\s+the)\b",
    r"(?:(?:it|this|that|the\s+(?:answer|question))\s+)?(?:cannot|can\s*not|can['’]?t|could\s+not)\s+be\s+"
    r"(?:answered|determined|found|inferred|known)\b",
    r"there\s+(?:is|are|was)\s+(?:no|not\s+(?:any|enough|sufficient))\s+(?:\w+\s+){0,1}?"
    r"(?:mention|information|answer|evidence|indication|details?|data|reference)\b",
    rf"not\s+(?:(?:explicitly\s+)?(?:stated|mentioned|specified|provided|answerable)|enough\s+information"
    rf"|in\s+the\s+{_SOURCE})\s*[.!]?$",
    rf"not\s+(?:explicitly\s+)?(?:stated|mentioned|specified|given|provided|found|available|known|clear)"
    rf"\s+(?:in|by|within|from)\s+(?:the|any|these|this)\s+(?:\w+\s+){{0,2}}{_SOURCE}\s*[.!]?$",
    r"(?:no|insufficient|not\s+enough)\s+(?:answer|information|mention|details?|context|evidence)"
    r"(?:\s+(?:is|was|available|found|given|provided|in|on|about|to|for)\b[^.]*)?\s*[.!]?$",
    r"(?:the\s+(?:question|answer)\s+is\s+)?(?:unanswerable|not\s+answerable)\s*[.!]?$",
    r"ich\s+wei(?:ß|ss)\s+(?:es\s+|das\s+)?(?:leider\s+)?nicht\b",
    r"(?:(?:es\s+)?tut\s+mir\s+leid|leider|entschuldigung)[\s,.!]*(?:aber\s+)?(?:das\s+|ich\s+)?wei(?:ß|ss)\s+(?:ich\s+|es\s+|das\s+)?(?:leider\s+)?nicht\b",
    r"(?:der|die|das)\s+\w+\s+(?:enthält|enthalten|sagt|nennt|erwähnt|erwähnen)\s+(?:das\s+|dies\s+)?(?:nicht|keine)\b",
    r"keine\s+(?:angaben?|antwort|information(?:en)?)\b[^.]{0,40}[.!]?$",
    r"je\s+ne\s+sais\s+pas\b",
    r"no\s+(?:lo\s+)?s[eé]\s*[.!]?$",
    r"我?不知道(?:[。.!]?$|[，,])",
    r"(?:无法|不能)(?:确定|回答|得知)",
    r"(?:文中|文本|段落|上下文|文章)(?:中)?(?:没有|未)(?:提到|提及|说明)",
    r"لا\s+أعرف",
)
_DECLINES = (
    r"(?:cannot|can['’]?t|can\s+not|(?:am|['’]m)\s+(?:not\s+able|unable|not\s+allowed)\s+to|won['’]?t|will\s+not"
    r"|must\s+decline\s+to(?:\s+answer)?)"
)
_OBJECTS = (
    r"(?:(?:that|this)\b|(?:help|assist)(?:\s+you)?(?:\s+with\b|\s*[.!,]|$)|comply\b|fulfil|do\s+that\b|engage\b|continue\s+with\b"
    r"|discuss\b|participate\b|(?:provide|create|generate|share|support)\s+(?:you\s+)?(?:with\s+)?"
    r"(?:that|this|such|instructions|content|assistance|any\s+information\s+(?:that|on\s+how))\b)"
)
_AS_AI = r"(?:as\s+an?\s+(?:ai|large\s+language)\b[^.,]{0,40},\s*)?"

_DECLINES_ELSEWHERE = (
    r"(?:es\s+)?tut\s+mir\s+leid[\s,.!]*(?:aber\s+)?ich\s+(?:kann|darf)\b[^.!]{0,60}\bnicht\s+(?:helfen|weiterhelfen|beantworten"
    r"|bereitstellen|unterstützen)",
    r"lo\s+siento[\s,.!]*(?:pero\s+)?no\s+puedo\s+(?:ayudar|asistir|proporcionar|responder|cumplir)",
    r"(?:je\s+suis\s+)?d[ée]sol[ée]e?[\s,.!]*(?:mais\s+)?je\s+ne\s+peux\s+pas\s+(?:vous\s+)?(?:aider|assister|r[ée]pondre|fournir)",
    r"(?:很)?(?:抱歉|对不起)[，,。\s]*(?:但)?(?:我)?(?:无法|不能)(?:回答|提供|帮助|协助|讨论|满足)",
    r"(?:申し訳(?:ありません|ございません)|すみません)[^。]{0,12}(?:お答え|お手伝い|提供|対応)(?:は)?(?:でき(?:ません|ない|かね)|いたしかね)",
)

ABSTAINS = lazy.pattern(rf"^{_SORRY}{_BASED}(?:{'|'.join(_ABSTENTIONS)})", re.IGNORECASE)
"""Matches a reply that abstains."""

REFUSES = lazy.pattern(
    rf"^(?:{_SORRY}(?:i\s+apologi[sz]e,?\s+(?:but\s+)?)?{_AS_AI}i\s*{_DECLINES}\s+{_OBJECTS}"
    rf"|{'|'.join(_DECLINES_ELSEWHERE)})",
    re.IGNORECASE,
)
"""Matches a reply that declines to answer."""

CONTINUES = lazy.pattern(
    r"(?:^|[\s,.;:(])(?:but|however|though|although|yet|still|nevertheless|perhaps|maybe|possibly|probably|aber|jedoch|allerdings"
    r"|vielleicht|vermutlich|mais|cependant|pero|sin\s+embargo)\b|\bthe\s+answer\s+is\s+\w"
    r"|但是|不过|然而|可能是",
    re.IGNORECASE,
)
"""Matches a reply that goes on to answer, after it has said that it has no answer."""
