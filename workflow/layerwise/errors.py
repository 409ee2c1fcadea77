"""The one base class of every error that a user can cause or mend."""


class LayerwiseError(Exception):
    """Something is wrong with the input or the configuration; the message says what, where and what would be right."""
