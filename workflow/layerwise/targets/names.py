"""What a property's `target` is called that is looked up, for those who only plan it."""

from __future__ import annotations

LABEL, VECTORS, ATTRIBUTES, COLUMNS = "label", "vectors", "attributes", "columns"
LOOKED_UP = (LABEL, VECTORS, ATTRIBUTES, COLUMNS)
WITH_FILE = (VECTORS, ATTRIBUTES)  # name a file, or an entry of resources/vectors.yaml

ITEMS, RATINGS, PAIRS = READ_AS_THEY_ARE = ("items", "ratings", "pairs")  # files, which the measure itself reads

OF = LABEL  # the column whose values are looked up in a file, where `of` names no other
EXACT, LOWER = CASES = ("exact", "lower")
