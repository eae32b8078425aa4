"""The app of a Hugging Face Space, the same as `lowlight app`: run this file, or import `demo` from it."""

import os

from explorer.app import build_app, launch

demo = build_app()

if __name__ == "__main__":
    # A Space's proxy reaches the server from another machine; elsewhere nobody else should.
    on_a_space = "SPACE_ID" in os.environ
    port = os.environ.get("GRADIO_SERVER_PORT")
    launch(
        demo,
        host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if on_a_space else "127.0.0.1"),
        port=int(port) if port else 7860 if on_a_space else None,
    )
