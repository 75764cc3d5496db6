"""Recipes as values: every setting is one that exists, and a rival differs from SIGN in what its paper has different."""

import dataclasses

import pytest

from signseg.config import PRESETS, QUICK, with_overrides
from signseg.methods import METHODS, Recipe
from signseg.training.settings import check, different, preset


def as_written(value):
    """Lists and whole numbers as a configuration stores them."""
    return tuple(float(item) for item in value) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("method", METHODS)
def test_every_setting_of_a_recipe_exists_and_arrives(method: str) -> None:
    config = with_overrides(QUICK, METHODS[method].settings)
    for key, value in METHODS[method].settings.items():
        found = config
        for part in key.split("."):
            found = getattr(found, part)
        assert as_written(found) == as_written(value), key


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("method", METHODS)
def test_a_recipe_is_accepted_in_every_preset_and_differs_in_nothing_it_does_not_name(method: str, name: str) -> None:
    config = preset(name, method)
    check(config)
    assert config.method == method and config.preset == name
    assert set(different(config, PRESETS[name])) <= set(METHODS[method].settings) | {"method"}


@pytest.mark.parametrize("method", METHODS)
def test_no_recipe_touches_what_is_the_same_for_all(method: str) -> None:
    """The encoder, how much a step sees, and step four: comparisons between methods rest on it. Learning rates may be a method's own."""
    shared = ("encoder.", "self_training.", "padding", "precision", "data", "seed", "label_policy")
    lengths = ("iterations", "batch_size")
    assert not [key for key in METHODS[method].settings if key.startswith(shared) or key.endswith(lengths)]


@pytest.mark.parametrize("method", METHODS)
def test_a_name_leads_to_its_recipe_and_begins_with_step_a(method: str) -> None:
    recipe = METHODS[method]
    assert recipe.name == method and recipe.paper
    assert list(recipe.steps)[0] == "step_a" and set(recipe.steps) <= {"step_a", "step_b", "step_c"}


def test_sign_is_the_default_and_has_no_settings_of_its_own() -> None:
    assert METHODS["sign"].settings == {} and QUICK.method == "sign"


def test_a_recipe_cannot_be_changed_by_accident() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        METHODS["sign"].name = "other"  # type: ignore[misc]
    assert isinstance(METHODS["csrl"], Recipe) and METHODS["csrl"].settings.items() > METHODS["zs3net"].settings.items()
