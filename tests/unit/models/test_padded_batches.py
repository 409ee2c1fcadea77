"""Which utterances pass through a model together, and which one is named where that fails."""

from __future__ import annotations

import pytest
import torch

from layerwise.errors import LayerwiseError
from layerwise.models.batches import computed_together, padded_batches


def test_a_batch_is_no_longer_than_it_may_be_when_it_is_padded():
    assert padded_batches([1, 5, 2, 4], float, 8) == [[5], [4, 2], [1]]
    assert padded_batches([1, 5, 2, 4], float, 10) == [[5, 4], [2, 1]]
    assert padded_batches([1, 20], float, 8) == [[20], [1]]
    assert padded_batches([], float, 8) == []


def test_without_seconds_each_is_alone():
    assert padded_batches([1, 2], float, 0) == [[2], [1]]


def test_a_batch_counts_what_is_computed():
    assert padded_batches([1, 2, 3], float, 60, computed=lambda seconds: 30) == [[3, 2], [1]]


def wrong(item: int, error: object = None) -> LayerwiseError:
    return LayerwiseError(f"item {item}: {error}")


def test_an_item_at_fault_is_named():
    def compute(batch: list[int]) -> list[int]:
        if 3 in batch:
            raise LayerwiseError("cannot be read")
        return [10 * item for item in batch]

    assert computed_together(compute, [1, 2], wrong, wrong) == [10, 20]
    with pytest.raises(LayerwiseError, match="item 3: cannot be read"):
        computed_together(compute, [1, 3, 2], wrong, wrong)


def test_a_fault_of_a_batch_alone_is_computed_one_by_one():
    def compute(batch: list[int]) -> list[int]:
        if len(batch) > 1:
            raise LayerwiseError("too many")
        return batch

    assert computed_together(compute, [1, 2], wrong, wrong) == [1, 2]


def test_too_little_memory_is_the_fault_of_one_item_only_where_it_is_alone():
    def compute(batch: list[int]) -> list[int]:
        raise torch.cuda.OutOfMemoryError

    with pytest.raises(torch.cuda.OutOfMemoryError):
        computed_together(compute, [1, 2], wrong, wrong)
    with pytest.raises(LayerwiseError, match="item 2: None"):
        computed_together(compute, [2], wrong, wrong)
