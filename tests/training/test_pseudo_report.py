"""Pictures of pseudo-labels and their weights, kept for the report."""

import numpy as np
import torch
from small_signseg import SMALL

from signseg.data.dataset import class_split
from signseg.data.training_images import TrainingImages
from signseg.data.world import World
from signseg.stages.annealing import PseudoLabels
from signseg.training.pseudo_report import SHOWN_IMAGES, write_weight_maps


def test_the_first_images_with_pseudo_labels_are_kept(tmp_path):
    world = World(seed=0, **SMALL)
    classes = class_split(world)
    images = TrainingImages(world.split("train"), classes)
    random = torch.Generator().manual_seed(0)
    assigned = torch.rand((len(images), 48, 48), generator=random) < 0.3
    assigned[[0, 2]] = False  # two images without any
    labels = torch.full(assigned.shape, len(classes.seen), dtype=torch.uint8)
    weights = torch.rand(assigned.shape, generator=random) * assigned
    write_weight_maps(tmp_path / "maps.npz", PseudoLabels(labels, weights, assigned), weights, images, classes)
    with np.load(tmp_path / "maps.npz") as found:
        kept = {name: found[name] for name in found.files}
    chosen = [1, 3, 4, 5]
    assert len(chosen) == SHOWN_IMAGES
    first_unseen = classes.raw_ids[classes.unseen[0]]
    for place, position in enumerate(chosen):
        picture = world.split("train")[int(images.positions[position])]
        np.testing.assert_array_equal(kept["images"][place], picture.image)
        expected = np.where(assigned[position].numpy(), first_unseen, classes.ignore)
        np.testing.assert_array_equal(kept["labels"][place], expected)
        np.testing.assert_allclose(kept["weights"][place], weights[position].numpy(), atol=1e-3)


def test_no_pseudo_label_at_all_is_an_empty_file(tmp_path):
    world = World(seed=0, **SMALL)
    classes = class_split(world)
    images = TrainingImages(world.split("train"), classes)
    nothing = torch.zeros((len(images), 48, 48))
    write_weight_maps(tmp_path / "maps.npz", PseudoLabels(nothing.byte(), nothing, nothing.bool()), nothing, images, classes)
    with np.load(tmp_path / "maps.npz") as found:
        assert {len(found[name]) for name in found.files} == {0}
