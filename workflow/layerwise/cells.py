"""Words that score files and tables share, and that code compares: how a score went, and what it rests on."""

OK, FLAGGED, SKIPPED = "ok", "flagged", "skipped"  # `status`
GIVEN, AUTOMATIC = "given", "automatic"  # `alignments`: how they were made
WITHOUT = "absent"  # `corpus.alignments`: there are none
CORPUS, SPEAKERS = "corpus", "speakers"  # `interval`, and `cca.intervals`: what a 95 % interval is about
ITEMS = "items"  # `interval` of a measure that fits nothing, and is scored again on other draws of what it scores
WEIGHTS = "weights"  # in place of a property: the learned weights of layers
# Numbers of a trial that only measures of two views have; of others they are empty.
OF_VIEWS = ("dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y")
