import math

import pytest
import torch

from helpers.metrics import bits_per_dimension


@pytest.mark.equation("eq-generative-bits", frozen="d6106059")
@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("dims", [1, 5, 64])
def test_uniform_levels_need_their_number_of_bits(bits, dims):
    """Independent answer: 2^b equally likely levels are b bits, counted, not converted."""
    levels = torch.arange(2**bits)
    uniform = torch.distributions.Categorical(probs=torch.ones(2**bits))
    nll = -uniform.log_prob(levels).mean() * dims
    assert bits_per_dimension(nll, dims).item() == pytest.approx(bits)


@pytest.mark.equation("eq-generative-bits", frozen="d6106059")
def test_bits_of_a_code():
    """Levels with probabilities 1/2, 1/4, 1/8, 1/8 have the prefix code 0, 10, 110, 111."""
    p = torch.tensor([0.5, 0.25, 0.125, 0.125])
    lengths = torch.tensor([1.0, 2.0, 3.0, 3.0])
    assert torch.allclose(torch.as_tensor(bits_per_dimension(-p.log(), 1)), lengths)
    first, second = torch.cartesian_prod(torch.arange(4), torch.arange(4)).T  # pairs: D = 2
    nll = -(p[first].log() + p[second].log())
    expected = (lengths[first] + lengths[second]) / 2
    assert torch.allclose(torch.as_tensor(bits_per_dimension(nll, 2)), expected)


def test_dequantised_densities_count_their_unit():
    """A density piecewise constant on the intervals of the levels is as good as its integers."""
    p = torch.tensor([0.5, 0.3, 0.1, 0.1])
    levels = torch.tensor([0, 1, 2, 3, 1])
    density = p * 4  # on [k/4, (k+1)/4]: mass p over width 1/4
    continuous = bits_per_dimension(-density[levels].log(), 1, num_levels=4)
    assert torch.allclose(continuous, bits_per_dimension(-p[levels].log(), 1))


def test_bits_keep_shape_and_type():
    assert isinstance(bits_per_dimension(3.0, 2), float)
    nll = torch.rand(3, 2, requires_grad=True)
    bits = bits_per_dimension(nll, 7)
    assert bits.shape == (3, 2)
    bits.sum().backward()
    assert torch.allclose(nll.grad, torch.full((3, 2), 1 / (7 * math.log(2))))


def test_an_example_without_dimensions_is_refused():
    with pytest.raises(ValueError, match="dims must be an integer of at least 1, got 0"):
        bits_per_dimension(1.0, 0)
