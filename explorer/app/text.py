"""The texts of the app, in one place for translation. `str.format` fills the `{}` fields."""

from __future__ import annotations

TITLE = "Lowlight Explorer"
TAGLINE = "Dark photos, restored by networks you can look into."
THEME_SWITCH = "Switch between light and dark"
LANGUAGE = "Language"
OWN_NAME = "English"
SKIP = "Skip to the picture"

TAB_RESTORE = "Restore"
TAB_COMPARE = "Compare"
TAB_RETINEX = "Retinex"
TAB_FEATURES = "Feature maps"
TAB_TRAINING = "Training"
TAB_LEARN = "Learn"
TAB_LIVE = "Live"
TAB_DARKROOM = "Darkroom"

UPLOAD = "Your photo: {formats} or {last}"
RAW = "RAW"
EXAMPLES = "Or start with an example"
NO_PHOTO = "Open a photo or choose an example."
NO_PHOTO_YET = "No photo is open: open one above or choose an example."
RATIO_CLAMPED = "The link asks for amplification {typed}, which is outside 1 to 300, so {ratio} is used."
RATIO_UNREADABLE = "The link asks for amplification “{typed}”, which is not a number, so the suggested one is used."
BALANCE_UNREADABLE = "The link asks for white balance “{typed}”, which this photo does not support; it is ignored."
UNKNOWN_MODEL = "There is no model {model}; the known ones are {known}."
SESSION_GONE = "This page was idle for too long, so its photo was discarded; open the photo again."
UNKNOWN_EXAMPLE = "There is no example {name!r}; the known ones are {known}."
UNEXPECTED = "Something went wrong in the app and was logged. Try again, or choose another photo or model."

MODEL = "Model"
NO_MODELS = "No model is installed. Put a folder of weights into weights/ and start the app again."
DOMAINS = {
    "bayer": "works on the sensor mosaic",
    "packed": "works on the packed sensor mosaic",
    "xtrans": "works on the X-Trans mosaic",
    "rgb": "works on the developed picture",
}
CLASSICAL = "no weights"
PUBLISHED = "published"
LICENCE_UNKNOWN = "licence not stated"
PARAMETERS = "{count} parameters"

IMPORT = "Published weights"
IMPORT_WHICH = "Weights published by their authors"
IMPORT_LICENCE = "Licence"
IMPORT_FILES = "Files"
IMPORT_ORIGIN = "From"
IMPORT_KEEP = "Redistributing these weights requires their authors' permission."
IMPORT_AGREE = "Accept “{licence}” and import"
IMPORT_UNSTATED = "No licence is stated: import for my own use"
IMPORT_FREE = "Get all {count} that are free to redistribute ({licences})"
IMPORT_FAILED = "{name} could not be imported: {reason}"
IMPORT_NOTHING = "Import"
IMPORT_ALL_HERE = "All published weights that this explorer knows are installed."
IMPORT_NOT_HERE = "Importing weights is disabled here; run the app on your own machine, or ask whoever runs this one."

RATIO = "Amplification"
RATIO_EXACT = "Amplification as a number from 1 to 300"
RATIO_INVALID = "“{typed}” is not a number from 1 to 300."
RATIO_CHOSEN = "set by hand"
RATIO_USE = "Use suggested"
RATIO_KEEP = "Keep {ratio}"
RATIO_NOTE = "Suggested {{ratio}}: {source}"
STRENGTH = "Strength, %"

WHITE_BALANCE = "White balance"
WHITE_BALANCES = (
    ("As shot", "as_shot"),
    ("Daylight", "daylight"),
    ("Grey world", "grey_world"),
    ("Grey patch", "neutral"),
)
BLACK_LEVEL = "Black level"
BLACK_LEVELS = (("Automatic", "auto"), ("As in the file", "file"), ("Masked pixels", "masked"))
NEUTRAL_X = "From the left, pixels"
NEUTRAL_Y = "From the top, pixels"
NEUTRAL_HELP = "Click a grey or white surface in the picture, or enter its position here."


FINISH = "After the network"
FINISH_PRESETS = (("Open shadows", "shadows"), ("More contrast", "contrast"), ("Warmer", "warm"), ("Night", "night"))
FINISH_RESET = "Reset"
FINISH_STEPS = {
    "exposure": "Exposure, stops",
    "contrast": "Contrast",
    "shadows": "Shadows",
    "warmth": "Blue to red",
    "tint": "Green to magenta",
}

REFERENCE = "Compare with a reference"
REFERENCE_UPLOAD = "The same scene, well lit"
REFERENCE_HELP = "A picture of the same size as the photo. PSNR and SSIM then appear below the result."
REFERENCE_OWN = "This example has its own reference."
REFERENCE_SIZE = "{name} is {reference} pixels but the photo is {photo}; choose a reference of the same size."
SCORES_LABEL = "Against the reference"

