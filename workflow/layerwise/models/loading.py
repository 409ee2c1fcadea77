"""Load a speech model from a folder or file on this machine.

Folders of transformers are loaded by transformers. Files of a model's authors are read by their family
(`families`), which fills modules of transformers with their weights.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights
from transformers.utils import logging as transformers_logging

from layerwise.models.anatomy import ModelError
from layerwise.models.architectures import anatomy_of, model_class, require_supported
from layerwise.models.checkpoints import CheckpointError, origin_of, read_config, transformers_config
from layerwise.models.families import family
from layerwise.models.model_types import outline_of
from layerwise.models.originals.reading import is_original, read_original
from layerwise.models.preprocessors import read_preprocessor
from layerwise.models.speech_model import SpeechModel
from layerwise.models.weights import Weights, adapters_below, refuse_adapters, stored_weights

log = logging.getLogger(__name__)

_DRAWN = 100_000_000  # parameters: the whole of a Base model, so that the names of what is missing are told of most

# Parts that no layer depends on, and that some published checkpoints lack: of pre-training, or after the blocks.
UNUSED_PARTS = {"masked_spec_embed", "adapter", "intermediate_ffn"}


def load_folder(folder: Path, device: str = "cpu", normalise: bool | None = None) -> SpeechModel:
    """A model from a checkpoint folder of transformers (config.json and weights), or its authors' own file or folder.

    Nothing is fetched.

    Args:
        normalise: whether the waveform is normalised first; None: as the checkpoint says (an original in itself, a
            folder in preprocessor_config.json), or, where a folder does not say it, where the conv encoder uses
            LayerNorm, as the original wav2vec 2.0, HuBERT and WavLM do.

    Raises:
        ModelError: wrong weights, or a type of model that cannot be read.
        OriginalError, PickleError: an original checkpoint that cannot be read.
        PreprocessorError: the input that a folder describes is not given here.
        WeightsError: no weights, or those of an adapter.
    """
    folder = Path(folder)
    refuse_adapters(folder)
    said = origin_of(folder if folder.is_dir() else folder.parent)
    if is_original(folder):
        return _from_original(folder, normalise, device, said)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} holds no config.json, as transformers' checkpoint folders do, and no original .pt file"
        )
    return _from_folder(folder, normalise, device, said)


def _from_original(source: Path, normalise: bool | None, device: str, origin: str) -> SpeechModel:
    original = read_original(source)
    if normalise is None:
        normalise = original.normalise
    if normalise is None:
        raise ModelError(f"{original.path} does not say whether its input was normalised: say it with normalise")
    _log_choice(normalise, original.normalise, f"{original.path}: normalize")
    return SpeechModel(family(original.family).anatomy(original, normalise), device, origin)


def _log_choice(chosen: bool | None, said: bool | None, what: str) -> None:
    """Log that `normalise` of the configuration overrides what the checkpoint says."""
    if None not in (chosen, said) and chosen != said:
        log.info("normalise is %s, as the configuration or the catalogue says; %s is %s", chosen, what, said)


def _from_folder(folder: Path, normalise: bool | None, device: str, origin: str) -> SpeechModel:
    transformers_logging.set_verbosity_error()  # it would list what is refused below
    transformers_logging.disable_progress_bar()
    with _explained(folder):
        values = read_config(folder)
        if "model_type" not in values:
            raise CheckpointError("its config.json lacks the key `model_type`")
        require_supported(values["model_type"], str(folder))
        config = transformers_config(values, layers_only=True)
        values = config.to_dict()
        outline_of(values)  # refuses impossible values before anything is computed with them
    module_type, prefix = model_class(config)
    said = read_preprocessor(folder, values)
    _log_choice(normalise, said and said.get("do_normalize"), f"do_normalize of {folder}")
    _tell_of_adapters(folder, values)
    weights = stored_weights(folder)
    # In a model with heads, names of the inner model's weights begin with its own; in the inner model alone they don't.
    inner = {name.removeprefix(prefix): name for name in weights.places if name.startswith(prefix)}
    names = inner or {name: name for name in weights.places}
    found = weights.read(names.values())
    with _explained(folder):
        _require_enough(folder, module_type, config, found)
        module, report = module_type.from_pretrained(
            None,
            config=config,
            state_dict={name: found[stored] for name, stored in names.items()},
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            dtype=torch.float32,
        )
    _check_weights(folder, module, report, weights)
    return SpeechModel(anatomy_of(module, normalise, said, str(folder)), device, origin)


def _require_enough(folder: Path, module_type: type[PreTrainedModel], config: PretrainedConfig, found: Mapping) -> None:
    """Check that there are about as many weights as parameters: transformers would draw those that are missing.

    Raises:
        ModelError: many are missing. (If few are, `_check_weights` names them.)
    """
    with torch.device("meta"), no_init_weights():
        needed = module_type(config).num_parameters()
    given = sum(value.numel() for value in found.values())
    if needed - given > _DRAWN:
        raise ModelError(
            f"{folder}: its config.json is of a model of {needed} parameters, its weights have {given} numbers"
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # a stranger's config.json can make transformers raise almost any kind, in lines
        said = " ".join(str(error).split())
        raise ModelError(
            f"{folder} could not be loaded: {said} ({type(error).__name__}). Expected are a config.json and weights "
            "that belong together, whole, as transformers' save_pretrained writes them"
        ) from error


def _tell_of_adapters(folder: Path, config: dict) -> None:
    """Warn of adapters in a folder: none is applied."""
    if below := adapters_below(folder):
        log.warning("%s: the adapters in %s are not applied", folder, ", ".join(below[:10]))
    if config.get("adapter_attn_dim"):
        languages = sorted({path.name.split(".")[1] for path in folder.glob("adapter.*.*")})
        log.warning(
            "%s: its blocks hold the adapters of one language (adapter_attn_dim): they are used as they stand in its "
            "weights, %s",
            folder,
            f"and adapter files ({', '.join(languages)}) are not" if languages else "and no others",
        )


def _check_weights(folder: Path, module: torch.nn.Module, report: dict, weights: Weights) -> None:
    """Refuse a checkpoint whose weights are not those of the model: transformers would fill in random numbers.

    Surplus weights of other parts, such as heads of pre-training, are ignored.

    Raises:
        ModelError: weights are missing, misshapen, not finite, or belong to layers that the configuration does not
            have.
    """
    parts = {name for name, _ in module.named_children()}
    problems = {
        "missing": report["missing_keys"],
        "of another shape": [key if isinstance(key, str) else key[0] for key in report["mismatched_keys"]],
        "surplus": [key for key in report["unexpected_keys"] if _part(key) in parts],
    }
    for problem, names in problems.items():
        wrong = sorted(name for name in names if _part(name) not in UNUSED_PARTS)
        if wrong:
            listed = ", ".join(wrong[:10]) + (", …" if len(wrong) > 10 else "")
            raise ModelError(
                f"{folder}: {len(wrong)} weights are {problem}: {listed} (compared with its config.json; of the "
                f"weights that it holds, the first are {', '.join(sorted(weights.places)[:3])})"
            )
    computed = {name: weight for name, weight in module.state_dict().items() if _part(name) not in UNUSED_PARTS}
    if infinite := [name for name, weight in computed.items() if not weight.isfinite().all()]:
        raise ModelError(f"{folder}: {len(infinite)} weights hold NaN or infinity: {', '.join(infinite[:10])}")


def _part(name: str) -> str:
    return name.split(".")[0]
