"""Targets in numbers, and outputs as answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from layerwise.probes.answers import Answers, Utterances
from layerwise.probes.kinds import KINDS
from planted_layers import labelled


def test_every_column_has_to_be_right():
    _, utterances = labelled()
    several = replace(
        utterances, targets=[(target[0], "on" if row % 2 else "off") for row, target in enumerate(utterances.targets)]
    )
    answers = Answers(KINDS["labels"], several)
    assert answers.outputs == (4, 2)
    rows = list(range(4))
    right = [several.targets[row] for row in rows]
    wrong_second = [(first, "on") for first, _ in right]
    assert answers.counts(rows, right)[:, 0].tolist() == [1, 1, 1, 1]
    assert answers.counts(rows, wrong_second)[:, 0].tolist() == [0, 1, 0, 1]


def test_the_most_likely_path_is_read_as_ctc_says():
    utterances = Utterances(np.array(["train"]), [("AA", "B", "K")], np.array([1]))
    answers = Answers(KINDS["phones"], utterances)
    path = [0, 1, 1, 0, 1, 2, 2, 0, 0, 3, 3]
    logits = torch.nn.functional.one_hot(torch.tensor([[path, path]]), 4).float()
    assert answers.decoded(logits, torch.tensor([11, 5])) == [[("AA", "AA", "B", "K"), ("AA", "AA")]]


def test_characters_become_words():
    utterances = Utterances(np.array(["train"]), [("A", "CAB")], np.array([1]))
    answers = Answers(KINDS["characters"], utterances)
    assert answers.classes == [[" ", "A", "B", "C"]]
    assert answers.encoded(0) == [2, 1, 4, 2, 3]
    logits = torch.nn.functional.one_hot(torch.tensor([[[1, 2, 1, 1, 4, 2, 2, 3, 1]]]), 5).float()
    assert answers.decoded(logits, torch.tensor([9])) == [[("A", "CAB")]]
