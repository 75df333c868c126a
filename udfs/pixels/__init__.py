"""Pixels of files: the one decoder of images and maps, and the turn that brings both upright."""
