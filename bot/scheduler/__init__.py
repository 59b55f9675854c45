"""Wakes the engine when something falls due: APScheduler in one process, Procrastinate in several."""
