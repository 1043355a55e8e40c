r"""How sharp are images?"""

from __future__ import annotations

from torch import Tensor

from helpers.checks import argument_error, check_floating, check_shape
from helpers.metrics.estimates import Estimate, mean_and_standard_error


def sharpness(x: Tensor) -> Estimate:
    r"""Mean square of the discrete Laplacian over the inner pixels, averaged over the images.

    $$ s(x) = \frac{1}{(H-2)(W-2)} \sum_{i, j} \bigl(x_{i+1,j} + x_{i-1,j} + x_{i,j+1} + x_{i,j-1}
       - 4 x_{i,j}\bigr)^2 $$

    Blur lowers it and independent noise on the pixels raises it, so only images without such noise
    (means, not draws) can be compared, and the value of the data is the aim, not a large value.

    Args:
        x: images (N, C, H, W), N at least 2, H and W at least 3; channels are averaged.

    Returns:
        ``(value, standard_error)`` in squared units of x.

    Raises:
        TypeError: `x` is no floating-point tensor.
        ValueError: a wrong shape, images that are too small, or values that are not finite.

    >>> import torch
    >>> edge = (torch.arange(6) < 3).float().expand(2, 1, 5, 6)
    >>> sharpness(edge).value, sharpness((edge + edge.roll(1, 3)) / 2).value
    (0.5, 0.1875)

    Taught in: hybrids.
    """
    check_floating("x", x)
    check_shape("x", x, ("N", "C", "H", "W"))
    if min(x.shape[2:]) < 3:
        raise argument_error("x", "have images of at least 3×3 pixels", tuple(x.shape))
    v = x.detach().double()
    neighbours = v[..., 2:, 1:-1] + v[..., :-2, 1:-1] + v[..., 1:-1, 2:] + v[..., 1:-1, :-2]
    laplacian = neighbours - 4 * v[..., 1:-1, 1:-1]
    return mean_and_standard_error(laplacian.square().mean((1, 2, 3)))
