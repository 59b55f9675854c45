"""What wakes the engine: APScheduler where one process serves, Procrastinate where several do."""
