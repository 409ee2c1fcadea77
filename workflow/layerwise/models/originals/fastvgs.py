"""FaST-VGS and FaST-VGS+: the audio branch of models that match speech with images (Peng & Harwath 2022).

wav2vec 2.0 with a learned CLS frame in front, which takes part in positional convolution and attention. Layer T0 is
`LAYER_0`, where the published analysis begins to count.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from layerwise.layers import FIRST
from layerwise.models.originals import pickles
from layerwise.models.originals.fairseq import blocks, conv_encoder, require_sample_rate, stride_seconds
from layerwise.models.originals.family import Family, Original, OriginalError
from layerwise.models.originals.settings import Settings, as_values
from layerwise.models.originals.weight_names import held_blocks, weights_by_name

if TYPE_CHECKING:
    import torch

    from layerwise.models.anatomy import Anatomy

log = logging.getLogger(__name__)

LAYER_0 = "projected features, before the CLS frame, positional convolution and any LayerNorm of the encoder"


def read(arguments: Path, bundle: Path) -> Original:
    """The audio branch: `args.pkl` is an argparse.Namespace; `best_bundle.pth` holds both branches under dual_encoder.

    FaST-VGS has the blocks up to the one whose output goes on (layer_use), whatever encoder_layers says; FaST-VGS+,
    which was also trained to predict masked frames from the last block, has them all (Peng & Harwath 2022).
    """
    settings = Settings(arguments, as_values(pickles.read(arguments).content))
    require_sample_rate(settings)
    pickled = pickles.read(bundle)
    content = pickled.content
    if not isinstance(content, dict) or "dual_encoder" not in content:
        raise OriginalError(f"{bundle} holds no dual_encoder, as FaST-VGS saves its weights")
    prefix = "conv1_trm1_trm3."  # every other part is of the visual branch, or joins the two
    weights = {
        name.removeprefix(prefix): stored
        for name, stored in weights_by_name(bundle, content["dual_encoder"]).items()
        if name.startswith(prefix)
    }
    config = blocks(settings) | conv_encoder(settings)
    used, named = settings.number("layer_use", least=0) + 1, config["num_hidden_layers"]
    predicts = any(settings.values.get(weight) for weight in ("libri_w2v2_weight", "caption_w2v2_weight"))
    held = held_blocks(weights)
    possible = [named] if predicts else sorted({min(used, named), named})
    if held not in [list(range(blocks)) for blocks in possible]:
        raise OriginalError(
            f"{bundle} holds the blocks {', '.join(map(str, held)) or 'of no number'}; by {arguments.name} (layer_use "
            f"{used - 1}, encoder_layers {named}) it should hold 0 to {' or 0 to '.join(str(n - 1) for n in possible)}"
        )
    if len(held) > used and not predicts:
        log.warning(
            "%s: %s names no loss that would train the blocks after number %d", bundle, arguments.name, used - 1
        )
    config["num_hidden_layers"] = len(held)
    return Original(bundle, FAMILY.name, config, True, pickled, weights, stride_seconds(config))


def anatomy(original: Original, normalise: bool) -> Anatomy:
    """The audio branch.

    Raises:
        ModelError: the weights are not those of the configuration, or the waveform should stay as it is.
    """
    import torch
    from transformers import Wav2Vec2Config
    from transformers.models.wav2vec2.modeling_wav2vec2 import (
        Wav2Vec2Encoder,
        Wav2Vec2EncoderStableLayerNorm,
        Wav2Vec2FeatureEncoder,
        Wav2Vec2FeatureProjection,
    )

    from layerwise.models.anatomy import Anatomy, ModelError, Tap, block_taps, conv_geometry, conv_taps
    from layerwise.models.originals.conversion import filled

    if not normalise:
        raise ModelError(f"{original.path}: FaST-VGS always takes normalised waveforms: leave out normalise: false")

    def build() -> torch.nn.Module:
        config = Wav2Vec2Config(**original.config, attn_implementation="sdpa")
        encoder = Wav2Vec2EncoderStableLayerNorm if config.do_stable_layer_norm else Wav2Vec2Encoder
        branch = torch.nn.ModuleDict(
            {
                "feature_extractor": Wav2Vec2FeatureEncoder(config),
                "feature_projection": Wav2Vec2FeatureProjection(config),
                "encoder": encoder(config),
            }
        )
        branch.register_parameter("cls_token", torch.nn.Parameter(torch.empty(1, 1, config.hidden_size)))
        return branch

    branch = filled(build, original, FAMILY)

    def embed(waveform: torch.Tensor) -> torch.Tensor:
        projected, _ = branch.feature_projection(branch.feature_extractor(waveform).transpose(1, 2))
        return torch.cat([branch.cls_token, projected], dim=1)  # (1, 1 + frames, width)

    return Anatomy(
        module=branch,
        front_end=standardised,
        embed=embed,
        encode=lambda features, mask: branch.encoder(features, attention_mask=mask),
        taps={
            **conv_taps(branch.feature_extractor.conv_layers),
            FIRST: Tap(branch.feature_projection.projection, LAYER_0),
            **block_taps(branch.encoder.layers, original.config["do_stable_layer_norm"], skipped=1),
        },
        stride_seconds=original.stride_seconds,
        normalise=True,
        **conv_geometry(original.config["conv_kernel"], original.config["conv_stride"]),
    )


def standardised(waveform: np.ndarray) -> torch.Tensor:
    """(samples,) to (1, samples) of mean 0 and standard deviation 1, computed in float64.

    Raises:
        WaveformError: all samples are equal, so that there is nothing to divide by.
    """
    import torch

    from layerwise.models.anatomy import WaveformError

    values = waveform.astype(np.float64)
    if np.ptp(values) == 0:
        raise WaveformError("the waveform is silent: FaST-VGS divides it by its standard deviation, which is 0")
    return torch.from_numpy(((values - values.mean()) / values.std()).astype(np.float32))[None]


FAMILY = Family(
    name="fast_vgs",
    title="FaST-VGS",
    read=read,
    anatomy=anatomy,
    unused=frozenset({"mask_emb", "quantizer", "project_q", "target_glu", "final_proj"}),
    files=("args.pkl", "best_bundle.pth"),
)
