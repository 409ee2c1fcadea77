"""Words that cells of tables hold and that code compares: how a score went, and what it rests on."""

OK, FLAGGED, SKIPPED = "ok", "flagged", "skipped"  # `status`
GIVEN, AUTOMATIC = "given", "automatic"  # `alignments`: how they were made
CORPUS, SPEAKERS = "corpus", "speakers"  # `interval`, and `cca.intervals`: what a 95 % interval is about
ITEMS = "items"  # `interval` of a measure that fits nothing, and is scored again on other draws of what it scores
WEIGHTS = "weights"  # in place of a property: the learned weights of layers
