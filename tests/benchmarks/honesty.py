"""Can the report be believed? python tests/benchmarks/honesty.py [--experiments 200] [--processes 2] [--only NAME].

Simulates experiments whose truth is known, analyses them as the workflow does, and prints, as Markdown:

coverage  how often the interval of a layer holds the truth: the mean score of other corpora of the same design
chance    how often a layer is said to be above chance that knows nothing of the target
ties      how often one of twelve equally good layers is left out, and how often a worse one is told apart
tasks     how often the interval of an accuracy holds the truth, and how often a head that knows nothing is advised

Behind each ± stands one standard error of the simulation; that of a share is taken at (hits + 1/2) / (experiments + 1),
so that it is not 0 where all agree. Made-up scores are drawn twice as often.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.probes import join, rates
from layerwise.representations.writer import writing
from layerwise.sampling import draw_sample
from layerwise.scoring.metrics import METRICS
from layerwise.scoring.properties import read_properties
from layerwise.scoring.records import scored, trial_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import SampleSizes
from layerwise.tables import comparison, layer_pairs, recommendations
from layerwise.tables import probes as probe_rows
from layerwise.tables.advice import sentences
from layerwise.tables.best_layers import best_layers
from layerwise.tables.files import write_table
from layerwise.tables.scores import collect_scores, read_scores
from layerwise.tables.trends import read_trends, summarise_trends

SAMPLES, TRIALS, FOLDS = 3, 3, 10
EPSILONS = [[1e-10, 1e-10], [1e-5, 1e-5]]
MODEL = "simulated"
PROPERTIES = read_properties(read_catalogue("properties.yaml"))
CHEAP = 2  # times as many experiments with made-up scores


# --- what is asked of the tool: all calls stand here -----------------------------------------------------------------


def score(representations: Path, question: str, layers: Sequence[str], folds_by: str, intervals: str, seed: int):
    """Scores and trends of all sample sets, in tables beside the representations."""
    folder = representations.parent
    settings = ScoreSettings(FOLDS, TRIALS, folds_by, True, EPSILONS, seed, intervals)
    files = []
    for sample in range(1, SAMPLES + 1):
        files.append(folder / f"{sample}.json")
        score_layers([representations], PROPERTIES[question], MODEL, sample, layers, settings, files[-1])
    over_speakers = {"jackknife": folder / "jackknife.csv"} if intervals == "speakers" else {}
    summarise(folder, files, {MODEL: len(layers)}, over_speakers)


def summarise(
    folder: Path, files: Sequence[Path], blocks: Mapping[str, int], over_speakers: Mapping[str, Path] | None = None
) -> None:
    """The tables scores, trends and best_layers of some score files, and the jackknife if intervals are of speakers."""
    scores, trends, best = (folder / f"{name}.csv" for name in ("scores", "trends", "best_layers"))
    collect_scores(
        files,
        dict.fromkeys(list(PROPERTIES), METRICS),
        list(PROPERTIES),
        list(blocks),
        blocks,
        scores,
        **over_speakers or {},
    )
    summarise_trends(scores, FOLDS, trends, **over_speakers or {})
    best_layers(trends, scores, PROPERTIES, best)


def advice(
    folder: Path, folds_by: str = "row", metrics: Sequence[str] = ("pwcca",), probes: Sequence[Mapping] = ()
) -> pd.DataFrame:
    """Recommendations by each metric, from the tables in a folder.

    Args:
        folds_by: how the scores were measured.
        probes: records of heads as probe jobs write them; facts that they lack are empty.
    """
    trends, best, heads, compared, out = (
        folder / f"{name}.csv" for name in ("trends", "best_layers", "probes", "comparison", "recommendations")
    )
    models = list(dict.fromkeys(read_trends(trends)["model"]))
    layers = {model: [f"T{index}" for index in range(LAYERS + 1)] for model in models}
    written, details = folder / "probe.csv", folder / "probe.json"
    with written.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, join.COLUMNS, lineterminator="\n", extrasaction="ignore")
        table.writeheader()
        table.writerows(probes)
    details.write_text(json.dumps({"weights": None}))
    tasks = list(dict.fromkeys(record["task"] for record in probes))
    probe_rows.collect_probes({written: details} if probes else {}, None, tasks, models, layers, heads)
    if probes:
        comparison.compare(folder / "scores.csv", heads, PROPERTIES, FOLDS, 1, compared)
    else:
        write_table(pd.DataFrame(columns=[*comparison.COLUMNS]), compared)
    found = []
    for metric in metrics:
        shown = dict.fromkeys(PROPERTIES, metric)
        recommendations.recommend(trends, best, heads, compared, PROPERTIES, models, [], shown, folds_by, 1, out)
        found.append(recommendations.read_recommendations(out, PROPERTIES))
    return pd.concat(found, ignore_index=True)


def is_above_chance(row) -> bool:
    return recommendations.AT_CHANCE not in row["caution"]


def is_advised(row) -> bool:
    return f"use {row['layer']}" in sentences(row.to_frame().T, row["model"], PROPERTIES)


def warns_of_ties(row) -> bool:
    return "luck" in row["caution"]


def paired_test(differences: np.ndarray) -> list[bool]:
    """Of each difference of two layers' scores, (pairs, samples, trials), whether the paired test tells them apart."""
    tested = (layer_pairs.paired(each.ravel(), 1 / (FOLDS - 2)) for each in differences)
    return [layer_pairs.verdict(one) != layer_pairs.NOT_TOLD_APART for one in tested]


