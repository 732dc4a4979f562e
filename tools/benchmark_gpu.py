"""Fill the documentation's table of GPUs: see ``benchmarks/on_gpu.py``."""

from benchmarks.on_gpu import main

if __name__ == '__main__':
    main()
