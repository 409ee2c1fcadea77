"""Training of small models: it learns, it is seeded, and a kill costs nothing but time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.objectives import MASK_FRAMES, Crops, make_objective, masks_of
from layerwise.demo.practice_speech import HOP, WINDOW, Speech
from layerwise.demo.pretraining import Drawn, PretrainingError, Recipe, pretrain
from layerwise.files.shipped import ROOT
from layerwise.models.checkpoints import LOSSES, TRAINING
from layerwise.models.loading import load_folder
from tiny_models import CATALOGUE, speech

CONTRASTIVE, UNITS = "masked contrastive", "masked unit prediction"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
POST_NORM = CATALOGUE["demo-wav2vec2"]["architecture"] | SMALL | {"conv_dim": [16] * 7}
PRE_NORM = CATALOGUE["demo-wav2vec2-prenorm"]["architecture"] | SMALL | {"conv_dim": [16] * 7}
HUBERT = POST_NORM | {"model_type": "hubert"}
RECIPE = Recipe(6, 2, 0.8, 1e-3, 0.2, 5.0, 2)
KINDS = {"post-norm": (CONTRASTIVE, POST_NORM), "pre-norm": (CONTRASTIVE, PRE_NORM), "units": (UNITS, HUBERT)}


def spoken(seconds: float, seed: int) -> Speech:
    samples = (speech(seconds, seed) * 32768).astype(np.int16)
    samples = samples[: len(samples) // HOP * HOP]
    return Speech(samples, np.array([len(samples)]), np.array(["one two"]))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Paths of speech and of its units, of both parts: the louder half of frames is unit 1."""
    folder = tmp_path_factory.mktemp("data")
    for part, seed in (("train", 1), ("held_out", 2)):
        said = spoken(6, seed)
        said.save(folder / f"{part}.npz")
        energy = np.abs(said.samples.astype(float)).reshape(-1, HOP).mean(axis=1)
        np.save(folder / f"{part}.npy", (energy > np.median(energy)).astype(np.int16))
    return folder


def arguments(data, folder, kind="post-norm", recipe=RECIPE, **changes) -> dict:
    objective, architecture = KINDS[kind]
    units = tuple(data / f"{part}.npy" for part in ("train", "held_out")) if objective == UNITS else None
    return {
        "name": "small",
        "objective": objective,
        "architecture": architecture,
        "recipe": recipe,
        "seed": 1,
        "speech": (data / "train.npz", data / "held_out.npz"),
        "units": units,
        "out": folder / "model",
        "state": folder / "state.pt",
        "code": "code",
    } | changes


def weights(folder) -> dict:
    return load_folder(folder / "model").module.state_dict()


def losses(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "model" / LOSSES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_folder_is_a_checkpoint_that_can_be_analysed(data, tmp_path, kind):
    pretrain(**arguments(data, tmp_path, kind))
    layers = load_folder(tmp_path / "model").layers(speech(1.0))
    assert list(layers)[-3:] == ["T0", "T1", "T2"]
    assert layers["T2"].dtype == np.float32
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["dtype"] == "float16"
    preprocessor = json.loads((tmp_path / "model/preprocessor_config.json").read_text())
    assert preprocessor["do_normalize"] == (kind == "pre-norm")
    assert list(losses(tmp_path)["step"]) == [2, 4, 6]
    about = json.loads((tmp_path / "model" / TRAINING).read_text())
    assert about["hardware"].endswith("threads: 1")
    assert about["train_minutes"] == pytest.approx(0.1)
    assert not (tmp_path / "state.pt").exists()


@pytest.mark.parametrize(("kind", "rate"), [("pre-norm", 1e-2), ("units", 3e-3)])  # post-norm needs hundreds of steps
def test_the_held_out_loss_falls(data, tmp_path, kind, rate):
    pretrain(**arguments(data, tmp_path, kind, replace(RECIPE, steps=60, evaluate_every=5, learning_rate=rate)))
    curve = losses(tmp_path)["held_out"]
    assert curve.iloc[-1] < curve.iloc[0] - 0.02


def test_the_same_seed_gives_the_same_model(data, tmp_path):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        pretrain(**arguments(data, tmp_path / name, seed=seed))
    one, same, other = (weights(tmp_path / name) for name in ("one", "same", "other"))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


PROGRAM = """
import json, sys
from pathlib import Path
from layerwise.demo.pretraining import Recipe, pretrain
given = json.loads(sys.argv[1])
paths = {key: tuple(map(Path, given[key])) for key in ("speech", "units") if given[key]}
pretrain(**given | {"units": None} | paths | {"recipe": Recipe(**given["recipe"])}
         | {key: Path(given[key]) for key in ("out", "state")})
"""


@pytest.mark.parametrize("kind", ["post-norm", "units"])
def test_a_killed_training_ends_with_the_same_model(data, tmp_path, kind):
    recipe = replace(RECIPE, steps=60)
    pretrain(**arguments(data, tmp_path / "whole", kind, recipe))
    given = arguments(data, tmp_path / "killed", kind, recipe)
    asked = json.dumps(given | {"recipe": asdict(recipe)}, default=str)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, asked], env={"PYTHONPATH": str(ROOT / "workflow")})
    while not given["state"].is_file() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not given["out"].exists()
    assert given["state"].is_file()

    done = torch.load(given["state"], weights_only=True)["step"]
    assert 0 < done < recipe.steps
    pretrain(**given)
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[key], killed[key]) for key in whole)
    curves = [losses(tmp_path / name) for name in ("whole", "killed")]
    pd.testing.assert_frame_equal(*(curve.drop(columns="seconds") for curve in curves))
    assert curves[1]["seconds"].is_monotonic_increasing


