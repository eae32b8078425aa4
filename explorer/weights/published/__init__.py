"""Published checkpoints, one file per family: their files, key maps, terms and measured metrics.

None of them is part of this project. Users get the files from their authors' pages.
"""
