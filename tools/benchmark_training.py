"""Time a training step: see ``benchmarks/benchmark_training.py``."""

from benchmarks.benchmark_training import main

if __name__ == '__main__':
    main()
