"""The commands: they read options, call one function each, and turn its exceptions into a sentence and an exit code. No logic here."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from signseg import __version__
from signseg.errors import InputError
from signseg.files import reason
from signseg.signals import termination_interrupts

MOST_THREADS = 1024


class Parser(argparse.ArgumentParser):
    """argparse with one-sentence errors."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}; see '{self.prog} --help'.")


def settings(arguments: argparse.Namespace) -> dict[str, str]:
    """--set key=value pairs."""
    pairs = {}
    for item in arguments.set or []:
        key, separator, value = item.partition("=")
        if not separator:
            raise InputError(f"--set {item} has no '='; write --set step_a.iterations=100.")
        pairs[key] = value
    return pairs


def pair(item: str) -> tuple[str, str]:
    """OLD=NEW."""
    old, separator, new = item.partition("=")
    if not separator:
        raise InputError(f"--rename {item} has no '='; write --rename OLD=NEW.")
    return old, new


def numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    return [float(part) for part in text.split(",")]


def demo(arguments: argparse.Namespace) -> None:
    from signseg.demo import run_demo
    from signseg.training.progress import for_standard_output

    run_demo(arguments.out, preset=arguments.preset, seed=arguments.seed, reporter=for_standard_output())


def train(arguments: argparse.Namespace) -> None:
    from signseg.config import with_overrides
    from signseg.data.registry import located
    from signseg.report.page import write_report
    from signseg.training.progress import for_standard_output
    from signseg.training.score import check_calibration, score_run
    from signseg.training.settings import preset, refuse_other_settings
    from signseg.training.train import train as train_run

    chosen = {key: getattr(arguments, key) for key in ("preset", "method", "seed", "tuning", "upper_bound")}
    chosen |= {"data": located(arguments.data), "self_training.kind": arguments.self_training} | settings(arguments)
    config = with_overrides(preset(arguments.preset, arguments.method), chosen)
    check_calibration(config, arguments.calibration)
    if arguments.resume:
        refuse_other_settings(arguments.out, chosen)
    reporter = for_standard_output()
    train_run(config, arguments.out, resume=arguments.resume, reporter=reporter)
    show(score_run(arguments.out, calibration=arguments.calibration, reporter=reporter))
    write_report(arguments.out)
    print(f"report: {arguments.out / 'report.html'}")


def self_train(arguments: argparse.Namespace) -> None:
    from signseg.config import with_overrides
    from signseg.report.page import write_report
    from signseg.training.folder import RunFolder, load_config
    from signseg.training.progress import for_standard_output
    from signseg.training.score import score_run
    from signseg.training.settings import refuse_other_settings
    from signseg.training.train import train_from

    config, _ = load_config(RunFolder(arguments.run))
    chosen = {"self_training.kind": arguments.self_training} | settings(arguments)
    config = with_overrides(config, chosen)
    if arguments.resume:
        refuse_other_settings(arguments.out, chosen)
    reporter = for_standard_output()
    train_from(arguments.run, config, arguments.out, resume=arguments.resume, reporter=reporter)
    show(score_run(arguments.out, reporter=reporter))
    write_report(arguments.out)
    print(f"report: {arguments.out / 'report.html'}")


def evaluate(arguments: argparse.Namespace) -> None:
    from signseg.report.page import write_report
    from signseg.training.progress import for_standard_output
    from signseg.training.score import score_run

    rows = score_run(
        arguments.run,
        data_name=arguments.data,
        split=arguments.split,
        scale=arguments.scale,
        protocol=arguments.protocol,
        calibration=arguments.calibration,
        reporter=for_standard_output(),
    )
    show(rows)
    write_report(arguments.run)


def predict(arguments: argparse.Namespace) -> None:
    from signseg.inference.predict_folder import predict_files
    from signseg.inference.views import Options

    looks = {name: getattr(arguments, name) for name in ("bias", "flips", "probabilities", "novelty")}
    predict_files(arguments.run, arguments.images, arguments.out, Options(**looks, scales=tuple(arguments.scales)))


def add_class(arguments: argparse.Namespace) -> None:
    from signseg.inference.add_class import change_classes
    from signseg.training.progress import for_standard_output

    renamed = [pair(item) for item in arguments.rename]
    changes = {"add": arguments.names, "remove": arguments.remove, "rename": renamed}
    change_classes(arguments.run, arguments.out, vectors=arguments.vectors, reporter=for_standard_output(), **changes)


def info(arguments: argparse.Namespace) -> None:
    from signseg.report.info import describe

    print(describe(arguments.run))


def benchmark(arguments: argparse.Namespace) -> None:
    from signseg.benchmark.benchmark import parse_seeds, run_benchmark
    from signseg.training.progress import for_standard_output

    run_benchmark(
        arguments.suite,
        arguments.data,
        parse_seeds(arguments.seeds),
        arguments.out,
        preset_name=arguments.preset,
        overrides=settings(arguments),
        reporter=for_standard_output(),
        tables_only=arguments.tables_only,
        smoke=arguments.smoke,
    )
    print((arguments.out / "tables.md").read_text(encoding="utf-8"))


def show(rows: list[dict[str, Any]]) -> None:
    """Print rows of results.json as a table."""
    from signseg.report.tables import plain_table

    print(plain_table(rows))


