"""`python -m aihummer_drtui` is the same as `aihummer-drtui`."""

from aihummer_drtui.cli.main import main

if __name__ == "__main__":
    main()
