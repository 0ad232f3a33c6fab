"""Which rows belong together, whatever the components are called: the matrix of probabilities, one partition, and how sure it is."""

from bayesgmm.partitions.drawn import UnconvergedWarning
from bayesgmm.partitions.point import Partition, partition
from bayesgmm.partitions.similarity import similarity_matrix

__all__ = ["Partition", "UnconvergedWarning", "partition", "similarity_matrix"]
