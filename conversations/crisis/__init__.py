"""Hearing words of danger in what is typed. It may show the crisis card sooner, and does nothing else."""
