"""Depth, masks and intrinsics to metric primitives: numpy and OpenCV, no Spark."""
