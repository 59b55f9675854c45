"""The Teams app package: a zip of manifest and icons that an administrator uploads."""
