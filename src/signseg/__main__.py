"""`python -m signseg` is the `signseg` command."""

from signseg.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
