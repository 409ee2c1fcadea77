"""wav2vec 2.0, XLSR and XLS-R in the files of fairseq; layer T0 is that of `architectures.waveform_model`."""

from __future__ import annotations

from layerwise.models.originals.fairseq import waveform_family

FAMILY = waveform_family(
    "wav2vec2", "wav2vec 2.0", unused=["mask_emb", "quantizer", "project_q", "target_glu", "final_proj"]
)
