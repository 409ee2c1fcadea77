"""Recognise an original checkpoint: in which files it lies, and of which family it is.

Read when the workflow is planned too, so nothing here imports torch: weights stay in the file until the family's
`anatomy` fills a module with them.
"""

from __future__ import annotations

from pathlib import Path

from layerwise.models.families import families
from layerwise.models.originals import pickles
from layerwise.models.originals.family import Opened, Original, OriginalError
from layerwise.models.originals.settings import Settings, as_values, shown_value
from layerwise.models.originals.weight_names import weights_by_name


def is_original(source: Path) -> bool:
    """Whether a path should hold an original checkpoint: any file, and a folder with such files but no config.json."""
    source = Path(source)
    return source.is_file() or bool(source.is_dir() and not (source / "config.json").is_file() and _torch_files(source))


def read_original(source: Path) -> Original:
    """Recognise the original checkpoint in a file, or in a folder that has one such file or all those of a family.

    Of several `.pt` files in a folder `checkpoint.pt` is taken, fairseq's own name.

    Raises:
        PickleError: a file is damaged, or tries to run something.
        OriginalError: there is none, or of a model that cannot be read, or its settings are no settings of the model.
    """
    source, known = Path(source), families()
    for family in known:
        if family.files and source.is_dir() and all((source / name).is_file() for name in family.files):
            return family.read(*(source / name for name in family.files))
    path = _file_in(source) if source.is_dir() else source
    parts = {name for family in known for name in family.files}
    if path.name in parts or path.suffix in (".json", ".safetensors", ".bin"):
        raise OriginalError(f"{path} is one part of a checkpoint: name its folder")
    opened = _opened(path)
    for family in known:
        if family.is_of(opened):
            return family.read(opened)
    *names, last = (family.fairseq_name for family in known if family.fairseq_name)
    raise OriginalError(
        f"{path} is a fairseq checkpoint of {shown_value(opened.name)}: {', '.join(names)} and {last} can be read, as "
        "they are after pre-training (a fine-tuned model, or another one, can be where transformers has it)"
    )


def _opened(path: Path) -> Opened:
    pickled = pickles.read(path)
    content = pickled.content if isinstance(pickled.content, dict) else {}
    if "model" not in content:
        found = ", ".join(map(str, list(content)[:8])) or type(pickled.content).__name__
        raise OriginalError(
            f"{path} holds no checkpoint of fairseq (args or cfg, and model) or of WavLM (cfg and model), but {found} "
            "(weights of transformers are read from a folder: pytorch_model.bin beside their config.json)"
        )
    whole = as_values(content.get("cfg")) or as_values(content.get("args"))
    if not whole:
        raise OriginalError(f"{path} holds weights without a configuration (cfg or args) to say of what model they are")
    weights = weights_by_name(path, content["model"])
    # fairseq: sections under cfg since version 0.11, a flat Namespace before.
    in_sections = "model" in whole
    model = Settings(path, as_values(whole["model"]) if in_sections else whole)
    task = Settings(path, as_values(whole.get("task")) if in_sections else whole)
    name = next((model.values[key] for key in ("_name", "arch") if isinstance(model.values.get(key), str)), None)
    return Opened(path, name, model, task, weights, pickled, content)


def _torch_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".pt", ".pth") and path.is_file())


def _file_in(folder: Path) -> Path:
    files = _torch_files(folder)
    if folder / "checkpoint.pt" in files:
        return folder / "checkpoint.pt"
    if len(files) != 1:
        raise OriginalError(
            f"{folder} holds {', '.join(path.name for path in files) or 'no .pt file'}: name the one that is meant"
        )
    return files[0]
