"""Where a pen goes next: a mixture of normals in the plane, and a coin for the pen's lift."""

import copy
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.random import choose, normal, uniform

#: Bounds of raw numbers and of standardised distances: no exponential or square overflows.
BOUND, FAR = 40.0, 1e18


class StrokeMixture:
    r"""A mixture of K bivariate normals for the offset, times a Bernoulli for the lift.

    $$ p(x, y, e) = \Big( \sum_k \pi_k\, \mathcal N\big((x, y);\, \mu_k, \Sigma_k\big) \Big)\,
       q^e (1 - q)^{1 - e}, \qquad \Sigma_k = \begin{pmatrix} s_{k1}^2 & \rho_k s_{k1} s_{k2} \\
       \rho_k s_{k1} s_{k2} & s_{k2}^2 \end{pmatrix} $$

    Args:
        raw: (..., 6K + 1) numbers, each of the first six K wide: logits of pi, means of x, means of
            y, log std of x, log std of y, r with rho = tanh r; then the logit of q.
        min_std: m, in the unit of x and y: $\Sigma_k + m^2 I$ replaces $\Sigma_k$, so that no
            log-density exceeds $-\log (2 \pi m^2)$, not even on data that repeat.

    Reference: Graves, arXiv:1308.0850, section 4; the order and the sign of q's logit are ours.

    Taught in: applications/handwriting
    """

    def __init__(self, raw: Tensor, *, min_std: float = 0.0) -> None:
        K = raw.shape[-1] // 6
        sizes = [K] * 6 + [1]
        _, mu_x, mu_y, *_ = torch.split(raw, sizes, -1)
        bounded = torch.split(raw.clamp(-BOUND, BOUND), sizes, -1)
        self.logits, _, _, log_std_x, log_std_y, self.r, end = bounded  # (..., K), but for `end`
        self.mu = torch.stack([mu_x, mu_y], -1)  # (..., K, 2)
        self.log_std = torch.stack([log_std_x, log_std_y], -1)  # (..., K, 2)
        self.end_logit = end[..., 0]  # (...)
        if min_std > 0:  # the determinant is a sum of positive terms
            m2, variance = min_std**2, (2 * self.log_std).exp()
            product = self.log_std.sum(-1).exp()  # s_1 s_2
            determinant = (product / self.r.cosh()) ** 2 + m2 * variance.sum(-1) + m2 * m2
            self.r = torch.asinh(self.r.tanh() * product * determinant.rsqrt())
            self.log_std = 0.5 * (variance + m2).log()

    @property
    def weights(self) -> Tensor:
        """Probabilities pi of the components, (..., K)."""
        return self.logits.softmax(-1)

    @property
    def std(self) -> Tensor:
        """Standard deviations, (..., K, 2)."""
        return self.log_std.exp()

    @property
    def rho(self) -> Tensor:
        """Correlations of x and y, (..., K), in (−1, 1)."""
        return self.r.tanh()

    @property
    def mean(self) -> Tensor:
        """The mean step, (..., 3); its last number is q."""
        offset = (self.weights[..., None] * self.mu).sum(-2)
        return torch.cat([offset, self.end_logit.sigmoid()[..., None]], -1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of steps, over all three numbers of each: (..., 3) → (...), nats."""
        return self.log_density(x[..., :2]) + self.log_prob_end(x[..., 2])

    def log_density(self, offset: Tensor) -> Tensor:
        r"""Log-density of the offset alone: (..., 2) → (...), nats per squared unit.

        With $u = (x - \mu_1) / s_1$ and $v = (y - \mu_2) / s_2$ the exponent of one normal is
        $-\tfrac12 (u^2 + w^2)$ with $w = v \cosh r - u \sinh r$: no small difference is divided by
        another.
        """
        standard = (offset[..., None, :] - self.mu) * (-self.log_std).exp()  # (..., K, 2)
        u, v = standard.clamp(-FAR, FAR).unbind(-1)
        w = (v * self.r.cosh() - u * self.r.sinh()).clamp(-FAR, FAR)
        size = self.r.abs()
        log_cosh = size + F.softplus(-2 * size) - math.log(2)
        log_normal = log_cosh - self.log_std.sum(-1) - 0.5 * (u * u + w * w) - math.log(2 * math.pi)
        return torch.logsumexp(self.logits.log_softmax(-1) + log_normal, -1)

    def log_prob_end(self, end: Tensor) -> Tensor:
        """Log-probability of the pen's lift alone: (...) of 0 or 1 → (...), nats."""
        return end * self.end_logit - F.softplus(self.end_logit)

    def biased(self, bias: float) -> "StrokeMixture":
        r"""The mixture with less variation, for neater samples; as b grows, one mean is left.

        $$ s \to s\, e^{-b}, \qquad \pi \propto e^{(1 + b) \hat\pi} $$

        Reference: Graves, arXiv:1308.0850, section 5.
        """
        return self._changed(logits=(1 + bias) * self.logits, log_std=self.log_std - bias)

    def scaled(self, scale: float) -> "StrokeMixture":
        """The distribution of the step whose offset is `scale` times as long: another unit."""
        return self._changed(mu=scale * self.mu, log_std=self.log_std + math.log(scale))

    def _changed(self, **parts: Tensor) -> "StrokeMixture":
        other = copy.copy(self)
        other.__dict__.update(parts)
        return other

    @torch.no_grad()
    def sample(self, *, rng: torch.Generator | None = None) -> Tensor:
        """One step for each batch entry: (..., 3), offset and 0 or 1."""
        shape = self.end_logit.shape
        k = choose(self.weights, rng)[..., None]  # (..., 1)
        r = self.r.gather(-1, k)[..., 0]
        chosen = k[..., None].expand(*shape, 1, 2)
        mu, std = (part.gather(-2, chosen)[..., 0, :] for part in (self.mu, self.std))
        eps = normal((*shape, 2), self.r, rng)
        second = r.tanh() * eps[..., 0] + eps[..., 1] / r.cosh()
        offset = mu + std * torch.stack([eps[..., 0], second], -1)
        lift = uniform(shape, self.r, rng) < self.end_logit.sigmoid()
        return torch.cat([offset, lift.to(offset.dtype)[..., None]], -1)
