r"""Distributions that torch.distributions lacks."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_positive,
    check_range,
    check_same_device,
    check_shape,
)


class StrokeMixture:
    r"""Where a pen goes next: a mixture of K bivariate normals, times a Bernoulli for its lift.

    $$ p(x, y, e) = \Big( \sum_k \pi_k\, \mathcal N\big((x, y);\, \mu_k, \Sigma_k\big) \Big)\,
       q^e (1 - q)^{1 - e}, \qquad \Sigma_k = \begin{pmatrix} s_{k1}^2 & \rho_k s_{k1} s_{k2} \\
       \rho_k s_{k1} s_{k2} & s_{k2}^2 \end{pmatrix} $$

    It is made of 6K + 1 unrestricted numbers, for instance the outputs of a network, in this
    order, each K wide: logits of pi, means of x, means of y, log std of x, log std of y, and r
    with rho = tanh r; then the logit of q. One batch entry is one step of a pen.

    Args:
        raw: (..., 6K + 1), floating point.
        min_std: m, at least 0, in the unit of x and y. The offset is blurred by normal noise of
            this standard deviation: $\Sigma_k + m^2 I$ takes the place of $\Sigma_k$. Then no
            log-density exceeds $-\log (2 \pi m^2)$; with m = 0 it can grow for ever on data that
            repeat or lie on a line.

    Raises:
        TypeError: `raw` is no floating-point tensor.
        ValueError: the last dimension is not 6K + 1, or `min_std` is negative.

    Reference: Graves, arXiv:1308.0850, section 4; the order of the numbers and the sign of the
    logit of q are ours.

    >>> p = StrokeMixture(torch.zeros(5, 13))  # two standard normals, pen up half of the time
    >>> p.log_prob(torch.zeros(5, 3)).exp()[0] * 4 * math.pi
    tensor(1.0000)

    Taught in: applications/handwriting.
    """

    def __init__(self, raw: Tensor, *, min_std: float = 0.0) -> None:
        check_floating("raw", raw)
        width = raw.shape[-1] if raw.ndim else 0
        if width < 7 or width % 6 != 1:
            hint = "six numbers for each of K normals, and one logit"
            raise argument_error("raw", "have shape (..., 6K + 1)", tuple(raw.shape), hint)
        check_at_least("min_std", min_std, 0.0)
        self.components: int = width // 6
        parts = torch.split(raw, [self.components] * 6 + [1], -1)
        self.logits, mu_x, mu_y, log_std_x, log_std_y, self.r = parts[:6]
        self.mu = torch.stack([mu_x, mu_y], -1)  # (..., K, 2)
        self.log_std = torch.stack([log_std_x, log_std_y], -1)  # (..., K, 2)
        if min_std > 0:
            self._blur(min_std**2)
        self.end_logit = parts[6][..., 0]  # (...)

    def _blur(self, m2: float) -> None:
        """Add m2 to both variances: the determinant is a sum of positive terms."""
        variance = (2 * self.log_std).exp()
        product = self.log_std.sum(-1).exp()  # s_1 s_2
        determinant = (product / self.r.cosh()) ** 2 + m2 * variance.sum(-1) + m2 * m2
        self.r = torch.asinh(self.r.tanh() * product * determinant.rsqrt())
        self.log_std = 0.5 * (variance + m2).log()

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of one log-probability: that of `raw` without its last dimension."""
        return self.end_logit.shape

    @property
    def weights(self) -> Tensor:
        r"""Probabilities pi of the components, (..., K), summing to 1."""
        return self.logits.softmax(-1)

    @property
    def std(self) -> Tensor:
        r"""Standard deviations (..., K, 2), above zero."""
        return self.log_std.exp()

    @property
    def rho(self) -> Tensor:
        r"""Correlations (..., K) between x and y, in (−1, 1)."""
        return self.r.tanh()

    def log_prob(self, x: Tensor, *, check: bool = True) -> Tensor:
        r"""Log-density of a step, over all three numbers of the event.

        With $u = (x - \mu_1) / s_1$ and $v = (y - \mu_2) / s_2$ the exponent of one normal is
        $-\tfrac12 (u^2 + w^2)$ with $w = v \cosh r - u \sinh r$, because $1 - \tanh^2 r$ is
        $1 / \cosh^2 r$: no small difference is divided by another.

        Args:
            x: (..., 3): x, y, and e, which is 1 where the pen leaves the paper after this step,
                else 0. Leading dimensions broadcast with the batch shape.
            check: False trusts the values of `x` (its shape is always checked).

        Returns:
            (...), nats; a density in x and y (per squared unit), a probability in e.

        Raises:
            TypeError: `x` is no floating-point tensor.
            ValueError: wrong shape or device, NaN, or e outside [0, 1].
        """
        check_floating("x", x)
        check_shape("x", x, (..., 3), hint="x and y of the offset, and 1 where the pen lifts")
        check_same_device("x", x, "the distribution", self.r.device)
        if check:
            check_finite("x", x)
            check_range("x[..., 2]", x[..., 2], 0, 1, hint="1 where the pen lifts, else 0")
        return self.log_density(x[..., :2]) + self.log_prob_end(x[..., 2])

    def log_density(self, offset: Tensor) -> Tensor:
        r"""Log-density of the offset alone: (..., 2) → (...), nats per squared unit."""
        standard = (offset[..., None, :] - self.mu) * (-self.log_std).exp()  # (..., K, 2)
        u, v = standard.unbind(-1)
        w = v * self.r.cosh() - u * self.r.sinh()
        size = self.r.abs()
        log_cosh = size + F.softplus(-2 * size) - math.log(2)
        log_normal = log_cosh - self.log_std.sum(-1) - 0.5 * (u * u + w * w) - math.log(2 * math.pi)
        return torch.logsumexp(self.logits.log_softmax(-1) + log_normal, -1)

    def log_prob_end(self, end: Tensor) -> Tensor:
        r"""Log-probability of the pen's lift alone: (...) of 0 or 1 → (...), nats."""
        return end * self.end_logit - F.softplus(self.end_logit)

    def biased(self, bias: float) -> StrokeMixture:
        r"""The mixture with less variation, for neater samples.

        $$ s \to s\, e^{-b}, \qquad \pi \propto e^{(1 + b) \hat\pi} $$

        Args:
            bias: b, at least 0; 0 changes nothing, and as it grows one mean is left.

        Returns:
            Another mixture; its log-probabilities are not those of the model.

        Raises:
            ValueError: the bias is negative or not finite.

        Reference: Graves, arXiv:1308.0850, section 5.
        """
        check_at_least("bias", bias, 0.0)
        return self._changed(logits=(1 + bias) * self.logits, log_std=self.log_std - bias)

    def scaled(self, scale: float) -> StrokeMixture:
        r"""The distribution of the step whose offset is `scale` times as long.

        It turns a mixture in standardised units into one in the unit of the data; each step's
        log-density changes by $-2 \log \mathtt{scale}$.
        """
        check_positive("scale", scale)
        return self._changed(mu=scale * self.mu, log_std=self.log_std + math.log(scale))

    def _changed(self, **parts: Tensor) -> StrokeMixture:
        other: StrokeMixture = object.__new__(StrokeMixture)
        other.__dict__.update(self.__dict__ | parts)
        return other

    @torch.no_grad()
    def sample(self, *, rng: torch.Generator | None = None) -> Tensor:
        r"""One step for each batch entry.

        Args:
            rng: draws it; on the device of the distribution.

        Returns:
            (..., 3): offset and 0 or 1.
        """
        shape, like = self.batch_shape, self.r
        if rng is not None:
            check_same_device("rng", rng, "the distribution", like.device)
        flat = self.weights.reshape(-1, self.components)
        k = torch.multinomial(flat, 1, generator=rng).reshape(*shape, 1)
        r = self.r.gather(-1, k)[..., 0]
        chosen = k[..., None].expand(*shape, 1, 2)
        mu, std = (p.gather(-2, chosen)[..., 0, :] for p in (self.mu, self.std))
        options: Any = {"generator": rng, "device": like.device, "dtype": like.dtype}
        eps = torch.randn(*shape, 2, **options)
        second = r.tanh() * eps[..., 0] + eps[..., 1] / r.cosh()
        offset = mu + std * torch.stack([eps[..., 0], second], -1)
        lift = torch.rand(shape, **options) < self.end_logit.sigmoid()
        return torch.cat([offset, lift.to(offset.dtype)[..., None]], -1)
