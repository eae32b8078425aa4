"""Views: arrays to pictures, figures and tables."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFont

from explorer.models.registry import ILLUMINATION, REFLECTANCE, Intermediate
from explorer.views import pictures, tables
from explorer.views.histogram import BINS, counts, histogram
from explorer.views.pictures import false_colour
from explorer.views.plots import figure_title, training_curves
from explorer.views.retinex import panels
from explorer.views.words import drawable


def noise(height: int = 24, width: int = 36, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(3).random((height, width, channels), np.float32)


def test_png_is_lossless() -> None:
    image = noise()
    back = np.asarray(Image.open(io.BytesIO(pictures.png(image))))
    assert np.array_equal(back, np.round(image * 255).astype(np.uint8))


def test_values_that_are_not_numbers_become_black() -> None:
    assert pictures.to_bytes(np.array([[np.nan, np.inf, -np.inf, 2.0, 0.5]], np.float32)).tolist() == [
        [0, 255, 0, 255, 128]
    ]


def test_within_keeps_the_aspect_and_the_mean_and_never_enlarges() -> None:
    image = noise(40, 80)
    small = pictures.within(image, 20)
    assert small.shape == (10, 20, 3)
    assert small.mean() == pytest.approx(image.mean(), abs=1e-4)
    assert pictures.within(image, 80) is image


def test_difference_is_the_mean_over_channels() -> None:
    first, second = noise(), noise()[::-1]
    assert np.allclose(pictures.absolute_difference(first, second), np.abs(first - second).mean(axis=2))
    with pytest.raises(ValueError, match="resize one first"):
        pictures.absolute_difference(first, first[:-1])


@pytest.mark.parametrize("palette", ["inferno", "viridis", "cividis"])
def test_false_colour_rises_in_lightness(palette: pictures.Palette) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None]
    coloured = pictures.false_colour(ramp, palette=palette)
    linear = np.where(coloured <= 0.04045, coloured / 12.92, ((coloured + 0.055) / 1.055) ** 2.4)
    assert coloured.shape == (1, 64, 3)
    assert np.all(np.diff(pictures.luminance(linear.astype(np.float32))[0]) > -1e-3)
    assert np.array_equal(pictures.false_colour(ramp * 5, 0.0, 5.0, palette), coloured)
    assert pictures.palette_css(palette).count("#") == 16


def test_histogram_counts_every_pixel_once() -> None:
    for axis in ("srgb", "stops"):
        centres, shares = counts(noise(), axis)
        assert centres.shape == (BINS,)
        assert shares.sum(axis=1) == pytest.approx([100.0] * 3)


def test_stops_are_binned_in_linear_light() -> None:
    middle = np.full((4, 4, 3), 0.735357, np.float32)  # sRGB of linear 0.5
    centres, shares = counts(middle, "stops")
    assert centres[shares[0].argmax()] == pytest.approx(-1.0, abs=0.13)


def test_histogram_shows_before_and_after() -> None:
    figure = histogram(noise() * 0.1, noise())
    assert [trace.name for trace in figure.data] == [
        f"{colour}, {side}" for side in ("before", "after") for colour in ("Red", "Green", "Blue")
    ]
    assert len(figure.to_json()) < 60_000


def test_tables_escape_what_files_say() -> None:
    table = tables.facts({"<b>": "<script>alert(1)</script>"}, "Facts")
    assert "<script>" not in table
    assert "<b>" not in table
    assert "&lt;script&gt;" in table
    assert "<i>" not in tables.grid(["<i>"], [["<i>", 3]], "<i>")


def test_readable_values() -> None:
    assert tables.readable(None) == "not stated"
    assert tables.readable((1.0, 2.5)) == "1, 2.5"
    assert tables.readable(True) == "yes"
    assert tables.readable("a, b") == "a, b"


def test_retinex_panels_show_the_residual_of_the_decomposition() -> None:
    reflectance, illumination = noise(), noise(channels=1)
    seen = reflectance * illumination
    maps, described = {"reflectance": reflectance, "illumination": illumination}, (REFLECTANCE, ILLUMINATION)
    shown = {panel.name: panel for panel in panels(seen, maps, described, reflectance)}
    assert list(shown) == ["input", "reflectance", "illumination", "product", "image", "residual"]
    assert shown["residual"].note == "mean 0.0000"
    assert shown["illumination"].scale == (0.0, 1.0)
    wrong = panels(seen + 0.1, maps, described, reflectance)[-1]
    assert wrong.note == "mean 0.1000"


def test_a_map_is_shown_as_it_describes_itself() -> None:
    """A network that nobody here knows brings its own title, range and colours."""
    heat = Intermediate("heat", "Heat in kelvin", (200.0, 400.0), "diverging")
    values = np.full((4, 6, 2), 300.0, np.float32)
    panel = panels(noise(), {"heat": values, "hidden": values}, (heat,), noise())[1]
    assert (panel.title, panel.scale, panel.palette) == ("Heat in kelvin", (200.0, 400.0), "diverging")
    assert panel.values is not None and np.allclose(panel.values, 300)
    middle = false_colour(np.zeros((4, 6), np.float32), -1.0, 1.0, "diverging")
    assert np.allclose(panel.image, middle)


@pytest.mark.parametrize(
    ("name", "title"),
    [("psnr", "PSNR, dB"), ("psnr_300", "PSNR ×300, dB"), ("ssim", "SSIM"), ("reconstruction", "mean |R·I − S|"),
     ("psnr_of_mine", "psnr_of_mine"), ("mine", "mine")],
)  # fmt: skip
def test_figures_of_a_log_have_their_usual_names(name: str, title: str) -> None:
    entries = [{"step": 10, "validation": {name: 21.0}}]
    figure = training_curves({"run": entries}, name)
    assert figure_title(name) == figure.layout.yaxis.title.text == title


def test_what_is_drawn_uses_letters_that_the_font_has() -> None:
    font = ImageFont.load_default(20)
    missing = font.getmask("\uffff").getbbox(), bytes(font.getmask("\uffff"))
    words = drawable("Küche ×8, 21–23 dB, Café, 写真")
    assert drawable("σ 1.5") == "sigma 1.5"
    assert words == "Kueche x8, 21-23 dB, Cafe, ??"
    assert not [each for each in words if (font.getmask(each).getbbox(), bytes(font.getmask(each))) == missing]
