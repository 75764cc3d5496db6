"""Every method by name. Registering one here puts it on the command line and into the common battery of tests."""

from signseg.methods.cagnet import CAGNET
from signseg.methods.csrl import CSRL
from signseg.methods.recipe import Materials, Recipe
from signseg.methods.sign import SIGN
from signseg.methods.spnet import SPNET
from signseg.methods.zs3net import ZS3NET
from signseg.methods.zs3net_graph import ZS3NET_GRAPH

METHODS: dict[str, Recipe] = {recipe.name: recipe for recipe in (SIGN, CAGNET, CSRL, ZS3NET, ZS3NET_GRAPH, SPNET)}

__all__ = ["METHODS", "Materials", "Recipe"]
