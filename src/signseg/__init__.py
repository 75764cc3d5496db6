"""signseg: semantic segmentation of classes that have a name but no labels (SIGN with annealed self-training)."""

__version__ = "0.1.0"
