"""Time FERInferencer: see ``benchmarks/benchmark_inference.py``."""

from benchmarks.benchmark_inference import main

if __name__ == '__main__':
    main()
