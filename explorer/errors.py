"""Every error that a user can cause, as one family.

Each message is one clear sentence that names the thing that is wrong and says what to do. The command line prints the
message alone and leaves with `exit_code`; the app shows it in place; Python callers catch `ExplorerError` or a
subclass.
"""

from __future__ import annotations


class ExplorerError(Exception):
    """Base of all errors that a user can cause. `exit_code` is what `lowlight` leaves with (1 to 9)."""

    exit_code = 1


class PhotoError(ExplorerError):
    """A file that cannot be read as a photograph: empty, truncated, of an unknown kind, too large, without a mosaic."""

    exit_code = 3


class VideoError(PhotoError):
    """A clip or a folder of frames that cannot be read: no video stream, cut off, a hole, a size that changes."""


class CancelledError(ExplorerError):
    """A run that its caller ended before it was done."""


class RatioError(ExplorerError, ValueError):
    """An amplification ratio that is not `auto` or a number from 1 to 300."""

    exit_code = 4


class WhiteBalanceError(ExplorerError, ValueError):
    """White-balance gains or a neutral point that cannot be used."""

    exit_code = 4


class SettingsError(ExplorerError, ValueError):
    """Settings of a picture that cannot be used: no such file, another schema, a value out of its limits."""

    exit_code = 4


class ModelNotFoundError(ExplorerError, KeyError):
    """A model or architecture name that is not known; the message lists the known ones."""

    exit_code = 5

    def __str__(self) -> str:  # KeyError would print the repr of its argument
        return str(self.args[0]) if self.args else ""


class WeightsError(ExplorerError):
    """A checkpoint that cannot be used: wrong keys or shapes, wrong sha256, a pickle that holds code, a bad config."""

    exit_code = 6


class HubError(WeightsError):
    """Weights that cannot be had from or put on the Hugging Face Hub: no such repository, gated, offline, bad names."""


class OutputError(ExplorerError):
    """A result that cannot be written: the folder does not exist, the disk is full, the suffix is not an image's."""

    exit_code = 7


class DataError(ExplorerError):
    """Training or evaluation data that cannot be used: missing folder, no pairs, unequal sizes."""

    exit_code = 8


class TrainingError(ExplorerError):
    """A training run that cannot go on: the loss is not a number, the state belongs to another recipe."""

    exit_code = 9
