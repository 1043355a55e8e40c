"""What can be drawn: tensors, arrays and sequences of finite numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from helpers.checks import Dimension, check_data

Array = Tensor | NDArray[Any] | Sequence[Any]


def as_array(
    name: str, x: Array, shape: Sequence[Dimension] = (...,), *, allow_minus_inf: bool = False
) -> NDArray[np.float64]:
    """Anything drawable as a float array on the CPU, finite (or −inf where a density is zero)."""
    tensor = torch.as_tensor(x if isinstance(x, Tensor) else np.asarray(x))
    tensor = tensor.detach().cpu().to(torch.float64)
    finite = tensor.masked_fill(tensor == -math.inf, 0) if allow_minus_inf else tensor
    check_data(name, finite, shape)
    return tensor.numpy()
