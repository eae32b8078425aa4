"""Light: levels, demosaicing, white balance, development, amplification, and how much of a result is taken."""
