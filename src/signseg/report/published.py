"""Numbers that others published, as data with their sources; they are shown in columns of their own and never enter a mean or a verdict.

Seen, unseen and harmonic mIoU in percent. The article of SIGN itself could not be read: its numbers come from tables of later articles.
"""

from dataclasses import dataclass

SOURCES = {
    "C": "README of the CaGNet release",
    "C2": "README of the CaGNetv2 release",
    "RPN": "RPN, NeurIPS 2024, Table 8",
    "IPO": "IPO, Table 13",
    "POMP": "POMP, Table 4",
    "MC": "a third-party digest of MaskCLIP's tables",
    "KR": "a third-party summary of STRICT's tables",
    "memory": "from memory, unverified",
}
DATASETS = {"voc": "VOC 15/5", "coco-stuff": "COCO-Stuff 167/15", "context": "Context 29/4"}
PROTOCOL = (
    "Published numbers of SPNet, ZS3Net, CaGNet, SIGN and STRICT are in SPNet's protocol: training images with unseen pixels are kept and "
    "those pixels ignored, background is ignored, the encoder is a DeepLab-v2 on a ResNet-101 pretrained on ImageNet, words are word2vec "
    "and fastText; the releases of CaGNet and SIGN warp images to a square and compare at the size of the feature map. Lines marked CLIP "
    "rest on pretraining with image-text pairs. Ours are on other data, with another encoder and another evaluation: compare orders, not "
    "values."
)


@dataclass(frozen=True)
class Published:
    """One published line on one data set. unverified: the number was seen in no source."""

    name: str
    dataset: str
    seen: float
    unseen: float
    harmonic: float
    sources: tuple[str, ...]
    note: str = ""

    @property
    def unverified(self) -> bool:
        """Whether the number was seen in no source."""
        return "memory" in self.sources


def _lines(dataset: str, *lines: tuple) -> tuple[Published, ...]:
    return tuple(
        Published(name, dataset, seen, unseen, harmonic, tuple(sources.split()), *note)
        for name, (seen, unseen, harmonic), sources, *note in lines
    )


NUMBERS: tuple[Published, ...] = (
    *_lines(
        "voc",
        ("SPNet", (75.83, 0.01, 0.02), "C", "re-run by the authors of CaGNet, who find it below SPNet's own report"),
        ("SPNet, as quoted later", (73.3, 15.0, 21.8), "POMP", "the harmonic mean of 73.3 and 15.0 is 24.9"),
        ("SPNet, calibrated", (78.00, 15.63, 26.10), "C"),
        ("SPNet + ST", (77.8, 25.8, 38.8), "RPN MC KR"),
        ("ZS3Net", (77.30, 17.65, 28.74), "C", "re-run by the authors of CaGNet"),
        ("ZS3Net + ST", (78.02, 21.15, 33.28), "C"),
        ("CaGNet", (78.40, 26.59, 39.72), "C"),
        ("CaGNet + ST", (78.59, 30.31, 43.66), "C"),
        ("SIGN", (75.4, 28.9, 41.7), "RPN IPO"),
        ("SIGN + AST", (83.5, 41.3, 55.3), "memory"),
        ("CaGNetv2", (78.14, 29.90, 43.26), "C2"),
        ("CaGNetv2 + ST", (78.13, 31.88, 45.28), "C2"),
        ("JoEm", (77.7, 32.5, 45.9), "RPN IPO"),
        ("STRICT", (82.7, 35.6, 49.8), "KR RPN MC"),
        ("ZegFormer (CLIP)", (86.4, 63.6, 73.3), "RPN IPO POMP"),
        ("ZegCLIP (CLIP)", (91.9, 77.8, 84.3), "RPN IPO"),
    ),
    *_lines(
        "coco-stuff",
        ("SPNet", (34.61, 0.70, 1.40), "C", "re-run by the authors of CaGNet"),
        ("SPNet, as quoted later", (20.5, 14.3, 16.8), "POMP"),
        ("SPNet, calibrated", (35.18, 8.73, 13.98), "C"),
        ("SPNet + ST", (34.6, 26.9, 30.3), "RPN MC"),
        ("ZS3Net", (34.66, 9.53, 14.95), "C"),
        ("ZS3Net + ST", (34.89, 10.55, 16.20), "C"),
        ("CaGNet", (35.49, 12.23, 18.19), "C", "often given as 33.5 seen, which is its mIoU over all classes"),
        ("CaGNet + ST", (35.55, 13.40, 19.46), "C"),
        ("SIGN", (32.3, 15.5, 20.9), "RPN"),
        ("SIGN + AST", (31.9, 17.5, 22.6), "memory"),
        ("CaGNetv2", (34.68, 13.89, 19.84), "C2"),
        ("CaGNetv2 + ST", (36.17, 16.54, 22.69), "C2"),
        ("STRICT", (35.3, 30.3, 32.6), "KR MC", "often given as 34.8 or 34.9 harmonic, which is its mIoU over all classes"),
        ("ZegFormer (CLIP)", (36.6, 33.2, 34.8), "RPN POMP", "a user of the official weights measured 36.2 unseen"),
        ("ZegCLIP (CLIP)", (40.2, 41.4, 40.8), "RPN"),
    ),
    *_lines(
        "context",
        ("SPNet", (33.57, 0.0, 0.0), "C"),
        ("SPNet, calibrated", (35.14, 4.00, 7.18), "C"),
        ("ZS3Net", (33.04, 7.68, 12.46), "C"),
        ("ZS3Net + ST", (33.98, 9.53, 14.88), "C"),
        ("CaGNet", (36.10, 14.42, 20.61), "C"),
        ("CaGNet + ST", (36.44, 16.30, 22.52), "C"),
        ("CaGNetv2", (37.18, 14.98, 21.35), "C2"),
        ("CaGNetv2 + ST", (34.82, 19.23, 24.78), "C2"),
    ),
)
UNKNOWN = (
    "No number was found for CSRL on these splits, for SIGN + ST on any, for SIGN on Context, nor any of the article's Table 2. Later "
    "tables also give numbers in ZS3Net's protocol (other splits, background as a class), which are not comparable and not shown."
)
