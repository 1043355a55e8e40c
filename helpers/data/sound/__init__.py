"""Sounds: recordings, and vowels and strings by formula."""

from helpers.data.sound.datasets import Sounds, SoundSplits, load, pack
from helpers.data.sound.synthesis import FORMANTS, plucked_string, vowel
from helpers.data.sound.wav import read_wav
