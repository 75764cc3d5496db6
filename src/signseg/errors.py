"""The one exception that a user may see: a sentence with what was found, what was expected and what to do."""


class InputError(ValueError):
    """Bad input from outside the program (file, option, data). The command line prints its sentence and exits with 2."""


def did_you_mean(got: str, allowed: list[str] | tuple[str, ...]) -> str:
    """A clause naming the nearest allowed spelling, or all of them where none is near."""
    import difflib

    near = difflib.get_close_matches(got, allowed, n=1)
    return f"did you mean '{near[0]}'?" if near else f"choose one of: {', '.join(allowed)}."
