"""How sharp are images?"""

from torch import Tensor

from helpers.checks import check_counts, check_data
from helpers.metrics.estimates import Estimate, mean_and_standard_error


def sharpness(x: Tensor) -> Estimate:
    r"""Mean square of the Laplacian over the inner pixels, averaged over images (N, C, H, W).

    $$ s(x) = \frac{1}{(H-2)(W-2)} \sum_{i, j} \bigl(x_{i+1,j} + x_{i-1,j} + x_{i,j+1} + x_{i,j-1}
       - 4 x_{i,j}\bigr)^2 $$

    Blur lowers it and noise raises it: compare images without noise (means, not draws); the value
    of the data is the aim.

    Taught in: models/hybrids
    """
    v = check_data("x", x, ("N", "C", "H", "W")).detach().double()
    check_counts(3, height=v.shape[2], width=v.shape[3])
    neighbours = v[..., 2:, 1:-1] + v[..., :-2, 1:-1] + v[..., 1:-1, 2:] + v[..., 1:-1, :-2]
    laplacian = neighbours - 4 * v[..., 1:-1, 1:-1]
    return mean_and_standard_error(laplacian.square().mean((1, 2, 3)))