FULL = "Restore at full resolution"
DOWNLOAD = "Download"
FORMAT = "File"
FORMATS = (
    ("PNG, 8 bit", "png8"),
    ("PNG, 16 bit", "png16"),
    ("TIFF, 16 bit", "tiff16"),
    ("JPEG", "jpeg8"),
    ("DNG, for editing", "dng"),
    ("Settings (JSON)", "settings"),
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
VIEW = "Before and after: zoom with plus and minus, move with the arrow keys, hold B for the photo before"
ZOOM_IN = "Zoom in"
ZOOM_OUT = "Zoom out"
FIT = "Fit"
SHARPER_FOLLOWS = "Sharpening …"
LOOKS_AT_THE_WHOLE = "This method needs the whole picture: “Restore at full resolution” shows its finest detail."
NAVIGATOR = "Drag to see another part"
ONE_TO_ONE = "1:1"
ONE_TO_ONE_HELP = "One photo pixel per screen pixel, at full resolution"
PICK = "Pick grey"
PICK_HELP = "Click a surface that should be neutral grey"

HISTOGRAM = "Histogram"
HISTOGRAM_AXES = (("Display", "srgb"), ("Linear light", "stops"))
HISTOGRAM_AXIS = "Scale"
HISTOGRAM_HELP = "Dotted: before. Filled: after."
METADATA = "Photo"
RESULT = "Result"
RESULT_TIME = "Time"
RESULT_WEIGHTS = "Weights"
RESULT_ENGINE = "Computed with"
RESULT_RATIO = "Amplification"
WHOLE = "Restoring the whole photo"
WRITING = "Writing the picture"
TIME = "{seconds} on the {device}"

TILES_SHOW = "Show"
TILES_PICTURES = "Pictures"
TILES_DIFFERENCE = "Difference"
TILES_MATCHED = "Exposure matched"
TILES_AGAINST = "against"
TILES_MEAN = "mean difference {value}"
TILES_FACTOR = "exposure matched to the mean of {name}: × {factor}"
LINE_DRAW = "Draw a line"
LINE_HELP = "Drag across a picture; move the line with the arrow keys"
TABLE_CSV = "Download CSV"
TABLE_MARKDOWN = "Download Markdown"
PLAY = "Play"
FRAME = "Frame"

COMPARE_MODELS = "Models to compare"
COMPARE_RUN = "Compare"
COMPARE_RATIOS = (("Suggested for each", "own"), ("As set in Restore", "same"), ("These:", "list"))
COMPARE_LIST = "Amplifications, separated by commas"
COMPARE_BAD_LIST = "“{part}” is not an amplification: write numbers from 1 to 300 or auto, separated by commas."
STOP = "Stop"
COMPARE_EMPTY = "Choose models and press Compare: each picture appears here when it is ready."
COMPARE_ALL = "All"
COMPARE_NONE = "Choose at least one model to compare."
COMPARE_TOO_MANY = "{count} pictures are too many for one comparison; choose at most {most}."
COMPARE_PROGRESS = "{done} of {total} pictures are done."
COMPARE_NEXT = "{done} of {total} pictures are done; now {model}."
COMPARE_MEASURING = "All pictures are done; measuring the time of {model}, {done} of {total}."
COMPARE_STOPPED = "Stopped. Finished pictures stay."
COMPARE_TABLE = "Models: quality, time and cost"
COMPARE_COLUMN_MODEL = "Model"
COMPARE_COLUMN_RATIO = "Amplification"
COMPARE_COLUMN_SECONDS = "Seconds"
COMPARE_COLUMN_PARAMETERS = "Parameters"
COMPARE_COLUMN_GMAC = "GMac"
COMPARE_COLUMN_SPREAD = "Spread"
COMPARE_HINT_MATCHED = "After scaling to the reference's mean, so wrong brightness does not count"
COMPARE_HINT_SECONDS = "Median of the runs"
COMPARE_HINT_SPREAD = "Seconds of the fastest and slowest run"
COMPARE_HELP = (
    "{width} × {height} pixels on this machine. Seconds are only the network's: the median of {runs} runs after a "
    "warm-up. GMac are counted from its layers; classical methods have none."
)
COMPARE_PROTOCOL = (
    "PSNR and SSIM are measured against the reference at this size, on three sRGB channels from 0 to 1. SSIM uses a "
    "Gaussian window of 11 × 11 pixels, σ 1.5, without padding."
)
COMPARE_NO_REFERENCE = "PSNR and SSIM need a reference: add one in Restore, or open an example."
COMPARE_ABOUT = "Photo {photo}. Lowlight Explorer {version}, {date}."
COMPARE_PLOT = "Quality against time"
CONTACT_PNG = "Contact sheet, PNG"
CONTACT_HTML = "Contact sheet, HTML"
CONTACT_HEADING = "{photo}, compared"
CONTACT_NOTHING = "There is nothing for a contact sheet yet; compare models first."
REFERENCE_TILE = "Reference"
ALT_REFERENCE = "The reference: {photo} with enough light"
SWEEP = "One model over many amplifications"
SWEEP_MODEL = "Model to sweep"
SWEEP_FROM = "From"
SWEEP_TO = "To"
SWEEP_COUNT = "Steps"
SWEEP_RUN = "Sweep"
SWEEP_EMPTY = "Choose a model and press Sweep: the photo restored at every step appears as a strip and an animation."
SWEEP_DOWNLOAD = "Download the animation"
BLIND = "Hide names"
INPUT_TILE = "Photo as taken"

RETINEX_MODEL = "Decomposed by"
RETINEX_RUN = "Decompose"
RETINEX_EMPTY = "Choose a model that splits the photo into reflectance and illumination, and press Decompose."
RETINEX_NONE = "No installed model produces a reflectance or an illumination."
RETINEX_HELP = (
    "Retinex: what the camera saw, S, is what surfaces reflect, R, times the light that falls on them, I. "
    "Illuminations are drawn on a fixed scale from 0 to 1, differences from 0 to 0.25."
)
RETINEX_EDIT = "Edit the light"
RETINEX_GAMMA = "Gamma"
RETINEX_GAIN = "Gain"
RETINEX_LIGHT = "Light to edit"
RETINEX_LIGHTS = (("estimated", "illumination"), ("enhanced", "illumination_enhanced"))
RETINEX_EDITED_LIGHT = "Edited light"
RETINEX_EDITED = "R × edited light"
RETINEX_EDIT_HELP = "The light to the power of gamma, times the gain, lights the reflectance again."
RETINEX_SWAP = "Light from"
RETINEX_SWAPS = (("the same", "none"), ("another model", "model"), ("the reference photo", "reference"))
RETINEX_SWAP_MODEL = "Model for the light"
RETINEX_NO_LIGHT = "{model} produces no illumination; choose another model."
RETINEX_NO_REFERENCE = "There is no second photo; add a reference in Restore, or open an example."
RETINEX_PROFILE = "Profile along the line"
RETINEX_PROFILE_HELP = "Draw a line across any picture: the values under it appear here."
RETINEX_PAIR = "The two photos of a pair"
RETINEX_PAIR_HELP = "Both photos should differ only in light: RetinexNet's loss asks for equal reflectances."
RETINEX_PAIR_RUN = "Decompose the pair"
RETINEX_PAIR_EMPTY = "Press the button to decompose both photos and compare their reflectances."
RETINEX_PAIR_TITLES = {
    "low_input": "Dark S",
    "low_reflectance": "Dark R",
    "low_illumination": "Dark I",
    "high_input": "Bright S",
    "high_reflectance": "Bright R",
    "high_illumination": "Bright I",
    "difference": "|R dark − R bright|",
}
RETINEX_LINES = {"seen": "S", "reflectance": "R", "illumination": "I", "illumination_enhanced": "Î", "image": "Result"}
ALT_PANEL = "{title} of {photo} by {model}"

FEATURES_MODEL = "Network"
FEATURES_NONE = "Feature maps need a network with weights, and none is installed."
FEATURES_PICK = "Choose a layer from the list."
FEATURES_LAYERS = "Layers"
FEATURES_LAYERS_EMPTY = "Choose a network: its layers appear here."
FEATURES_DIAGRAM = "Layers from left to right in the order they run; lower rows are smaller"
FEATURES_SCOPE = "Colour scale over"
FEATURES_SCOPES = (("each channel", "channel"), ("the layer", "layer"), ("the network", "network"))
FEATURES_PAGE = "Channels from"
FEATURES_BESIDE = "Compare with"
FEATURES_BESIDES = (("nothing", "none"), ("another amplification", "ratio"), ("another network", "model"))
FEATURES_RATIO = "Its amplification"
FEATURES_CHANNELS_EMPTY = "The channels of the chosen layer appear here."
FEATURES_OFF = "Switch off"
FEATURES_ON = "Switch on"
FEATURES_ALL_ON = "Switch all on"
FEATURES_CHANNEL = "Channel {channel} of {layer}"
FEATURES_STATS = "mean {mean}, standard deviation {deviation}, range {low} to {high}, {dead} % of values not above 0"
FEATURES_BOUND = (
    "Maps are computed in float32 on a preview of at most {side} pixels, with up to {most} MB per layer; this layer "
    "takes {size} MB, {width} × {height} × {channels}."
)
FEATURES_MADE_SMALLER = "The preview was reduced to fit."
FEATURES_OFF_NOTE = "Switched off: {channels}."
FEATURES_RESTORED = "Restored"
FEATURES_SILENT = "Restored without these channels"
FEATURES_CHANGE = "What the channels changed"
FEATURES_BESIDE_TITLE = "The same channel, {what}"
FEATURES_BESIDE_CHANGE = "Difference of the two"
FEATURES_NO_SUCH = "{model} has no such channel in layer {layer}; choose another network or layer."
FEATURES_KERNEL = "Kernels of channel {channel}, one for each of the first {count} input channels"
FEATURES_KERNEL_ALT = "Weights of channel {channel}"
FEATURES_NPY = "Maps as .npy"
FEATURES_SHEET = "Sheet as PNG"
FEATURES_ALT = "{title} for {photo}"

TRAINING_RUN = "Training run"
TRAINING_OTHER = "Second run"
TRAINING_NONE = (
    "There is no training run to show. Folders of weights can include one, and lowlight train keeps its own."
)
TRAINING_FIGURE = "Figure"
TRAINING_VALIDATION = "Validation"
TRAINING_LOSS = "Training loss"
TRAINING_REPLAY = "Validation pictures during training"
TRAINING_REPLAY_HELP = "Four held-out pictures; where a network takes RAW, one at ×10, ×30, ×100 and ×300."
TRAINING_REPLAY_EMPTY = "This run kept no replay pictures."
TRAINING_EMPTY = "Choose a run: its curves and its validation picture appear here."
TRAINING_STEP = "step {step}"
TRAINING_FRAME_ALT = "Validation picture of {run} at step {step}"
TRAINING_FACTS = "Results of the runs"
TRAINING_COLUMN_RUN = "Run"
TRAINING_COLUMN_STEPS = "Steps"
TRAINING_COLUMN_HOURS = "Hours"
TRAINING_NOTE = "The last validation of each run."

LEARN_TOPIC = "Pages"
LEARN_SHOW = "Set the tabs to this example"
LEARN_ABSENT = "Its weights are not installed here, so another model is shown: {model}."
BOARD_BEST = "The best for each kind of photo"
BOARD_ABSENT = "Not measured: their weights are not installed"

LIVE_MODEL = "Model for the camera"
LIVE_HELP = (
    "Your camera's frames go to this server, are restored one by one, and come back; none is kept. Changes of "
    "amplification and model apply from the next frame."
)
LIVE_START = "Start the camera"
LIVE_FREEZE = "Freeze a frame"
LIVE_FREEZE_HELP = "The camera's frame becomes the open photo, in all tabs"
LIVE_FROZEN = "The frame is open in all tabs: {width} × {height}."
LIVE_RECORD = "Record"
LIVE_SAVE = "Download the clip"
LIVE_AUTO = "Follow the light"
LIVE_EMPTY = "Start the camera: its picture appears here, as taken on the left and restored on the right."
LIVE_BEFORE = "Camera"
LIVE_NO_JPEG = "The page sent something other than a JPEG picture; reload it and start the camera again."
LIVE_SAYS = {
    "stop": "Stop the camera",
    "asking": "Allow this page to use the camera.",
    "denied": "The browser blocks the camera: allow it in the browser's settings for this page, then start again.",
    "none": "No camera is available: connect one, or close the program that uses it, then start again.",
    "insecure": "Browsers allow the camera only on pages from this machine or over https; open the page that way.",
    "gone": "The server does not answer; trying again in a moment.",
    "no_clip": "This browser cannot record.",
    "state": "{rate} frames/s, {delay} ms from camera to screen, {width} × {height}",
    "slow": "Frames are reduced to {width} × {height} so that this model can keep up.",
}

DARKROOM_HELP = (
    "Make the open photo dark: it is turned back into a camera's sensor data, given less light, and given the noise "
    "measured for that camera. The original becomes the reference in all tabs."
)
DARKROOM_CAMERA = "Camera"
DARKROOM_ISO = "ISO"
DARKROOM_GAIN = "Counts per electron"
DARKROOM_RATIO = "How many times less light"
DARKROOM_FILE = "File"
DARKROOM_KINDS = (("RAW", "raw"), ("JPEG, 8 bit", "jpeg"))
DARKROOM_KIND = "{kind} is not a kind of dark file; choose RAW or JPEG."
DARKROOM_RUN = "Make it dark"
DARKROOM_BACK = "Back to the photo"
DARKROOM_DONE = "The dark photo is open in all tabs and is measured against the original."
DARKROOM_NOT = "The open photo was not darkened here."
DARKROOM_LIGHT = "How dark it is"
DARKROOM_ELECTRONS = "Electrons at middle grey"
DARKROOM_SNR = "Signal-to-noise ratio at middle grey"
DARKROOM_BELOW = "Pixels below one count"
DARKROOM_WELL = "Electrons at white"
