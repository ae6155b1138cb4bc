"""A picture's pixels gathered into the nodes of a graph, and what is computed among nodes.

Nodes are float [B, n, hidden].

Source: Gong et al. 2019 (Graphonomy), sections 3.1 and 3.2; key names of Gaoyiminggithub/Graphonomy
(MIT).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def normalised_adjacency(neighbours: Sequence[Sequence[int]], *, like: Tensor) -> Tensor:
    """Each node's share in its neighbours, itself included: D^-1/2 (A + I) D^-1/2.

    Args:
        neighbours: indices of every node's neighbours. A node that is listed among its own counts
            twice, once by the list and once by I.
        like: gives the device and the float type.

    Returns:
        float [n, n], symmetric if the lists are.

    Source: Kipf and Welling 2017, equation 2.
    """
    n = len(neighbours)
    links = [[float(j in near) + (i == j) for j in range(n)] for i, near in enumerate(neighbours)]
    adjacency = torch.tensor(links, device=like.device)
    # Symmetric, so that a node with many neighbours does not drown the others.
    scale = adjacency.sum(1).rsqrt()
    return (scale[:, None] * adjacency * scale).to(like.dtype)


class PixelsToNodes(nn.Module):
    """Share out every pixel among the nodes, and sum up per node over the whole picture."""

    def __init__(self, width: int, hidden: int, n_nodes: int) -> None:
        super().__init__()
        self.pre_fea = _weight(width, n_nodes)
        self.weight = _weight(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Turn features [B, width, H, W] into nodes."""
        pixels = x.flatten(2).transpose(1, 2)  # [B, H * W, width]
        share = (pixels @ self.pre_fea).softmax(dim=2)
        # Summed before the weights, where the published code sums after: the same, and cheaper.
        return F.relu(share.transpose(1, 2) @ pixels @ self.weight)


class GraphConv(nn.Module):
    """Weigh the nodes' features, then mix every node with its neighbours."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        self.weight = _weight(fan_in, width)

    def forward(self, nodes: Tensor, adjacency: Tensor | None = None) -> Tensor:
        """Without an adjacency every node stays alone."""
        weighed = nodes @ self.weight
        return F.relu(weighed if adjacency is None else adjacency @ weighed)


class Transfer(nn.Module):
    """Carry one graph's nodes over to another's by a fixed table of how related they are."""

    def __init__(self, hidden: int, n_from: int, n_to: int) -> None:
        super().__init__()
        self.weight = _weight(hidden, hidden)
        self.adj = _weight(n_to, n_from)  # published; the table takes its place

    def forward(self, nodes: Tensor, table: Tensor) -> Tensor:
        """Turn nodes [B, n_from, hidden] into [B, n_to, hidden] by a table [n_to, n_from]."""
        return F.relu(table.relu().softmax(dim=1) @ (nodes @ self.weight))


class NodesToPixels(nn.Module):
    """One feature vector per picture, from all nodes."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        # A pixel's own term is the same for every node, so that the softmax over nodes cancels it:
        # the published code computes it, and all pixels of a picture still get one vector.
        self.node_fea_for_res = _weight(width, 1)
        self.node_fea_for_hidden = _weight(hidden, 1)
        self.weight = _weight(hidden, width)

    def forward(self, nodes: Tensor) -> Tensor:
        """Turn nodes into features [B, width, 1, 1]."""
        share = (nodes @ self.node_fea_for_hidden).softmax(dim=1)  # [B, n, 1]
        features = F.relu(share.transpose(1, 2) @ (nodes @ self.weight))  # [B, 1, width]
        return features.transpose(1, 2)[..., None]


def similar(nodes: Tensor, others: Tensor) -> Tensor:
    """For each node of one graph, the mean of the others, weighed by how alike they are.

    Args:
        nodes: [B, n, hidden].
        others: [B, m, hidden].

    Returns:
        [B, n, hidden].
    """
    alike = F.normalize(nodes, dim=2) @ F.normalize(others, dim=2).transpose(1, 2)  # cosines
    return alike.softmax(dim=2) @ others


def _weight(fan_in: int, width: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(fan_in, width) * fan_in**-0.5)
