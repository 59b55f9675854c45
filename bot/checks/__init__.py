"""What the doctor looks at, one kind of thing a module; what runs asks the same of itself (readiness.py)."""
