"""segexp: which loss, which network, which class grouping segments street scenes best, and is the difference real?"""

from segexp.system.torchvision_build import declare_missing_operators

__version__ = "0.1.0"

declare_missing_operators()
