"""Tests of statistics: tables, views, drift."""
