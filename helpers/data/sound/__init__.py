"""Sounds: recordings, and vowels and strings by formula."""

from helpers.data.sound.datasets import Sounds as Sounds
from helpers.data.sound.datasets import SoundSplits as SoundSplits
from helpers.data.sound.datasets import load as load
from helpers.data.sound.datasets import pack as pack
from helpers.data.sound.synthesis import FORMANTS as FORMANTS
from helpers.data.sound.synthesis import plucked_string as plucked_string
from helpers.data.sound.synthesis import vowel as vowel
from helpers.data.sound.wav import read_wav as read_wav
