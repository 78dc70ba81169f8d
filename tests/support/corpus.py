"""A small folder of Markdown with things to ask about, in the words of no one's documentation."""

TEA = """\
---
title: Tea handbook
---

# Tea

## How long should green tea steep?

Green tea steeps for two minutes at 75 degrees. Longer makes it bitter.

## Where is tea stored?

Loose leaves are kept in a closed tin, away from light. The tin stands in the pantry.

```python
tin = {"leaves": "green", "grams": 100}
```
"""

COFFEE = """\
# Coffee

## How is espresso made?

Hot water is pressed through 18 grams of ground coffee at nine bars for half a minute.

## Who repairs the machine?

The machine is repaired by Ms Okafor on the second floor.
"""

FILES = {"tea.md": TEA, "drinks/coffee.md": COFFEE}
