"""Published checkpoints, one file a family: their files, key maps, terms and measured figures.

None of them is part of this project. Users get the files from their authors' own pages.
"""
