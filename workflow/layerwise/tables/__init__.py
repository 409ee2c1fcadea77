"""From scores to tables: trends, best layers, comparisons, findings and advice."""
