"""The main tab: a dark photo in, a restored photo out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.app import model_picker, opening, text, workspace
from explorer.app.advice import advice
from explorer.app.components import chosen_ratio, note, shown_if
from explorer.app.detail import Look, detail
from explorer.app.feedback import reported
from explorer.app.open_photo import NEUTRAL, Choice, OpenPhoto
from explorer.app.pictures import (
    detail_value,
    download_value,
    full_value,
    preview_value,
    ratio_value,
    result_line,
    score_line,
    sharp_value,
)
from explorer.app.restore_address import (
    WRITE_ADDRESS,
    WRITE_BALANCE,
    WRITE_FINISH,
    WRITE_STRENGTH,
    step_in_address,
)
from explorer.app.restore_layout import Parts, layout, preset
from explorer.app.sessions import Session, open_session
from explorer.app.shared import AT_ONCE, QUICK, Address, Shared, once
from explorer.errors import ModelNotFoundError
from explorer.photo.light.strength import FULL
from explorer.photo.types import RawPhoto
from explorer.sidecar import LIMITS, Finish, check_finish, with_finish
from explorer.steps import Report
from explorer.views import tables
from explorer.views.histogram import histogram

if TYPE_CHECKING:
    from pathlib import Path

    from explorer.restoration import Restoration

NAME = "restore"
TITLE = text.TAB_RESTORE
PLACE = 10


def require_model(name: str | None) -> str:
    """The chosen model's name.

    Raises:
        ModelNotFoundError: none is chosen, because none is installed.
    """
    if not name:
        raise ModelNotFoundError(text.NO_MODELS)
    return name


def _turn(ratio: dict[str, Any] | None) -> dict[str, Any]:
    """Identifies the ratio choice that an answer belongs to, so that the page can ignore it if there is a newer one."""
    return {"turn": ratio["turn"]} if ratio and "turn" in ratio else {}


def _hand_set(ratio: dict[str, Any] | None) -> dict[str, Any]:
    """A ratio set by hand, and when it was set; empty for a suggested one."""
    return {} if not ratio or ratio.get("auto", True) else {"ratio": chosen_ratio(ratio), **_turn(ratio)}


def _left_behind(shown: dict[str, Any], model: str, ratio: dict[str, Any] | None) -> dict[str, Any]:
    """A ratio that the visitor set by hand for another model than this one; empty if it also applies to this one.

    Once left behind, it stays so until the visitor sets a ratio again, because a page may send a choice twice.
    """
    chosen = _hand_set(ratio)
    if not shown or not chosen:
        return {}
    again = chosen == shown.get("left")
    return chosen if again or (shown["model"] != model and chosen == _hand_set(shown["ratio"])) else {}


@dataclass(frozen=True)
class Handlers:
    """Translates between the page's values and `explorer.app.workspace`."""

    shared: Shared
    parts: Parts

    def finish(self, values: dict[Any, Any]) -> Finish:
        return check_finish(
            {name: values[slider] for name, slider in zip(text.FINISH_STEPS, self.parts.finish, strict=True)}
        )

    def show(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """Shows the preview for the current choices."""
        return self.shown(values, fresh=False)

    def announce(self, model: str | None) -> Any:
        """Announces that a network must be prepared first. This is a separate event: the page sends only the last of
        several choices, but not if their answers arrive in steps."""
        said = model_picker.preparing(model)
        return note(said) if said else gr.skip()

    def shown(self, values: dict[Any, Any], fresh: bool) -> dict[Any, Any]:
        """As `show`.

        Args:
            fresh: the choices belong together, whatever the page showed before.
        """
        shared, at = self.shared, self.parts
        session = open_session(values[shared.token])
        point = [values[each] for each in at.point]
        patch = None if None in point else (float(point[0]), float(point[1]))
        opening.set_black_level(session, values[at.black_level])
        opening.set_white_balance(session, values[at.balance], patch)
        model, ratio = require_model(values[shared.model]), values[shared.ratio]
        left = {} if fresh else _left_behind(session.choice, model, ratio)
        if left:
            ratio = {"auto": True, "kept": left["ratio"], **_turn(ratio)}
        shown = workspace.finished_preview(
            session, model, chosen_ratio(ratio), self.finish(values), values[at.strength]
        )
        session.require_open().work.shown = (shown.as_taken, shown.restoration.image)
        left = left or ({} if _hand_set(ratio) else session.choice.get("left", {}))
        session.choice = {"model": model, "ratio": {**ratio_value(shown), **_turn(ratio)}, "left": left}
        words, session.greeting = session.greeting, ()
        return {
            shared.token: session.token,
            shared.ratio: {**session.choice["ratio"], "kept": (ratio or {}).get("kept") if shown.automatic else None},
            shared.message: note(words),
            at.remarks: note(workspace.notes(session, shown.restoration)),
            at.viewer: preview_value(session, shown),
            at.result: result_line(shown.restoration),
            at.card: model_picker.card(model),
            at.link: None,
            at.estimate: note(workspace.estimate(session, model, chosen_ratio(ratio), values[at.strength])),
            at.metadata: tables.facts(workspace.photo_facts(session), text.METADATA),
            at.point_row: gr.update(visible=values[at.balance] == NEUTRAL),
        }

    def show_new(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """The preview of another photo, with its controls."""
        shared, at = self.shared, self.parts
        session = open_session(values[shared.token])
        ratio = values[shared.ratio] if session.keep_ratio else {"auto": True, **_turn(values[shared.ratio])}
        session.keep_ratio = False
        if not session.keep_balance:
            opening.set_white_balance(session, "as_shot")
        session.keep_balance = False
        opened, now = session.require_open(), self.balance_now(session)
        masked = isinstance(opened.small, RawPhoto) and opened.small.masked  # only then black levels differ
        own = opened.example is not None and opened.reference is not None
        given = dict(zip(at.point, opened.point or (None, None), strict=True))
        shown = self.shown({**values, **given, shared.ratio: ratio, **self.choices_of(opened)}, fresh=True)
        full = opened.work.full
        if full is not None and full[0] == self.chosen({**values, shared.ratio: ratio}):  # the page was reloaded
            restored = self.full_values(session, with_finish(full[1], self.finish(values)))
            shown |= {part: value for part, value in restored.items() if part is not at.scores}
        return {
            **shown,
            **now,
            at.balance: gr.update(visible=shown_if(opened.raw), value=opened.white_balance),
            at.black_level: gr.update(visible=shown_if(masked), value=opened.black_level),
            at.advice: advice(opened),
            at.reference: None,
            at.reference_note: f'<p class="lx-note">{text.REFERENCE_OWN if own else text.REFERENCE_HELP}</p>',
        }

    def choices_of(self, opened: OpenPhoto) -> dict[Any, Any]:
        """The choices for a RAW photo."""
        return {self.parts.balance: opened.white_balance, self.parts.black_level: opened.black_level}

    def balance_now(self, session: Session) -> dict[Any, Any]:
        """The controls of white balance and black level in the session's state."""
        at = self.parts
        opened = session.require_open()
        x, y = opened.point or (None, None)
        return {
            **self.choices_of(opened),
            at.point[0]: x,
            at.point[1]: y,
            at.point_row: gr.update(visible=opened.white_balance == NEUTRAL),
        }

    def as_shown(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """After a choice that failed: the controls that match the picture on the page."""
        shared, session = self.shared, open_session(values[self.shared.token])
        if not session.choice:
            return {}
        ratio = {**session.choice["ratio"], **_turn(values[shared.ratio])}
        shown = {shared.model: session.choice["model"], shared.ratio: ratio}
        if latest := session.require_open().work.latest:
            shown[self.parts.result] = result_line(latest[1].restoration)
        return {**shown, **self.balance_now(session), self.parts.card: model_picker.card(session.choice["model"])}

    def show_sharper(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """Shows the visitor's view at the screen's sharpness: the whole picture, or a window at full resolution.

        The page reports how large it shows the photo; the report is limited to valid values.
        """
        session, at = open_session(values[self.shared.token]), self.parts
        shown = values[at.viewer] or {}
        if "asked" not in shown or shown.get("revision") != session.viewed:
            return {}  # another picture is on its way
        finish, revision = self.finish(values), session.require_open().revision
        look = Look.said(shown)
        found = detail(session, look, finish) if shown.get("full") or look.enlarged else None
        sharp = None
        if found is None and not shown.get("full"):
            sharp = workspace.sharp_preview(session, look.need, finish)
        answer = shown
        if found is not None:
            answer = {**shown, "detail": {**detail_value(session, found), "window": look.window}}
        elif sharp is not None:
            answer = {**sharp_value(session, sharp, shown), "asked": shown["asked"]}
        if (shown.get("revision"), session.require_open().revision) != (session.viewed, revision):
            return {}
        return self.answered(answer)

    def answered(self, shown: dict[str, Any]) -> dict[Any, Any]:
        """The viewer's value as an answer to the page's request."""
        return {self.parts.viewer: {**shown, "answered": shown.get("asked")}}

    def unanswered(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """After a failure, tells the page to stop waiting."""
        return self.answered(values[self.parts.viewer] or {})

    def chosen(self, values: dict[Any, Any]) -> Choice:
        """The choice that the page shows."""
        shared = self.shared
        ratio, strength = chosen_ratio(values[shared.ratio]), values[self.parts.strength]
        return Choice(require_model(values[shared.model]), ratio, strength)

    def whole(self, session: Session, values: dict[Any, Any]) -> object:
        """Identifies the whole photo's restoration, which serves both its picture and its file."""
        return session.require_open().revision, self.chosen(values)

    def show_full(self, values: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        """Restores and shows the whole photo."""
        at, session, finish = self.parts, open_session(values[self.shared.token]), self.finish(values)
        choice, turn, opened = self.chosen(values), values[at.long.turn], session.require_open()

        def work(report: Report) -> Restoration:
            return with_finish(workspace.full(session, *choice, report), finish)

        restoration = yield from at.long.worked(session, turn, work)
        if restoration is not None:
            latest = opened.work.latest
            still = session.open is opened and (latest is None or latest[0] == choice)
            shown = {at.estimate: "", **self.full_values(session, restoration)} if still else {}
            yield {self.shared.token: session.token, **at.long.done(session, turn), **shown}

    def full_values(self, session: Session, restoration: Restoration) -> dict[Any, Any]:
        """The values that show a result at full resolution."""
        at = self.parts
        return {
            at.remarks: note(workspace.notes(session, restoration)),
            at.viewer: full_value(session, restoration),
            at.result: result_line(restoration),
            at.scores: score_line(workspace.scores(session, restoration.image)),
        }

    def save(self, values: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        """Prepares the file for download."""
        at, session, finish = self.parts, open_session(values[self.shared.token]), self.finish(values)
        (model, ratio, strength), turn = self.chosen(values), values[at.long.turn]

        def work(report: Report) -> Path:
            return workspace.save(session, model, ratio, values[at.file_format], finish, strength, report)

        path = yield from at.long.worked(session, turn, work)
        if path is not None:
            link = download_value(path)
            notes = note(workspace.notes_of_file(session, values[at.file_format], finish))
            yield {self.shared.token: session.token, at.link: link, at.estimate: notes, **at.long.done(session, turn)}

    def take_reference(self, token: str | None, path: str | None) -> dict[Any, Any]:
        session = open_session(token)
        if path is None:
            opening.set_reference(session, None)
        else:
            opening.open_reference(session, path, isolated=True)
        return {self.shared.token: session.token, self.shared.message: ""}

    def same_reference(self, token: str | None, _path: str | None) -> dict[Any, Any]:
        opened = open_session(token).open
        return {self.parts.reference: opened.reference.file if opened and opened.reference else None}

    def after(self, token: str | None, axis: str) -> dict[Any, Any]:
        """Draws everything that can follow the picture, so that the picture never waits for it."""
        session, at = open_session(token), self.parts
        shown = session.open.work.shown if session.open else None
        if shown is None:
            return {at.plot: None, at.scores: ""}
        return {
            at.plot: histogram(*shown, axis="stops" if axis == "stops" else "srgb"),
            at.scores: score_line(workspace.scores(session, shown[1])),
        }


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    parts = layout(shared)
    shared.pickers[shared.model] = model_picker.pickable
    do = Handlers(shared, parts)
    _wire_preview(do)
    _wire_full(do)
    steps = {name: (-LIMITS[name], LIMITS[name]) for name in text.FINISH_STEPS} | {"strength": (0.0, FULL)}
    sliders = [*parts.finish, parts.strength]
    return {
        name: (slider, partial(step_in_address, *bounds))
        for (name, bounds), slider in zip(steps.items(), sliders, strict=True)
    }


_TOLD: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def _wire_preview(do: Handlers) -> None:
    """Everything that changes the preview."""
    shared, at = do.shared, do.parts
    chosen = [shared.model, shared.ratio, at.strength, at.balance, at.black_level, *at.point, *at.finish]
    inputs: set[Any] = {shared.token, *chosen}
    outputs = [
        shared.token, shared.model, shared.ratio, shared.message, at.viewer, at.result, at.remarks, at.card,
        at.link, at.estimate, at.metadata, at.balance, *at.point, at.point_row, at.black_level,
    ]  # fmt: skip
    quick = {**QUICK, "show_progress_on": [at.result]}
    guard = reported(shared.message)
    showing: Any = reported(shared.message, do.as_shown)(do.show), inputs, outputs
    # Before the picture is requested, so that the picture's line replaces this message.
    gr.on([shared.model.input, shared.photo.change], do.announce, shared.model, at.result, **_TOLD)
    renewed = shared.photo.change(
        guard(do.show_new), inputs, [*outputs, at.reference, at.reference_note, at.advice], **quick
    )
    neutral = at.reset.click(lambda: [0.0] * len(at.finish), None, at.finish, **AT_ONCE)
    undone = neutral.then(*showing, **once(quick))
    presets = [
        button.click(partial(preset, name), None, at.finish, **AT_ONCE).then(*showing, **once(quick))
        for button, (_, name) in zip(at.presets, text.FINISH_PRESETS, strict=True)
    ]
    typed = [event for number in at.point for event in (number.submit, number.blur)]
    moved = [*(slider.input for slider in [at.strength, *at.finish]), at.black_level.input]
    changed = gr.on([shared.model.input, shared.ratio.release, *typed, *moved, at.imported.change], *showing, **quick)
    balanced = at.balance.input(
        lambda choice: gr.update(visible=choice == NEUTRAL), at.balance, at.point_row, **AT_ONCE
    ).then(*showing, **once(quick))
    at.balance.input(None, at.balance, js="(choice) => lxPick(choice === 'neutral')")
    picked = at.viewer.select(
        None, at.viewer, [*at.point, at.balance], js="(shown) => [...shown.picked, 'neutral']"
    ).then(*showing, **once(quick))
    measured = gr.on(
        [at.reference.upload, at.reference.clear],
        reported(shared.message, do.same_reference)(do.take_reference),
        [shared.token, at.reference],
        [shared.token, shared.message, at.reference],
        **AT_ONCE,
    )
    drawing: Any = guard(do.after), [shared.token, at.axis], [at.plot, at.scores, shared.message]
    for event in (renewed, changed, undone, *presets, balanced, picked, measured):
        event.then(None, [shared.model, shared.ratio], js=WRITE_ADDRESS)
        event.then(None, at.finish, js=WRITE_FINISH)
        event.then(None, at.strength, js=WRITE_STRENGTH)
        event.then(None, [at.balance, *at.point], js=WRITE_BALANCE)
        event.then(*drawing, **AT_ONCE)
    at.axis.input(*drawing, **AT_ONCE)


def _wire_full(do: Handlers) -> None:
    """Full resolution, details, and the file."""
    shared, at = do.shared, do.parts
    at.viewer.input(
        reported(shared.message, do.unanswered)(do.show_sharper), {shared.token, at.viewer, *at.finish},
        [at.viewer, shared.message],
        **{**AT_ONCE, "trigger_mode": "always_last", "concurrency_id": "sharp"},
    )  # fmt: skip
    chosen: set[Any] = {shared.token, shared.model, shared.ratio, at.strength, *at.finish}
    shown = [at.estimate, at.viewer, at.result, at.remarks, at.scores]
    at.long.wire([at.full.click, at.viewer.submit], do.show_full, chosen, shown, do.whole)
    at.long.wire([at.save.click], do.save, {*chosen, at.file_format}, [at.estimate, at.link], do.whole)
