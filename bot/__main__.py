"""`python -m bot` is `peersupport`."""

from bot.cli.main import main

if __name__ == "__main__":
    main()
