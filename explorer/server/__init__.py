"""Everything between the app and its visitors: limits, refusals, headers, sign-in, health.

`hardened` returns arguments for `gradio.Blocks.launch`. docs/security.md says what the server defends against.
"""

from explorer.server.hardening import hardened
from explorer.server.options import ServerOptions, read_accounts

__all__ = ["ServerOptions", "hardened", "read_accounts"]
