"""Other partitions of the same classes into seen and unseen: does an ordering depend on which classes happened to be unseen?"""

from signseg.benchmark.suites.values import Cell, Claim, Side, Suite

PARTITIONS = ("p1", "p2", "p3")


def splits(data: str) -> Suite:
    """SIGN under every kind of self-training and CaGNet, on the default partition (where settings were chosen) and on three others."""
    names = (data, *(f"{data}-{partition}" for partition in PARTITIONS))
    cells = [Cell("default", name, kind, method=method) for name in names for method, kind in LINES]
    claims = []
    for name in names:
        sign = Side("default", data=name)
        claims.append(Claim(f"sign+st > sign on {name}", Side("default", "st", name), sign))
        claims.append(Claim(f"sign+ast > sign+st on {name}", Side("default", "ast", name), Side("default", "st", name)))
        claims.append(Claim(f"sign > cagnet on {name}", sign, Side("default", data=name, method="cagnet")))
    return Suite(tuple(cells), tuple(claims))


LINES = (("sign", "none"), ("sign", "st"), ("sign", "ast"), ("cagnet", "none"))
