"""What an administrator gives to Slack: the app manifest."""