def accuracy_interval(right: np.ndarray, speakers: np.ndarray) -> tuple[float, float]:
    """Of answers, (utterances,) bool, and who spoke each."""
    counts = np.column_stack([right, np.ones(len(right))]).astype(np.int64)
    return rates.interval(counts, speakers)


def write_scores(folder: Path, model: str, layer: str, scores: np.ndarray) -> Path:
    """A score file of `phone` with made-up scores, (samples, trials)."""
    sizes = {"n_train": 800, "n_test": 100, "dx": 16, "dy": 12, "kept_x": 16, "kept_y": 12, "rank_x": 16, "rank_y": 11}
    sizes |= {"kept": {"pwcca": [16, 12]}}
    counts = {"n_rows": 1000, "n_missing": 0, "n_types": 12, "n_speakers": SPEAKERS}
    records = [
        {
            **{"property": "phone", "model": model, "layer": layer, "sample": sample, "alignments": "given"},
            **scored(counts, [trial_of({"pwcca": value}, {}, classes=12, **sizes) for value in row]),
        }
        for sample, row in enumerate(scores.tolist(), start=1)
    ]
    path = folder / f"{model}_{layer}.json"
    path.write_text(json.dumps({"records": records}))
    return path


# --- corpora ---------------------------------------------------------------------------------------------------------

LAYERS = 12
SPEAKERS, UTTERANCES = 18, 162  # of a corpus
CONTENT, MEL, WIDTH = 4, 8, 16  # dimensions of what is said, of the target, of a layer
SIZES = {  # of a sample set: half of the utterances, 80 of about 120 instances of each phone, 15 of 32 of each word
    "frame": SampleSizes(utterances=81, phones_per_type=0, word_types=0, words_per_type=0),
    "phone": SampleSizes(utterances=0, phones_per_type=80, word_types=0, words_per_type=0),
    "word": SampleSizes(utterances=0, phones_per_type=0, word_types=30, words_per_type=15),
}
TYPES, SEGMENTS = {"phone": 12, "word": 30}, {"phone": 9, "word": 6}  # labels; segments of an utterance
_fixed = np.random.default_rng(2023)  # models are the same in every corpus: only who speaks and what is said changes
MAPS = {name: _fixed.normal(size=(CONTENT, width)) / math.sqrt(CONTENT) for name, width in (("x", MEL), ("y", WIDTH))}
CENTRES = {name: _fixed.normal(size=(types, WIDTH)) for name, types in TYPES.items()}


