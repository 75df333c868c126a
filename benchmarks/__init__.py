"""Benchmarks: they print measurements without judging them, with one thread per process to count processor seconds."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
