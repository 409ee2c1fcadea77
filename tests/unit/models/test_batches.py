"""Utterances that are computed together have the layers that they have alone."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.models.anatomy import WaveformError
from layerwise.models.loading import load_folder
from tiny_architectures import ARCHITECTURES, make_architecture
from tiny_models import speech
from tiny_originals import settings, weights, write

ORIGINALS = ["av_hubert", "fast_vgs"]
SECONDS = [0.05, 1.3, 0.31, 0.31, 2.0, 0.06, 1.29]
CLOSE = {"rtol": 0, "atol": 1e-4}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=[*ARCHITECTURES, *ORIGINALS])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / request.param
    if request.param in ARCHITECTURES:
        return load_folder(make_architecture(request.param, folder))
    values = settings(encoder_layers=2)
    return load_folder(write(request.param, folder, values, weights(request.param, values)))


def waveforms(model, seconds=SECONDS) -> list[np.ndarray]:
    """Loud and quiet, none too short for the model."""
    made = [speech(length, seed=seed) / (1 + seed) for seed, length in enumerate(seconds)]
    return [waveform for waveform in made if waveform.size >= model.min_samples]


def same(found, expected, **tolerance) -> None:
    assert list(found) == list(expected)
    for layer in expected:
        assert found[layer].dtype == np.float32
        np.testing.assert_allclose(found[layer], expected[layer], err_msg=layer, **tolerance)


def test_together_as_alone(model):
    given = waveforms(model)
    assert len(given) >= 5
    together = model.layers_of(given)
    for waveform, layers in zip(given, together, strict=True):
        same(layers, model.layers(waveform), **CLOSE)


def test_alone_again_after_a_batch(model):
    """No mask of the batch is left."""
    given = waveforms(model)
    before = model.layers(given[0])
    model.layers_of(given)
    same(model.layers(given[0]), before, rtol=0, atol=0)


def test_what_stands_beside_does_not_matter(model):
    """Nor the order."""
    given = waveforms(model)
    first = model.layers_of(given[:3])
    other = model.layers_of([given[4], given[2], given[0]])
    same(other[2], first[0], **CLOSE)
    same(other[1], first[2], **CLOSE)


def test_half_a_minute_beside_the_shortest(model):
    given = [speech(35.0, seed=1), speech(0.06, seed=2), speech(35.0, seed=3)[:-7000]]
    for layers, waveform in zip(model.layers_of(given), given, strict=True):
        same(layers, model.layers(waveform), **CLOSE)


def test_no_waveforms(model):
    assert model.layers_of([]) == []


def test_waveform_that_cannot_be_taken_spoils_the_batch(model):
    with pytest.raises(WaveformError, match="too short for one frame"):
        model.layers_of([speech(1.0), speech(1.0)[: model.min_samples - 1]])


def test_shortest_waveform_has_a_frame(model):
    layers = model.layers(speech(1.0)[: model.min_samples])
    assert {len(rows) for layer, rows in layers.items() if layer.startswith("T")} == {1}


def test_bfloat16_is_near(model):
    """Near, since its products have eight bits; not the same, since it is computed with it."""
    given = waveforms(model)
    for exact, near in zip(model.layers_of(given), model.layers_of(given, compute="bfloat16"), strict=True):
        for layer, rows in near.items():
            assert rows.dtype == np.float32
            assert np.linalg.norm(rows - exact[layer]) < 0.1 * np.linalg.norm(exact[layer]), layer
        last = model.layer_names[-1]
        assert not np.array_equal(near[last], exact[last])
