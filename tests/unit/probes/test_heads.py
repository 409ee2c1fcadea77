"""Heads as modules: their LSTMs are torch's bidirectional ones, and each loss is that of its own utterance."""

from __future__ import annotations

import io

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from layerwise.probes.head_shapes import Shape
from layerwise.probes.heads import make_heads
from layerwise.probes.losses import Batch, ctc_losses, label_losses
from layerwise.seeds import seed_of

pytestmark = pytest.mark.usefixtures("one_thread")

LENGTHS = torch.tensor([9, 4, 6])


def shape(kind: str = "characters", **changes) -> Shape:
    known = {"kind": kind, "layers": ("T0", "T1"), "width": 5, "classes": (7,), "projection": 6, "hidden": 4}
    return Shape(**(known | changes))


def batch(frames: torch.Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(2)
    frames = torch.randn(2, 3, 9, 5, generator=generator) if frames is None else frames
    targets = torch.tensor([[1, 2, 3], [4, 0, 0], [2, 2, 0]])
    return Batch(frames, LENGTHS, targets, torch.tensor([3, 1, 2]))


def test_lstms_are_torchs_bidirectional_ones():
    """With the same weights, on packed sequences."""
    heads = make_heads(shape(), ["T1"], "task", 1, 1e-3)
    module = heads._modules["T1"]
    values = module.project(batch().frames[1])
    for layer in (0, 2):
        both = torch.nn.LSTM(values.shape[-1], 4, batch_first=True, bidirectional=True)
        names = [name for name, _ in module.recurrent[layer].named_parameters()]
        with torch.no_grad():
            for name in names:
                getattr(both, name).copy_(getattr(module.recurrent[layer], name))
                getattr(both, f"{name}_reverse").copy_(getattr(module.recurrent[layer + 1], name))
        packed = pack_padded_sequence(values, LENGTHS, batch_first=True, enforce_sorted=False)
        values, _ = pad_packed_sequence(both(packed)[0], batch_first=True, total_length=9)
    expected = module.classify(values)
    found = module(batch().frames[1], LENGTHS, None)
    for i, length in enumerate(LENGTHS):
        torch.testing.assert_close(found[i, :length], expected[i, :length], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["phones", "characters"])
def test_what_lies_behind_an_utterance_is_nobodys_business(kind):
    heads = make_heads(shape(kind), ["T0", "T1", "weighted"], "task", 1, 1e-3)
    disturbed = batch().frames.clone()
    for i, length in enumerate(LENGTHS):
        disturbed[:, i, length:] = 100.0
    losses, _ = heads.evaluate(batch())
    others, _ = heads.evaluate(batch(disturbed))
    torch.testing.assert_close(losses, others, rtol=0, atol=1e-5)


def test_ctc_losses_are_those_of_each_utterance():
    logits = torch.randn(2, 3, 9, 7, generator=torch.Generator().manual_seed(1))
    found = ctc_losses(logits, batch())
    for head in range(2):
        for i, (frames, size) in enumerate(zip(LENGTHS, batch().target_lengths, strict=True)):
            expected = torch.nn.functional.ctc_loss(
                logits[head, i, :frames].log_softmax(-1),
                batch().targets[i, :size],
                (int(frames),),
                (int(size),),
            )
            assert found[head, i].item() == pytest.approx(expected.item(), abs=1e-5)


def test_a_target_without_a_path_has_no_loss():
    short = batch()._replace(lengths=torch.tensor([2, 4, 6]))
    logits = torch.randn(1, 3, 9, 7, requires_grad=True)
    losses = ctc_losses(logits, short)
    assert losses[0, 0] == 0
    assert (losses[0, 1:] > 0).all()
    losses.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0].abs().max() == 0


def test_losses_of_columns_add_up_and_unknown_labels_have_none():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([[0, 1], [2, -1], [-1, -1]])
    of = batch()._replace(targets=targets)
    found = label_losses(logits, of, (3, 2))
    logs = logits[..., :3].log_softmax(-1), logits[..., 3:].log_softmax(-1)
    torch.testing.assert_close(found[:, 0], -logs[0][:, 0, 0] - logs[1][:, 0, 1])
    torch.testing.assert_close(found[:, 1], -logs[0][:, 1, 2])
    assert found[:, 2].abs().max() == 0


