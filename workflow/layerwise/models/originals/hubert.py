"""HuBERT in the files of fairseq; layer T0 is that of `architectures.waveform_model`."""

from __future__ import annotations

from layerwise.models.originals.fairseq import waveform_family

FAMILY = waveform_family("hubert", "HuBERT", unused=["mask_emb", "label_embs_concat", "target_glu", "final_proj"])
