"""Alias of `explorer.photo.light.develop` for existing scripts."""

from explorer.photo.light.develop import load_rendering as load_rendering
