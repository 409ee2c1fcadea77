"""From matrices to the scores of a layer, and what chance would score."""
