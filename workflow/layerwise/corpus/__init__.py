"""The corpus: from archives and folders to a table of utterances."""