@dataclass(frozen=True)
class Design:
    """What corpora are drawn from, and how they are analysed.

    Attributes:
        name: as in the tables.
        question: `mel`, `phone` or `word`.
        content: what target and layer have in common, in standard deviations of their noise; 0: nothing.
        memory: correlation of neighbouring frames of one utterance, in content and noise; 0: rows are independent.
        identity: size of what a speaker adds to all rows of a view, to each view something else.
        range: standard deviation over speakers of the logarithm of `content`: some are understood less well.
        layers: layers of the model, with the same content and noise of their own.
        own: share of the noise's variance that is not common to all layers.
        folds_by, intervals: as in the configuration.
    """

    name: str
    question: str
    content: float = 0.7
    memory: float = 0.0
    identity: float = 0.0
    range: float = 0.0
    layers: int = 1
    own: float = 1.0
    folds_by: str = "row"
    intervals: str = "corpus"


@dataclass(frozen=True)
class Corpus:
    """Tables as the workflow's, and the rows of each utterance's frames or of each interval.

    Attributes:
        utterances: with `first` and `end`, the rows of its frames.
        intervals: with `row`.
        rows: view (`T1`, …, `mel`) → (rows × dimensions).
    """

    utterances: pd.DataFrame
    intervals: pd.DataFrame
    rows: dict[str, np.ndarray]


def draw_corpus(design: Design, random: np.random.Generator) -> Corpus:
    """A corpus of a design."""
    utterance = np.array([f"u{number:03d}" for number in range(UTTERANCES)])
    speaker = np.arange(UTTERANCES) % SPEAKERS
    span = PROPERTIES[design.question].rows.of
    length = random.integers(20, 41, UTTERANCES) if span == "frame" else np.full(UTTERANCES, SEGMENTS[span])
    of_row, ends = np.repeat(np.arange(UTTERANCES), length), np.cumsum(length)
    gain = design.content * np.exp(design.range * random.normal(size=SPEAKERS))[speaker[of_row], None]

    def view(known: np.ndarray) -> np.ndarray:
        added = design.identity * random.normal(size=(SPEAKERS, known.shape[1]))[speaker[of_row]]
        return known + added

    def noise(width: int) -> np.ndarray:
        return slow(random, length, width, design.memory)

    rows = {}
    if span == "frame":
        content = noise(CONTENT)
        rows["mel"] = view(gain * content @ MAPS["x"]) + noise(MEL)
        said = gain * content @ MAPS["y"]
        label = np.full(len(of_row), "")
    else:
        number = random.integers(TYPES[span], size=len(of_row))
        said = gain * CENTRES[span][number]
        label = np.char.add(span[0], np.char.mod("%02d", number))
    said, common = view(said), noise(WIDTH)
    for layer in range(1, design.layers + 1):
        alone = noise(WIDTH) if design.own else 0.0
        rows[f"T{layer}"] = said + math.sqrt(1 - design.own) * common + math.sqrt(design.own) * alone
    utterances = pd.DataFrame(
        {
            "utterance_id": utterance,
            "speaker_id": np.char.mod("s%02d", speaker),
            "first": ends - length,
            "end": ends,
            "duration": 0.02 * length,
        }
    )
    intervals = pd.DataFrame(
        {
            **{"utterance_id": utterance[of_row], "tier": span, "label": label},
            **{"start": np.arange(len(of_row)) / 10, "end": np.arange(1, len(of_row) + 1) / 10},
            "row": np.arange(len(of_row)),
        }
    )
    return Corpus(utterances, intervals if span != "frame" else intervals.iloc[:0], rows)


def slow(random: np.random.Generator, length: np.ndarray, width: int, memory: float) -> np.ndarray:
    """Stationary autoregressive processes of unit variance, one in each utterance: (Σ length, width)."""
    fresh = random.normal(size=(len(length), length.max(), width))
    if memory:
        for frame in range(1, fresh.shape[1]):
            fresh[:, frame] = memory * fresh[:, frame - 1] + math.sqrt(1 - memory**2) * fresh[:, frame]
    return fresh[np.arange(length.max()) < length[:, None]]


