"""What an operator watches: readiness, metrics, alerts."""
