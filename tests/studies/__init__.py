"""Tests of the study of the published claims."""
