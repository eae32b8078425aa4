"""Colour error on a photographed chart, tested on drawn charts with known colours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import lab2xyz

from explorer.cli import main
from explorer.errors import DataError
from explorer.evaluation.chart import (
    Corners,
    colour_differences,
    evaluate_chart,
    known_corners,
    neutral_gain,
    patch_centres,
    patch_means,
    patch_names,
    reference_lab,
)
from explorer.photo import RgbPhoto, linear_to_srgb
from explorer.photo.light.cameras import SRGB_TO_XYZ
from explorer.photo.light.chromatic_adaptation import adaptation
from explorer.restorer import load_model

CORNERS: Corners = ((40, 50), (240, 50), (240, 170), (40, 170))


def reference_linear() -> np.ndarray:
    """The maker's values as linear sRGB, 24 x 3."""
    to_d65 = adaptation((0.96422, 1.0, 0.82521), SRGB_TO_XYZ.sum(axis=1))
    assert to_d65 is not None
    return lab2xyz(reference_lab()[None], illuminant="D50")[0] @ (np.linalg.inv(SRGB_TO_XYZ) @ to_d65).T


def drawn(linear: np.ndarray) -> np.ndarray:
    """A 220 x 280 picture of a chart with the corners above, as linear light."""
    picture = np.full((220, 280, 3), 0.02)
    for k, (x, y) in enumerate(patch_centres(CORNERS)):
        picture[int(y) - 17 : int(y) + 17, int(x) - 17 : int(x) + 17] = linear[k]
    return picture


def photo(linear: np.ndarray) -> RgbPhoto:
    return RgbPhoto(linear_to_srgb(np.clip(drawn(linear), 0, 1)), bits=16, name="chart")


def test_the_makers_values_are_no_error_and_a_known_one_is_measured() -> None:
    exact = reference_linear()
    assert colour_differences(exact).max() < 1e-3
    # Half the light is about a quarter less lightness; on greys CIEDE2000 is about |dL| near L = 50.
    darker = colour_differences(exact * 0.9)
    assert 1 < darker[patch_names().index("neutral 5")] < 3
    assert neutral_gain(exact * 0.25) == pytest.approx(4, rel=0.01)


def test_reference_values_are_24_greys_and_colours_in_order() -> None:
    lab, names = reference_lab(), patch_names()
    assert lab.shape == (24, 3) and len(set(names)) == 24
    assert (names[0], names[5], names[18], names[23]) == ("dark skin", "bluish green", "white 9.5", "black 2")
    assert (np.abs(lab[18:, 1:]) < 1.5).all() and (np.diff(lab[18:, 0]) < 0).all()
    # The white stays within the display's range, and only cyan leaves its gamut.
    outside = (reference_linear() < 0).any(1) | (reference_linear() > 1).any(1)
    assert [names[k] for k in np.flatnonzero(outside)] == ["cyan"]


def test_patches_follow_the_perspective() -> None:
    matrix = np.array([[1.1, 0.2, 30.0], [-0.1, 0.9, 60.0], [0.0004, -0.0002, 1.0]])
    plane = np.array([(50 * u, 50 * v, 1) for v in range(4) for u in range(6)], dtype=float) @ matrix.T
    places = plane[:, :2] / plane[:, 2:]
    a, b, c, d = (tuple(places[k]) for k in (0, 5, 23, 18))
    assert np.allclose(patch_centres((a, b, c, d)), places)


@pytest.mark.parametrize("exposure", [0.02, 0.2])
def test_exposure_and_light_are_not_the_models_to_guess(exposure: float) -> None:
    lamp = np.array([1.3, 1.0, 0.5])
    (result,) = evaluate_chart(photo(reference_linear() * exposure * lamp), CORNERS, [load_model("identity")])
    assert result.ratio == pytest.approx(1 / exposure, rel=0.02)
    assert result.gain == pytest.approx(1, abs=0.02)
    # What is left: cyan, which sRGB does not hold, and neutrals that are not quite neutral.
    assert result.mean < 0.8 and result.worst_patch in patch_names()
    assert result.patches["red"] < 1 and len(result.patches) == 24
    assert result.mean == pytest.approx((18 * result.colours + 6 * result.neutrals) / 24)


def test_a_colour_cast_of_the_result_is_seen() -> None:
    shown = photo(reference_linear() * 0.2)
    plain, gamma = evaluate_chart(shown, CORNERS, [load_model("identity"), load_model("histogram_equalisation")])
    assert gamma.mean > plain.mean + 3


def test_corners_that_do_not_fit_are_refused() -> None:
    picture = drawn(reference_linear())
    for corners, words in (
        (((40, 50), (240, 50), (240, 170), (40, 400)), "reaches beyond"),
        (((40, 50), (240, 50), (40, 170), (240, 170)), "out of order|do not span a chart"),
        (((40, 50), (40, 50), (40, 50), (40, 50)), "do not span a chart"),
        (((40, 50), (55, 50), (55, 56), (40, 56)), "less than 4 pixels"),
    ):
        with pytest.raises(DataError, match=words):
            patch_means(picture, corners)
    with pytest.raises(DataError, match="patches are black"):
        neutral_gain(np.zeros((24, 3)))
    with pytest.raises(DataError, match="--corners"):
        known_corners("unknown.dng")


def test_eval_chart_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = (linear_to_srgb(np.clip(drawn(reference_linear() * 0.3), 0, 1)) * 255).round().astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "chart.png")
    places = " ".join(f"{x},{y}" for x, y in CORNERS)
    line = ["eval", "--chart", str(tmp_path / "chart.png"), "-m", "identity", "-m", "gamma"]
    assert main([*line, "--corners", places]) == 0
    said = capsys.readouterr().out
    assert "CIEDE2000" in said and "identity" in said and "gamma" in said
    assert main([*line, "--corners", places, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["results"][0]["mean"] < 2 and found["corners"][2] == [240, 170]
    assert main(line) == 8
    assert "chart.png is unknown" in capsys.readouterr().err


def test_the_real_chart(shared: Path) -> None:
    """The photograph's own colours, developed without a network, and a network's: no cast that the file does not have.

    A chart that is a grid of other things would give a mean error far above 10.
    """
    path = shared / "data" / "raw" / "canon_550d_dark_colorchart.dng"
    if not path.is_file():
        pytest.skip("needs the photographed colour chart among the shared test data")
    from explorer.photo import open_photo

    models = [load_model("identity"), load_model("lamba_m0.raw_synthetic")]
    plain, network = evaluate_chart(open_photo(path), known_corners(path.name), models)
    assert plain.ratio == pytest.approx(10, abs=0.3) and plain.gain == pytest.approx(1, abs=0.02)
    assert plain.mean < 5.2
    assert network.mean < plain.mean + 0.6 and network.patches["neutral 8"] < 3
