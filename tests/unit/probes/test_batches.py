"""Batches: every utterance once an epoch, layers brought to one scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from layerwise.probes.sweep import Sweep
from planted_layers import PARTS, PlantedLayers, assert_same_weights, labelled, settings, states, trained

pytestmark = pytest.mark.usefixtures("one_thread")


def test_an_epoch_has_every_utterance_once():
    source, utterances = labelled()
    sweep = Sweep(source, utterances, ["T0"], settings("labels", batch=15))
    first = np.concatenate([sweep.batches.rows(step) for step in range(4)])
    second = np.concatenate([sweep.batches.rows(step) for step in range(4, 8)])
    assert sorted(first) == sorted(second) == list(range(PARTS["train"]))
    assert list(first) != list(second)


def test_small_training_parts_make_one_batch():
    source, utterances = labelled()
    sweep = Sweep(source, utterances, ["T0"], settings("labels", batch=1000))
    assert len(sweep.batches.rows(5)) == PARTS["train"]


def test_standardised_layers_do_not_depend_on_scale_and_offset():
    source, utterances = labelled("T1")
    scaled = PlantedLayers([values * 1000 + 77 for values in source._values], pooled=True)
    chosen = settings("labels", steps=20)
    one, other = (trained(found, utterances, ["T1"], chosen) for found in (source, scaled))
    assert_same_weights(states(one)["T1"], states(other)["T1"], 1e-3)


def test_a_dimension_without_variance_is_left_at_zero():
    source, utterances = labelled("T1")
    for values in source._values:
        values[:, 3] = 0.3
    batch = Sweep(source, utterances, ["T1"], settings("labels")).batches.batch([0, 1])
    assert batch.frames[..., 3].abs().max() == 0
    assert torch.isfinite(batch.frames).all()
