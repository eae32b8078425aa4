# The app for self-hosting: docker build -t lowlight-explorer . && docker run --rm -p 127.0.0.1:7860:7860 lowlight-explorer
# Steps are the make targets that a checkout has; see docs/security.md for what the container may do.

FROM python:3.12.11-slim-bookworm

SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 --user-group explorer \
    && install --directory --owner explorer --group explorer /app /cache

USER 10001:10001
WORKDIR /app

# Files that determine the installation come first, so that a change of the code does not reinstall the dependencies.
COPY --chown=10001:10001 Makefile pyproject.toml constraints.txt README.md LICENSE ./
COPY --chown=10001:10001 explorer/__init__.py explorer/
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1
RUN make setup EXTRAS=fast,heif TORCH_INDEX="${TORCH_INDEX}"

COPY --chown=10001:10001 explorer explorer
COPY --chown=10001:10001 weights weights
# The stamp must be newer than the copied files, or the next make would install again.
RUN touch .venv/.installed

# Worth keeping between containers: pulled and imported weights, and converted graphs.
ENV XDG_CACHE_HOME=/cache \
    XDG_DATA_HOME=/cache/data \
    XDG_CONFIG_HOME=/cache/config \
    HF_HOME=/cache/huggingface \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
VOLUME /cache
EXPOSE 7860

HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]

# Not through make: the process that is asked to stop must be the server itself.
ENTRYPOINT [".venv/bin/lowlight", "app", "--host", "0.0.0.0", "--port", "7860", "--log-json"]
