"""The app opens before anything is computed: slow imports come with the first picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("torch", "openvino", "skimage", "scipy", "matplotlib")


def printed(project: Path, program: str, **variables: str) -> str:
    """What a program prints in a fresh interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(project), **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_looking_inside_networks_imports_torch_when_a_network_is_there(project: Path) -> None:
    program = f"import sys, explorer.inspect; print([name for name in {SLOW} if name in sys.modules])"
    assert printed(project, program) == "[]"


def test_the_page_is_built_without_what_computes(project: Path) -> None:
    program = (
        "import sys\nfrom explorer.app import build_app\nbuild_app()\n"
        f"print([name for name in {SLOW} if name in sys.modules])"
    )
    assert printed(project, program) == "[]"


def test_memory_is_counted_without_the_compiler(project: Path) -> None:
    """Torch's dispatch modes import it by themselves, which took two seconds and 90 MiB before the first picture."""
    program = (
        "import sys\nfrom explorer.engine.memory import bytes_per_sample\nfrom explorer.models import create_model\n"
        "print(bytes_per_sample(create_model('zero_dce'), 3) > 0, 'torch._dynamo' in sys.modules)"
    )
    assert printed(project, program).split() == ["True", "False"]


def test_gradio_is_imported_without_writing_stubs(project: Path) -> None:
    for imported, parsed in (("gradio", "True"), ("explorer.app", "False")):
        program = (
            "import ast, inspect, sys\ncallers, parse = set(), ast.parse\n"
            "def seen(*given, **named):\n"
            "    callers.add(sys._getframe(1).f_globals['__name__'])\n"
            "    return parse(*given, **named)\n"
            f"ast.parse = seen\nimport {imported}\n"
            "print('gradio.component_meta' in callers, inspect.getfile.__module__)"
        )
        assert printed(project, program).split() == [parsed, "inspect"]


def test_a_grammar_that_nobody_asked_for_is_not_built(project: Path, tmp_path: Path) -> None:
    """It is not there for what the app imports, and is there for others afterwards."""
    (tmp_path / "rfc3987_syntax.py").write_text("def is_valid_syntax(*_): ...")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import explorer.app; print('rfc3987_syntax' in sys.modules)\n"
        "import rfc3987_syntax; print(rfc3987_syntax.__name__)"
    )
    assert printed(project, program).split() == ["False", "rfc3987_syntax"]


def test_a_launch_makes_one_web_application(project: Path) -> None:
    program = (
        "import explorer.app\nfrom gradio.routes import App\nfrom explorer.app.page import launch\n"
        "made, calls = App.create_app, []\n"
        "App.create_app = staticmethod(lambda *given, **named: (calls.append(1), made(*given, **named))[1])\n"
        "counting = vars(App)['create_app']\nlaunch(block=False, quiet=True)\n"
        "print('applications', len(calls), vars(App)['create_app'] is counting)"
    )
    assert printed(project, program).splitlines()[-1].split() == ["applications", "1", "True"]


FIRST_PICTURE = """
import sys
from explorer.app import model_picker, launch, opening, pictures, workspace
from explorer.app.detail import Look, detail
from explorer.app.sessions import open_session
from explorer.examples import examples

launch(block=False, quiet=True)
for example in examples()[1:3]:
    session = open_session(None)
    opening.open_example(session, example.name)
    best = model_picker.best_for(session.open.small)
    shown = workspace.finished_preview(session, best, "auto", workspace.PLAIN)
    value = pictures.preview_value(session, shown)
    pictures.result_line(shown.restoration)
    pictures.sharp_value(session, workspace.sharp_preview(session, 900, workspace.PLAIN), value)
    assert detail(session, Look((0.4, 0.4, 0.6, 0.6), 5000.0, 700), workspace.PLAIN) is not None
    opening.set_reference(session, None)  # figures against one are torch's
    assert workspace.scores(session, shown.restoration.image) is None
print([name for name in SLOW if name in sys.modules])
"""


def test_the_first_pictures_are_shown_without_torch_where_their_graphs_are_on_the_disk(
    project: Path, tmp_path: Path
) -> None:
    """A RAW file's and a picture's, by the models that the page chooses: quick, sharp, and a window at 1:1."""
    backends = pytest.importorskip("explorer.engine.backends")
    if backends._driver_there() or backends.available_backends() != ["openvino", "torch"]:
        pytest.skip("torch is asked where there may be a GPU, and computes where there is no OpenVINO")
    program = f"SLOW = {SLOW}\n{FIRST_PICTURE}"
    said = [printed(project, program, XDG_CACHE_HOME=str(tmp_path)).splitlines()[-1] for _ in range(2)]
    assert "torch" in said[0], "the first run converts"
    assert said[1] == "['openvino']"
