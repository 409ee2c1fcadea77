"""Frozen layers: those of the model, in one pass, kept across a kill."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from layerwise.models.loading import load_folder
from layerwise.probes.layers import FrozenError, FrozenLayers, KeptLayers
from planted_layers import PlantedLayers
from tiny_models import NAMES, make, speech

SECONDS = [0.4, 0.9, 0.6, 0.3]


@pytest.fixture(scope="module", params=NAMES)
def model(request, tmp_path_factory):
    return load_folder(make(request.param, tmp_path_factory.mktemp("models") / request.param))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    waveforms = [speech(seconds, seed) for seed, seconds in enumerate(SECONDS)]
    for i, waveform in enumerate(waveforms):
        soundfile.write(folder / f"{i}.wav", waveform, 16_000, subtype="FLOAT")
    return [folder / f"{i}.wav" for i in range(len(waveforms))], waveforms


def blocks(model) -> list[str]:
    return [name for name in model.layer_names if name.startswith("T")]


def frozen(model, recordings, pooled: bool, **options) -> FrozenLayers:
    paths, waveforms = recordings
    return FrozenLayers(model, blocks(model), paths, [len(w) for w in waveforms], pooled=pooled, **options)


def test_layers_are_the_models(model, recordings):
    source = frozen(model, recordings, pooled=False)
    for waveform, found in zip(recordings[1], source.of(range(4)), strict=True):
        expected = model.layers(waveform)
        assert found.shape == (len(blocks(model)), *expected["T0"].shape)
        for name, values in zip(blocks(model), found, strict=True):
            np.testing.assert_allclose(values.numpy(), expected[name], rtol=0, atol=1e-6)
    assert source.width == expected["T0"].shape[1]


def test_pooled_layers_are_means_over_time(model, recordings):
    whole = frozen(model, recordings, pooled=False).of([2, 0])
    for values, mean in zip(whole, frozen(model, recordings, pooled=True).of([2, 0]), strict=True):
        torch.testing.assert_close(mean, values.mean(1), rtol=0, atol=1e-6)


def test_threads_change_no_number(model, recordings):
    one, several = (frozen(model, recordings, pooled=False, threads=n).of([3, 1, 0, 2]) for n in (1, 3))
    assert all(torch.equal(a, b) for a, b in zip(one, several, strict=True))


def test_tensors_of_a_batch_are_those_of_one(model, recordings):
    names = blocks(model)[1:3]
    for waveform, found in zip(recordings[1], model.tensors_of(recordings[1], names), strict=True):
        torch.testing.assert_close(found, model.tensors_of([waveform], names)[0], rtol=0, atol=1e-4)
        assert not found.requires_grad


def test_what_can_be_learned_from_is_no_inference_tensor(model, recordings):
    (values,) = frozen(model, recordings, pooled=False).of([0])
    weight = torch.ones(values.shape[-1], requires_grad=True)
    (values @ weight).sum().backward()
    assert torch.isfinite(weight.grad).all()


def test_size_is_estimated(model, recordings):
    source = frozen(model, recordings, pooled=False)
    actual = sum(values.numel() * 4 for values in source.of(range(4)))
    assert source.estimated_bytes(range(4)) == pytest.approx(actual, rel=0.1)
    assert frozen(model, recordings, pooled=True).estimated_bytes([0]) == len(blocks(model)) * source.width * 4


def test_missing_and_short_recordings_are_named(model, recordings, tmp_path):
    paths = [*recordings[0], tmp_path / "gone.wav"]
    samples = [*map(len, recordings[1]), 99999]
    source = FrozenLayers(model, blocks(model), paths, samples, pooled=True)
    with pytest.raises(FrozenError, match=r"gone\.wav"):
        source.of([0, 4])
    soundfile.write(tmp_path / "short.wav", np.zeros(40, np.float32), 16_000)
    with pytest.raises(FrozenError, match=r"short\.wav: 40 samples are too short"):
        FrozenLayers(model, blocks(model), [tmp_path / "short.wav"], [40], pooled=True)


def test_layers_that_are_not_finite_are_named(recordings, tmp_path):
    model = load_folder(make(NAMES[0], tmp_path / "model"))
    with torch.no_grad():
        model.module.encoder.layers[1].final_layer_norm.weight.fill_(float("nan"))
    with pytest.raises(FrozenError, match=r"3\.wav: layer T2 holds NaN or infinity"):
        frozen(model, recordings, pooled=True)


# Kept between epochs


def planted(pooled: bool, count: int = 200) -> PlantedLayers:
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 12) if pooled else (4, 3 + i % 5, 12) for i in range(count)]
    return PlantedLayers([torch.randn(*shape, generator=generator) for shape in shapes], pooled)


@pytest.mark.parametrize("pooled", [True, False])
def test_kept_layers_are_what_was_computed(tmp_path, pooled):
    source = planted(pooled)
    kept = KeptLayers(source, range(150), tmp_path)
    assert source.asked == 150
    rows = [7, 149, 0, 180, 7]
    for row, found in zip(rows, kept.of(rows), strict=True):
        assert torch.equal(found, source._values[row])
    assert source.asked == 151  # one that is not kept
    assert (kept.layers, kept.width, kept.pooled) == (source.layers, source.width, pooled)


def test_a_killed_job_goes_on_with_what_it_has(tmp_path):
    source = planted(False)
    give = source.of

    def killed(rows):
        if source.asked >= 128:
            raise KeyboardInterrupt
        return give(rows)

    source.of = killed
    with pytest.raises(KeyboardInterrupt):
        KeptLayers(source, range(200), tmp_path)
    # Within half a minute nothing is noted; as if the job had lasted longer:
    fresh = planted(False)
    first = KeptLayers(fresh, range(130), tmp_path)
    assert fresh.asked == 130
    with (tmp_path / "layers.f32").open("ab") as stream:
        stream.write(b"half of a record")
    again = planted(False)
    second = KeptLayers(again, range(200), tmp_path)
    assert again.asked == 70
    for row in (0, 129, 130, 199):
        assert torch.equal(second.of([row])[0], again._values[row])
    assert torch.equal(first.of([5])[0], again._values[5])


def test_layers_that_are_kept_say_how_far_they_are(tmp_path, progress):
    KeptLayers(planted(False), range(130), tmp_path)
    assert progress() == [
        f"computing layers: {done} of 130 utterances ({part} %)" for done, part in ((64, 49), (128, 98))
    ]
    KeptLayers(planted(False), range(200), tmp_path)
    assert progress()[2:] == ["computing layers: 194 of 200 utterances (97 %)"]
