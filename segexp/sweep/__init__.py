"""Sweeps: every job is a process group of its own, on this machine or on SLURM."""
