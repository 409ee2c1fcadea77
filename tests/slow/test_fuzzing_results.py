"""Readers of what the workflow made, and of results from elsewhere, get files with changed bytes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from fuzzing import fuzz
from safetensors.numpy import save_file

from layerwise.demo.practice_speech import Speech
from layerwise.files.integrity import is_whole
from layerwise.files.own_arrays import read_array
from layerwise.files.own_files import read_shape
from layerwise.files.own_tables import INTERVALS, ITEMS, UTTERANCES, read_csv_table, read_parquet
from layerwise.probes.join import join_probes
from layerwise.probes.layers import KeptLayers
from layerwise.probes.resuming import TrainingState
from layerwise.representations import store
from layerwise.sampling import draw_sample_tables, read_word_list
from layerwise.scoring.properties import property_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import SampleSizes
from layerwise.tables.advice import cautions, sentences
from layerwise.tables.best_layers import best_layers
from layerwise.tables.comparison import compare, read_comparison
from layerwise.tables.confusion import read_confusions, tabulate_confusions
from layerwise.tables.external import read_external
from layerwise.tables.findings import check_findings
from layerwise.tables.layer_pairs import compare_layers, read_layer_pairs
from layerwise.tables.matrices import read_matrices, summarise_matrices
from layerwise.tables.model_pairs import compare_models
from layerwise.tables.probes import collect_probes, read_probes
from layerwise.tables.recommendations import read_recommendations, recommend
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends, wide_tables
from shipped_properties import PROPERTIES
from synthetic_probes import write_probe
from synthetic_scores import record, with_jackknife, write_matrix, write_score

LAYERS = [f"T{i}" for i in range(5)]
MODELS = {"a": 4, "b": 4}
PAIRS = property_of("pairs", {"rows": "frame", "target": {"model": "b", "layer": "all"}})
METRICS = ["pwcca"]
Reader = tuple[Callable[[Path], object], list[bytes], str]


# Representations


def shard(folder: Path, **how) -> bytes:
    """A file of one shard with frames and phones, of 40 rows."""
    random = np.random.default_rng(0)
    arrays = {
        **{f"frame/{layer}": random.standard_normal((40, 3)).astype("f2") for layer in ("T0", "T1")},
        "target/mel": random.standard_normal((40, 2)).astype("f2"),
        "frame/utterance_id": np.array([b"u1", b"u2"]),
        "frame/speaker_id": np.array([b"s1", b"s2"]),
        "frame/offsets": np.array([0, 20, 40]),
        "phone/T1": random.standard_normal((40, 3)).astype("f2"),
        "phone/label": np.array([b"AA", b"B"] * 20),
        "phone/row": np.arange(40),
        "phone/utterance_id": np.array([b"u1"] * 20 + [b"u2"] * 20),
        "phone/speaker_id": np.array([b"s1"] * 20 + [b"s2"] * 20),
    }
    path = folder / "whole.h5"
    with h5py.File(path, "w", libver="v110") as file:
        for name, values in arrays.items():
            file.create_dataset(f"1/{name}", data=values, **how)
            file[f"1/{name}"].attrs.create("grid", "", dtype=h5py.string_dtype(length=1))
        file.attrs["shard"] = 0
        file.attrs["complete"] = True
    return path.read_bytes()


def representations(folder: Path) -> Reader:
    settings = ScoreSettings(4, 1, "row", standardise=True, epsilons=[[1e-4, 1e-4]], seed=1)
    out = folder / "score.json"

    def read(path: Path) -> None:
        with store.reading([path]) as files:
            store.rows(files, "1/frame/T0")[:]
            store.joined_strings(files, "1/phone/label")
            store.joined(files, "1/frame/offsets")
        for name, layer in (("mel", "T1"), ("phone", "T1")):
            score_layers([path], PROPERTIES[name], "a", 1, [layer], settings, out)

    # Without checksums changed bytes are noticed later, or by what is read alone.
    return read, [shard(folder, chunks=True, fletcher32=True), shard(folder)], "0.h5"


# Scores and their tables


def scores(folder: Path) -> list[Path]:
    random = np.random.default_rng(0)
    return [
        write_score(
            folder / "scores",
            record(
                "phone",
                model,
                layer,
                sample,
                [{"pwcca": random.random()} for _ in range(2)],
                chance=[{"pwcca": 0.1}] * 2,
            ),
        )
        for model in MODELS
        for layer in LAYERS
        for sample in (1, 2)
    ]


def collect(files: list[Path], out: Path) -> None:
    collect_scores(files, dict.fromkeys(["intra", "phone"], METRICS), ["intra", "phone"], list(MODELS), MODELS, out)


def tables(folder: Path) -> None:
    """All tables of an experiment of two models and one task."""
    collect(scores(folder), folder / "scores.csv")
    summarise_trends(folder / "scores.csv", 10, folder / "trends.csv")
    best_layers(folder / "trends.csv", folder / "scores.csv", PROPERTIES, folder / "best.csv")
    values = dict(zip([*LAYERS, "weighted"], np.linspace(0.4, 0.9, 6), strict=True))
    probes = dict(write_probe(folder, "intent", model, values, 4) for model in MODELS)
    collect_probes(probes, None, ["intent"], list(MODELS), dict.fromkeys(MODELS, LAYERS), folder / "probes.csv")
    compare(folder / "scores.csv", folder / "probes.csv", PROPERTIES, 10, 1, folder / "comparison.csv")
    advise(folder)
    compare_layers(folder / "scores.csv", [("T1", "T2"), ("T3", "T1")], 10, folder / "layer_pairs.csv")
    facts = {"family": "f", "objective": "contrastive", "size": "Base", "modality": "speech", "iteration": ""}
    facts |= {"training_hours": 960, "training_data": "x", "conv_layers": 7, "stride_seconds": 0.02, "width": 768}
    models = [{"model": model, "title": model, "blocks": 4, "normalise": False, **facts} for model in MODELS]
    pd.DataFrame(models).to_csv(folder / "models.csv", index=False)


def advise(folder: Path) -> None:
    names = ("trends", "best", "probes", "comparison")
    paths = [folder / f"{name}.csv" for name in names]
    recommend(
        *paths,
        PROPERTIES,
        list(MODELS),
        [],
        dict.fromkeys(PROPERTIES, "pwcca"),
        "row",
        1,
        folder / "recommendations.csv",
    )


def score_files(folder: Path) -> Reader:
    files = scores(folder)
    return lambda path: collect([path, *files[1:]], folder / "out.csv"), [files[0].read_bytes()], "score.json"


def score_files_of_pairs(folder: Path) -> Reader:
    files = write_matrix(folder / "pairs", "pairs", {"a": 2}, 2)
    return lambda path: summarise(path, *files[1:]), [files[0].read_bytes()], "score.json"


def summarise(*files: Path) -> None:
    out = files[0].with_name("layer_matrices.csv")
    summarise_matrices(
        files, dict.fromkeys({"pairs": PAIRS}, METRICS), {"pairs": PAIRS}, ["a"], {"a": 2}, 10, "row", "corpus", out
    )


def matrices_table(folder: Path) -> Reader:
    files = write_matrix(folder / "pairs", "pairs", {"a": 2}, 2)
    summarise(*files)
    data = files[0].with_name("layer_matrices.csv").read_bytes()
    return read_matrices, [data], "layer_matrices.csv"


def over_speakers(folder: Path) -> tuple[list[Path], Path, Path]:
    """Score files with a jackknife over two groups, and their tables."""
    trials, chance = [{"pwcca": 0.5}, {"pwcca": 0.6}], [{"pwcca": 0.1}] * 2
    share, again = {"s1": [0.5, 0.4], "s2": [0.5, 0.6]}, {"s1": [0.5, 0.62], "s2": [0.54, 0.6]}
    files = [
        write_score(
            folder / "again", with_jackknife(record("phone", model, layer, 1, trials, chance=chance), share, again)
        )
        for model in MODELS
        for layer in LAYERS
    ]
    return files, folder / "scores.csv", folder / "jackknife.csv"


def collect_over_speakers(files: list[Path], table: Path, jackknife: Path) -> None:
    collect_scores(
        files, dict.fromkeys(["phone"], METRICS), ["phone"], list(MODELS), MODELS, table, jackknife=jackknife
    )


def score_files_over_speakers(folder: Path) -> Reader:
    files, table, jackknife = over_speakers(folder)
    data = files[0].read_bytes()
    return lambda path: collect_over_speakers([path, *files[1:]], table, jackknife), [data], "score.json"


def jackknife_table(folder: Path) -> Reader:
    files, table, jackknife = over_speakers(folder)
    tables(folder)
    collect_over_speakers(files, table, jackknife)

    def read(path: Path) -> None:
        summarise_trends(table, 10, folder / "out.csv", path)
        compare_models(table, folder / "models.csv", 10, 1, folder / "out.csv", path)

    return read, [jackknife.read_bytes()], "jackknife.csv"


def of_table(name: str, read: Callable[[Path], object]) -> Callable[[Path], Reader]:
    """A reader that has one of the tables changed, the others as they were."""

    def reader(folder: Path) -> Reader:
        tables(folder)
        data = (folder / f"{name}.csv").read_bytes()
        return lambda path: read(path), [data], f"{name}.csv"

    return reader


def read_scores_table(path: Path) -> None:
    summarise_trends(path, 10, path.with_name("out.csv"))
    compare(path, path.with_name("probes.csv"), PROPERTIES, 10, 1, path.with_name("out.csv"))
    compare_models(path, path.with_name("models.csv"), 10, 1, path.with_name("out.csv"))
    compare_layers(path, [("T1", "T2")], 10, path.with_name("out.csv"))
    best_layers(path.with_name("trends.csv"), path, PROPERTIES, path.with_name("out.csv"))


def read_trends_table(path: Path) -> None:
    best_layers(path, path.with_name("scores.csv"), PROPERTIES, path.with_name("out.csv"))
    wide_tables(path, {"phone": path.with_name("out.csv")}, {"phone": "pwcca"})
    advise(path.parent)


def read_probes_table(path: Path) -> None:
    read_probes(path)
    advise(path.parent)


def read_models_table(path: Path) -> None:
    compare_models(path.with_name("scores.csv"), path, 10, 1, path.with_name("out.csv"))
    check_findings(
        path.with_name("scores.csv"), path.with_name("probes.csv"), path, "pwcca", 10, 1, path.with_name("out.csv")
    )


def read_recommendations_table(path: Path) -> None:
    table = read_recommendations(path, PROPERTIES)
    for model in table["model"].unique():
        sentences(table, model, PROPERTIES)
        cautions(table, model, PROPERTIES)


# Probes


def probe_tables(folder: Path) -> Reader:
    table, weights = write_probe(folder, "intent", "a", dict(zip(LAYERS, np.linspace(0.4, 0.9, 5), strict=True)), 4)

    def read(path: Path) -> None:
        collect_probes({path: weights}, None, ["intent"], ["a"], {"a": LAYERS}, folder / "out.csv")

    return read, [table.read_bytes()], "a.csv"


def probe_weights(folder: Path) -> Reader:
    table, weights = write_probe(folder, "intent", "a", dict(zip(LAYERS, np.linspace(0.4, 0.9, 5), strict=True)), 4)

    def read(path: Path) -> None:
        collect_probes({table: path}, None, ["intent"], ["a"], {"a": LAYERS}, folder / "out.csv")

    return read, [weights.read_bytes()], "a.json"


def probe_parts(folder: Path) -> Reader:
    head = {"task": "t", "model": "a", "layer": "T0", "layer_index": 0, "depth": 0.0, "metric": "accuracy", "value": 1}
    content = {
        **{"settings": {"task": "t"}, "dimensions": 3, "classes": [["a"]], "unseen": {"dev": 0}, "too_short": 0},
        **{"device": "cpu", "weights": None, "steps": 5, "seconds": {"layers": 1.0}, "records": [head]},
        "curves": {"T0": [[1, 0.5, 0.5]]},
    }
    answers = folder / "answers.parquet"
    answers.write_bytes(parquet(PREDICTIONS))
    return (
        lambda path: join_probes([path, path], [answers], folder / "t.csv", folder / "t.json", folder / "t.parquet"),
        [json.dumps(content).encode()],
        "part.json",
    )


def external(folder: Path) -> Reader:
    data = b"task,model,layer,metric,value,low,high\nic,a,T1,accuracy,0.9,0.8,0.95\nasr,a,weighted,wer,0.1,,\n"
    layers = {"a": LAYERS, "b": None}
    return (
        lambda path: read_external(path, layers),
        [data, data.replace(b",", b";"), data.replace(b",a,", b",b,")],
        "e.csv",
    )


# Tables of utterances, intervals and items


def parquet(rows: dict, **how) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer, index=False, **how)
    return buffer.getvalue()


def utterances(folder: Path) -> Reader:
    rows = {"utterance_id": ["u1", "u2"], "speaker_id": ["s", "s"], "audio_path": ["a.flac", "b.flac"]}
    rows |= {"duration": [1.5, 2.5], "start": [0.0, 0.0], "text": ["A B", "C"]}
    return lambda path: read_parquet(path, UTTERANCES), both(rows), "u.parquet"


def both(rows: dict) -> list[bytes]:
    return [parquet(rows), parquet(rows, compression=None)]


def intervals(folder: Path) -> Reader:
    rows = {"utterance_id": ["u1", "u1", "u2"] * 4, "tier": ["phone", "word", "word"] * 4}
    rows |= {"label": ["AA", "ah", "be"] * 4, "start": [0.0, 0.5, 0.5] * 4, "end": [1.0, 1.5, 1.5] * 4}
    corpus = folder / "corpus.parquet"
    corpus.write_bytes(parquet({"utterance_id": ["u1", "u2"], "speaker_id": ["s", "s"], "duration": [2.0, 2.0]}))
    out = {name: folder / f"{name}.parquet" for name in ("utterances", "phones", "words", "whole_utterances")}

    def read(path: Path) -> None:
        read_parquet(path, INTERVALS, tier="phone")
        draw_sample_tables(corpus, path, 1, 1, SampleSizes(2, 2, 2, 2), out)

    return read, both(rows), "i.parquet"


def items(folder: Path) -> Reader:
    rows = {
        "item_id": ["a", "b"],
        "speaker_id": ["s", ""],
        "part": ["train", "test"],
        "audio_path": ["a.flac", "b.flac"],
    }
    rows |= {"start": [0.0, 0.0], "num_samples": [16000, 16000], "target": [["x", "y"], ["z"]]}
    return lambda path: read_parquet(path, ITEMS), both(rows), "items.parquet"


PREDICTIONS = {
    **{"item_id": ["a", "b"] * 2, "speaker_id": ["s", ""] * 2, "part": ["test"] * 4, "layer": ["T1", "T1", "T2", "T2"]},
    **{"said": [["x"], ["y"]] * 2, "answered": [["x"], ["x"]] * 2, "errors": [0, 1] * 2, "length": [1] * 4},
}


def predictions(folder: Path) -> Reader:
    out = folder / "confusion.csv"
    return (
        lambda path: tabulate_confusions({("intent", "a"): path}, {"intent": ["word"]}, out),
        both(PREDICTIONS),
        "predictions.parquet",
    )


def confusions(folder: Path) -> Reader:
    whole = folder / "p.parquet"
    whole.write_bytes(parquet(PREDICTIONS))
    tabulate_confusions({("intent", "a"): whole}, {"intent": ["word"]}, folder / "whole.csv")
    return read_confusions, [(folder / "whole.csv").read_bytes()], "confusion.csv"


def labels(folder: Path) -> Reader:
    data = b"tier,change,label,intervals\nphone,dropped,sil,12\nword,lower case,The,3\n"
    columns = ["tier", "change", "label", "intervals"]
    return lambda path: read_csv_table(path, columns, columns[:3]), [data], "labels.csv"


def word_lists(folder: Path) -> Reader:
    return read_word_list, ["the\nof\nand\nÉté\n".encode(), b"word,count\nthe,3\nof,2\n"], "words.txt"


# What trainings leave


def speech(folder: Path) -> Reader:
    path = folder / "whole.npz"
    Speech(np.arange(640, dtype=np.int16), np.array([320, 640]), np.array(["a b", "c"])).save(path)
    return lambda path: list(Speech.read(path).waveforms()), [path.read_bytes()], "speech.npz"


def units(folder: Path) -> Reader:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(50, dtype=np.int16))
    return lambda path: read_array(path, "int16"), [buffer.getvalue()], "units.npy"


def states(folder: Path) -> Reader:
    buffer = io.BytesIO()
    torch.save({"training": "this", "step": 3, "model": {"weight": torch.ones(4, 3), "bias": torch.ones(4)}}, buffer)
    logging.disable(logging.CRITICAL)
    return lambda path: TrainingState(path, "this").read("cpu"), [buffer.getvalue()], "state.pt"


class Source:
    layers, width, pooled, device = ("T0", "T1"), 2, True, torch.device("cpu")

    def of(self, rows: list[int]) -> list[torch.Tensor]:
        return [torch.ones(2, 2) for _ in rows]


def kept_layers(folder: Path) -> Reader:
    def read(path: Path) -> None:
        path.with_name("layers.f32").write_bytes(bytes(4 * 4 * 3))
        KeptLayers(Source(), [0, 1, 2, 3], path.parent).of([0, 1, 2, 3])

    return read, [b"[[0, 0, 4], [1, 4, 4], [2, 8, 4]]"], "layers.json"


def shapes(folder: Path) -> Reader:
    shape = {"conv_layers": 7, "blocks": 12, "stride_seconds": 0.02, "width": 768}
    return read_shape, [json.dumps(shape, indent=2).encode()], "a.json"


def manifests(folder: Path) -> Reader:
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")

    def read(path: Path) -> None:
        path.replace(checkpoint / "manifest.json")
        is_whole(checkpoint)

    return read, [b'{"files": {"config.json": {"size": 2, "sha256": null}}, "source": "a/b"}'], "manifest.json"


def weights(folder: Path) -> Reader:
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    save_file({"weight": np.ones((3, 4), np.float32), "bias": np.ones(3, np.float32)}, checkpoint / "whole")

    def read(path: Path) -> None:
        path.replace(checkpoint / "model.safetensors")
        is_whole(checkpoint)

    return read, [(checkpoint / "whole").read_bytes()], "model.safetensors"


READERS = {
    "representations": representations,
    "score files": score_files,
    "score files of pairs": score_files_of_pairs,
    "layer_matrices.csv": matrices_table,
    "score files with a jackknife": score_files_over_speakers,
    "jackknife.csv": jackknife_table,
    "scores.csv": of_table("scores", read_scores_table),
    "trends.csv": of_table("trends", read_trends_table),
    "best.csv": of_table("best", lambda path: advise(path.parent)),
    "probes.csv": of_table("probes", read_probes_table),
    "comparison.csv": of_table("comparison", lambda path: (read_comparison(path), advise(path.parent))),
    "models.csv": of_table("models", read_models_table),
    "layer_pairs.csv": of_table("layer_pairs", read_layer_pairs),
    "recommendations.csv": of_table("recommendations", read_recommendations_table),
    "probe tables": probe_tables,
    "probe weights": probe_weights,
    "parts of probes": probe_parts,
    "results from elsewhere": external,
    "utterances": utterances,
    "intervals": intervals,
    "items": items,
    "predictions": predictions,
    "confusions": confusions,
    "labels": labels,
    "word lists": word_lists,
    "speech": speech,
    "units": units,
    "states": states,
    "kept layers": kept_layers,
    "shapes": shapes,
    "manifests": manifests,
    "weights": weights,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", READERS)
def test_a_changed_file_is_read_or_refused(reader, tmp_path):
    assert fuzz(*_with_folder(READERS[reader](tmp_path), tmp_path))


def _with_folder(reader: Reader, folder: Path) -> tuple:
    read, samples, name = reader
    return read, samples, folder, name
