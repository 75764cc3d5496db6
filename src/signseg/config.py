"""Configurations are values: frozen, checked at construction, stored with the run. Presets at the end are derived from one another.

Numbers carry their source: "release" is SIGN's or CaGNet's published code, "tuned" was chosen by a `--tuning` run on the built-in world
(docs/lab_notebook.md), "ours" is a default without a published counterpart.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from signseg.errors import InputError, did_you_mean

Count = Annotated[int, Field(ge=1, le=10_000_000)]
Width = Annotated[int, Field(ge=1, le=65_536)]
Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

Encoding = Literal["relative", "absolute", "absolute-interpolated", "none"]
Body = Literal["attention", "attention-inner-skips", "context", "identity"]
SelfTraining = Literal["none", "st", "ast"]
Precision = Literal["auto", "float32", "bfloat16"]
Padding = Literal["zeros", "replicate", "reflect"]
Side = Annotated[int, Field(ge=8, le=4096)]
Size = Annotated[tuple[Side, Side], BeforeValidator(lambda value: value.split(",") if isinstance(value, str) else value)]


class Section(BaseModel):
    """Base of every configuration: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderConfig(Section):
    """E: a DeepLab-v2 network of any width. Defaults are the compact form for 96-pixel pictures (ours)."""

    stem: Literal["compact", "resnet"] = "compact"
    stem_width: Width = 32
    block: Literal["basic", "bottleneck"] = "basic"
    depths: tuple[Count, ...] = (1, 1)
    widths: tuple[Width, ...] = (64, 64)
    strides: tuple[Count, ...] = (1, 1)
    dilations: tuple[Count, ...] = (1, 1)
    aspp_dilations: tuple[Count, ...] = (1, 2)
    features: Annotated[int, Field(ge=4, multiple_of=4)] = 64
    frozen_norm: bool = False  # True with a pretrained ResNet (release: batch norm is never trained)


class SpatialConfig(Section):
    """SIM: positional encoding, the body that mixes it in, and the context branch that gives the Gaussian latent.

    CaGNet has no encoding and the body `identity`; the other rivals have no spatial module at all.
    """

    module: Literal["sim", "none"] = "sim"
    encoding: Encoding = "relative"
    standard_length: Annotated[float, Field(gt=1)] = 512  # L of the relative encoding (release: blocks.py, default argument)
    training_grid: tuple[Count, Count] = (24, 24)  # feature size in training; only the interpolated absolute encoding needs it
    body: Body = "context"  # tuned; the release's default (network_type 1)
    body_channels: Width = 32  # release: 128 of 600
    context_channels: Width = 48  # release: 256 of 600


class GeneratorConfig(Section):
    """G: an MLP on [word | latent]. The release has five hidden layers 1024, 960, 864, 784, 720 with dropout .1 .1 .3 .5 .5."""

    hidden: tuple[Width, ...] = (256,)
    dropout: tuple[Probability, ...] = (0.1,)


class DiscriminatorConfig(Section):
    """D: one hidden layer (release: 1024 units, dropout 0.5, shared with C; ours is its own, so that each box has its own weights)."""

    hidden: Width = 128
    dropout: Probability = 0.5


class ClassifierConfig(Section):
    """C: one hidden layer (release: 1024 units, dropout 0.5), one linear map (ZS3Net), or fixed word vectors (SPNet)."""

    kind: Literal["hidden-layer", "linear", "word-vectors"] = "hidden-layer"
    hidden: Width = 192
    dropout: Probability = 0.2


class StageConfig(Section):
    """What every training step has: how long, how fast, how many images at once."""

    iterations: Count
    batch_size: Count = 8  # release
    optimiser: Literal["adam", "sgd"] = "adam"
    learning_rate: Rate
    weight_decay: Weight = 0.0


class StepAConfig(StageConfig):
    """Step a: E, SIM and C on seen classes."""

    iterations: Count = 800
    learning_rate: Rate = 5e-3
    weight_decay: Weight = 5e-4  # release
    kl_weight: Weight = 0.001  # tuned; 0.1 empties the latent; release: 100 against a cross-entropy weight of 0.5, 600 channels
    resolution: Count = 2  # scores are upsampled to 1/resolution of the image before the loss; release: feature size
    outputs: Literal["all", "seen"] = "all"  # classes in the softmax; SPNet's has the seen ones alone


class RelationsConfig(Section):
    """CSRL: how far relations between generated classes must follow those between their words. No published values exist (ours)."""

    pair_weight: Weight = 0.0
    list_weight: Weight = 0.0
    temperature: Rate = 0.1
    list_length: Count = 5  # nearest classes whose order counts


class StepBConfig(StageConfig):
    """Step b: G against D."""

    iterations: Count = 300
    learning_rate: Rate = 1e-3
    adversarial: Literal["least-squares", "absolute", "none"] = "least-squares"  # release: named lsgan, computes the absolute form
    adversarial_weight: Weight = 1.0  # release
    matching: Literal["mmd", "squared-error"] = "mmd"  # squared-error between paired features: CaGNet's paper
    matching_weight: Weight = 10.0  # release: 50
    matching_groups: Literal["class", "raster-run"] = "class"  # article: class-wise; release: runs of equal labels in raster order
    matching_pixels: Annotated[int, Field(ge=2)] = 32  # pixels drawn from each group
    bandwidths: tuple[Annotated[float, Field(gt=0)], ...] = (2, 5, 10, 20, 40, 60)  # release
    relations: RelationsConfig = RelationsConfig()


