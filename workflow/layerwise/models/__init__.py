"""Speech models: what they are called, where they come from, and where their layers lie.

`load` opens a model by its name; it imports torch.
"""


def __getattr__(name: str) -> object:
    if name == "load":
        from layerwise.models.by_name import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
