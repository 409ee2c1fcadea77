"""Downstream tasks, and small heads trained on frozen layers for them."""
