"""What the explorer says of photographs, models and files: English sentences by id, with `{}` fields.

Translations are kept by the same ids (`explorer/app/locales`), so another wording here needs none there. The app's own
texts are those of `explorer.app.text`.
"""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "error.cut_part": "{name} is truncated: a part that it names is missing; copy the file again.",
    "error.black_level_choice": "The black level cannot come from {choice}; give one of {names}.",
    "error.empty": "{name} is empty; copy the file again.",
    "error.unknown_kind": "{name} is not a photo of a known kind, whatever its name says; open a {formats} file.",
    "error.heic": (
        "{name} is HEIC, which needs a decoder that is not installed; run `pip install pillow-heif`, or convert it "
        "to JPEG, PNG or TIFF."
    ),
    "error.samples_shape": (
        "{name} holds samples of the shape {shape}, which is no grey or RGB picture; export it as RGB."
    ),
    "error.tiff_shape": "{name} is a TIFF of the shape {shape}, not a grey or RGB picture; export it as RGB.",
    "error.not_finite": "{name} holds NaN or infinite values; replace them and save the TIFF again.",
    "error.samples_kind": "{name} holds samples of the kind {kind}; save the TIFF with 8 or 16 bits or as float.",
    "error.float_scale": (
        "{name} holds floating-point samples from {low} to {high}, whose scale cannot be told; bring them to 0 to "
        "1 and save the TIFF again."
    ),
    "error.other_inks": "{name} holds inks other than cyan, magenta, yellow and black; export it as RGB.",
    "error.colours_unread": "{name} holds colours of a kind that is not read here ({kind}); export it as RGB.",
    "error.fax_lab": "{name} holds Lab colours as fax machines code them; export it as RGB.",
    "error.lab_bits": "{name} holds Lab colours of {bits} bits; save it with 8 or 16 bits or export it as RGB.",
    "error.tiff_palette": (
        "{name} is a damaged TIFF, whose palette has fewer colours than its pixels name; copy the file again."
    ),
    "error.bmp_masks": "{name} is a damaged BMP, whose colour masks are empty; copy the file again.",
    "error.iphone_png": (
        "{name} is a PNG in the form that only iPhone apps use inside; convert it with Apple's tools to a plain "
        "PNG."
    ),
    "error.hierarchical_jpeg": "{name} is a hierarchical JPEG, for which there is no decoder; save it as a plain JPEG.",
    "error.jpeg_channels": "{name} is a JPEG of {count} channels; save it as RGB.",
    "error.jp2_space": (
        "{name} is a JPEG 2000 in a colour space other than grey, RGB and CMYK (number {number}); save it as sRGB."
    ),
    "error.no_header": (
        "{name} has no header; name it like rose_768x512_rggb.raw (width x height, phase; then _b600 for the black "
        "and _w16383 for the white level, if known) so that it can be read."
    ),
    "error.headerless_size": (
        "{name} holds {count} bytes, but {width} x {height} samples of 16 bits are {needed}; correct the size in "
        "its name or copy it again."
    ),
    "error.tiff_tags": "{name} is a damaged or truncated TIFF, whose tags cannot be read; copy the file again.",
    "error.jpeg_scans": (
        "{name} is a JPEG of so many scans that decoding it would take too long; save it anew with another program."
    ),
    "error.cut_samples": "{name} is truncated: samples that its header names are missing; copy the file again.",
    "error.cut_end": "{name} is truncated: the end of the {kind} is missing; copy the file again.",
    "error.damaged_reason": "{name} is a damaged or truncated {kind} ({reason}); copy the file again.",
    "error.damaged_header": "{name} is a damaged {kind}, whose header cannot be read; copy the file again.",
    "error.libraw": (
        "{name} cannot be decoded as a RAW photo (LibRaw: {reason}); it is truncated, damaged or of a kind that "
        "LibRaw does not know, so copy it again from the camera."
    ),
    "error.undecoded_memory": "{name} cannot be decoded ({reason}); open a smaller file.",
    "error.undecoded": (
        "{name} cannot be decoded ({reason}); it is damaged or of an unusual kind, so export it anew as a TIFF or "
        "JPEG."
    ),
    "error.crashes": (
        "{name} makes its decoder crash, so it is damaged or made to do harm; copy it again from the camera or "
        "export it as a TIFF."
    ),
    "error.too_slow": "{name} could not be decoded within {seconds} s; open a smaller file or raise {setting}.",
    "error.below_a_tile": "{name} is smaller than one tile of its colour-filter array; open a larger picture.",
    "error.too_many_pixels": (
        "{name} has {width} x {height} pixels, more than the limit of {limit} megapixels; make it smaller first."
    ),
    "error.too_many_bytes": "{name} has {count} MiB, more than the limit of {limit} MiB; open a smaller file.",
    "error.stated_size": "{name} states a size of {width} x {height} pixels; the file is damaged.",
    "error.far_too_many_pixels": "{name} has too many pixels to be opened; make it smaller first.",
    "error.ratio": "The amplification ratio {value} cannot be used; give a number from {low} to {high}.",
    "error.low_channel": "{what} has too little light in one of its colours; choose another white balance.",
    "error.the_picture": "The picture",
    "error.saturated": "The whole picture is saturated, so its mean colour says nothing; give the gains.",
    "error.no_as_shot": "{photo} states no usable as-shot gains; choose daylight or grey_world.",
    "error.no_daylight": "The daylight gains of {photo}'s camera are not known; choose grey_world.",
    "error.point_outside": (
        "The point ({x}, {y}) lies outside the picture of {width} x {height} pixels; give one inside it."
    ),
    "error.patch_clipped": (
        "The patch at ({x}, {y}) is clipped, so its colour is not known; choose a darker neutral surface."
    ),
    "error.patch_dark": "The patch at ({x}, {y}) is too dark to tell its colour; choose a brighter neutral surface.",
    "error.patch_low_channel": (
        "The patch at ({x}, {y}) has too little light in one of its colours; choose another white balance."
    ),
    "error.no_model": "There is no model {name}; the known ones are {known}.",
    "error.no_layer": "There is no layer {name}; some that there are: {known}.",
    "error.no_map": "The layer {layer} gives no map; choose another one.",
    "error.no_intermediates": "{model} shows no reflectance, illumination or curves; choose another model.",
    "error.safetensors_part": (
        "{path} is not a whole safetensors file: its tensors do not fill it; get the folder anew."
    ),
    "error.weights_sha256": "{path} has sha256 {sha256}... but its config says {wanted}...; get the folder anew.",
    "error.unreachable_file": (
        "{file} cannot be had from {address} ({reason}); try again later, or download it in a browser and name the "
        "file after the checkpoint's name."
    ),
    "error.other_file": (
        "{address} gives another file than the one that was published (its sha256 differs); nothing was kept, get "
        "the file from its authors and import it from disk."
    ),
    "error.larger_file": "{address} gives more than the {count} bytes of the published file; it is refused.",
    "error.empty_log": "The log of {name} holds no entry yet; choose another run.",
    "error.not_written": "{path} cannot be written ({reason}); choose another folder.",
    "error.reduced": (
        "The picture is too large for this method's memory: it was computed on a picture {factor} times smaller "
        "along each side, and what it did there was applied to the full picture by local lines (fast guided "
        "filter)."
    ),
    "label.name": "Name",
    "label.kind": "Kind",
    "source.developed": "developed picture",
    "label.camera": "Camera",
    "label.size": "Size",
    "label.megapixels": "Megapixels",
    "label.bits": "Bits",
    "label.pattern": "Sensor pattern",
    "label.black_level": "Black level",
    "label.white_level": "White level",
    "label.rotation": "Rotation",
    "label.white_balance": "White balance from",
    "label.as_shot_gains": "As-shot gains",
    "label.daylight_gains": "Daylight gains",
    "label.matrix": "Colour matrix from",
    "label.exposure_time": "Exposure time",
    "label.aperture": "Aperture",
    "label.focal_length": "Focal length",
    "label.not_stated": "not stated",
    "source.the_file": "the file",
    "source.as_given": "as given",
    "source.as_shot": "as shot",
    "source.daylight": "daylight",
    "source.grey_world": "grey world",
    "source.given_gains": "given gains",
    "source.as_rendered": "as the picture was rendered",
    "source.neutral_point": "neutral point ({x}, {y})",
    "source.daylight_instead": "daylight (the file's as-shot gains are absent or not usable)",
    "source.nominal_daylight": "daylight of a nominal camera (the file gives no usable gains)",
    "source.nominal_matrix": (
        "the nominal camera (mean of four cameras, Brooks et al. 2019), because the file gives none that is usable"
    ),
    "source.own_brightening": "this model brightens by itself",
    "source.learned_rule": "learned rule: middle grey where photographers put it",
    "source.percentile_rule": "percentile rule: median of linear light to 0.18, at most 2 % of it clipped",
    "source.dark_bin": "dark-bin amplifier (Lamba & Mitra 2021, m = {m})",
    "source.dark_bin_unprocessed": "dark-bin amplifier (Lamba & Mitra 2021, m = {m}) on the unprocessed picture",
    "source.exposure_pair": "exposure pair: {parts}",
    "note.developed_for_model": "The RAW photo was developed to sRGB, because the model takes developed pictures.",
    "note.unprocessed_for_model": (
        "The picture was unprocessed to a mosaic with a nominal camera (Brooks et al. 2019), because the model "
        "takes RAW; what compression and the camera's own processing removed is not brought back."
    ),
    "note.sampled_again": (
        "The {first} mosaic was demosaicked and sampled again as {second}, because the model takes no {third} "
        "mosaic; its noise differs from a real one's."
    ),
    "note.rounded_before": (
        "The {what} rounded to {bits} bits before it was amplified, because the model was trained on what such a "
        "picture keeps of the dark."
    ),
    "note.as_shot_unusable": (
        "The file's as-shot white balance is absent or not usable; see the white balance's source."
    ),
    "note.nominal_camera": (
        "The file gives no usable colour matrix; a nominal camera's stands in, so colours are approximate."
    ),
    "note.pixel_aspect": "The sensor's pixels are not square (aspect {aspect}); the picture is not resized.",
    "note.shading_applied": "The file's own shading correction ({what}) was applied before everything else.",
    "note.distortion_left": (
        "The file's correction of the lens's distortion is not applied; straight lines may be bent."
    ),
    "note.step_left": "The file asks for a step that is not applied ({name}); parts of the picture may be affected.",
    "note.corrections_damaged": (
        "The file's own corrections are damaged and were not applied; its corners may be too dark or tinted."
    ),
    "note.linear_raw": (
        "The file holds all colours at every pixel (a linear DNG, or a RAW reduced by the camera), so its noise is "
        "no longer the sensor's own."
    ),
    "note.monochrome": "The sensor is monochrome: the photo is grey, and its results stay grey.",
    "note.masked_black": (
        "The file states a black level of {stated}, but its masked pixels lie at {mean}, which is used; ask for "
        "the file's own level to keep it."
    ),
    "note.no_masked_black": "The file has no masked pixels that tell its black level; the stated one is used.",
    "note.grey_as_mosaic": (
        "The monochrome photo was sampled as a {cfa} mosaic of grey, because the model takes mosaics."
    ),
    "note.colours_as_mosaic": "The photo's colours were sampled as a {cfa} mosaic, because the model takes mosaics.",
    "source.no_pattern": "none, all colours a pixel",
    "source.no_pattern_grey": "none, monochrome",
    "note.size_from_name": "The file has no header: its name gives size and phase.",
    "note.white_from_bits": "The white level {white} was taken from the bits that the brightest sample needs.",
    "note.black_estimated": "The black level {black} was estimated from the darkest 0.1 % of the samples.",
    "note.profile_unusable": "The embedded colour profile cannot be used and was ignored.",
    "note.cmyk_unprofiled": "The picture is CMYK without a usable profile; its colours are approximate.",
    "note.pictures_first": "The file holds {count} pictures; the first one is shown.",
    "note.pages_first": "The file holds {count} pages; the first one is shown.",
    "note.pages_which": "The file holds {count} pages; number {which} is shown.",
    "note.preview_first": "The first picture of the file is a preview; the full-sized one is shown.",
    "note.space_unusable": "The colour space that the file states cannot be used and was ignored.",
    "note.hdr": (
        "The picture is HDR ({name}): light up to the reference white of 203 cd/m2 was brought to sRGB in "
        "proportion, and what is brighter was clipped."
    ),
    "note.jxl_profile": (
        "The picture's colour profile cannot be read from a JPEG XL file, so its colours were taken as sRGB; a PNG "
        "or TIFF keeps them."
    ),
    "note.float_as_is": "The floating-point samples were taken as values from 0 to 1.",
    "note.float_scaled": "The floating-point samples, up to {high}, were taken as values from 0 to {peak}.",
    "note.samples_clipped": "Samples below 0 or above {peak} were clipped.",
    "label.gt_mean": "GT-mean {metric}",
    "label.input": "Input S",
    "label.product": "Product R·I",
    "label.residual": "Residual |R·I − S|",
    "label.mean": "mean {value}",
    "label.channel": "Channel {channel}",
    "label.channel_off": "Channel {channel}, switched off",
    "label.switch_off": "Switch off #{channel}",
    "label.switch_on": "Switch on #{channel}",
    "label.times": "times {ratio}",
    "label.use_via_api": "Use via API",
    "label.research_use": "research use",
    "label.none_stated": "none stated",
    "label.display_value": "display value (sRGB)",
    "label.linear_light": "linear light, stops below saturation",
    "label.share": "% of pixels",
}


def say(code: str, /, **fields: object) -> str:
    """The English message of an id, with its fields filled."""
    return MESSAGES[code].format(**fields)
