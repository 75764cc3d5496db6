"""The loop with a toy step: which images it draws, what it logs and saves, and that stopping leaves no trace in the numbers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from signseg.config import StepCConfig
from signseg.stages.stage import Update
from signseg.training.folder import RunFolder
from signseg.training.interrupt import Interrupted, StopRequest
from signseg.training.loop import batch_index, run_stage, seed_of
from signseg.training.optim import NonFiniteLoss
from signseg.training.progress import Silent

# ---- which images


@given(images=st.integers(1, 30), batch_size=st.integers(1, 12), seed=st.integers(0, 100))
def test_every_epoch_visits_every_image_once(images: int, batch_size: int, seed: int) -> None:
    drawn = torch.cat([batch_index(seed, "step_a", iteration, images, batch_size) for iteration in range(3 * images)])
    for epoch in drawn[: len(drawn) // images * images].split(images):
        assert sorted(epoch.tolist()) == list(range(images))


def test_a_batch_is_a_function_of_seed_step_and_iteration_alone() -> None:
    batches = {iteration: batch_index(1, "step_a", iteration, 50, 8) for iteration in range(20)}
    torch.manual_seed(99)
    torch.rand(3)
    for iteration in reversed(range(20)):
        assert torch.equal(batch_index(1, "step_a", iteration, 50, 8), batches[iteration])
    assert not torch.equal(batch_index(2, "step_a", 0, 50, 8), batches[0])
    assert not torch.equal(batch_index(1, "step_b", 0, 50, 8), batches[0])


def test_drawing_a_batch_leaves_the_random_state_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    batch_index(0, "step_a", 3, 10, 4)
    assert torch.equal(before, torch.get_rng_state())


def test_two_epochs_are_in_different_orders() -> None:
    first, second = (torch.cat([batch_index(0, "step_a", i, 40, 8) for i in range(5 * e, 5 * e + 5)]) for e in range(2))
    assert not torch.equal(first, second)


def test_seeds_tell_their_parts_apart() -> None:
    seeds = [seed_of(1, "step_a", 2), seed_of(1, "step_a", 3), seed_of(1, "step_b", 2), seed_of(1, "step_a2"), seed_of(12, "step_a", "")]
    assert len(set(seeds)) == 5 and all(0 <= seed < 2**63 for seed in seeds)
    assert seeds[0] == seed_of(1, "step_a", 2)


# ---- a step that learns nothing useful, with noise and a running statistic


class Noisy:
    name = "step_c"

    def __init__(self, network: nn.Module, iterations: int, breaks_at: int | None = None) -> None:
        self.network, self.config, self.breaks_at = network, StepCConfig(iterations=iterations, batch_size=3), breaks_at
        self.drawn: list[list[int]] = []

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"one": list(self.network[0].parameters()), "two": list(self.network[2].parameters())}

    def training_modules(self) -> list[nn.Module]:
        return [self.network]

    def updates(self, index: Tensor) -> Iterator[Update]:
        self.drawn.append(index.tolist())
        factor = float("nan") if len(self.drawn) == self.breaks_at else 1.0
        for player in ("one", "two"):
            value = self.network(torch.randn(5, 4) + index.float().mean()).square().mean()
            yield Update(player, {"loss": factor * value}, {"loss": 1.0})


class Stopping(StopRequest):
    """True from the `after`-th question on; the loop asks twice an iteration."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def __bool__(self) -> bool:
        self.left -= 1
        return self.left < 0


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5)), nn.Linear(4, 1)).eval()


def run(stage: Noisy, folder: Path, *, state=None, stop: StopRequest | None = None, every: int = 7) -> RunFolder:
    folder.mkdir(exist_ok=True)
    run_stage(
        stage,
        stage.network,
        images=10,
        seed=3,
        folder=RunFolder(folder),
        state=state,
        extra={"teacher": torch.ones(1)},
        checkpoint_every=every,
        reporter=Silent(),
        stop=StopRequest() if stop is None else stop,
    )
    return RunFolder(folder)


def state_in(folder: RunFolder) -> dict[str, Any]:
    return torch.load(folder.state, weights_only=True)


def test_lines_are_logged_every_ten_iterations_and_at_the_end(tmp_path: Path) -> None:
    folder = run(Noisy(network(), 25), tmp_path)
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [10, 20, 25]
    assert set(lines[0]["losses"]) == {"one/loss", "two/loss"}


def test_the_last_checkpoint_is_the_end(tmp_path: Path) -> None:
    stage = Noisy(network(), 25)
    state = state_in(run(stage, tmp_path))
    assert (state["step"], state["iteration"]) == ("step_c", 25) and state["teacher"] == 1
    assert all(torch.equal(tensor, state["network"][name]) for name, tensor in stage.network.state_dict().items())


@pytest.mark.parametrize("iteration", [0, 6, 9, 14, 24])
def test_a_stopped_step_goes_on_bit_for_bit(iteration: int, tmp_path: Path) -> None:
    whole, stopped = Noisy(network(), 25), Noisy(network(), 25)
    expected = run(whole, tmp_path / "whole").metrics.read_text()
    with pytest.raises(Interrupted):
        run(stopped, tmp_path / "stopped", stop=Stopping(2 * iteration), every=1000)
    assert not any(module.training for module in stopped.network.modules())
    state = state_in(RunFolder(tmp_path / "stopped"))
    assert state["iteration"] == len(stopped.drawn) < 26
    resumed = Noisy(network(), 25)
    folder = run(resumed, tmp_path / "stopped", state=state)
    assert stopped.drawn + resumed.drawn == whole.drawn
    assert folder.metrics.read_text() == expected
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_a_killed_step_repeats_what_came_after_its_checkpoint_and_logs_it_once(tmp_path: Path) -> None:
    whole = Noisy(network(), 25)
    expected = run(whole, tmp_path / "whole").metrics.read_text()
    killed = Noisy(network(), 25, breaks_at=24)
    with pytest.raises(NonFiniteLoss):
        run(killed, tmp_path / "killed", every=17)
    with open(tmp_path / "killed" / "metrics.jsonl", "a") as handle:
        handle.write('{"step": "step_c", "iter')  # a line cut off
    state = state_in(RunFolder(tmp_path / "killed"))
    assert state["iteration"] == 17
    resumed = Noisy(network(), 25)
    assert run(resumed, tmp_path / "killed", state=state).metrics.read_text() == expected
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_a_loss_that_is_not_finite_stops_before_the_weights_take_it_over(tmp_path: Path) -> None:
    stage = Noisy(network(), 25, breaks_at=4)
    with pytest.raises(NonFiniteLoss, match="'loss' of one is nan in step_c, iteration 3"):
        run(stage, tmp_path)
    assert all(torch.isfinite(parameter).all() for parameter in stage.network.parameters())


def test_a_finished_step_is_not_repeated(tmp_path: Path) -> None:
    first = Noisy(network(), 25)
    state = state_in(run(first, tmp_path))
    again = Noisy(network(), 25)
    run(again, tmp_path, state=state)
    assert again.drawn == []
    assert all(torch.equal(tensor, again.network.state_dict()[name]) for name, tensor in first.network.state_dict().items())