def parser() -> Parser:
    """Commands and options."""
    top = Parser(prog="signseg", description="Semantic segmentation of classes that have a name but no labels.")
    top.add_argument("--version", action="version", version=f"signseg {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, call: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(call=call)
        added.add_argument("--threads", type=int, default=None, help="CPU threads (default: all cores)")
        return added

    def training_options(added: argparse.ArgumentParser) -> None:
        added.add_argument("--out", type=Path, required=True, help="new run folder")
        added.add_argument("--resume", action="store_true", help="continue an interrupted run in --out with its own settings")
        added.add_argument("--set", action="append", metavar="KEY=VALUE", help="change one setting, e.g. step_a.iterations=100")

    one = command("demo", demo, "the whole method on the built-in world, in minutes")
    one.add_argument("--out", type=Path, required=True, help="folder for runs, results.json and report.html")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--preset", default="demo", help="demo (default; about half of quick's iterations), quick or tiny")

    one = command("train", train, "train a method: steps a to c, then self-training")
    one.add_argument("--data", required=True, help="world, world-partial, or the path of a dataset.yaml")
    one.add_argument("--method", required=True, help="sign, cagnet, csrl, zs3net, zs3net-gc or spnet")
    one.add_argument("--self-training", default="none", help="none, st or ast")
    one.add_argument("--preset", default="quick", help="quick (default) or tiny")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--tuning", action="store_true", help="choose settings: validation_unseen play the unseen role, scored on val")
    one.add_argument("--calibration", type=Path, help="calibration.json of a tuning run")
    one.add_argument("--upper-bound", action="store_true", help="declare every class seen, for comparison only")
    training_options(one)

    one = command("self-train", self_train, "step four alone, from a finished run")
    one.add_argument("run", type=Path)
    one.add_argument("--self-training", required=True, help="st or ast")
    training_options(one)

    one = command("evaluate", evaluate, "score a run")
    one.add_argument("run", type=Path)
    one.add_argument("--data", help="another data set with the same classes")
    one.add_argument("--split", help="test (default), or val (default for tuning runs)")
    one.add_argument("--scale", type=float, default=1.0, help="size of the test images over that of training (world)")
    one.add_argument("--protocol", default="pixel", help="pixel (default) or feature")
    one.add_argument("--calibration", type=Path, help="calibration.json of a tuning run")

    one = command("benchmark", benchmark, "a table of the paper, or a study behind it; adds the runs that are missing")
    one.add_argument("--suite", required=True, help="systems, positions, self-training, ablation, splits or targets")
    one.add_argument("--data", required=True, help="world, world-partial, or the path of a dataset.yaml")
    one.add_argument("--seeds", default="5", help="how many (from 0), or a range such as 100-104 (default 5)")
    one.add_argument("--out", type=Path, required=True, help="folder for results.json, tables.md and report.html")
    one.add_argument("--preset", default="quick", help="quick (default) or tiny")
    one.add_argument("--set", action="append", metavar="KEY=VALUE", help="change one setting of all runs")
    one.add_argument("--smoke", action="store_true", help="tiny networks, one seed, few pictures: shows in minutes that a suite runs")
    one.add_argument("--tables-only", action="store_true", help="train nothing; write the tables from the runs that are stored")

    one = command("predict", predict, "segment pictures")
    one.add_argument("run", type=Path)
    one.add_argument("images", nargs="+", help="images, folders or globs")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--bias", type=float, default=0.0, help="added to the scores of unseen classes: above 0 favours them")
    one.add_argument("--flips", action="store_true", help="average with the mirrored picture")
    one.add_argument("--scales", type=numbers, default=[1.0], metavar="S,S", help="average over sizes, e.g. 0.75,1,1.25")
    one.add_argument("--probabilities", action="store_true", help="also write the probability of every class (.npz)")
    one.add_argument("--novelty", action="store_true", help="also write a map of pixels that no known class fits (white)")

    one = command("add-class", add_class, "add classes to a trained model by name, without labels or training images")
    one.add_argument("run", type=Path)
    one.add_argument("names", nargs="*", metavar="NAME", help="names of new classes")
    one.add_argument("--vectors", type=Path, nargs="+", default=[], help="word vector files, if the run kept no vector of the name")
    one.add_argument("--remove", nargs="+", default=[], metavar="NAME", help="classes to take away")
    one.add_argument("--rename", nargs="+", default=[], metavar="OLD=NEW", help="classes to call by another name")
    one.add_argument("--out", type=Path, required=True, help="new run folder")

    one = command("info", info, "what a run is and how it scored")
    one.add_argument("run", type=Path)
    return top


def threads(count: int | None) -> None:
    """Limit torch to `count` CPU threads."""
    if count is None:
        return
    if not 1 <= count <= MOST_THREADS:
        raise InputError(f"--threads is {count}; give a number from 1 to {MOST_THREADS}.")
    import torch

    torch.set_num_threads(count)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 with one sentence for bad input, or 130 when interrupted."""
    arguments = argparse.Namespace()
    try:
        with termination_interrupts():
            arguments = parser().parse_args(argv)
            threads(arguments.threads)
            arguments.call(arguments)
            sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        again = "with the same command and --resume" if hasattr(arguments, "resume") else "with the same command"
        print(f"Interrupted; continue {again}.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (InputError, OSError, RuntimeError, MemoryError) as error:
        print(sentence(error), file=sys.stderr)
        return 2


def sentence(error: Exception) -> str:
    """What to tell the user about an error from outside the program; any other is raised again, since it is ours."""
    from signseg.training.optim import NonFiniteLoss

    if isinstance(error, InputError | NonFiniteLoss):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{error.filename or 'The output'}: {reason(error)}; check the path, its permissions and the free space."
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return "There is not enough memory; use smaller pictures, a smaller batch_size or narrower layers."
    raise error
