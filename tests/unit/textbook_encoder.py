"""wav2vec 2.0 and its kin written out from their papers, on settings and weights by the originals' names.

Without transformers and in float64, so that a change of what its blocks compute shows.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn.functional import conv1d, gelu, group_norm, layer_norm, linear, pad, relu

ACTIVATIONS = {
    "gelu": gelu,
    "relu": relu,
    "swish": lambda x: x * torch.sigmoid(x),
    "gelu_accurate": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def textbook_layers(family: str, settings: dict, weights: dict, waveform: np.ndarray) -> dict[str, np.ndarray]:
    """layer → (frames × dimensions), for weights as they stand in the file."""
    prefix = "conv1_trm1_trm3." if family == "fast_vgs" else ""
    encoder = _Encoder(
        settings, {k.removeprefix(prefix): w.double() for k, w in weights.items() if k.startswith(prefix)}
    )
    signal = torch.from_numpy(waveform.astype(np.float64))
    if family == "av_hubert":
        layers = encoder.av_hubert(signal)
    else:
        if family == "fast_vgs":
            signal = (signal - signal.mean()) / signal.std(correction=0)
        elif settings["normalize"]:
            signal = (signal - signal.mean()) / (signal.var(correction=0) + 1e-5).sqrt()
        layers = encoder.conv_layers(signal)
        projected = encoder.projected(list(layers.values())[-1])
        layers |= encoder.fast_vgs(projected) if family == "fast_vgs" else encoder.transformer(projected)
    return {name: values.numpy() for name, values in layers.items()}


class _Encoder:
    def __init__(self, settings: dict, weights: dict) -> None:
        self.settings = settings
        self.weights = weights

    def norm(self, x, name):
        return layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-5)

    def dense(self, x, name):
        return linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def conv_layers(self, signal):
        layers, x = {}, signal[None, None]  # (1, channels, frames)
        for i, (dim, _kernel, stride) in enumerate(self.settings["conv_stack"]):
            name = f"feature_extractor.conv_layers.{i}"
            x = conv1d(x, self.weights[f"{name}.0.weight"], self.weights.get(f"{name}.0.bias"), stride)
            if self.settings["extractor_mode"] == "layer_norm":
                x = self.norm(x.transpose(1, 2), f"{name}.2.1").transpose(1, 2)
            elif i == 0:
                x = group_norm(x, dim, self.weights[f"{name}.2.weight"], self.weights[f"{name}.2.bias"])
            x = gelu(x)
            layers[f"C{i + 1}"] = x[0].T
        return layers

    def projected(self, x):
        x = self.norm(x, "layer_norm")
        return self.dense(x, "post_extract_proj") if "post_extract_proj.weight" in self.weights else x

    def transformer(self, x):
        """(frames, width) to T0, the input of the first block, and T1…"""
        x = x + self.positions(x)
        if not self.settings["layer_norm_first"]:
            x = self.norm(x, "encoder.layer_norm")
        layers = {"T0": x}
        while f"encoder.layers.{len(layers) - 1}.fc1.weight" in self.weights:
            x = self.block(x, f"encoder.layers.{len(layers) - 1}")
            layers[f"T{len(layers)}"] = x
        return layers

    def fast_vgs(self, x):
        layers = self.transformer(torch.cat([self.weights["cls_token"][0], x]))
        return {name: values[1:] for name, values in layers.items()} | {"T0": x}

    def av_hubert(self, signal):
        x = stacked_filterbanks(signal.numpy(), self.settings["stack_order_audio"])
        if self.settings["normalize"]:
            x = layer_norm(x, x.shape[-1:])
        audio = self.dense(x, "feature_extractor_audio.proj")
        fused = torch.cat([audio, torch.zeros_like(audio)], 1) if self.settings["modality_fuse"] == "concat" else audio
        return self.transformer(self.projected(fused)) | {"T0": audio}

    def positions(self, x):
        name, kernel = "encoder.pos_conv.0", self.settings["conv_pos"]
        direction, length = self.weights[f"{name}.weight_v"], self.weights[f"{name}.weight_g"]
        filters = length * direction / direction.pow(2).sum((0, 1), keepdim=True).sqrt()
        # As many zeros before as after; of an even kernel's frames the last is left out.
        padded = pad(x.T[None], (kernel // 2, kernel // 2))
        convolved = conv1d(padded, filters, self.weights[f"{name}.bias"], groups=self.settings["conv_pos_groups"])
        return gelu(convolved[0, :, : len(x)].T)

    def block(self, x, name):
        if self.settings["layer_norm_first"]:
            x = x + self.attention(self.norm(x, f"{name}.self_attn_layer_norm"), f"{name}.self_attn")
            return x + self.feed_forward(self.norm(x, f"{name}.final_layer_norm"), name)
        x = self.norm(x + self.attention(x, f"{name}.self_attn"), f"{name}.self_attn_layer_norm")
        return self.norm(x + self.feed_forward(x, name), f"{name}.final_layer_norm")

    def feed_forward(self, x, name):
        return self.dense(ACTIVATIONS[self.settings["activation_fn"]](self.dense(x, f"{name}.fc1")), f"{name}.fc2")

    def attention(self, x, name):
        heads = self.settings["encoder_attention_heads"]
        query, key, value = (
            self.dense(x, f"{name}.{part}_proj").unflatten(1, (heads, -1)).transpose(0, 1) for part in "qkv"
        )  # (heads, frames, width / heads)
        scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1]) + self.position_bias(x, name)
        return self.dense((scores.softmax(-1) @ value).transpose(0, 1).flatten(1), f"{name}.out_proj")

    def position_bias(self, x, name):
        """WavLM's: a bias for each head and distance, which the block's input opens and closes (Chen et al. 2022)."""
        if f"{name}.grep_a" not in self.weights:
            return 0
        heads, buckets = self.settings["encoder_attention_heads"], self.settings["num_buckets"]
        table = self.weights["encoder.layers.0.self_attn.relative_attention_bias.weight"]
        where = [[bucket(j - i, buckets, self.settings["max_distance"]) for j in range(len(x))] for i in range(len(x))]
        bias = table[torch.tensor(where)].permute(2, 0, 1)  # (heads, frames, frames)
        parts = self.dense(x.unflatten(1, (heads, -1)), f"{name}.grep_linear").unflatten(2, (2, 4)).sum(-1).sigmoid()
        update, reset = parts.permute(2, 1, 0)  # (heads, frames) each
        gate = update * (reset * self.weights[f"{name}.grep_a"].view(heads, 1) - 1) + 2
        return gate[:, :, None] * bias


def bucket(distance: int, buckets: int, max_distance: int) -> int:
    """Half of the buckets for either direction; of these, half for one distance each, half on a logarithmic scale."""
    half, exact = buckets // 2, buckets // 4
    ahead, far = half if distance > 0 else 0, abs(distance)
    if far < exact:
        return ahead + far
    scale = np.float32(np.log(np.float32(far) / np.float32(exact))) / np.float32(math.log(max_distance / exact))
    return ahead + min(half - 1, exact + int(scale * np.float32(half - exact)))


def stacked_filterbanks(signal: np.ndarray, stack: int) -> torch.Tensor:
    frames = filterbanks(signal)
    while len(frames) % stack:
        frames.append([0.0] * 26)
    stacked = [[e for frame in frames[i : i + stack] for e in frame] for i in range(0, len(frames), stack)]
    return torch.tensor(stacked, dtype=torch.float64)


def filterbanks(signal: np.ndarray) -> list[list[float]]:
    """Frames of 26 log energies, one window and one filter at a time."""
    emphasised = [float(signal[0])] + [float(signal[t] - 0.97 * signal[t - 1]) for t in range(1, len(signal))]
    to_mel, to_hertz = lambda f: 2595 * math.log10(1 + f / 700), lambda m: 700 * (10 ** (m / 2595) - 1)
    corners = [math.floor(513 * to_hertz(to_mel(8000) * i / 27) / 16000) for i in range(28)]
    frames, start = [], 0
    while start == 0 or start - 160 + 400 < len(emphasised):
        window = np.zeros(512)
        samples = emphasised[start : start + 400]
        window[: len(samples)] = samples
        power = np.abs(np.fft.fft(window)[:257]) ** 2 / 512
        energies = []
        for low, centre, high in zip(corners, corners[1:], corners[2:], strict=False):
            energy = sum(power[k] * (k - low) / (centre - low) for k in range(low, centre))
            energy += sum(power[k] * (high - k) / (high - centre) for k in range(centre, high))
            energies.append(math.log(energy or np.finfo(float).eps))
        frames.append(energies)
        start += 160
    return frames
