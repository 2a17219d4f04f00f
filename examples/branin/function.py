"""The Branin function, a usual test case of optimisation and regression.

Definition and domain as in L. C. W. Dixon and G. P. Szegő, Towards Global Optimisation 2 (1978).
"""

import math

X0 = (-5.0, 10.0)
X1 = (0.0, 15.0)

_A = 1.0
_B = 5.1 / (4 * math.pi**2)
_C = 5 / math.pi
_R = 6.0
_S = 10.0
_T = 1 / (8 * math.pi)


def branin(x0: float, x1: float) -> float:
    """Its three minima, all of 0.397887, are at (-pi, 12.275), (pi, 2.275) and (9.42478, 2.475)."""
    return _A * (x1 - _B * x0**2 + _C * x0 - _R) ** 2 + _S * (1 - _T) * math.cos(x0) + _S
