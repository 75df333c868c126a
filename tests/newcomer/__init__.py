"""The first hour of somebody who has a clone and nothing else."""
