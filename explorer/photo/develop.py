"""`explorer.photo.light.develop` under the name by which scripts know it."""

from explorer.photo.light.develop import load_rendering as load_rendering
