"""Networks without any probability in them; every model takes its networks as arguments."""

from helpers.networks.actnorm import ActNorm
from helpers.networks.affine import Affine
from helpers.networks.attention import AdditiveAttention
from helpers.networks.causal import CausalConvolutions, DilatedLayer
from helpers.networks.convolution import ConvDecoder, ConvEncoder, PositionMap
from helpers.networks.coupling import Coupling, start_at_identity
from helpers.networks.dcgan import ConvDiscriminator, ConvGenerator, spectral_normalisation
from helpers.networks.dense import MLP
from helpers.networks.dependence import dependence
from helpers.networks.evaluation import evaluating, frozen
from helpers.networks.features import FourierFeatures, SignLatents
from helpers.networks.invertible import Chain, Invertible, Transform
from helpers.networks.invertible_linear import InvertibleLinear
from helpers.networks.linear_spline import LinearSpline
from helpers.networks.logit import Logit
from helpers.networks.masked import MADE, MaskedLinear
from helpers.networks.masked_autoregressive import MaskedAutoregressive
from helpers.networks.multi_scale import MultiScale
from helpers.networks.permutation import Permutation
from helpers.networks.pixel import Conditions, GatedPixelCNN, MaskedConv2d, PixelCNN
from helpers.networks.rational_quadratic import RationalQuadraticSpline
from helpers.networks.recurrent import ElmanCell, GRUCell, LSTMCell, set_forget_bias
from helpers.networks.soft_window import SoftWindow
from helpers.networks.squeeze import Squeeze
from helpers.networks.symmetry import SYMMETRIES, Turned, turn_square, turn_square_back
from helpers.networks.transformer import (
    CausalTransformer,
    RecentEmbedding,
    SelfAttention,
    TransformerBlock,
    attend,
    rotate,
)
