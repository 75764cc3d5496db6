"""Every method by name. Registering one here puts it on the command line and into the common battery of tests."""

from signseg.methods.recipe import Materials, Recipe
from signseg.methods.sign import SIGN

METHODS: dict[str, Recipe] = {recipe.name: recipe for recipe in (SIGN,)}

__all__ = ["METHODS", "Materials", "Recipe"]
