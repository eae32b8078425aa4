"""Everything between the app and its visitors: limits, refusals, headers, sign-in, health, temporary files.

`hardened` gives what `gradio.Blocks.launch` takes. docs/security.md says what is defended against, and what is not.
"""

from explorer.server.hardening import hardened, own_uploads
from explorer.server.options import ServerOptions, read_accounts

__all__ = ["ServerOptions", "hardened", "own_uploads", "read_accounts"]
