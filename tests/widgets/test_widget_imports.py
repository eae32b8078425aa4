"""What is loaded when, and what still works without the libraries that need not be there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def python(code: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


BLOCK = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
"""


def test_the_package_loads_no_widgets(project: Path) -> None:
    code = (
        "import explorer, explorer.widgets, sys\n"
        "print(sorted({'ipywidgets', 'anywidget', 'torch', 'numpy', 'plotly'} & set(sys.modules)))"
    )
    assert python(code, project).strip() == "[]"


def test_without_ipywidgets_everything_else_works_and_a_widget_says_what_to_install(project: Path) -> None:
    code = BLOCK.format(blocked=["ipywidgets", "anywidget"]) + (
        "import explorer\nfrom explorer.errors import ExplorerError\n"
        "print(len(explorer.list_models()) > 3)\n"
        "try:\n    explorer.widgets.restore('cat')\nexcept ExplorerError as e:\n    print(e)\n"
    )
    assert python(code, project).splitlines() == [
        "True",
        "The widgets need ipywidgets, which is not installed; run `pip install ipywidgets anywidget`.",
    ]


def test_without_anywidget_the_plain_forms_show_the_same(project: Path) -> None:
    code = BLOCK.format(blocked=["anywidget"]) + (
        "import io\nimport numpy as np\nfrom PIL import Image\nimport explorer\n"
        "from explorer.models import create_model\n"
        "dark = np.linspace(0, 0.2, 40 * 60 * 3, dtype=np.float32).reshape(40, 60, 3)\n"
        "w = explorer.widgets.restore(dark, 'identity', 9)\n"
        "def shown(): return np.asarray(Image.open(io.BytesIO(w.view._picture.value))).astype(int)\n"
        "half = shown()\n"
        "print(type(w.view).__name__, half[:, :25].mean() < half[:, 35:].mean() / 1.5, w.error)\n"
        "w.view.split = 0\nprint(np.abs(shown()[:, 1:] - w.result.image[:, 1:] * 255).max() <= 1)\n"
        "c = explorer.widgets.compare(dark, ['identity', 'gamma'])\n"
        "print(type(c.view).__name__, c.view._grid.value.count('<figure>'), c.error)\n"
        "r = explorer.widgets.retinex(dark, 'lime')\nprint(r.error, r.relit is not None)\n"
        "net = explorer.widgets.as_model(create_model('zero_dce', width=4), 'zero_dce')\n"
        "f = explorer.widgets.features(dark, net, layer='convs.0', max_side=60)\n"
        "f.sheet._slider.value = 2\nprint(type(f.sheet).__name__, f.channel, f.error)\n"
        "p = explorer.widgets.predict('q', 'a', options=['a', 'b'], reveal=lambda: dark)\np.guess = 'a'; p.reveal()\n"
        "print(p.revealed)\n"
    )
    assert python(code, project).splitlines() == [
        "PlainBeforeAfter True None",
        "True",
        "PlainTiles 3 None",
        "None True",
        "PlainChannelSheet 2 None",
        "True",
    ]


def test_assets_are_whole(project: Path) -> None:
    """The style sheet and the scripts balance their brackets: a cut file would break every widget in silence."""
    folder = project / "explorer" / "widgets" / "assets"
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        for opening, closing in ("{}", "()", "[]"):
            assert text.count(opening) == text.count(closing), path.name
