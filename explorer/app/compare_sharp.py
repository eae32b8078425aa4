"""The pictures of a comparison at the screen's sharpness, or at the photo's own pixels when enlarged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from explorer.app import workspace
from explorer.app.detail import Look, window_of
from explorer.app.open_photo import Choice, made
from explorer.app.pictures import COMPARED_KEPT, sharper_layer
from explorer.photo.windows import rendering_of
from explorer.views.pictures import within

if TYPE_CHECKING:
    from explorer.app.compare import Board, Row
    from explorer.app.open_photo import OpenPhoto
    from explorer.app.session import Session
    from explorer.photo.values import FloatArray
    from explorer.photo.windows import Box

_GROUP = "sharper"


def sharpened(session: Session, board: Board, look: Look, wanted: Callable[[], bool]) -> Iterator[None]:
    """Lays the visible part of each picture over its tile at the screen's sharpness, one tile after the other.

    Args:
        wanted: called before each tile; the rest is skipped if it returns False.
    """
    opened = session.require_open()
    rows = {row.tile["id"]: row for row in board.rows}
    for tile in list(board.tiles):
        name = tile["id"]
        with board.alone:
            if not wanted():
                return
            layer = _layer(session, opened, name, rows.get(name), look)
        whole = _is_whole(layer)
        others = [each for each in board.sharper.get(name, []) if _is_whole(each) != whole]
        board.sharper[name] = [layer, *others] if whole else [*others, layer]
        yield


def _is_whole(layer: dict[str, Any]) -> bool:
    return bool(layer["width"] == 1 and layer["height"] == 1)


def _layer(session: Session, opened: OpenPhoto, name: str, row: Row | None, look: Look) -> dict[str, Any]:
    """The picture that lies over a tile; computed once per picture and position."""
    if look.enlarged:
        box = look.box(opened.size)
        found = _kept(session, opened, (name, box, look.side), box, lambda: _window(opened, name, row, box, look.side))
        if found is not None:
            return found
    longest = workspace.sharp_side(look.need)
    everything = (0, 0, *opened.size)
    found = _kept(session, opened, (name, longest), everything, lambda: _whole(opened, name, row, longest))
    assert found is not None
    return found


def _kept(
    session: Session, opened: OpenPhoto, key: Any, box: Box, compute: Callable[[], FloatArray | None]
) -> dict[str, Any] | None:
    kept = opened.work.sharper.get(key)
    if kept is None or not session.still_has(kept["src"], _GROUP):
        image = compute()
        if image is None:
            return None
        kept = opened.work.sharper[key] = sharper_layer(session, image, box, opened.size, _GROUP, COMPARED_KEPT)
    return kept


def _window(opened: OpenPhoto, name: str, row: Row | None, box: Box, side: int) -> FloatArray | None:
    """A tile's picture within a box, at the photo's own pixels, or reduced to the requested longest side."""
    left, top, right, bottom = box
    if row is None:
        if name == "reference" and opened.reference is not None:
            lit = made(opened.reference.kept)
            image = lit.image[top:bottom, left:right] if lit.size == opened.size else None
        else:
            image = rendering_of(opened.whole, box)
    else:
        full, choice = opened.work.full, Choice(row.model, row.choice)
        if full is not None and full[0] == choice and opened.why_left(row.choice) is None:
            image = full[1].image[top:bottom, left:right]
        else:
            image = window_of(opened, choice, row.restoration.ratio, box)
    return None if image is None else within(image, max(1, side))


def _whole(opened: OpenPhoto, name: str, row: Row | None, longest: int) -> FloatArray:
    """A tile's whole picture, with this many pixels on its longest side."""
    if row is None:
        taken = opened.at_side(longest)[1]
        return opened.reference.like(taken) if name == "reference" and opened.reference else taken
    sharp = opened.work.sharp
    choice = Choice(row.model, row.choice)
    if sharp is not None and sharp[0] == (choice, longest) and opened.why_left(row.choice) is None:
        return sharp[1].restoration.image
    return workspace.restored_at(opened, choice, row.restoration.ratio, longest)[0].image
