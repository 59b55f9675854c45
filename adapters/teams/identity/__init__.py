"""The Microsoft identity platform: the token by which Microsoft knows us, and the keys by which we know Microsoft."""
