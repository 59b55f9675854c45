"""The programme's report: what is counted once a week, and what is said of it."""
