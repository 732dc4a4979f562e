"""Time our steps beside open_clip: see ``benchmarks/benchmark.py``."""

from benchmarks.benchmark import main

if __name__ == '__main__':
    main()
