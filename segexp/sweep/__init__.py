"""One process group per job: local and SLURM."""