@pytest.mark.parametrize("change", [{"code": "new"}, {"seed": 3}, {"recipe": replace(RECIPE, learning_rate=2e-3)}])
def test_a_state_of_other_settings_is_not_used(data, tmp_path, change, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("layerwise.demo.pretraining.Drawn.batch", stopped_after(12))
        with pytest.raises(KeyboardInterrupt):
            pretrain(**arguments(data, tmp_path))
    assert (tmp_path / "state.pt").is_file()
    pretrain(**arguments(data, tmp_path, **change))
    pretrain(**arguments(data, tmp_path / "fresh", **change))
    one, fresh = weights(tmp_path), weights(tmp_path / "fresh")
    assert all(torch.equal(one[key], fresh[key]) for key in one)


def stopped_after(batches: int):
    """Drawing of batches, trained on and held out, which ends like this."""
    batch, drawn = Drawn.batch, []

    def until(self, number):
        drawn.append(number)
        if len(drawn) > batches:
            raise KeyboardInterrupt
        return batch(self, number)

    return until


def test_a_state_that_is_cut_off_is_not_used(data, tmp_path):
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 and no more")
    pretrain(**arguments(data, tmp_path))
    assert list(losses(tmp_path)["step"]) == [2, 4, 6]


def test_a_loss_that_is_not_finite_ends_the_training(data, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "layerwise.demo.objectives.Contrastive.forward", lambda self, crops: crops.waveforms.sum() * np.nan
    )
    with pytest.raises(PretrainingError, match=r"small: the loss of step 1 is nan: a smaller learning_rate"):
        pretrain(**arguments(data, tmp_path))
    assert not (tmp_path / "model").exists()


def test_units_belong_to_the_frames_of_a_crop(data):
    said = Speech.read(data / "train.npz")
    drawn = Drawn(said, np.arange(len(said.samples) // HOP), RECIPE, make_objective(UNITS, HUBERT, 2), seed=1)
    crops = drawn.batch(1)
    frames = (round(RECIPE.crop_seconds * SAMPLE_RATE) - WINDOW) // HOP + 1
    assert crops.units.shape == crops.mask.shape == (2, frames)
    for waveform, units in zip(crops.waveforms.numpy(), crops.units.numpy(), strict=True):
        assert (np.diff(units) == 1).all()
        np.testing.assert_array_equal(waveform * 32768, said.samples[units[0] * HOP :][: len(waveform)])


def test_negatives_are_masked_frames_of_the_same_crop():
    objective = make_objective(CONTRASTIVE, POST_NORM)
    mask, negatives = masks_of(objective, 3, 60, seed=5)
    assert mask.sum(dim=1).min() >= MASK_FRAMES
    assert negatives.shape == (3, 60, objective.negatives)
    for crop in range(3):
        of_masked = negatives[crop][mask[crop]]
        assert (of_masked // 60 == crop).all()
        assert mask[crop][of_masked % 60].all()
    again = masks_of(objective, 3, 60, seed=5)
    assert torch.equal(mask, again[0])
    assert torch.equal(negatives, again[1])


def test_gumbels_temperature_falls_and_stays():
    objective = make_objective(CONTRASTIVE, POST_NORM)
    temperatures = []
    for share in (0.0, 0.3, 0.6, 1.0):
        objective.advance(share)
        temperatures.append(objective.model.quantizer.temperature)
    assert temperatures == pytest.approx([2.0, 1.0, 0.5, 0.5])


def test_an_unknown_objective_is_refused():
    with pytest.raises(ValueError, match="'latent regression' is no objective"):
        make_objective("latent regression", HUBERT, 2)


def test_the_loss_of_units_is_that_of_a_plain_computation():
    torch.manual_seed(1)
    objective = make_objective(UNITS, HUBERT, 7).eval()
    waveforms = torch.from_numpy(np.stack([speech(0.5, 1), speech(0.5, 2)]))
    mask, _ = masks_of(objective, 2, 24, seed=1)
    units = torch.arange(48).reshape(2, 24) % 7
    with torch.no_grad():
        loss = objective(Crops(waveforms, mask, units=units)).item()
        hidden = objective.project(objective.backbone(waveforms, mask_time_indices=mask).last_hidden_state)
    total = []
    for crop, frame in mask.nonzero():
        cosines = torch.nn.functional.cosine_similarity(hidden[crop, frame], objective.embeddings, dim=-1) / 0.1
        total.append(-torch.log_softmax(cosines, dim=0)[units[crop, frame]].item())
    assert loss == pytest.approx(np.mean(total), rel=1e-4)


def test_training_says_how_far_it_is(data, tmp_path, progress, caplog):
    pretrain(**arguments(data, tmp_path))
    assert progress() == [f"training: {step} of 6 steps ({100 * step // 6} %)" for step in range(1, 6)]
    noted = [text.partition(" left")[2] for text in caplog.messages if "%" in text]
    first, second, _ = losses(tmp_path)["held_out"]
    assert noted == ["", *[f", held-out loss {first:.4f}"] * 2, *[f", held-out loss {second:.4f}"] * 2]
