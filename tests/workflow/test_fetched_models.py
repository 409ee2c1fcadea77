"""Models that are not here yet: planned, fetched, asked for their layers; and all that follows without a net."""

from __future__ import annotations

import csv
import hashlib
import html
import json
import os
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.figures.look import LONGEST_LABEL
from layerwise.layers import layer_names
from tiny_hub import COMMIT, running
from tiny_models import make
from tiny_originals import settings, weights, write

# Refuses and notes every connection of a process that does not fetch; and notes of each that has imported the hub's
# client whether it is switched off there.
GUARD = """
import atexit, socket, sys
def refuse(*args, **kwargs):
    with open({used!r}, "a") as file:
        print(sys.argv, args, file=file)
    raise OSError("the network was used")
def tell():
    constants = sys.modules.get("huggingface_hub.constants")
    if constants:
        with open({clients!r}, "a") as file:
            print(sys.orig_argv[-1].split(".")[-2], constants.HF_HUB_OFFLINE, file=file)
atexit.register(tell)
if not any("fetch_" in argument for argument in sys.orig_argv):
    socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


@pytest.fixture
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    checkpoint = make("random-wav2vec2-tiny", folder / "tiny", num_hidden_layers=2)
    original = write("hubert", folder, settings(), weights("hubert", settings()))
    with running() as server:
        server.repositories["owner/tiny"] = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
        server.files["/original.pt"] = original.read_bytes()
        yield server


@pytest.fixture
def guarded(tmp_path):
    """A folder for PYTHONPATH: no process but a fetching job reaches the network."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD.format(used=str(folder / "used"), clients=str(folder / "clients")))
    return folder


