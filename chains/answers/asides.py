"""Sentences for which no passage can be cited: the documents lack something, or they are mere courtesy. Pure."""

import re

_ABSENCE = {  # language: the documents, not, say
    "en": (
        r"\b(?:documents?|documentation|passages?|sources?|texts?|context)\b",
        r"\b(?:not?|nothing|neither|none|never|without)\b|n['’]t\b",
        r"\b(?:say|said|tell|mention|stat|specif|describ|contain|provid|answer|includ|cover|explain|hold|give|list"
        r"|address|discuss|detail|inform|found)",
    ),
    "de": (
        r"\b(?:dokument|passage|quelle|text|unterlage|abschnitt)",
        r"\b(?:nicht|nichts|kein|keine|keinen|keinerlei|weder)\b",
        r"\b(?:sag|steh|nenn|genannt|erwähn|beschr|enth|angab|angegeb|inform|hervor|beantwort|erklär)",
    ),
    "fr": (
        r"\b(?:document|passage|source|texte|extrait)",
        r"\b(?:ne|n|pas|aucune?|rien|ni)\b",
        r"\b(?:dit|dise|mention|préci|indiqu|décri|contien|fourni|répond|expliqu|inform|donne)",
    ),
    "es": (
        r"\b(?:document|pasaje|fuente|texto|fragmento)",
        r"\b(?:no|nada|ningun[ao]?|ningún|ni)\b",
        r"\b(?:dice|mencion|especific|indica|describ|contien|proporcion|respond|explica|inform|da)",
    ),
    "ru": (
        r"\b(?:документ|отрыв|источник|текст|фрагмент)",
        r"\b(?:не|нет|ни|ничего)\b",
        r"(?:говор|сказан|упомин|указ|опис|содерж|отвеч|объясн|информ|сведен)",
    ),
    "zh": ("文档|文件|段落|资料|文中|来源", "没有|未|不|无", "说|提|包含|描述|回答|说明|给出|信息|涉及"),
}
_COURTESY = {
    "en": r"\b(?:let me know|hope (?:this|that|it) helps|(?:happy|glad) to help|(?:great|good) question)\b",
    "de": r"\b(?:hoffe,? (?:das|dies) hilft|lass(?:en)? (?:es )?(?:sie )?mich (?:es )?wissen|helfe (?:ich )?gerne?)\b",
    "fr": r"\b(?:n['’]hésitez pas|j['’]espère que (?:cela|ça))\b",
    "es": r"\b(?:espero que (?:esto|te|le)|no dudes? en|av[ií]s[ae]me)\b",
    "ru": r"\b(?:надеюсь, это|дайте (?:мне )?знать|рад[а]? помочь)\b",
    "zh": "希望.{0,12}帮助|随时(?:告诉|联系|提问|问)|请告诉我",
}
_ABSENCES = [[re.compile(words, re.IGNORECASE) for words in language] for language in _ABSENCE.values()]
_COURTESIES = [re.compile(phrases, re.IGNORECASE) for phrases in _COURTESY.values()]


def is_aside(sentence: str) -> bool:
    """Tell whether a sentence says that the documents lack something, or nothing at all.

    It is a guess: for a lack there is a word for the documents, one for not and one for saying, in one language, and a
    sentence about documents that a program does not list looks the same.
    """
    lacks = any(all(pattern.search(sentence) for pattern in language) for language in _ABSENCES)
    return lacks or any(pattern.search(sentence) for pattern in _COURTESIES)
