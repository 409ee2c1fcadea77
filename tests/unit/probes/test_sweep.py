"""Heads side by side: what they learn is real, is what each would learn alone, and survives a kill."""

from __future__ import annotations

from dataclasses import replace

import jiwer
import numpy as np
import pytest
import torch

from layerwise.layers import WEIGHTED
from layerwise.probes import batches
from layerwise.probes.answers import Utterances
from layerwise.probes.errors import ProbeError
from layerwise.probes.rates import rate
from layerwise.probes.sweep import Sweep
from planted_layers import (
    HEADS,
    LAYERS,
    PlantedLayers,
    assert_same_weights,
    labelled,
    planted,
    settings,
    spoken,
    states,
    trained,
)

KINDS = ["phones", "characters", "labels"]
pytestmark = pytest.mark.usefixtures("one_thread")


# What is planted is found


@pytest.mark.parametrize("informative", ["T0", "T2", "T3"])
def test_the_layer_that_holds_the_label_wins(informative):
    source, utterances = labelled(informative)
    sweep = trained(source, utterances, HEADS, settings("labels", steps=300, evaluate_every=50))
    counts, _, weights = sweep.test()
    values = {name: rate(found) for name, found in counts.items()}
    assert values[informative] > 0.85
    assert max(values[name] for name in LAYERS if name != informative) < 0.5
    assert values[WEIGHTED] > 0.6
    assert LAYERS[int(np.argmax(weights))] == informative
    assert max(weights) > 1.3 / len(LAYERS)
    assert sum(weights) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["phones", "characters"])
def test_the_layer_that_holds_the_sounds_wins(kind):
    source, utterances = spoken(kind, "T1")
    chosen = settings(kind, steps=300, evaluate_every=50, hidden=16, projection=16)
    sweep = trained(source, utterances, HEADS, chosen)
    counts, _, weights = sweep.test()
    values = {name: rate(found) for name, found in counts.items()}
    assert values["T1"] < 0.3
    assert min(values[name] for name in LAYERS if name != "T1") > values["T1"] + 0.4
    assert LAYERS[int(np.argmax(weights))] == "T1"


def test_noise_alone_teaches_nothing():
    source, utterances = labelled(signal=0.0)
    counts, _, weights = trained(source, utterances, HEADS, settings("labels", steps=200)).test()
    assert max(map(rate, counts.values())) < 0.5
    assert max(weights) < 0.4


