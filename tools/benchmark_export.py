"""Time exported models: see ``benchmarks/benchmark_export.py``."""

from benchmarks.benchmark_export import main

if __name__ == '__main__':
    main()
