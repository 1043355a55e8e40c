r"""Networks without any probability in them; every model takes its networks as arguments."""

from helpers.nn.convolution import ConvDecoder, ConvEncoder, PositionMap
from helpers.nn.dcgan import ConvDiscriminator, ConvGenerator, spectral_normalisation
from helpers.nn.dense import MLP
from helpers.nn.evaluation import evaluating
from helpers.nn.features import FourierFeatures, SignLatents
from helpers.nn.frozen import frozen
from helpers.nn.recurrent import ElmanCell, GRUCell, LSTMCell, set_forget_bias
from helpers.nn.residual import ResidualBlock
from helpers.nn.time_embedding import TimeEmbedding

__all__ = [
    "MLP",
    "ConvDecoder",
    "ConvDiscriminator",
    "ConvEncoder",
    "ConvGenerator",
    "ElmanCell",
    "FourierFeatures",
    "GRUCell",
    "LSTMCell",
    "PositionMap",
    "ResidualBlock",
    "SignLatents",
    "TimeEmbedding",
    "evaluating",
    "frozen",
    "set_forget_bias",
    "spectral_normalisation",
]
