"""The language of a text, from its script and its function words: enough for a question of a few words."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from store.function_words import FUNCTION_WORDS
from store.scripts import script

_ENOUGH = 4_000
"""Characters that tell the language of a text of any length."""
_REMEMBERED = 512  # texts: several steps of a search ask about the question, and about the same chunks again
_FOREIGN_SHARE = 0.2
"""Names in Latin letters are common in texts of other scripts, the reverse is not."""
_WEIGHTS = {"han": 3, "kana": 2, "hangul": 2}
"""Letters that one character stands for."""
_WORD = re.compile(r"(?<![\w.:/=@])[^\W\d_]+(?![.:/=@]*\w)")  # not the parts of paths, addresses and dotted names
_ASCII_RUN = re.compile(r"[!-~]+")
_CODE = re.compile(r"\w[._:/=@]+\w")
_LANGUAGES = {
    "latin": (
        "en",
        "de",
        "fr",
        "es",
        "pt",
        "it",
        "nl",
        "sv",
        "da",
        "no",
        "fi",
        "pl",
        "cs",
        "ro",
        "hu",
        "tr",
        "vi",
        "id",
        "ca",
    ),
    "cyrillic": ("ru", "uk", "bg"),
    "arabic": ("ar", "fa", "ur"),
    "devanagari": ("hi",),
    "greek": ("el",),
    "hebrew": ("he",),
    "armenian": ("hy",),
    "georgian": ("ka",),
    "bengali": ("bn",),
    "gurmukhi": ("pa",),
    "gujarati": ("gu",),
    "tamil": ("ta",),
    "telugu": ("te",),
    "kannada": ("kn",),
    "malayalam": ("ml",),
    "sinhala": ("si",),
    "thai": ("th",),
    "lao": ("lo",),
    "tibetan": ("bo",),
    "myanmar": ("my",),
    "ethiopic": ("am",),
    "khmer": ("km",),
    "hangul": ("ko",),
    "kana": ("ja",),
    "han": ("zh",),
}
_DEFAULTS = {name: codes[0] for name, codes in _LANGUAGES.items()}
_SHARED = {name: codes for name, codes in _LANGUAGES.items() if len(codes) > 1}
_LETTERS = {
    "de": "äöüß",
    "fr": "àâçèéêëîïôùûœ",
    "es": "áéíóúñ¿¡",
    "pt": "áàâãçéêíóôõú",
    "it": "àèéìòù",
    "sv": "äåö",
    "da": "åæø",
    "no": "åæø",
    "fi": "äö",
    "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýž",
    "ro": "ăâîșțşţ",
    "hu": "áéíóöőúüű",
    "tr": "çğıöşü",
    "vi": "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "ca": "àçèéíïòóúü",
    "uk": "іїєґ",
    "bg": "ъ",
    "fa": "پچژگ",
    "ur": "ٹڈڑےںھ",
}
_TOPIC_WORDS = {
    "en": """add build change client configure connect connecting create delete error failed fails file files find get
        install installed installing limit list make need rate remove run running search set show start startup store
        update use used user users using work works""",
    "de": """anlegen datei daten einrichten einstellen erstellen fehler installieren löschen speichern starten suchen
        verbinden verbindung verwenden""",
    "fr": "ajouter configurer connexion créer démarrer données erreur fichier lancer supprimer utiliser",
    "es": "archivo borrar conectar conexión configurar crear datos eliminar error instalar usar",
    "pt": "apagar arquivo conectar conexão configurar criar dados erro excluir instalar usar",
    "it": "avviare cancellare configurare connessione creare dati eliminare errore installare usare",
    "nl": "aanmaken bestand fout gegevens gebruiken installeren maken verbinding verwijderen",
    "tr": "bağlanma bağlantı dosya hata hatası kullanma kullanımı kurma kurulum kurulumu oluşturma silme veri",
    "pl": "błąd dane instalacja plik połączenie usunąć utworzyć zainstalować",
    "cs": "chyba nainstalovat připojení smazat soubor vytvořit",
    "sv": "ansluta fel fil installera skapa ta",
    "id": "buat cara hapus instal kesalahan memasang menginstal",
}
"""What short queries without function words are made of, but for words that many languages share."""


def _hints(lists: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    codes: defaultdict[str, list[str]] = defaultdict(list)
    for code, hints in lists.items():
        for hint in hints:
            codes[hint].append(code)
    return {hint: tuple(found) for hint, found in codes.items()}


_BY_WORD = _hints({code: words | set(_TOPIC_WORDS.get(code, "").split()) for code, words in FUNCTION_WORDS.items()})
_BY_LETTER = _hints(_LETTERS)


@lru_cache(maxsize=_REMEMBERED)
def language(text: str) -> str:
    """Give the ISO 639-1 code of the language that most of a text is in, `und` where nothing tells.

    Languages that share a script with others are told from them by function words and letters of their own; of the
    many in Latin letters those with a list in `function_words` are known.
    """
    name = main_script(text)
    scores = _votes(text)
    known = [code for code in _LANGUAGES.get(name, ()) if scores[code]]
    if name == "latin":
        return max(known, key=scores.__getitem__, default="und")
    return max(_LANGUAGES.get(name, ("und",)), key=scores.__getitem__)


def is_english(question: str) -> bool:
    """Tell whether a question is to be read as English: it is, or it is in Latin letters and shows no other language.

    Bare keywords (`HNSW recall`) count as English.
    """
    found = language(question)
    return found == "en" or (found == "und" and main_script(question) in {"latin", ""})


def languages_by_script(text: str) -> dict[str, str]:
    """Give script -> language of the words that a text has in that script; in Latin letters English unless shown."""
    scores = _votes(text)
    return _DEFAULTS | {name: max(codes, key=scores.__getitem__) for name, codes in _SHARED.items()}


@lru_cache(maxsize=_REMEMBERED)
def main_script(text: str) -> str:
    """Give the script that a text is in, `latin` only where hardly anything is in another; empty without letters."""
    start = unicodedata.normalize("NFKC", text[:_ENOUGH])
    counts: Counter[str] = Counter()
    for character in _ASCII_RUN.sub(lambda run: "" if _CODE.search(run[0]) else run[0], start):
        if name := script(character):
            counts[name] += _WEIGHTS.get(name, 1)
    if counts["kana"]:
        counts["kana"] += counts.pop("han", 0)
    latin = counts.pop("latin", 0)
    name, letters = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return name if letters > _FOREIGN_SHARE * (latin + letters) else "latin" if latin else ""


def _votes(text: str) -> defaultdict[str, float]:
    """A word or letter that several languages have counts for each of them, by so much less."""
    folded = unicodedata.normalize("NFKC", text[:_ENOUGH]).casefold()
    scores: defaultdict[str, float] = defaultdict(float)
    for word in _WORD.findall(folded):
        for code in (codes := _BY_WORD.get(word, ())):
            scores[code] += 1 / len(codes)
    for letter in set(folded):
        for code in (codes := _BY_LETTER.get(letter, ())):
            scores[code] += 1 / len(codes)
    return scores
