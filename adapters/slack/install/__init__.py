"""Installing the Slack app in one or more workspaces from our own page (OAuth).

Import the modules themselves: the webhook needs `resolve` and `store` where nothing is installed by OAuth.
"""