class StepCConfig(StageConfig):
    """Step c: C on real and synthetic features."""

    iterations: Count = 300
    learning_rate: Rate = 1e-3
    weight_decay: Weight = 5e-4  # release
    latent: Literal["spatial", "noise"] = "spatial"  # article: latents of real images; release: N(0, 1)
    unseen_rate: Weight = 50.0  # tuned; a class is drawn with weight 1 if seen, 1 + this if unseen; release: 9 (VOC), 14, 59
    swapped_segments: Probability = 0.5  # share of segments that get another class's word; graph context only (ours)
    real_weight: Weight = 0.5  # tuned; release: 0.75
    synthetic_weight: Weight = 1.0  # tuned; release: 0.25


class SelfTrainingConfig(StageConfig):
    """Step four: pseudo-labels for unannotated pixels, all of weight 1 (ST) or annealed by their confidence (AST)."""

    kind: SelfTraining = "none"
    iterations: Count = 200  # a round
    rounds: Count = 2
    learning_rate: Rate = 1e-3
    weight_decay: Weight = 5e-4  # release
    temperature: Annotated[float, Field(ge=0, le=1000)] = 5.0  # tuned; of AST, ST is temperature 0
    annealing: Literal["fixed", "share"] = "fixed"  # share (ours): temperature x estimated share of unannotated pixels of seen classes
    top_p: Annotated[int, Field(ge=0)] = 0  # 0: every unannotated pixel gets its best unseen class (release as intended, methods.md 6.3);
    # p: only where that class is among the p best of all (CaGNet: 1 on VOC and COCO-Stuff, 16 on Context)
    views: Literal["one", "mirror", "mirror-scales"] = "one"  # a pseudo-label stands where all views of the image agree (STRICT: 6 views)
    top_share: Probability = 1.0  # of an image's pseudo-labels, the most confident ones stay (ZS3Net: 0.25 on VOC, 0.75 on Context)
    peak: Literal["image", "class"] = "image"  # the largest weight is 1 in each image, or for each class in each image (ours)
    normalisation: Literal["together", "apart"] = "together"
    pseudo_weight: Weight = 1.0  # of the pseudo-label term when normalised apart
    kl_weight: Weight = 0.001  # as in step a
    resolution: Count = 2


class RunConfig(Section):
    """Everything that fixes a run."""

    data: str = "world"
    method: str = "sign"
    preset: str = "quick"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    tuning: bool = False
    upper_bound: bool = False
    unseen_names: bool = True  # False: no unseen class is in the model, so that all of them can be added later (design: add-class)
    label_policy: Literal["masked", "dropped"] = "masked"  # release: masked; article: dropped
    vectors: str = "all"  # or part of the name of one of the data set's vector files, used alone
    image_size: Size | None = None  # height, width that pictures are fitted into; None: as drawn (worlds), chosen at the start (own folder)
    encoder: EncoderConfig = EncoderConfig()
    spatial: SpatialConfig = SpatialConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    classifier: ClassifierConfig = ClassifierConfig()
    step_a: StepAConfig = StepAConfig()
    step_b: StepBConfig = StepBConfig()
    step_c: StepCConfig = StepCConfig()
    self_training: SelfTrainingConfig = SelfTrainingConfig()
    padding: Padding = "replicate"  # of every convolution of E and SIM (ours); zeros, as in the release, betray where the border is
    precision: Precision = "auto"  # of E, SIM and C in training; auto: bfloat16 where the processor has it (config.json names the choice)
    checkpoint_every: Count = 100  # iterations
    variant: str = "default"  # a label for rows of results.json


def with_overrides(config: RunConfig, overrides: dict[str, Any]) -> RunConfig:
    """A copy with dotted keys replaced, e.g. {"step_a.iterations": 100}; values may be text from the command line.

    Raises:
        InputError: an unknown key, or a value out of range.
    """
    values = config.model_dump()
    for key, value in overrides.items():
        *path, last = key.split(".")
        target: Any = values
        for part in [*path, last]:
            if not isinstance(target, dict) or part not in target:
                known = tuple(target) if isinstance(target, dict) else tuple(values)
                raise InputError(f"There is no setting '{key}'; {did_you_mean(part, known)}")
            if part is not last:
                target = target[part]
        if isinstance(target[last], tuple) and isinstance(value, str):
            value = [item for item in value.strip("()[]").split(",") if item.strip()]
        target[last] = value
    return parse(values)


def parse(values: dict[str, Any]) -> RunConfig:
    """Check a plain dictionary (from JSON or overrides).

    Raises:
        InputError: the first thing that is wrong, in one sentence.
    """
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"Setting '{where}' is {first.get('input')!r}: {first['msg'][0].lower()}{first['msg'][1:]}; change it.") from error


QUICK = RunConfig()

DEMO = with_overrides(  # five trainings in about five minutes on two cores; docs/results.md has what QUICK reaches
    QUICK, {"preset": "demo", "step_a.iterations": 450, "self_training.iterations": 120}
)

TINY = with_overrides(  # a few seconds, for tests of the machinery; learns nothing worth reading
    QUICK,
    {
        "preset": "tiny",
        "encoder.stem_width": 8,
        "encoder.widths": [8, 8],
        "encoder.features": 16,
        "spatial.body_channels": 8,
        "spatial.context_channels": 8,
        "generator.hidden": [16],
        "discriminator.hidden": 16,
        "classifier.hidden": 16,
        "step_a.iterations": 4,
        "step_b.iterations": 4,
        "step_c.iterations": 4,
        "self_training.iterations": 2,
        "checkpoint_every": 2,
    },
)

PRESETS = {config.preset: config for config in (QUICK, DEMO, TINY)}