# Side by side is as alone


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_becomes_what_it_becomes_alone(kind):
    source, utterances = planted(kind)
    chosen = settings(kind, steps=20, evaluate_every=10)
    together = trained(source, utterances, HEADS, chosen)
    for name in HEADS:
        alone_source = source if name == WEIGHTED else source.only(name)
        alone = trained(alone_source, utterances, [name], chosen)
        mine, other = states(together)[name], states(alone)[name]
        if name != WEIGHTED:  # a row that this head does not use has as many columns as there are layers
            mine, other = ({k: v for k, v in state.items() if k != "mixture"} for state in (mine, other))
        assert_same_weights(mine, other, 2e-5)
        steps, values, losses = zip(*together.progress.curves[name], strict=True)
        steps_alone, values_alone, losses_alone = zip(*alone.progress.curves[name], strict=True)
        assert steps == steps_alone
        assert values == pytest.approx(values_alone, abs=0.05)
        assert losses == pytest.approx(losses_alone, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_heads_that_stop_leave_the_others_as_they_were(kind):
    source, utterances = planted(kind)
    chosen = settings(kind, steps=20, evaluate_every=5)
    undisturbed = trained(source, utterances, HEADS, chosen)
    sweep = Sweep(source, utterances, HEADS, chosen)
    sweep._save = lambda: sweep.progress.step == 10 and sweep._heads.keep(["T1", "T3", WEIGHTED])
    sweep.train()
    assert sweep._heads.names == ["T1", "T3", WEIGHTED]
    for name in ("T1", "T3", WEIGHTED):
        assert_same_weights(states(sweep)[name], states(undisturbed)[name], 2e-5)
    assert sweep.progress.curves["T0"][-1][0] < 20


def test_first_weights_depend_on_the_seed_the_task_and_the_head():
    source, utterances = labelled()
    first = Sweep(source, utterances, HEADS, settings("labels"))._heads
    again = Sweep(source, utterances, ["T1"], settings("labels"))._heads
    assert_same_weights(first.state_of("T1"), again.state_of("T1"), 0)
    for other in (replace(settings("labels"), seed=4), replace(settings("labels"), task="another")):
        changed = Sweep(source, utterances, ["T1"], other)._heads
        assert not torch.equal(changed.state_of("T1")["project"], first.state_of("T1")["project"])
    assert not torch.equal(first.state_of("T0")["project"], first.state_of("T1")["project"])


def test_linear_heads_are_torchs_own():
    """The same first weights in torch's modules, its Adam and its clipping: the same training."""
    source, utterances = labelled()
    chosen = settings("labels", steps=8, evaluate_every=8, clip=0.2)
    sweep = Sweep(source, utterances, HEADS, chosen)
    start = sweep._heads.state_of("T2")
    modules = torch.nn.Sequential(torch.nn.Linear(source.width, 8), torch.nn.Linear(8, 4))
    with torch.no_grad():
        for module, name in zip(modules, ("project", "classify"), strict=True):
            module.weight.copy_(start[name].T)
            module.bias.copy_(start[f"{name}_bias"][0])
    optimiser = torch.optim.Adam(modules.parameters(), lr=chosen.learning_rate)
    for step in range(chosen.steps):
        batch = sweep.batches.batch(sweep.batches.rows(step))
        loss = torch.nn.functional.cross_entropy(modules(batch.frames[2]), batch.targets[:, 0])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(modules.parameters(), chosen.clip)
        optimiser.step()
    sweep.train()
    torch.testing.assert_close(states(sweep)["T2"]["project"], modules[0].weight.detach().T, rtol=0, atol=1e-5)
    torch.testing.assert_close(states(sweep)["T2"]["classify"], modules[1].weight.detach().T, rtol=0, atol=1e-5)


def test_means_over_time_are_enough_for_labels():
    """Linear, mean over the frames, linear: computed so, frame by frame, as on the mean."""
    _, utterances = labelled()
    generator = torch.Generator().manual_seed(1)
    lengths = [5 + row % 4 for row in range(len(utterances.parts))]
    frames = [torch.randn(len(LAYERS), n, 12, generator=generator) for n in lengths]
    sweep = Sweep(PlantedLayers([values.mean(1) for values in frames], True), utterances, HEADS, settings("labels"))
    rows = [0, 1, 2, 3]
    pooled = sweep._heads.logits(sweep.batches.batch(rows).frames)
    heads = sweep._heads
    for i, row in enumerate(rows):
        inputs = ((frames[row] - sweep.batches.centre) * sweep.batches.scale)[: len(LAYERS)]
        weights = heads.parameters["mixture"][-1].softmax(0)
        inputs = torch.cat([inputs, torch.einsum("l,lfd->fd", weights, inputs)[None]])  # (heads, frames, width)
        hidden = (inputs @ heads.parameters["project"] + heads.parameters["project_bias"]).mean(1, keepdim=True)
        unpooled = (hidden @ heads.parameters["classify"] + heads.parameters["classify_bias"])[:, 0]
        torch.testing.assert_close(pooled[:, i], unpooled, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["phones", "characters"])
def test_dividing_a_batch_changes_nothing(kind, monkeypatch):
    """Gradients of parts add up; padding is nobody's business."""
    source, utterances = spoken(kind)
    chosen = settings(kind, steps=6, evaluate_every=6, dropout=0.0)
    whole = trained(source, utterances, HEADS, chosen)
    monkeypatch.setattr(batches, "PIECE_SECONDS", {"cpu": 1.5})
    divided = Sweep(source, utterances, HEADS, chosen)
    assert len(divided.batches.pieces(divided.batches.rows(0))) > 3
    divided.train()
    for name in HEADS:
        assert_same_weights(states(whole)[name], states(divided)[name], 1e-4)


# Early stopping


def test_the_best_state_on_dev_is_what_is_tested():
    source, utterances = labelled(signal=1.0)
    sweep = trained(source, utterances, HEADS, settings("labels", steps=400, evaluate_every=20, learning_rate=3e-2))
    for name in HEADS:
        best = max(value for _, value, _ in sweep.progress.curves[name])
        assert sweep.progress.best[name]["value"] == best
        assert (sweep.progress.best[name]["step"], best) in [point[:2] for point in sweep.progress.curves[name]]
    assert any(best["step"] < 400 for best in sweep.progress.best.values())


def test_patience_ends_a_head():
    source, utterances = labelled(signal=0.5)
    chosen = settings("labels", steps=2000, evaluate_every=10, patience=3, learning_rate=3e-2)
    sweep = trained(source, utterances, HEADS, chosen)
    assert sweep._heads.names == []
    assert sweep.progress.step < 2000
    for name in HEADS:
        assert sweep.progress.curves[name][-1][0] == sweep.progress.best[name]["step"] + 30


# Going on after a kill


class Killed(BaseException):
    pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [7, 10, 33])