def write_corpus(corpus: Corpus, question: str, seed: int, path: Path) -> None:
    """The representations of all sample sets, which are drawn as the workflow does."""
    span = PROPERTIES[question].rows.of
    with writing(path, "float16", {"shard": 0}) as writer:
        for sample in range(1, SAMPLES + 1):
            drawn = draw_sample(corpus.utterances, corpus.intervals, sample, seed, SIZES[span])
            if span == "frame":
                table = drawn.utterances
                kept = np.concatenate([np.arange(row.first, row.end) for row in table.itertuples()])
                writer.extend_borders(f"{sample}/frame/offsets", table["end"] - table["first"])
            else:
                table = drawn.phones if span == "phone" else drawn.words
                kept = table["row"].to_numpy()
                speakers = corpus.utterances.set_index("utterance_id")["speaker_id"]
                table = table.assign(speaker_id=table["utterance_id"].map(speakers))
                writer.append(f"{sample}/{span}/row", np.arange(len(table)))
                writer.append(f"{sample}/{span}/label", table["label"].to_numpy(str))
                writer.append(f"{sample}/{span}/start", table["start"].to_numpy())
            for name in ("utterance_id", "speaker_id"):
                writer.append(f"{sample}/{span}/{name}", table[name].to_numpy(str))
            for name, rows in corpus.rows.items():
                place = f"{sample}/target/mel" if name == "mel" else f"{sample}/{span}/{name}"
                writer.append(place, rows[kept], {"definition": "simulated", "grid": ""})


def analysed(design: Design, number: int, folder: Path) -> None:
    """Draw experiment `number` of a design, and score all its layers, in `folder`."""
    representations, layers = folder / "0.h5", [f"T{layer}" for layer in range(1, design.layers + 1)]
    write_corpus(draw_corpus(design, np.random.default_rng(number)), design.question, number, representations)
    score(representations, design.question, layers, design.folds_by, design.intervals, number)


# --- experiments -----------------------------------------------------------------------------------------------------

SHARED_LUCK = (0.0, 0.5, 0.9, 0.99)  # r: correlation of the scores of two layers over draws and folds
DIFFERENCES = (0, 1, 2, 3)  # of two layers, in standard deviations of the difference of their means
LEVEL, LUCK = 0.5, 0.01  # of made-up scores: their mean, and the standard deviation of what draws and folds do to one
RATES, LISTENED, INTRACLASS, ANSWERS = (0.6, 0.75, 0.9, 0.95, 0.99), (3, 5, 12, 30), (0.0, 0.25), 72
RULES = ("tie rule", "paired test", "plain paired test")


def measure_layer(design: Design, folder: Path, number: int) -> dict:
    """Metric → mean, low and high of one layer."""
    analysed(design, number, folder)
    trends = read_trends(folder / "trends.csv").set_index("metric")
    return {name: tuple(trends.loc[name, ["mean", "low", "high"]]) for name in METRICS}


def ask_chance(design: Design, folder: Path, number: int, metrics: Sequence[str] = tuple(METRICS)) -> dict:
    """Score and chance level of one layer by pwcca, and by which metrics it is said to be above chance."""
    analysed(design, number, folder)
    trends = read_trends(folder / "trends.csv").set_index("metric")
    found = advice(folder, design.folds_by, metrics).set_index("metric")
    return {
        **{name: is_above_chance(row) for name, row in found.iterrows()},
        "score": trends.loc["pwcca", "mean"],
        "chance": trends.loc["pwcca", "chance"],
        "without caution": not found.loc["pwcca", "caution"],
    }


def rank_layers(design: Design, folder: Path, number: int) -> dict:
    """Means of equally good layers, and by which rule one of them is left out."""
    analysed(design, number, folder)
    scores = read_scores(folder / "scores.csv").query("metric == 'pwcca'")
    table = scores.pivot_table(index="layer", columns=["sample", "trial"], values="score")
    table = table.loc[[f"T{layer}" for layer in range(1, design.layers + 1)]]
    (told,) = told_apart(folder, {MODEL: table.to_numpy().reshape(-1, SAMPLES, TRIALS)})
    return {"means": table.mean(axis="columns").to_numpy(), **told}


def equal_layers(folder: Path, number: int) -> list[dict]:
    """For each share of luck in common: by which rule one of twelve equally good layers is left out."""
    random = np.random.default_rng(number)
    return told_apart_by_scores(folder, [lucky_scores(random, np.zeros(LAYERS), r) for r in SHARED_LUCK])


def two_layers(folder: Path, number: int) -> list[dict]:
    """For each share of luck in common and true difference: by which rule the second layer is found to be worse."""
    random = np.random.default_rng(number)
    made = []
    for r in SHARED_LUCK:
        deviation = LUCK * math.sqrt(2 * (1 - r) * (1 / (SAMPLES * TRIALS) + 1 / (FOLDS - 2)))
        made += [lucky_scores(random, np.array([0, -apart * deviation]), r) for apart in DIFFERENCES]
    return told_apart_by_scores(folder, made)


