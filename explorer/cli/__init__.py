"""The command `lowlight`: one file per command, registered in `explorer.cli.program`.

torch, rawpy and gradio are imported only when a command needs them, so that `lowlight --help` answers at once.
"""

from explorer.cli.program import main

__all__ = ["main"]
