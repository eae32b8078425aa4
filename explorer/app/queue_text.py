"""The texts of the Queue tab, with ids and translations as in `explorer.app.text`."""

from __future__ import annotations

TAB_QUEUE = "Queue"

QUEUE_HELP = (
    "Drop up to {most} photos at once, choose how they are restored, all alike or one by one, and download one ZIP."
)
QUEUE_UPLOAD = "Your photos"
QUEUE_FOR = "Settings for"
QUEUE_ALL = "All photos"
QUEUE_BEST = "Best model for each photo"
QUEUE_MODEL = "Model of the queue"
QUEUE_AUTO = "Suggested amplification for each photo"
QUEUE_RATIO = "Amplification of the queue"
QUEUE_STRENGTH = "Strength of the queue, %"
QUEUE_FORMAT = "Files of the queue"
QUEUE_HALF = "Half size, for a quick look"
QUEUE_RUN = "Restore the queue"
QUEUE_CANCEL = "Cancel"
QUEUE_LIKE_ALL = "Like all photos"
QUEUE_REMOVE = "Remove"
QUEUE_EMPTY = "No photos are in the queue yet: drop some under “Your photos”."
QUEUE_PHOTOS = "Photos in the queue"
QUEUE_STATES = {"waiting": "Waiting", "working": "Being restored", "done": "Done", "failed": "Failed"}
QUEUE_OWN = "Own settings"
QUEUE_READING = "Reading {name}."
QUEUE_STEP = "{done} of {total} photos are done; now {name}."
QUEUE_DONE = "{done} of {total} photos are in the ZIP."
QUEUE_NOTHING = "No photo could be restored; each one shows the reason."
QUEUE_CANCELLED = "Cancelled."
QUEUE_TOO_MANY = "The queue holds {most} photos; left out: {names}."
QUEUE_FULL = "The ZIP has reached its maximum size; download it, remove the finished photos, and restore the rest."
QUEUE_GONE = "{name} is no longer in the queue; choose another photo."

GRADIO_SAYS = {
    "busy": "This application is currently busy. Please try again.",
    "gone": "Connection errored out.",
    "lost": "Connection to the server was lost. Attempting reconnection...",
    "upload": "Click to upload or drop files",
    "drop": "Drop File Here",
    "or": "- or -",
    "click": "Click to Upload",
    "number": "number input for {name}",
    "error": "Error",
}
"""Gradio's own texts: for a full queue, a server that does not answer and a lost connection; uploads; labels for screen
readers; and the title above refusals."""
