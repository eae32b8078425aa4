"""The command `lowlight`: one file a command, registered in `explorer.cli.program`.

Nothing here imports torch, rawpy or gradio before a command needs them, so that `lowlight --help` answers at once.
"""

from explorer.cli.program import main

__all__ = ["main"]
