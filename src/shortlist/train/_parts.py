"""A model and what its objective learns, as one set of named tensors."""

from collections.abc import Iterator

from torch import Tensor, nn

__all__ = ["Parts"]

_OBJECTIVE = "objective/"


class Parts:
    """What a run trains: names of the objective's own tensors begin with ``objective/``.

    Args:
        model: the model.
        module: what the objective learns and remembers, if anything.
    """

    def __init__(self, model: nn.Module, module: nn.Module | None) -> None:
        self.model, self.module = model, module

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every parameter once, with its name."""
        yield from self.model.named_parameters()
        if self.module is not None:
            yield from ((_OBJECTIVE + name, one) for name, one in self.module.named_parameters())

    def modules(self) -> Iterator[nn.Module]:
        """Every module."""
        yield from self.model.modules()
        if self.module is not None:
            yield from self.module.modules()

    def weights(self) -> dict[str, Tensor]:
        """Parameters and buffers of the model alone."""
        return {name: value.detach() for name, value in self.model.state_dict().items()}

    def everything(self) -> dict[str, Tensor]:
        """Parameters and buffers of both."""
        own = {} if self.module is None else self.module.state_dict()
        return self.weights() | {_OBJECTIVE + name: value.detach() for name, value in own.items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take back what ``weights`` or ``everything`` gave."""
        own = {name: value for name, value in tensors.items() if name.startswith(_OBJECTIVE)}
        self.model.load_state_dict({name: value for name, value in tensors.items() if name not in own})
        if self.module is not None and len(own) > 0:
            self.module.load_state_dict({name.removeprefix(_OBJECTIVE): own[name] for name in own})