def test_threads_change_no_number():
    one, several = (make_heads(shape(dropout=0.5), ["T0", "T1", "weighted"], "t", 1, 1e-2, threads=n) for n in (1, 3))
    for heads in (one, several):
        for step in range(3):
            heads.add_gradients(batch(), 1.0, (step, 0))
            heads.update(1.0)
    for name in one.names:
        for key, value in one.state_of(name).items():
            assert torch.equal(value, several.state_of(name)[key]), (name, key)


def test_dropout_is_another_in_every_step_and_none_in_evaluation():
    heads = make_heads(shape(dropout=0.5), ["T0"], "t", 1, 1e-2)
    first, again, other = (heads.add_gradients(batch(), 1.0, draw) for draw in ((0, 0), (0, 0), (1, 0)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(heads.evaluate(batch())[0], heads.evaluate(batch())[0])


def batch_of(kind: str) -> Batch:
    if kind != "labels":
        return batch()
    return batch()._replace(frames=batch().frames.mean(2), targets=torch.tensor([[1], [4], [-1]]))


def stored(state: dict) -> dict:
    """As it comes back from a file."""
    with io.BytesIO() as file:
        torch.save(state, file)
        file.seek(0)
        return torch.load(file)


@pytest.mark.parametrize("kind", ["labels", "phones", "characters"])
@pytest.mark.parametrize("left", [["T0", "T1", "weighted"], ["T1", "weighted"], ["T0"]])
def test_heads_go_on_from_where_they_were_when_others_have_stopped(kind, left):
    """What is restored was made for all of them, as a job that starts anew makes it."""

    def steps(heads, numbers):
        for number in numbers:
            heads.add_gradients(batch_of(kind), 1.0, (number, 0))
            heads.update(0.5)

    undisturbed, again = (
        make_heads(shape(kind, dropout=0.5), ["T0", "T1", "weighted"], "t", 1, rate) for rate in (1e-2, 1e-2)
    )
    steps(undisturbed, range(2))
    undisturbed.keep(left)
    steps(undisturbed, [2])
    again.restore(stored(undisturbed.state()))
    steps(undisturbed, [3, 4])
    steps(again, [3, 4])
    assert again.names == undisturbed.names == left
    for name in left:
        for key, value in undisturbed.state_of(name).items():
            assert torch.equal(value, again.state_of(name)[key]), (name, key)
    for one, other in zip(undisturbed.evaluate(batch_of(kind)), again.evaluate(batch_of(kind)), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["labels", "phones", "characters"])
def test_first_weights_fill_what_torch_would_fill(kind):
    """Uniform to 1/√fan on either side (torch.nn.Linear, torch.nn.LSTM), about 0."""
    wanted = {"width": 100, "projection": 25, "hidden": 16, "classes": (30,)}
    heads = make_heads(shape(kind, **wanted), ["T0"], "t", 1, 1e-2)
    fans = {"project": 100, "classify": 32 if kind == "characters" else 25, "recurrent": 16}
    for key, value in heads.state_of("T0").items():
        part = next((part for part in fans if key.startswith(part)), None)
        if part:
            bound = fans[part] ** -0.5
            assert value.abs().max() <= bound, key
            assert value.max() > 0.8 * bound, key
            assert value.min() < -0.8 * bound, key


@pytest.mark.parametrize("kind", ["labels", "phones", "characters"])
def test_a_head_weighs_the_layers_evenly_at_first(kind):
    heads = make_heads(shape(kind), ["T0", "weighted"], "t", 1, 1e-2)
    assert heads.layer_weights() == pytest.approx([0.5, 0.5])


def test_seeds_differ_by_every_part():
    seeds = {seed_of(*parts) for parts in [(1, "a", "T0"), (2, "a", "T0"), (1, "b", "T0"), (1, "a", "T1")]}
    assert len(seeds) == 4
