"""Benchmarks: they print numbers and never judge them. One thread per process, since they count processor seconds."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