def lucky_scores(random: np.random.Generator, levels: np.ndarray, r: float) -> np.ndarray:
    """Scores, (layers, samples, trials), whose luck correlates by r between layers.

    All scores of a layer share some luck, as trials share most of their training rows: Nadeau and Bengio's model.
    """

    def luck(layers: int) -> np.ndarray:
        shared = random.normal(size=(layers, 1, 1)) / math.sqrt(FOLDS - 2)
        return shared + random.normal(size=(layers, SAMPLES, TRIALS))

    return LEVEL + levels[:, None, None] + LUCK * (math.sqrt(r) * luck(1) + math.sqrt(1 - r) * luck(len(levels)))


def told_apart_by_scores(folder: Path, made: Sequence[np.ndarray]) -> list[dict]:
    """`told_apart` of models with made-up scores."""
    scores = {f"model{number}": each for number, each in enumerate(made)}
    files = [
        write_scores(folder, model, f"T{layer}", of_layer)
        for model, each in scores.items()
        for layer, of_layer in enumerate(each, start=1)
    ]
    summarise(folder, files, {model: len(each) for model, each in scores.items()})
    return told_apart(folder, scores)


def told_apart(folder: Path, scores: Mapping[str, np.ndarray]) -> list[dict]:
    """For each model of the tables in `folder`, whether a layer is said to be worse than the best one, by each rule.

    Args:
        scores: model → (layers, samples, trials), those of the tables.
    """
    rows = [row for _, row in advice(folder).set_index("model").loc[list(scores)].iterrows()]
    best = [int(row["layer"][1:]) - 1 for row in rows]
    apart = [each[at] - np.delete(each, at, axis=0) for at, each in zip(best, scores.values(), strict=True)]
    return [
        {
            "best": at,
            "tie rule": len(row["tied"].split()) < len(of_model),
            "paired test": any(paired_test(of_model)),
            "plain paired test": plain_paired_test(of_model).any(),
            "caution": warns_of_ties(row),
        }
        for at, row, of_model in zip(best, rows, apart, strict=True)
    ]


def plain_paired_test(differences: np.ndarray) -> np.ndarray:
    """Student's test of each of some differences, (pairs, samples, trials), as if all scores were independent."""
    return stats.ttest_1samp(differences.reshape(len(differences), -1), 0, axis=1).pvalue < 0.05


def answer(_folder: Path, number: int) -> dict:
    """(speakers, intraclass correlation, rate) → whether the interval of an accuracy holds the rate.

    Speakers' own rates are of a beta distribution, so that rights of one speaker have the intraclass correlation.
    """
    random = np.random.default_rng(number)
    holds = {}
    for speakers in LISTENED:
        speaker = np.arange(ANSWERS) % speakers
        for correlation in INTRACLASS:
            for rate in RATES:
                own = np.full(speakers, rate)
                if correlation:
                    own = random.beta(rate * (1 / correlation - 1), (1 - rate) * (1 / correlation - 1), speakers)
                low, high = accuracy_interval(random.random(ANSWERS) < own[speaker], speaker)
                holds[speakers, correlation, rate] = low <= rate <= high
    return holds


KNOWLEDGE = {
    "guesses, as often as each class occurs": lambda random, label: random.random(label.size) < 0.75,
    "always answers the frequent class": lambda random, label: np.ones(label.size, bool),
    "is right in 95 %": lambda random, label: label ^ (random.random(label.size) > 0.95),
}


