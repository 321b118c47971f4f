"""Speed, always as a ratio measured in one run; `book/speed.md` shows the results. Run a module from the repository's
root, with nothing else running: `python -m benchmarks.speed`, or `make benchmark` for all.
"""
