"""Train and predict for hours: see ``benchmarks/soak.py``."""

from benchmarks.soak import main

if __name__ == '__main__':
    raise SystemExit(main())
