"""Every sentence that the app shows, in one place, ready to be translated. `{}` fields are filled by `str.format`."""

from __future__ import annotations

TITLE = "Lowlight Explorer"
TAGLINE = "Dark photographs, restored by networks you can look into."
THEME_SWITCH = "Switch between light and dark"
SKIP = "Skip to the picture"

TAB_RESTORE = "Restore"
TAB_COMPARE = "Compare"
TAB_RETINEX = "Retinex"

UPLOAD = "Your photo: RAW, JPEG, PNG, TIFF or WebP"
RAW = "RAW"
EXAMPLES = "Or begin with an example"
NO_PHOTO = "Open a photo or choose an example."
NO_PHOTO_YET = "No photo is open: open one above or choose an example."
SESSION_GONE = "This page was idle for long and its photo was let go; open the photo again."
UNKNOWN_EXAMPLE = "There is no example {name!r}; the known ones are {known}."
UNEXPECTED = "Something went wrong inside the app, and it was logged. Try again or choose another photo or model."

MODEL = "Model"
MODEL_NETWORKS = "Networks"
MODEL_CLASSICAL = "Classical methods"
NO_MODELS = "No model is installed: put a folder of weights into weights/ and start the app again."
DOMAINS = {
    "bayer": "works on the sensor's mosaic",
    "packed": "works on the sensor's packed mosaic",
    "xtrans": "works on the X-Trans mosaic",
    "rgb": "works on the developed picture",
}
CLASSICAL = "no weights"
LICENCE_UNKNOWN = "licence not stated"
PARAMETERS = "{count} parameters"

RATIO = "Amplification"
RATIO_EXACT = "Amplification as a number from 1 to 300"
RATIO_INVALID = "“{typed}” is not a number from 1 to 300."
RATIO_CHOSEN = "chosen by hand"
RATIO_USE = "Use suggested"
RATIO_NOTE = "Suggested {{ratio}}: {source}"

WHITE_BALANCE = "White balance"
WHITE_BALANCES = (("As shot", "as_shot"), ("Daylight", "daylight"), ("Grey world", "grey_world"))

FULL = "Restore at full resolution"
DOWNLOAD = "Download"
FORMAT = "File"
FORMATS = (
    ("PNG, 8 bit", "png8"),
    ("PNG, 16 bit", "png16"),
    ("TIFF, 16 bit", "tiff16"),
    ("JPEG", "jpeg8"),
)
PREPARED = "{name} ({size})"

BEFORE_TAKEN = "As taken"
BEFORE_AMPLIFIED = "Amplified only"
AFTER = "Restored"
ALT_TAKEN = "{photo} as the camera took it"
ALT_AMPLIFIED = "{photo} brightened {ratio} times, without a network"
ALT_AFTER = "{photo} restored by {model} at amplification {ratio}"
BADGE_PREVIEW = "Preview {width} × {height}"
BADGE_FULL = "Full resolution {width} × {height}"
LEFT_SIDE = "Left"
SPLIT = "Divider between before and after"
VIEW_TOOLS = "View"
ZOOM_IN = "Zoom in"
ZOOM_OUT = "Zoom out"
FIT = "Fit"

HISTOGRAM = "Histogram"
HISTOGRAM_AXES = (("Display", "srgb"), ("Linear light", "stops"))
HISTOGRAM_AXIS = "Scale"
HISTOGRAM_HELP = "Dotted: before. Filled: after."
METADATA = "Photo"
RESULT = "Result"
TIME = "{seconds} on the {device}"

COMPARE_MODELS = "Models to compare"
COMPARE_RUN = "Compare"
COMPARE_RATIOS = (("Suggested for each", "own"), ("As set in Restore", "same"))
STOP = "Stop"
COMPARE_EMPTY = "Choose models and press Compare: their pictures appear here as each is ready."
COMPARE_NONE = "Choose at least one model to compare."
COMPARE_PROGRESS = "{done} of {total} models are done."
COMPARE_COLUMNS = ("Model", "Seconds", "Amplification", "Parameters", "Mean level")
COMPARE_TABLE = "Models, their time and size"
COMPARE_HELP = "Seconds of the network alone, at preview size on this machine."
BLIND = "Hide names"
ALT_TILE = "{photo} restored by {model}"
INPUT_TILE = "Photo as taken"

RETINEX_MODEL = "Decomposed by"
RETINEX_RUN = "Decompose"
RETINEX_EMPTY = "Choose a model that splits the photo into reflectance and illumination, and press Decompose."
RETINEX_NONE = "No installed model gives a reflectance or an illumination."
RETINEX_HELP = (
    "Retinex: what the camera saw, S, is what surfaces reflect, R, times the light that falls on them, I. "
    "Illuminations are drawn on the fixed scale 0 to 1, the residual on 0 to 0.25."
)
ALT_PANEL = "{title} of {photo} by {model}"
