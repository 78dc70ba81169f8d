"""Words to their stems by Snowball, the stemmers of most search engines."""

from threading import Lock
from typing import Any

_ALGORITHMS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
_stemmers: dict[str, Any] = {}
_lock = Lock()


def stem(word: str, language: str) -> str:
    """Give the stem of a word in folded case; the word itself where its language has no stemmer."""
    algorithm = _ALGORITHMS.get(language)
    if algorithm is None:
        return word
    with _lock:  # a stemmer is not to be shared between threads
        if language not in _stemmers:
            import Stemmer

            _stemmers[language] = Stemmer.Stemmer(algorithm, 0)
        return str(_stemmers[language].stemWord(word)) or word
