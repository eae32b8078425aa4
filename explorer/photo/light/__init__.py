"""Light: levels, demosaicking, white balance, development, amplification, and a result's strength."""