def test_a_killed_training_ends_with_the_same_numbers(kind, at, tmp_path):
    source, utterances = planted(kind)
    chosen = settings(kind, steps=40, evaluate_every=8, patience=3)
    undisturbed = trained(source, utterances, HEADS, chosen)
    first = Sweep(source, utterances, HEADS, chosen, state=tmp_path / "training.pt", fingerprint="x")
    update = first._update

    def killed(rows):
        if first.progress.step == at:
            raise Killed
        update(rows)

    first._update = killed
    with pytest.raises(Killed):
        first.train()
    second = Sweep(source, utterances, HEADS, chosen, state=tmp_path / "training.pt", fingerprint="x")
    steps = []
    update_again = second._update
    second._update = lambda rows: (steps.append(second.progress.step), update_again(rows))
    second.train()
    assert min(steps) == at // 10 * 10
    assert second.progress.curves == undisturbed.progress.curves
    for name in HEADS:
        assert_same_weights(states(second)[name], states(undisturbed)[name], 0)
    one, other = second.test(), undisturbed.test()
    assert one.answers == other.answers
    for name in HEADS:
        np.testing.assert_array_equal(one.counts[name], other.counts[name])


def test_a_state_of_other_settings_is_not_used(tmp_path, caplog):
    source, utterances = labelled()
    path = tmp_path / "training.pt"
    trained(source, utterances, HEADS, settings("labels", steps=20), state=path, fingerprint="x")
    caplog.set_level("INFO")
    other = trained(source, utterances, HEADS, settings("labels", steps=20), state=path, fingerprint="y")
    assert "is not used" in caplog.text
    assert other.progress.step == 20


# What goes wrong


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_explodes_names_its_head(kind):
    source, utterances = planted(kind)
    source._values = [
        torch.stack([*values[:1], torch.full_like(values[1], 3e38) * torch.sign(values[1]), *values[2:]])
        for values in source._values
    ]
    sweep = Sweep(source, utterances, HEADS[:-1], settings(kind, standardise=False))
    with pytest.raises(
        ProbeError, match=r"a-task, a-model: the loss of head T1 is not finite at step 1.*learning_rate"
    ):
        sweep.train()


def test_labels_that_training_lacks_count_as_wrong():
    source, utterances = labelled("T1", signal=6.0)
    test = utterances.rows("test")
    dev = utterances.rows("dev")
    for row in [*test[:8], *dev[:3]]:
        utterances.targets[row] = ("never heard of",)
    sweep = trained(source, utterances, ["T1"], settings("labels", steps=200))
    counts, _, _ = sweep.test()
    assert counts["T1"][:8, 0].sum() == 0
    assert rate(counts["T1"]) == pytest.approx(32 / 40, abs=0.06)
    assert sweep.answers.unseen(test) == 8
    assert sweep.answers.unseen(dev) == 3
    assert all(np.isfinite(loss) for _, _, loss in sweep.progress.curves["T1"])