@pytest.fixture
def environment(hub, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.upper().startswith(("HF_", "HTTP"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def experiment(path, models=None, **extra_models):
    smoke = {
        "experiment": "fetched",
        "models": models or list(extra_models),
        "extra_models": extra_models,
        "properties": ["mel", "phone"],
        "samples": {"count": 1, "utterances": 20, "phones_per_type": 30, "word_types": 20, "words_per_type": 10},
        "cca": {"trials": 1},
        "probes": {"tasks": []},
    }
    path.write_text(yaml.safe_dump(smoke))
    return str(path)


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


LAYERS = {"conv_layers": 7, "blocks": 2, "stride_seconds": 0.02}


def test_known_layers_are_planned_in_full(checkout, tmp_path, no_network):
    configfile = experiment(tmp_path / "known.yaml", mine={"source": "owner/tiny"} | LAYERS)
    plan = checkout.plan(configfile=configfile, python_path=no_network)
    assert {"fetch_model", "extract_representations", "score_layers", "write_report"} <= set(plan.jobs)
    assert "describe_model" not in plan.jobs
    assert "are not known before" not in plan.output
    assert not (no_network / "used").exists()


def test_unknown_layers_are_said_to_be(checkout, tmp_path, no_network):
    extra = {"mine": {"source": "owner/tiny"}, "other": {"source": "https://example.org/a.pt"}}
    plan = checkout.plan(configfile=experiment(tmp_path / "unknown.yaml", **extra), python_path=no_network)
    assert "the layers of mine (owner/tiny) are not known before its checkpoint has been read" in plan.output
    assert "the layers of other (https://example.org/a.pt) are not known" in plan.output
    assert {"fetch_model", "describe_model", "collect_scores", "write_report"} <= set(plan.jobs)
    assert "DAG of jobs will be updated after completion" in plan.output
    assert "score_layers" not in plan.jobs
    assert not (no_network / "used").exists()


def test_extraction_alone_is_planned_without_layers(checkout, tmp_path):
    configfile = experiment(tmp_path / "unknown.yaml", mine={"source": "owner/tiny"})
    jobs = checkout.plan("extract", configfile=configfile).jobs
    assert jobs["extract_representations"] == jobs["describe_model"] == jobs["fetch_model"] == 1


def test_random_weights_of_an_architecture_that_names_no_layers(checkout, tmp_path):
    """transformers' defaults are not known to the plan either."""
    control = {"source": "random-init", "seed": 1, "architecture": {"model_type": "wavlm"}}
    jobs = checkout.plan(configfile=experiment(tmp_path / "default.yaml", mine=control)).jobs
    assert jobs["make_random_model"] == jobs["describe_model"] == 1


def test_random_weights_like_a_model_that_is_not_chosen_wait_for_its_checkpoint(checkout, tmp_path, no_network):
    control = {"source": "random-init", "like": "owner/tiny"}
    plan = checkout.plan(configfile=experiment(tmp_path / "like.yaml", control=control), python_path=no_network)
    assert plan.jobs["fetch_model"] == plan.jobs["make_random_model"] == plan.jobs["describe_model"] == 1
    assert "the layers of control (random-init) are not known before its checkpoint has been read" in plan.output
    planned = experiment(
        tmp_path / "planned.yaml", mine={"source": "owner/tiny"} | LAYERS, control=control | {"like": "mine"}
    )
    plan = checkout.plan(configfile=planned, python_path=no_network)
    assert plan.jobs["fetch_model"] == plan.jobs["make_random_model"] == 1
    assert "describe_model" not in plan.jobs
    assert not (no_network / "used").exists()


def test_models_are_named_on_the_command_line(checkout, tmp_path, no_network):
    models = "models=[facebook/hubert-base-ls960, owner/tiny@0123abc]"
    configfile = experiment(tmp_path / "named.yaml", ["random-wav2vec2-tiny"])
    plan = checkout.plan("extract", "--config", models, configfile=configfile, python_path=no_network)
    assert "the layers of owner--tiny@0123abc (owner/tiny) are not known" in plan.output
    assert plan.jobs["fetch_model"] == plan.jobs["extract_representations"] == 2
    assert plan.jobs["describe_model"] == 1  # of the one that the catalogue has not


def test_from_an_id_to_the_report(fresh, hub, environment, guarded, tmp_path):
    """An id of the hub, an address, a file here, and a control; whatever follows the fetching has no network."""
    file = write("wavlm", tmp_path, settings(), weights("wavlm", settings()))
    title = "a_title of $two$ <models> & _more"
    extra = {
        "original": {"source": f"{hub.address}/original.pt", "title": title, "objective": "a test"},
        "control": {"source": "random-init", "like": "owner/tiny", "title": title},
    }
    configfile = experiment(tmp_path / "fetched.yaml", ["owner/tiny", "original", str(file), "control"], **extra)
    single = next(
        name
        for said, name in read_experiment(yaml.safe_load(Path(configfile).read_text())).names.items()
        if said == str(file)
    )
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(
        "task,model,layer,metric,value\n"
        + "".join(f"words,{said},T{i},wer,0.{4 - i}\n" for said in ("owner/tiny", str(file)) for i in range(3))
    )
    options = ("--config", f"probes={{tasks: [], external: {elsewhere}}}", "colour_by=objective")
    guard = {"configfile": configfile, "python_path": guarded}
    # What loads the hub's client starts as it does for a user; what comes after has the same guard.
    fetched = fresh.snakemake("--cores", "2", "extract", *options, **guard)
    assert fetched.returncode == 0, fetched.output
    run = fresh.snakemake("--cores", "2", *options, **guard, warm=True)
    assert run.returncode == 0, run.output
    assert not (guarded / "used").exists(), (guarded / "used").read_text()
    clients = set((guarded / "clients").read_text().split("\n")) - {""}
    assert clients == {
        *("fetch_model False", "describe_model True", "extract_representations True", "make_random_model True"),
    }
    assert "no sha256 was given" in fetched.output  # of the original

    results, tiny = fresh / "results/fetched", "owner--tiny@main"
    layers = {tiny: layer_names(7, 2), "original": layer_names(7, 3), single: layer_names(7, 3)}
    layers["control"] = layers[tiny]
    scores = table(results / "tables/scores.csv")
    for model, names in layers.items():
        found = {row["layer"] for row in scores if row["model"] == model and row["property"] == "mel"}
        assert found == set(names) - {"T0"} or found == set(names)
        assert all(row["status"] == "ok" for row in scores if row["model"] == model and row["property"] == "mel")
    assert {row["depth"] for row in scores if row["model"] == tiny and row["layer"] == "T1"} == {"0.5"}
    models = {row["model"]: row for row in table(results / "tables/models.csv")}
    assert list(models) == list(layers)
    assert (models[tiny]["blocks"], models[tiny]["width"], models[tiny]["title"]) == ("2", "48", "owner/tiny")
    assert models["original"]["blocks"] == models[single]["blocks"] == "3"
    assert models[single]["title"] == models[single]["source"] == str(file)
    assert [row["model"] for row in table(results / "tables/probes.csv")] == [tiny] * 3 + [single] * 3

    # Titles are shown, and equal ones told apart.
    titles = ["owner/tiny", f"{title} (original)", str(file), f"{title} (control)"]
    assert [row["title"] for row in models.values()] == titles
    page = html.unescape((results / "report.html").read_text())
    for shown in titles:
        assert f"<h3>{shown}</h3>" in page
    labels = [title if len(title) <= LONGEST_LABEL else f"{title[:18]}…{title[-25:]}" for title in titles]
    for plot in ("overview.svg", "mel_depth.svg", "mel_layer.svg", "mel_heatmap.svg"):
        texts = [element.text for element in ElementTree.parse(results / "plots" / plot).iter() if element.text]
        assert [texts.count(label) for label in labels] == [1] * 4

    manifest = json.loads((fresh / "resources/models" / tiny / "manifest.json").read_text())
    assert manifest["revision"] == COMMIT
    assert set(manifest["files"]) == {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert not list((fresh / "resources/models").glob(".*"))

    again = fresh.plan(*options, configfile=configfile, python_path=guarded)
    assert again.jobs == {}
    assert "are not known before" not in again.output


def test_wrong_digest_ends_the_run(fresh, hub, environment, tmp_path):
    extra = {"original": {"source": f"{hub.address}/original.pt", "sha256": "0" * 64}}
    target = "resources/models/original"
    configfile = experiment(tmp_path / "wrong.yaml", **extra)
    run = fresh.snakemake("--cores", "1", target, configfile=configfile)
    assert run.returncode != 0
    assert f"expected {'0' * 64}" in run.output
    assert not (fresh / target).exists()


def test_planted_file_ends_the_run(fresh, hub, environment, tmp_path):
    """Its folder is there, and says where it came from: no job would look at it again."""
    address, folder = f"{hub.address}/original.pt", fresh / "resources/models/original"
    whole = hub.files["/original.pt"]
    extra = {"original": {"source": address, "sha256": hashlib.sha256(whole).hexdigest()}}
    folder.mkdir(parents=True)
    (folder / "origin.txt").write_text(f"{address}\n")
    (folder / "original.pt").write_bytes(whole[:-1] + b"?")
    configfile = experiment(tmp_path / "planted.yaml", **extra)
    run = fresh.snakemake("--cores", "1", "extract", configfile=configfile)
    assert run.returncode == 1
    assert "resources/models/original/original.pt: found sha256" in run.output
    assert "Remove the folder: the same command fetches it again" in run.output
    assert run.messages == []  # no job was begun
    assert (folder / "original.pt").exists()


@pytest.mark.parametrize("plant", ["a file", "a pipe", "a folder without the file", "a file for the hub"])
def test_what_is_no_folder_of_a_model_ends_the_run(fresh, hub, environment, tmp_path, plant):
    """Snakemake would take it for what a job has made, and no digest would ever be looked at."""
    source = {"source": f"{hub.address}/original.pt", "sha256": "0" * 64}
    if plant == "a file for the hub":
        source = {"source": "owner/tiny"}
    place = fresh / "resources/models/original"
    place.parent.mkdir(parents=True)
    if plant == "a pipe":
        os.mkfifo(place)
    elif plant == "a folder without the file":
        place.mkdir()
        (place / "origin.txt").write_text("mine\n")
    else:
        place.write_bytes(b"mine")
    configfile = experiment(tmp_path / "planted.yaml", original=source)
    run = fresh.snakemake("--cores", "1", "extract", configfile=configfile)
    assert run.returncode == 1
    expected = f"is {plant.removesuffix(' for the hub')}, where a folder of this workflow belongs: remove it"
    if place.is_dir():
        expected = "holds no original.pt, which was fetched there. Remove the folder"
    assert f"resources/models/original {expected}" in run.output
    assert run.messages == []  # no job was begun


def test_damaged_manifest_is_told_of_and_made_again(fresh, hub, environment, tmp_path):
    configfile = experiment(tmp_path / "damaged.yaml", original={"source": f"{hub.address}/original.pt"})
    arguments = ("--cores", "1", "resources/models/original")
    assert fresh.snakemake(*arguments, configfile=configfile).returncode == 0
    (fresh / "resources/models/original/manifest.json").write_text("[]\n")
    said = "resources/models/original: cut off, as by a power cut"
    assert said in fresh.plan(configfile=configfile).output
    run = fresh.snakemake(*arguments, configfile=configfile)
    assert run.returncode == 0, run.output
    assert said in run.output
    assert len(hub.asked) == 2


def test_interrupted_job_is_resumed_by_the_next_run(fresh, hub, environment, tmp_path):
    """Snakemake removes the output of a job that failed; what had come lies beside it."""
    whole = hub.files["/original.pt"]
    hub.cut["/original.pt"] = len(whole) // 8
    configfile = experiment(tmp_path / "cut.yaml", original={"source": f"{hub.address}/original.pt"})
    arguments = ("--cores", "1", "resources/models/original")
    assert fresh.snakemake(*arguments, configfile=configfile).returncode != 0
    assert not (fresh / "resources/models/original").exists()
    hub.cut.clear()
    hub.asked.clear()
    run = fresh.snakemake(*arguments, configfile=configfile)
    assert run.returncode == 0, run.output
    assert [asked.range for asked in hub.asked] == [f"bytes={4 * (len(whole) // 8)}-"]
    assert (fresh / "resources/models/original/original.pt").read_bytes() == whole


def test_models_by_hand_end_the_run_before_any_job(checkout, tmp_path):
    configuration = tmp_path / "by-hand.yaml"
    configuration.write_text("models: [random-wav2vec2-tiny, fast-vgs]\n")
    run = checkout.snakemake("--cores", "1", configfile=str(configuration))
    assert run.returncode != 0
    assert "args.pkl and best_bundle.pth must be fetched by hand, from https://github.com/jasonppy" in run.output
    assert f"{checkout.root}/resources/models/fast-vgs/" in run.output
    assert "extra_models" in run.output
    assert "Traceback" not in run.output
    assert run.messages == []  # no job was begun


def test_files_put_by_hand_are_used_and_never_removed(fresh, tmp_path):
    folder = fresh / "resources/models/fast-vgs"
    folder.mkdir(parents=True)
    write("fast_vgs", folder, settings(), weights("fast_vgs", settings(encoder_layers=2)))
    configfile = experiment(tmp_path / "by-hand.yaml")
    configuration = yaml.safe_load((tmp_path / "by-hand.yaml").read_text()) | {"models": ["fast-vgs"]}
    (tmp_path / "by-hand.yaml").write_text(yaml.safe_dump(configuration))
    jobs = fresh.plan(configfile=configfile).jobs
    assert not {"fetch_model", "fetch_original", "describe_model"} & set(jobs)
    assert jobs["extract_representations"] == 1
    run = fresh.snakemake("--cores", "1", "extract", configfile=configfile)
    assert run.returncode == 0, run.output
    assert {"args.pkl", "best_bundle.pth"} <= {path.name for path in folder.iterdir()}
    shutil.rmtree(folder)
    assert fresh.snakemake("--cores", "1", configfile=configfile).returncode != 0
