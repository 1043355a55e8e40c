r"""Networks without any probability in them; every model takes its networks as arguments."""

from helpers.networks.attention import AdditiveAttention as AdditiveAttention
from helpers.networks.convolution import ConvDecoder as ConvDecoder
from helpers.networks.convolution import ConvEncoder as ConvEncoder
from helpers.networks.convolution import PositionMap as PositionMap
from helpers.networks.dcgan import ConvDiscriminator as ConvDiscriminator
from helpers.networks.dcgan import ConvGenerator as ConvGenerator
from helpers.networks.dcgan import spectral_normalisation as spectral_normalisation
from helpers.networks.dense import MLP as MLP
from helpers.networks.evaluation import evaluating as evaluating
from helpers.networks.features import FourierFeatures as FourierFeatures
from helpers.networks.features import SignLatents as SignLatents
from helpers.networks.frozen import frozen as frozen
from helpers.networks.recurrent import ElmanCell as ElmanCell
from helpers.networks.recurrent import GRUCell as GRUCell
from helpers.networks.recurrent import LSTMCell as LSTMCell
from helpers.networks.recurrent import set_forget_bias as set_forget_bias
from helpers.networks.residual import ResidualBlock as ResidualBlock
from helpers.networks.soft_window import SoftWindow as SoftWindow
from helpers.networks.time_embedding import TimeEmbedding as TimeEmbedding
