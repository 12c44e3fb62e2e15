"""DLRM, DCN-v2 and DeepFM as one writes them in plain PyTorch: an nn.Embedding a column, float32."""

import torch
from torch import Tensor, nn

from _rank.data import BOTTOM, CODES, CROSSES, DIM, HIDDEN, NUMBERS, Clicks

WIDTH = CODES * DIM + NUMBERS


def layers(width: int, hidden: tuple[int, ...], *, out: bool = True) -> nn.Sequential:
    """Linear layers with ReLU; a last one to one number if asked for."""
    parts: list[nn.Module] = []
    for size in hidden:
        parts += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*parts, *([nn.Linear(width, 1)] if out else []))


class Inputs(nn.Module):
    """Embeddings ``[N, 26, D]`` and numbers ``[N, 13]`` of a batch."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, dim) for _ in range(CODES))
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, columns: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        vectors = torch.stack([table(columns[f"c{at}"]) for at, table in enumerate(self.tables)], 1)
        return vectors, torch.stack([columns[f"n{at}"] for at in range(NUMBERS)], 1)


class DLRM(nn.Module):
    """Bottom network, all inner products, top network."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.inputs = Inputs(rows, DIM)
        self.bottom = layers(NUMBERS, (*BOTTOM, DIM), out=False)
        self.top = layers(DIM + (CODES + 1) * CODES // 2, HIDDEN)
        places = torch.tril_indices(CODES + 1, CODES + 1, -1)
        self.register_buffer("places", places[0] * (CODES + 1) + places[1])

    def forward(self, columns: dict[str, Tensor]) -> Tensor:
        vectors, numbers = self.inputs(columns)
        dense = self.bottom(numbers)
        fields = torch.cat([dense.unsqueeze(1), vectors], 1)
        dots = (fields @ fields.transpose(1, 2)).flatten(1)[:, self.places]
        return self.top(torch.cat([dense, dots], 1)).squeeze(1)


class DCN(nn.Module):
    """Full cross layers beside a deep network."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.inputs = Inputs(rows, DIM)
        self.crosses = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(CROSSES))
        self.deep = layers(WIDTH, HIDDEN, out=False)
        self.head = nn.Linear(WIDTH + HIDDEN[-1], 1)

    def forward(self, columns: dict[str, Tensor]) -> Tensor:
        vectors, numbers = self.inputs(columns)
        x = crossed = torch.cat([vectors.flatten(1), numbers], 1)
        for layer in self.crosses:
            crossed = x * layer(crossed) + crossed
        return self.head(torch.cat([crossed, self.deep(x)], 1)).squeeze(1)


class DeepFM(nn.Module):
    """Linear term, products of all pairs, deep network; numbers with a vector of their own each."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.inputs, self.weights = Inputs(rows, DIM), Inputs(rows, 1)
        self.scales = nn.Parameter(torch.randn(NUMBERS, DIM) * 0.05)
        self.linear, self.deep = nn.Linear(NUMBERS, 1), layers(WIDTH, HIDDEN)

    def forward(self, columns: dict[str, Tensor]) -> Tensor:
        vectors, numbers = self.inputs(columns)
        first, _ = self.weights(columns)
        fields = torch.cat([vectors, numbers.unsqueeze(2) * self.scales], 1)
        pairs = (fields.sum(1).square() - fields.square().sum(1)).sum(1) / 2
        deep = self.deep(torch.cat([vectors.flatten(1), numbers], 1))
        return pairs + (first.sum(1) + self.linear(numbers) + deep).squeeze(1)


MODELS = {"DLRM": DLRM, "DCN-v2": DCN, "DeepFM": DeepFM}


def plain(name: str, clicks: Clicks) -> nn.Module:
    """A model by name."""
    (size,) = {column.domain.size for column in clicks.schema if column.domain is not None}
    return MODELS[name](size)