@pytest.mark.parametrize("part", ["dev", "test"])
@pytest.mark.parametrize("kind", ["labels", "phones", "characters"])
def test_a_part_that_asks_for_nothing_that_training_has_is_refused(kind, part):
    """All heads would reach nothing, whatever their layers hold; one thing that can be right is enough."""
    parts = np.array(["train", "train", "dev", "dev", "test", "test"])
    source = PlantedLayers([torch.zeros(4, 3, 12)] * len(parts), pooled=kind == "labels")
    targets = [("A",), ("B",)] * 3
    for row in np.flatnonzero(parts == part):
        targets[row] = ("Z",)
    with pytest.raises(ProbeError, match=rf"nothing that {part} asks for \({kind}\) is in training"):
        Sweep(source, Utterances(parts, targets, np.full(6, 640)), ["T0"], settings(kind))
    targets[row] = ("A",)
    Sweep(source, Utterances(parts, targets, np.full(6, 640)), ["T0"], settings(kind))


def test_two_columns_are_learned_together():
    source, utterances = labelled("T2", signal=4.0)
    several = replace(utterances, targets=[(name, name[-1]) for (name,) in utterances.targets])
    counts, _, _ = trained(source, several, ["T0", "T2"], settings("labels", steps=200)).test()
    assert rate(counts["T2"]) > 0.85
    assert rate(counts["T0"]) < 0.5


def test_targets_longer_than_their_frames_are_counted_and_harm_nobody():
    source, utterances = spoken("phones")
    row = int(utterances.rows("train")[0])
    source._values[row] = source._values[row][:, :1]
    sweep = trained(source, utterances, HEADS, settings("phones", steps=20))
    assert sweep.progress.too_short == [row]
    assert all(np.isfinite(loss) for curve in sweep.progress.curves.values() for _, _, loss in curve)


def test_repeated_phones_need_a_frame_between():
    utterances = Utterances(np.array(["train", "dev"]), [("B", "B"), ("B",)], np.array([640, 640]))
    for frames, too_short in ((2, [0]), (3, [])):
        source = PlantedLayers([torch.zeros(4, frames, 12), torch.zeros(4, 3, 12)], pooled=False)
        sweep = Sweep(source, utterances, ["T0"], settings("phones", batch=1))
        sweep._count_too_short([0], sweep.batches.batch([0]))
        assert sweep.progress.too_short == too_short


def test_error_rates_are_jiwers():
    source, utterances = spoken("phones", signal=1.0)
    sweep = trained(source, utterances, ["T1"], settings("phones", steps=60))
    counts, _, _ = sweep.test()
    sweep._heads = sweep._new_heads(["T1"])
    sweep._heads.set_state(states(sweep))
    rows = utterances.rows("test")
    batch = sweep.batches.batch(rows)
    (answers,) = sweep.answers.decoded(sweep._heads.evaluate(batch)[1], batch.lengths)
    said = [" ".join(utterances.targets[row]) for row in rows]
    assert rate(counts["T1"]) == pytest.approx(jiwer.wer(said, [" ".join(answer) for answer in answers]), abs=1e-12)


# Progress


def test_training_says_how_far_it_is_and_how_good(progress, caplog):
    source, utterances = labelled()
    sweep = trained(source, utterances, HEADS, settings("labels", steps=4, evaluate_every=2, patience=9))
    assert [line for line in progress() if line.startswith("training")] == [
        f"training: {step} of at most 4 steps ({25 * step} %)" for step in (1, 2, 3)
    ]
    first, second, _ = (text for text in caplog.messages if text.startswith("training"))
    assert first.endswith(" left")
    values = {name: curve[0][1] for name, curve in sweep.progress.curves.items()}
    best = max(values, key=values.__getitem__)
    shown = dict.fromkeys([best, WEIGHTED])
    assert second.endswith(f" left, dev accuracy {', '.join(f'{name} {values[name]:.3f}' for name in shown)}")


def test_a_training_that_goes_on_counts_what_was_done(progress, tmp_path):
    source, utterances = labelled()
    chosen = settings("labels", steps=40)
    first = Sweep(source, utterances, HEADS, chosen, tmp_path / "training.pt", "x")
    first.batches.rows, rows = lambda step: rows(step) if step < 37 else 1 / 0, first.batches.rows
    with pytest.raises(ZeroDivisionError):
        first.train()
    before = len(progress())
    trained(source, utterances, HEADS, chosen, state=tmp_path / "training.pt", fingerprint="x")
    training = [line for line in progress()[before:] if line.startswith("training")]
    assert training[0] == "training: 31 of 40 steps (77 %)"
    assert len(training) == 9
