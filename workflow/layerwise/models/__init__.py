"""Speech models: what they are called, where they come from, and where their layers lie.

`load` is here for everybody; it imports torch.
"""


def __getattr__(name: str):
    if name == "load":
        from layerwise.models.speech_model import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
