"""Checkpoints in the files of their authors."""
