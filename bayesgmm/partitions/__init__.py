"""Which rows belong together, whatever the components are called: a matrix, one partition, and how sure it is."""

from bayesgmm.partitions.ball import CredibleBall, credible_ball
from bayesgmm.partitions.point import Partition, partition
from bayesgmm.partitions.similarity import similarity_matrix
from bayesgmm.posterior import UnconvergedWarning

__all__ = ["CredibleBall", "Partition", "UnconvergedWarning", "credible_ball", "partition", "similarity_matrix"]
