"""Original checkpoints as modules of transformers, each parameter filled from the file or the checkpoint refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import torch
from transformers import CONFIG_MAPPING, MODEL_MAPPING

from layerwise.models.anatomy import Anatomy, ModelError
from layerwise.models.architectures import waveform_model
from layerwise.models.originals.family import Family, Original
from layerwise.models.originals.weight_names import held_blocks, original_name


def transformers_model(original: Original, normalise: bool, family: Family) -> Anatomy:
    """A checkpoint as transformers' model of its family's `model_type`.

    Raises:
        ModelError: the weights are not those of the configuration.
    """
    config_class = CONFIG_MAPPING[family.model_type]
    # No masks, so no embedding of one.
    config = config_class(**original.config, mask_time_prob=0.0, mask_feature_prob=0.0)
    return waveform_model(filled(lambda: MODEL_MAPPING[config_class](config), original, family), normalise)


def filled(build: Callable[[], torch.nn.Module], original: Original, family: Family) -> torch.nn.Module:
    """A module whose every parameter is the weight of that name in the checkpoint, in float32.

    It is built without memory for its parameters: what the file did not fill could not even be random.

    Args:
        build: makes the module, with the names that transformers' Wav2Vec2Model or WavLMModel gives such parameters.

    Raises:
        ModelError: a weight is missing, misshapen, no finite floating-point number, or surplus: of no part of the
            module and none that its family leaves unused.
    """
    with torch.device("meta"):
        module = build()
        projection = module.feature_projection.projection
        if projection.in_features == projection.out_features:  # the originals project only what needs it
            module.feature_projection.projection = torch.nn.Identity()
    wanted = {
        original_name(name, original, family): (name, tuple(value.shape)) for name, value in module.state_dict().items()
    }
    if len(wanted) < len(module.state_dict()):
        raise ModelError(f"{type(module).__name__}: two parameters have one name in the original checkpoint")
    _check(original, family, {name: shape for name, (_, shape) in wanted.items()})
    values = original.pickled.tensors({name: original.weights[name] for name in wanted})
    wrong = [name for name, value in values.items() if not (value.is_floating_point() and value.isfinite().all())]
    if wrong:
        raise ModelError(
            f"{original.path}: {len(wrong)} weights are no finite floating-point numbers: {_listed(wrong)}"
        )
    state = {wanted[name][0]: value.to(torch.float32).contiguous() for name, value in values.items()}
    module.load_state_dict(state, strict=True, assign=True)
    empty = [name for name, value in chain(module.named_parameters(), module.named_buffers()) if value.is_meta]
    if empty:
        raise ModelError(f"{original.path} lacks {_listed(empty)}, which this version of transformers computes with")
    return module.eval()


def _check(original: Original, family: Family, wanted: dict[str, tuple[int, ...]]) -> None:
    found, unused = original.weights, family.unused
    surplus = [name for name in found if name not in wanted and name.split(".")[0] not in unused]
    misshapen = [
        f"{name} is {found[name].shape}, not {shape}"
        for name, shape in wanted.items()
        if name in found and found[name].shape != shape
    ]
    problems = {"missing": [name for name in wanted if name not in found], "surplus": surplus, "misshapen": misshapen}
    if any(problems.values()):
        listed = "; ".join(f"{len(names)} {problem}: {_listed(names)}" for problem, names in problems.items() if names)
        raise ModelError(
            f"{original.path}: the weights are not those of its configuration ({original.blocks} blocks, the file has "
            f"{len(held_blocks(found))}): {listed}"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)[:10]) + (", …" if len(names) > 10 else "")
