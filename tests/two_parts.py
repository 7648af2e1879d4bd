"""The smallest model with an encoder and a head, each with weights and a bias."""

from torch import nn


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Conv2d(4, 2, 1)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network = Network()
