"""Everything between the app and its visitors: limits, refusals, headers, sign-in, health, temporary files.

`hardened` returns arguments for `gradio.Blocks.launch`. docs/security.md says what the server defends against.
"""

from explorer.server.hardening import hardened, own_uploads
from explorer.server.options import ServerOptions, read_accounts

__all__ = ["ServerOptions", "hardened", "own_uploads", "read_accounts"]
