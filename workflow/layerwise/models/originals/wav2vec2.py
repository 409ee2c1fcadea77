"""wav2vec 2.0, XLSR and XLS-R in the files of fairseq; layer T0 is that of `architectures.waveform_model`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerwise.models.originals.fairseq import read_waveform_model
from layerwise.models.originals.family import Family, Opened, Original

if TYPE_CHECKING:
    from layerwise.models.anatomy import Anatomy


def read(opened: Opened) -> Original:
    return read_waveform_model(opened, FAMILY.name)


def anatomy(original: Original, normalise: bool) -> Anatomy:
    from layerwise.models.originals.conversion import transformers_model

    return transformers_model(original, normalise, FAMILY)


FAMILY = Family(
    name="wav2vec2",
    title="wav2vec 2.0",
    read=read,
    anatomy=anatomy,
    unused=frozenset({"mask_emb", "quantizer", "project_q", "target_glu", "final_proj"}),
    fairseq_name="wav2vec2",
    model_type="wav2vec2",
)
