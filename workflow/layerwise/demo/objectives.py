"""What a model is trained to do: tell a masked frame from others, or name its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoConfig, HubertModel, PreTrainedModel, Wav2Vec2ForPreTraining
from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices

MASK_FRAMES = 10  # that one mask covers, 0.2 s, as in wav2vec 2.0 and HuBERT


@dataclass(frozen=True)
class Crops:
    """Stretches of speech for one step.

    Attributes:
        waveforms: (batch, samples) float32.
        mask: (batch, frames) bool, what the model does not see.
        negatives: (batch, frames, n) int64, for the contrastive objective: frames of the batch, flattened.
        units: (batch, frames) int64, for masked units.
    """

    waveforms: torch.Tensor
    mask: torch.Tensor
    negatives: torch.Tensor | None = None
    units: torch.Tensor | None = None

    def to(self, device: str) -> Crops:
        return Crops(*(None if part is None else part.to(device) for part in vars(self).values()))


class Contrastive(torch.nn.Module):
    """Masked contrastive training as in wav2vec 2.0 (Baevski et al. 2020), by transformers' own model and loss.

    The loss is the mean over masked frames of the contrastive loss (equation 3) and a tenth of the diversity loss
    (equation 4). The temperature of Gumbel's softmax falls exponentially from 2 to 0.5 in the first 60 % of training.
    """

    masked_share = 0.65
    negatives = 25

    def __init__(self, architecture: Mapping, units: int = 0) -> None:  # which it learns by itself
        super().__init__()
        self.model = Wav2Vec2ForPreTraining(
            _config(
                architecture,
                num_codevector_groups=2,
                num_codevectors_per_group=32,
                codevector_dim=64,
                proj_codevector_dim=64,
                num_negatives=self.negatives,
                diversity_loss_weight=0.1,
                contrastive_logits_temperature=0.1,
            )
        )

    @property
    def backbone(self) -> PreTrainedModel:
        return self.model.wav2vec2

    def advance(self, share: float) -> None:
        """Told before each step which share of training is done."""
        self.model.set_gumbel_temperature(max(2.0 * 0.25 ** (share / 0.6), 0.5))

    def forward(self, crops: Crops) -> torch.Tensor:
        made = self.model(crops.waveforms, mask_time_indices=crops.mask, sampled_negative_indices=crops.negatives)
        return made.loss / crops.mask.sum()


class MaskedUnits(torch.nn.Module):
    """Masked prediction of units as in HuBERT (Hsu et al. 2021): cosines to unit embeddings over 0.1, at masked frames.

    transformers has HuBERT's model, but not its training.
    """

    masked_share = 0.8
    negatives = 0

    def __init__(self, architecture: Mapping, units: int) -> None:
        super().__init__()
        self.backbone = HubertModel(_config(architecture))
        self.project = torch.nn.Linear(self.backbone.config.hidden_size, 64)
        self.embeddings = torch.nn.Parameter(torch.empty(units, 64).uniform_())

    def advance(self, share: float) -> None:
        """Told before each step which share of training is done; nothing here depends on it."""

    def forward(self, crops: Crops) -> torch.Tensor:
        made = self.backbone(crops.waveforms, mask_time_indices=crops.mask).last_hidden_state
        said = functional.normalize(self.project(made[crops.mask]))  # (masked frames, 64)
        cosines = said @ functional.normalize(self.embeddings).T  # (masked frames, units)
        return functional.cross_entropy(cosines / 0.1, crops.units[crops.mask])


Objective = Contrastive | MaskedUnits
OBJECTIVES = {
    "masked contrastive": Contrastive,
    "masked unit prediction": MaskedUnits,
}  # as resources/models.yaml has them


def make_objective(name: str, architecture: Mapping, units: int = 0) -> Objective:
    """A model with fresh weights, and what it is trained to do.

    Args:
        name: one of `OBJECTIVES`.
        units: how many there are to be predicted; 0 for the contrastive objective.
    """
    if name not in OBJECTIVES:
        raise ValueError(f"{name!r} is no objective; expected {' or '.join(map(repr, OBJECTIVES))}")
    return OBJECTIVES[name](architecture, units)


def masks_of(objective: Objective, batch: int, frames: int, seed: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What transformers' code draws for a batch: masked frames, and negatives where the objective has some."""
    np.random.seed(seed)  # noqa: NPY002 (the generator that transformers draws from)
    mask = _compute_mask_indices((batch, frames), objective.masked_share, MASK_FRAMES, min_masks=2)
    negatives = None
    if objective.negatives:
        negatives = torch.from_numpy(_sample_negative_indices((batch, frames), objective.negatives, mask))
    return torch.from_numpy(mask), negatives


def _config(architecture: Mapping, **values: Any) -> Any:
    given = dict(architecture)
    # Little training on much speech: nothing is dropped.
    dropped = {f"{name}_dropout": 0.0 for name in ("hidden", "attention", "activation", "feat_proj")}
    return AutoConfig.for_model(given.pop("model_type"), **given, **dropped, layerdrop=0.0, **values)
