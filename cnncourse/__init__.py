"""The companion library of the cnncourse book: what its notebooks would otherwise repeat.

Import what you need from its modules, for example `from cnncourse.train import fit`.
"""

__version__ = "0.1.0"
