"""The errors that a user can cause.

Each message is one clear sentence that says what is wrong and what to do. The command line prints only the message and
exits with `exit_code`; the app shows it in place; Python callers catch `ExplorerError` or a subclass. Errors that the
app shows are made from an id of `explorer.messages`: `PhotoError(code="error.empty", name=name)`. The error carries the
id and the fields, so that it can be shown in any language.
"""

from __future__ import annotations

import errno

from explorer.messages import say


class ExplorerError(Exception):
    """Base of all errors that a user can cause. `exit_code` is the exit status of `lowlight` (1 to 9).

    Args:
        message: the sentence, for errors without an id.
        code: an id of `explorer.messages.MESSAGES`, instead of the sentence.
        fields: the values of its fields.
    """

    exit_code = 1

    def __init__(self, message: str = "", /, *, code: str = "", **fields: object) -> None:
        super().__init__(say(code, **fields) if code else message)
        self.code = code
        self.fields = fields


class PhotoError(ExplorerError):
    """A file that cannot be read as a photo: empty, truncated, of an unknown kind, too large, without a mosaic."""

    exit_code = 3


class VideoError(PhotoError):
    """A clip or a folder of frames that cannot be read: no video stream, truncated, missing frames, a changing size."""


class CancelledError(ExplorerError):
    """A run that its caller cancelled."""


class RatioError(ExplorerError, ValueError):
    """An amplification ratio that is not `auto` or a number from 1 to 300."""

    exit_code = 4


class WhiteBalanceError(ExplorerError, ValueError):
    """White-balance gains or a neutral point that cannot be used."""

    exit_code = 4


class SettingsError(ExplorerError, ValueError):
    """Settings that cannot be used: no such file, another schema, a value out of range."""

    exit_code = 4


class ModelNotFoundError(ExplorerError, KeyError):
    """An unknown model or architecture name; the message lists the known ones."""

    exit_code = 5

    def __str__(self) -> str:  # KeyError would print the repr of its argument
        return str(self.args[0]) if self.args else ""


class WeightsError(ExplorerError):
    """A checkpoint that cannot be used: wrong keys or shapes, wrong sha256, a pickle with code in it, a bad config."""

    exit_code = 6


class HubError(WeightsError):
    """Weights that cannot be downloaded from or published to the Hugging Face Hub: no such repository, gated, "
    "offline, bad names."""


class OutputError(ExplorerError):
    """A result that cannot be written: the folder does not exist, the disk is full, the suffix is not an image's."""

    exit_code = 7


class DataError(ExplorerError):
    """Training or evaluation data that cannot be used: missing folder, no pairs, unequal sizes."""

    exit_code = 8


class TrainingError(ExplorerError):
    """A training run that cannot continue: the loss is not a number, the state belongs to another recipe."""

    exit_code = 9


def sentence(
    error: BaseException, *, relief: str = "use a smaller picture or a lighter model", advice: str = ""
) -> str:
    """Returns an error's message for the user: one sentence without a line break.

    Args:
        relief: what to do if memory is short.
        advice: what to do about an unexpected error.
    """
    if isinstance(error, ExplorerError):
        text = str(error)
    elif isinstance(error, MemoryError) or "not enough memory" in str(error):  # torch raises a plain RuntimeError
        text = f"There is not enough memory for this photograph and model; {relief}."
    elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        text = f"{error.filename} is longer than the file system allows; check the path."
    else:
        text = f"Unexpected {type(error).__name__}: {error}".rstrip(" .:") + (f"; {advice}." if advice else "")
    return " ".join(text.split())
