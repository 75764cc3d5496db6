"""The paper's Table 2 as a suite: where a pixel is, told in four ways, at three test sizes."""

from signseg.benchmark.suites.values import Cell, Claim, Side, Suite

SCALES = (1.0, 2 / 3, 1.5)


def positions(data: str) -> Suite:
    """The paper's Table 2: no encoding, absolute, absolute with interpolation, relative; three test sizes; nothing else differs."""
    rivals = ("none", "absolute", "absolute-interpolated")
    cells = [Cell("default", data, scales=SCALES)]
    cells += [Cell(name, data, overrides=(("spatial.encoding", name),), scales=SCALES) for name in rivals]
    seen, relative = "miou.seen", Side("default", data=data)
    at = {scale: Side("default", data=data, test_scale=scale) for scale in SCALES[1:]}
    without = Side("none", data=data)
    claims = [Claim("relative > none (S)", relative, without, seen), Claim("relative > none (H)", relative, without)]
    for scale, side in at.items():
        claims.append(Claim(f"relative: S at size x{scale:.2f} >= S at x1 - 2 points", side, relative, seen, margin=0.02))
        for rival in rivals[1:]:
            claims.append(Claim(f"relative > {rival} (S) at size x{scale:.2f}", side, Side(rival, data=data, test_scale=scale), seen))
    return Suite(tuple(cells), tuple(claims))
