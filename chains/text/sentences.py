"""Markdown to plain sentences that can be quoted: no headings, code blocks, link targets or list markers."""

import re

_FENCE = re.compile(r"\s*(```|~~~)")
_SKIPPED = re.compile(
    r"\s*(?:#{1,6}\s"  # heading: the section's breadcrumb says it
    r"|[=-]{2,}\s*$|(?:[*_]\s*){3,}$"  # underline of a heading, rule
    r"|\[[^\]]+\]:\s"  # link definition
    r"|:::|<!--)"
)
_TABLE_RULE = re.compile(r"\s*\|[\s:|-]*-[\s:|-]*$")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
_QUOTE = re.compile(r"^\s*(?:>\s?)+(?:\[![A-Z]+\]\s*$)?")
_CODE = re.compile(r"(`+[^`]+`+)")
_HTML = (  # no other name: `<file>` in running text is something to fill in
    "a|abbr|b|blockquote|br|center|code|dd|details|div|dl|dt|em|figure|font|h[1-6]|hr|i|iframe|img|kbd|li|mark|ol|p|pre"
    "|s|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul|video"
)
_TARGET = r"\((?:[^()]|\([^()]*\))*\)"
_INLINE = (
    (re.compile(r"!\[[^\]]*\]" + _TARGET), ""),  # image
    (re.compile(r"\[([^\]]+)\](?:" + _TARGET + r"|\[[^\]]*\])"), r"\1"),  # link
    (re.compile(r"<(https?://[^>]+)>"), r"\1"),
    (re.compile(rf"</?(?:{_HTML})\b[^<>]*>", re.IGNORECASE), ""),
    (re.compile(r"\[\^?\d+\]"), ""),  # a number in brackets would look like a citation of ours
    (re.compile(r"\*\*|__|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)"), ""),
)
WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Han: written without blanks
_END = re.compile(r"(?<=[。！？])[\"'”’»)」』）]*\s*|(?<=[.!?…।؟۔])[\"'”’»)]*\s+(?=[^a-zа-яß-öø-ÿ\s])")
_NO_END = re.compile(r"(?:\b\w|\b(?:etc|vs|bzw|usw|approx|ca|Dr|Mr|Mrs|Nr|No))\.$")


def sentences(markdown: str) -> list[str]:
    """Divide a passage into its sentences, in order, white space made even."""
    return [sentence for block in _blocks(markdown) for sentence in _split(_plain(block))]


def _blocks(markdown: str) -> list[str]:
    """Give paragraphs, list items and table rows, each on one line. Of a code block only a first line that ends
    a paragraph like `Run this:` is kept, because that paragraph says nothing without it.
    """
    blocks = [""]
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
            blocks += [] if fence and blocks[-1].endswith(":") else [""]
        elif fence:
            if blocks[-1].endswith(":") and (code := line.strip().removeprefix("$ ")) and not code.startswith("#"):
                blocks[-1] += f" `{code}`"
        else:
            _take(line, blocks)
    return [block for block in blocks if block]


def _take(line: str, blocks: list[str]) -> None:
    line = _QUOTE.sub("", line)
    if _TABLE_RULE.match(line):
        del blocks[-2:]  # the head of the table
        blocks.append("")
    elif _SKIPPED.match(line):
        blocks.append("")
    elif not line.strip():
        blocks += [] if blocks[-1].endswith(":") else [""]
    elif line.lstrip().startswith("|"):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        blocks += [": ".join(filter(None, [cells[0], "; ".join(filter(None, cells[1:]))])), ""]
    elif _ITEM.match(line) or blocks[-1].endswith((":", "`")):
        blocks.append(_ITEM.sub("", line).strip())
    else:
        blocks[-1] = f"{blocks[-1]} {line.strip()}".strip()


def _plain(block: str) -> str:
    """Take inline marks out, but leave what stands in backticks alone."""
    parts = _CODE.split(block)
    for index in range(0, len(parts), 2):
        for pattern, replacement in _INLINE:
            parts[index] = pattern.sub(replacement, parts[index])
    joined = re.sub(r"\s+", " ", "".join(parts)).strip()
    return re.sub(f"(?<=[{WIDE}，、。]) (?=[{WIDE}])", "", joined)


def _split(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Give the sentences of a text as [start:end], each with the blanks behind it; not what holds no word."""
    found: list[tuple[int, int]] = []
    start = 0
    for end in _END.finditer(text):
        last_word = text[max(start, end.start() - 20) : end.start()]
        if not _NO_END.search(last_word.rstrip("\"'”’»)")):
            found.append((start, end.end()))
            start = end.end()
    found.append((start, len(text)))
    return [(start, end) for start, end in found if re.search(r"\w", text[start:end])]
