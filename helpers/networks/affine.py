"""Stretch and shift each value: the simplest map that a coupling layer can make."""

from torch import Tensor


class Affine:
    r"""Each value stretched and shifted by its own two numbers, $a$ and $b$.

    $$ y = x\, e^{s} + b, \qquad s = c \tanh(a / c) $$

    The log-scale stays within ±c, so that no layer can blow up. Where both numbers are zero, this
    is the identity.

    Reference: Dinh et al., arXiv:1605.08803.

    Taught in: models/flow
    """

    size = 2  # numbers that a network gives for each value

    def __init__(self, largest: float = 2.0) -> None:
        self.largest = largest

    def __call__(self, x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Values (…) and numbers (…, 2) → y (…) and log |dy/dx| (…)."""
        log_scale, shift = self._numbers(raw)
        return x * log_scale.exp() + shift, log_scale

    def inverse(self, y: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Back: x (…) and log |dx/dy| (…)."""
        log_scale, shift = self._numbers(raw)
        return (y - shift) * (-log_scale).exp(), -log_scale

    def _numbers(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        a, shift = raw.unbind(-1)
        return self.largest * (a / self.largest).tanh(), shift
