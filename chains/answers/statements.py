"""An answer as statements: which sentence cites what, and which claims something without a citation. Pure.

A claim is a sentence, an entry of a list or a row of a table, unless it is a heading, a question, a lead-in (it ends
with a colon), too short to say anything, an aside (chains/answers/asides.py), or stands below the notice that it is not
from the documents. Each has to carry a citation of its own; what a lead-in announces may leave it to the lead-in.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chains.answers.asides import is_aside
from chains.answers.citations import Marker
from chains.answers.quotations import CODE_SPAN, find_quotations
from chains.text.blocks import Block, blocks
from chains.text.refusal import notice_start
from chains.text.sentences import sentence_spans
from store.lexical import analyse

_CODE_SPAN = re.compile(CODE_SPAN, re.DOTALL)
_ENDS = "\"'”’»)」』*_ \t\r\n"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, entry or row: `answer[start:end]`, without the blanks around it.

    `cites` holds the numbers in it, or those of the lead-in that stands for it. `quoted` is true in a block quote.
    """

    start: int
    end: int
    cites: tuple[int, ...]
    claims: bool
    quoted: bool = False


def statements(answer: str, markers: Sequence[Marker]) -> list[Statement]:
    """Divide an answer into its statements; headings, heads of tables and code are none."""
    text = without_markers(answer, markers)
    found: list[Statement] = []
    leads: list[tuple[Block, tuple[int, ...]]] = []
    label = notice_start(text)
    own_knowledge = len(text) if label is None else label
    for block in blocks(answer):
        leads = [(lead, cites) for lead, cites in leads if _goes_on(lead, block)]
        if block.kind in {"heading", "head", "code"}:
            continue
        for start, end in _sentences(text, block):
            own = tuple(dict.fromkeys(n for marker in markers if start <= marker.start < end for n in marker.numbers))
            if found and not text[start:end].strip():  # numbers alone belong to what stands above
                found[-1] = replace(found[-1], cites=(*found[-1].cites, *own))
                continue
            cites = own or (leads[-1][1] if leads else ())
            lead_in = _ends_with(text[start:end], ":：")
            claims = not lead_in and start < own_knowledge and _says_something(text[start:end], block)
            found.append(Statement(*_stripped(answer, start, end), cites, claims, block.kind == "quote"))
            if lead_in and cites:
                leads.append((block, cites))
    return found


def without_markers(answer: str, markers: Sequence[Marker]) -> str:
    """Put blanks in the place of the markers."""
    pieces, last = [], 0
    for marker in markers:
        pieces += [answer[last : marker.start], " " * (marker.end - marker.start)]
        last = marker.end
    return "".join([*pieces, answer[last:]])


def _goes_on(lead: Block, block: Block) -> bool:
    """Tell whether a block still belongs to what a lead-in announced."""
    if block.kind in {"heading", "paragraph"}:
        return False
    return lead.kind != "item" or block.kind != "item" or block.indent > lead.indent


def _sentences(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Divide a block, but not a row, a quotation or code. A marker behind the full stop belongs to what it follows."""
    whole = text[block.start : block.end]
    unbroken = find_quotations(whole) + [found.span() for found in _CODE_SPAN.finditer(whole)]
    ends = [end for _, end in sentence_spans(whole)[:-1] if block.kind not in {"row", "quote"}]
    start = 0
    for end in [end for end in ends if not any(first < end < last for first, last in unbroken)] + [len(whole)]:
        yield block.start + start, block.start + end
        start = end


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end]
    return start + len(stretch) - len(stretch.lstrip()), start + len(stretch.rstrip())


def _ends_with(sentence: str, signs: str) -> bool:
    return sentence.rstrip(_ENDS).endswith(tuple(signs))


def _says_something(sentence: str, block: Block) -> bool:
    """An entry of a list may be a single name; a sentence of one content word is a yes, a no or a greeting."""
    terms = set(analyse(sentence).split())
    least = 1 if block.kind in {"item", "row"} else 2
    return len(terms) >= least and not _ends_with(sentence, "?？؟") and not is_aside(sentence)
