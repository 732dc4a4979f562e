"""Table of open_clip's towers: see ``benchmarks/benchmark_towers.py``."""

from benchmarks.benchmark_towers import main

if __name__ == '__main__':
    main()