def advise(folder: Path, number: int) -> dict:
    """(whose label, what twelve heads know) → whether a layer is advised, and is above the majority by its interval.

    Three in four labels are of one class; a label is an utterance's own, or all those of a speaker have it.
    """
    random = np.random.default_rng(number)
    speaker = np.arange(ANSWERS) % 12
    labels = {"utterance": random.permutation(ANSWERS) >= ANSWERS // 4, "speaker": random.permutation(12)[speaker] >= 3}
    kinds = [(of, known) for of in labels for known in KNOWLEDGE]
    heads = []
    for task, (of, known) in enumerate(kinds):
        for layer in range(1, LAYERS + 1):
            right = KNOWLEDGE[known](random, labels[of]) == labels[of]
            low, high = accuracy_interval(right, speaker)
            heads.append(
                {
                    **{"task": f"task{task}", "model": MODEL, "layer": f"T{layer}", "layer_index": layer},
                    **{"depth": layer / LAYERS, "metric": "accuracy", "value": right.mean(), "low": low, "high": high},
                    **{
                        "majority": labels[of].mean(),
                        "chance": 0.5,
                        "test_speakers": 12,
                        "step": 100,
                        "dev_value": 0.7,
                    },
                    **{
                        "step": 100,
                        "dev_value": 0.7,
                        "n_train": 300,
                        "n_dev": ANSWERS,
                        "n_test": ANSWERS,
                        "status": "ok",
                        "reason": "",
                    },
                }
            )
    summarise(folder, [write_scores(folder, MODEL, "T1", np.full((SAMPLES, TRIALS), LEVEL))], {MODEL: LAYERS})
    rows = advice(folder, probes=heads)
    found = {kind: rows[rows["question"] == f"task{task}"].iloc[0] for task, kind in enumerate(kinds)}
    return {kind: (is_advised(row), row["low"] > labels[kind[0]].mean()) for kind, row in found.items()}


def many(experiment: Callable[[Path, int], object], count: int, processes: int) -> list:
    """What `count` experiments give, each in a folder of its own and with one thread."""
    with ProcessPoolExecutor(processes, initializer=partial(threadpool_limits, 1)) as pool:
        return list(pool.map(partial(_in_folder, experiment), range(count), chunksize=max(1, count // (8 * processes))))


def _in_folder(experiment: Callable[[Path, int], object], number: int):
    with tempfile.TemporaryDirectory() as folder:
        return experiment(Path(folder), number)


# --- tables ----------------------------------------------------------------------------------------------------------

DIFFERING = {"memory": 0.8, "identity": 0.5, "range": 0.3}  # speech of speakers who differ
COVERAGE = [
    Design("frames, independent rows", "mel"),
    Design("phones", "phone"),
    Design("words", "word"),
    *(Design("phones of 18 speakers", "phone", **DIFFERING, folds_by=by) for by in ("row", "speaker")),
    *(Design("frames of 18 speakers", "mel", **DIFFERING, folds_by=by) for by in ("row", "utterance", "speaker")),
    *(
        Design(f"{question}s of 18 speakers", target, **DIFFERING, folds_by="speaker", intervals="speakers")
        for question, target in (("phone", "phone"), ("frame", "mel"))
    ),
]
UNRELATED = [
    Design(name, question, content=0.0, folds_by=by, **facts)
    for name, question, facts in (
        ("frames, independent rows", "mel", {}),
        ("frames of two slow processes", "mel", {"memory": 0.99}),
        ("frames that share speakers alone", "mel", {"memory": 0.5, "identity": 0.6}),
        ("phones whose labels are unrelated", "phone", {"identity": 0.6}),
    )
    for by in ("row", "utterance", "speaker")
]
EQUAL = [Design(f"phones, {own:.0%} of the noise a layer's own", "phone", layers=LAYERS, own=own) for own in (0.1, 1.0)]


def covered(found: Sequence[Mapping], metric: str) -> np.ndarray:
    """Whether each interval of `measure_layer` holds the mean of all other experiments."""
    mean, low, high = np.array([each[metric] for each in found]).T
    truth = (mean.sum() - mean) / (len(mean) - 1)
    return (low <= truth) & (truth <= high)


def coverage(experiments: int, processes: int) -> None:
    print("### Coverage of a layer's truth by its 95 % interval\n")
    rows = []
    for design in COVERAGE:
        first = [design.name, design.folds_by, design.intervals]
        found = many(partial(measure_layer, design), experiments, processes)
        mean, low, high = np.array([each["pwcca"] for each in found]).T
        shares = [share(covered(found, metric)) for metric in METRICS]
        rows.append([*first, *shares, average(mean), f"{mean.std(ddof=1):.3f}", f"{(high - low).mean() / 2:.3f}"])
    show(["rows", "folds by", "interval", *METRICS, "truth (pwcca)", "its SD over corpora", "mean half width"], rows)


def chance(experiments: int, processes: int) -> None:
    print("### A layer that knows nothing of the target is said to be above chance\n")
    rows = []
    for design in UNRELATED:
        found = many(partial(ask_chance, design), experiments, processes)
        levels = [average([each[name] for each in found]) for name in ("score", "chance")]
        shares = [share([each[name] for each in found]) for name in (*METRICS, "without caution")]
        rows.append([design.name, design.folds_by, *levels, *shares])
    levels = ["score (pwcca)", "chance level (pwcca)"]
    show(["rows", "folds by", *levels, *METRICS, "pwcca, and no other caution"], rows)


def ties(experiments: int, processes: int) -> None:
    print(f"### One of {LAYERS} equally good layers is left out\n")

    def row(layers: str, r: float, found: Sequence[Mapping]) -> list:
        unwarned = [each["tie rule"] and not each["caution"] for each in found]
        return [
            layers,
            f"{r:.2f}",
            *(share([each[name] for each in found]) for name in (*RULES, "caution")),
            share(unwarned),
        ]

    rows = []
    for design in EQUAL:
        found = many(partial(rank_layers, design), experiments, processes)
        r = np.corrcoef(np.array([each["means"] for each in found]).T)
        rows.append(row(design.name, np.mean([r[pair] for pair in combinations(range(LAYERS), 2)]), found))
    found = many(equal_layers, CHEAP * experiments, processes)
    rows += [row("made-up scores", r, of_r) for r, of_r in zip(SHARED_LUCK, zip(*found, strict=True), strict=True)]
    show(["layers", "r", *RULES, "a caution stands beside", "tie rule, and no caution"], rows)
    print("### The worse of two layers is told apart; at a difference of 0: one of them falsely\n")
    cells = [(r, apart) for r in SHARED_LUCK for apart in DIFFERENCES]
    found = zip(*many(two_layers, CHEAP * experiments, processes), strict=True)
    by_cell = dict(zip(cells, found, strict=True))
    rows = [
        [r, rule, *(share([is_found(each, rule, apart) for each in by_cell[r, apart]]) for apart in DIFFERENCES)]
        for r in SHARED_LUCK
        for rule in RULES
    ]
    show(["r", "rule", *(f"{apart} SD" for apart in DIFFERENCES)], rows)


def is_found(told: Mapping, rule: str, apart: int) -> bool:
    """Whether a rule finds the second of two layers to be worse, if it is, and either one, if they are equal."""
    return told[rule] and (told["best"] == 0 or not apart)


def tasks(experiments: int, processes: int) -> None:
    print(f"### Coverage of an accuracy by its 95 % interval, {ANSWERS} utterances\n")
    found = many(answer, experiments, processes)
    rows = [
        [speakers, correlation, *(share([each[speakers, correlation, rate] for each in found]) for rate in RATES)]
        for speakers in LISTENED
        for correlation in INTRACLASS
    ]
    show(["speakers", "correlation within a speaker", *(f"rate {rate}" for rate in RATES)], rows)
    print(f"### A layer is advised where three in four labels are of one class, {ANSWERS} utterances of 12 speakers\n")
    found = many(advise, experiments, processes)
    rows = [[*kind, *(share([each[kind][number] for each in found]) for number in (0, 1))] for kind in found[0]]
    show(["labels are of a", "each of 12 heads", "advised", "interval above the majority's rate"], rows)


TABLES = {"coverage": coverage, "chance": chance, "ties": ties, "tasks": tasks}


def share(hits: Sequence[bool]) -> str:
    count = len(hits)
    level = (np.sum(hits) + 0.5) / (count + 1)
    return f"{np.mean(hits):.3f} ± {math.sqrt(level * (1 - level) / count):.3f}"


def average(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / math.sqrt(len(values)):.3f}"


def show(header: Sequence, rows: Sequence[Sequence]) -> None:
    for row in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=TABLES)
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else TABLES:
        started = time.perf_counter()
        TABLES[name](arguments.experiments, arguments.processes)
        print(f"{name}: {arguments.experiments} experiments a row, {time.perf_counter() - started:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
