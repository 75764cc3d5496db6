"""The built-in benchmark: a program draws pictures, labels them and describes them in sentences. Import `World` from here;
the parts are `catalogue` (classes), `drawing` and `scene` (pictures), `sentences` (text, vectors), `cache` and `dataset`."""

from signseg.data.world.dataset import STANDARD_PARTIAL, World

__all__ = ["STANDARD_PARTIAL", "World"]
